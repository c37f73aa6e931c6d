//! What a walk goes to.

use headcrash_sim::What;

use crate::scenario::Scenario;

/// What is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Goal {
    /// An event is announced: any, or the one of this name.
    Event(Option<String>),
    /// A step that asks something.
    Choice,
    /// An engine changes its state.
    Transition,
    /// A request is submitted.
    Request,
    /// A request is answered, or lost.
    Completion,
    /// A rule or a fault does something.
    Fault,
    /// The power goes, or comes back.
    Cut,
    /// What a cut left is decided.
    Decision,
    /// Something does not hold.
    Violation,
}

/// The words for them.
pub(super) const GOALS: &[(&str, Goal)] = &[
    ("event", Goal::Event(None)),
    ("choice", Goal::Choice),
    ("transition", Goal::Transition),
    ("request", Goal::Request),
    ("completion", Goal::Completion),
    ("fault", Goal::Fault),
    ("cut", Goal::Cut),
    ("decision", Goal::Decision),
    ("violation", Goal::Violation),
];

impl Goal {
    /// Whether this is it. Choices are no facts.
    pub(super) fn is_met(&self, scenario: &Scenario, what: &What) -> bool {
        match self {
            Self::Event(name) => match what {
                What::Announced { event, .. } => {
                    let events = scenario.disks()[0].nodes[0].program.events();
                    name.as_ref().is_none_or(|name| events.name(*event) == name)
                }
                _ => false,
            },
            Self::Choice => false,
            Self::Transition => matches!(what, What::Moved { .. } | What::Set { .. }),
            Self::Request => matches!(what, What::Submitted { .. } | What::FileSubmitted { .. }),
            Self::Completion => matches!(
                what,
                What::Completed { .. }
                    | What::CompletedShort { .. }
                    | What::FileCompleted { .. }
                    | What::FileCompletedShort { .. }
                    | What::Lost { .. }
            ),
            Self::Fault => matches!(
                what,
                What::Injected { .. }
                    | What::Masked { .. }
                    | What::Struck { .. }
                    | What::FileStruck { .. }
                    | What::Suspended { .. }
                    | What::Damaged { .. }
            ),
            Self::Cut => matches!(
                what,
                What::PowerCut { .. }
                    | What::PowerOn { .. }
                    | What::FilesPowerCut { .. }
                    | What::FilesPowerOn { .. }
            ),
            Self::Decision => matches!(
                what,
                What::Resolved { .. } | What::LengthResolved { .. } | What::FileResolved { .. }
            ),
            Self::Violation => matches!(what, What::Violated { .. }),
        }
    }
}
