//! One rule, as a section of a configuration file or an element of `inject-error` says it.

use headcrash_engine::{
    Action, Answer, Dialect, Injection, IoKind, ProgramBuilder, RuleId, Sectors, State,
};
use thiserror::Error;

/// A rule for one event of one node.
///
/// Its numbers are those blkdebug keeps after cutting what was written down to size: `errno` and
/// states have 32 bits, `sector` 64.
///
/// Source: `add_rule` of `block/blkdebug.c`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    /// What a match does.
    pub kind: RuleKind,
    /// The event's name. [`Rule::declare`] wants one that the dialect has.
    pub event: String,
    /// Matches in this state only; 0 is every state.
    pub state: i32,
    /// The line of its section's header, from 1; `None` when it came from options.
    pub line: Option<usize>,
    /// Its section's id. It means nothing.
    pub id: Option<String>,
}

/// What a match of a [`Rule`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RuleKind {
    /// Arm an error: `[inject-error]`.
    InjectError {
        /// Linux numbering; 0 lets the request pass and hides later rules, a negative one reports
        /// success for a request that was dropped.
        errno: i32,
        /// In sectors of 512 bytes; -1 is any, other negative ones fit nothing.
        sector: i64,
        /// Gone after the first injection.
        once: bool,
        /// Answer inside the submission.
        immediately: bool,
        /// This kind of access only; `None` is every kind but block status. Not in 2.6.
        iotype: Option<IoKind>,
    },
    /// Change the state: `[set-state]`.
    SetState {
        /// The next state.
        new_state: i32,
    },
}

/// Why a section makes no rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// No `event`.
    #[error("Missing event name for rule")]
    MissingEvent,
    /// An `event` that 2.6 does not have.
    #[error("Invalid event name \"{0}\"")]
    InvalidEventName(String),
    /// An `event` or `iotype` that 10.0.2 does not have.
    #[error("invalid parameter value: {0}")]
    InvalidParameterValue(String),
}

impl Rule {
    /// blkdebug's default injection: EIO, for any sector, in every state.
    #[must_use]
    pub fn inject_error(event: &str) -> Self {
        let kind = RuleKind::InjectError {
            errno: 5,
            sector: -1,
            once: false,
            immediately: false,
            iotype: None,
        };
        Self { kind, event: event.to_owned(), state: 0, line: None, id: None }
    }

    /// A change to `new_state`, in every state.
    #[must_use]
    pub fn set_state(event: &str, new_state: i32) -> Self {
        let kind = RuleKind::SetState { new_state };
        Self { kind, event: event.to_owned(), state: 0, line: None, id: None }
    }

    /// Adds it to `program`, which is of `dialect`.
    ///
    /// A node that has both a configuration file and rules among its options declares the file's
    /// first; in which order injections and state changes are declared does not matter.
    ///
    /// # Errors
    ///
    /// When `dialect` has no such event. An `iotype` in 2.6 and a negative `errno` without
    /// [`Quirks::Qemu`](headcrash_engine::Quirks::Qemu) are found by
    /// [`ProgramBuilder::build`].
    pub fn declare(
        &self,
        dialect: Dialect,
        program: &mut ProgramBuilder,
    ) -> Result<RuleId, RuleError> {
        check_event(&self.event, dialect)?;
        let (action, once) = match self.kind {
            RuleKind::InjectError { errno, sector, once, immediately, iotype } => {
                let injection = Injection {
                    answer: Answer::from_number(errno),
                    sectors: Sectors::from_number(sector),
                    immediately,
                    kind: iotype,
                };
                (Action::Inject(injection), once)
            }
            RuleKind::SetState { new_state } => (Action::SetState(State(new_state)), false),
        };
        let event = program.event(&self.event);
        let state = State(self.state);
        Ok(program.rule(headcrash_engine::Rule { event, state, action, once }))
    }
}

/// Whether `dialect` has an event of this name, and what it says otherwise.
pub(super) fn check_event(name: &str, dialect: Dialect) -> Result<(), RuleError> {
    if dialect.events().contains(&name) {
        return Ok(());
    }
    Err(match dialect {
        Dialect::Qemu2_6 => RuleError::InvalidEventName(name.to_owned()),
        Dialect::Qemu10 => RuleError::InvalidParameterValue(name.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use headcrash_engine::Quirks;

    use super::*;

    #[track_caller]
    fn check(event: &str, dialect: Dialect, expected: &str) {
        let mut program = ProgramBuilder::new(dialect, Quirks::Qemu);
        let actual = match Rule::inject_error(event).declare(dialect, &mut program) {
            Ok(rule) => format!("rule {}", rule.index()),
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected);
    }

    #[test]
    fn each_dialect_refuses_other_events_in_its_own_words() {
        check("read_aio", Dialect::Qemu2_6, "rule 0");
        check("none", Dialect::Qemu10, "rule 0");
        check("none", Dialect::Qemu2_6, "Invalid event name \"none\"");
        check(
            "l1_grow.alloc_table",
            Dialect::Qemu10,
            "invalid parameter value: l1_grow.alloc_table",
        );
        check("", Dialect::Qemu10, "invalid parameter value: ");
    }

    #[test]
    fn a_declared_rule_has_the_engines_types() {
        let mut program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Qemu);
        for (errno, answer) in [(0, Answer::Mask), (-5, Answer::Pretend)] {
            let mut rule = Rule::inject_error("pwritev");
            rule.kind = RuleKind::InjectError {
                errno,
                sector: -2,
                once: true,
                immediately: true,
                iotype: Some(IoKind::Write),
            };
            rule.declare(Dialect::Qemu10, &mut program).unwrap();
            let program = program.clone().build().unwrap();
            let declared = program.rules().last().unwrap();
            assert!(declared.once);
            let Action::Inject(injection) = &declared.action else { panic!("{declared:?}") };
            assert_eq!(injection.answer, answer);
            assert_eq!(injection.sectors, Sectors::One(-2));
            assert_eq!(injection.kind, Some(IoKind::Write));
        }
    }
}
