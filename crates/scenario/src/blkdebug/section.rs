//! The options of one rule, before they are a rule.

use headcrash_engine::{Dialect, IoKind};

use super::error::{ConfFault, ValueError};
use super::rule::{Rule, RuleError, RuleKind, check_event};
use super::value;

/// A kind of section: QEMU's option group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    InjectError,
    SetState,
}

impl Group {
    /// In the order in which blkdebug adds their rules.
    pub(super) const ALL: [Self; 2] = [Self::InjectError, Self::SetState];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InjectError => "inject-error",
            Self::SetState => "set-state",
        }
    }

    pub(super) fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.name() == name)
    }

    /// Whether sections of this kind have an option of this name.
    pub(super) fn has(self, key: &str, dialect: Dialect) -> bool {
        match (self, key) {
            (_, "event" | "state") => true,
            (Self::InjectError, "errno" | "sector" | "once" | "immediately") => true,
            (Self::InjectError, "iotype") => dialect == Dialect::Qemu10,
            (Self::SetState, "new_state") => true,
            _ => false,
        }
    }
}

/// The options of one rule, each checked by itself.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) group: Group,
    pub(super) line: Option<usize>,
    pub(super) id: Option<String>,
    event: Option<String>,
    iotype: Option<String>,
    state: u64,
    errno: u64,
    sector: u64,
    new_state: u64,
    once: bool,
    immediately: bool,
}

impl Section {
    pub(super) const fn new(group: Group, line: Option<usize>, id: Option<String>) -> Self {
        Self {
            group,
            line,
            id,
            event: None,
            iotype: None,
            state: 0,
            errno: 5,
            sector: u64::MAX,
            new_state: 0,
            once: false,
            immediately: false,
        }
    }

    /// Sets an option it [has](Group::has); the last value wins.
    pub(super) fn set(
        &mut self,
        key: &str,
        text: &str,
        dialect: Dialect,
    ) -> Result<(), ValueError> {
        match key {
            "event" => self.event = Some(text.to_owned()),
            "iotype" => self.iotype = Some(text.to_owned()),
            "state" => self.state = value::number(key, text, dialect)?,
            "errno" => self.errno = value::number(key, text, dialect)?,
            "sector" => self.sector = value::number(key, text, dialect)?,
            "new_state" => self.new_state = value::number(key, text, dialect)?,
            "once" => self.once = value::boolean(key, text, dialect)?,
            "immediately" => self.immediately = value::boolean(key, text, dialect)?,
            _ => {}
        }
        Ok(())
    }

    /// As [`Section::set`], for any key.
    pub(super) fn set_any(
        &mut self,
        key: &str,
        text: &str,
        dialect: Dialect,
    ) -> Result<(), ConfFault> {
        if !self.group.has(key, dialect) {
            return Err(ConfFault::InvalidParameter(key.to_owned()));
        }
        Ok(self.set(key, text, dialect)?)
    }

    /// `add_rule`. Numbers lose what does not fit.
    fn rule(self, dialect: Dialect) -> Result<Rule, RuleError> {
        let event = self.event.ok_or(RuleError::MissingEvent)?;
        check_event(&event, dialect)?;
        let kind = match self.group {
            Group::InjectError => RuleKind::InjectError {
                errno: self.errno as i32,
                sector: self.sector as i64,
                once: self.once,
                immediately: self.immediately,
                iotype: self.iotype.map(io_kind).transpose()?,
            },
            Group::SetState => RuleKind::SetState { new_state: self.new_state as i32 },
        };
        Ok(Rule { kind, event, state: self.state as i32, line: self.line, id: self.id })
    }
}

fn io_kind(name: String) -> Result<IoKind, RuleError> {
    let known = IoKind::ALL.into_iter().find(|kind| kind.name() == name);
    known.ok_or(RuleError::InvalidParameterValue(name))
}

/// The rules of a node's sections, in declaration order.
///
/// The error is the one blkdebug meets first: it adds every `inject-error` before any `set-state`.
/// With it comes the line of its section.
pub(super) fn rules(
    sections: Vec<Section>,
    dialect: Dialect,
) -> Result<Vec<Rule>, (Option<usize>, RuleError)> {
    let mut first = None::<(Group, Option<usize>, RuleError)>;
    let mut rules = Vec::with_capacity(sections.len());
    for section in sections {
        let (group, line) = (section.group, section.line);
        match section.rule(dialect) {
            Ok(rule) => rules.push(rule),
            Err(error) if first.as_ref().is_none_or(|(earlier, ..)| group < *earlier) => {
                first = Some((group, line, error));
            }
            Err(_) => {}
        }
    }
    match first {
        Some((_, line, error)) => Err((line, error)),
        None => Ok(rules),
    }
}
