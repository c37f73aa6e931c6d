//! Code under test in a run: there and at work, or known only by what is left of it.

use std::rc::Rc;

use crate::scenario::{Company, Finding, Remains, Scenario};

/// The code under test of a run.
pub(super) enum Troupe {
    /// The scenario has none.
    None,
    /// It is at work.
    Live(Rc<dyn Company>),
    /// No client of it exists.
    Remains(Rc<dyn Remains>),
}

/// A copy knows what there would be to know if the power went now; the code itself cannot be
/// copied.
impl Clone for Troupe {
    fn clone(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Live(company) => Self::Remains(company.remains()),
            Self::Remains(remains) => Self::Remains(Rc::clone(remains)),
        }
    }
}

impl std::fmt::Debug for Troupe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Live(_) => "Live",
            Self::Remains(_) => "Remains",
        })
    }
}

impl Troupe {
    /// At the beginning of a run.
    pub(super) fn begin(scenario: &Scenario) -> Self {
        match scenario.subject() {
            Some(subject) => Self::Live(subject.code.begin(scenario.stage(subject))),
            None => Self::None,
        }
    }

    pub(super) fn company(&self) -> Option<&dyn Company> {
        match self {
            Self::Live(company) => Some(&**company),
            Self::None | Self::Remains(_) => None,
        }
    }

    /// What it is when the power is back. What is known is what is known now.
    pub(super) fn revived(&self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Live(company) => Self::Live(company.remains().revive()),
            Self::Remains(remains) => Self::Live(remains.revive()),
        }
    }

    pub(super) fn take_finding(&self) -> Option<Finding> {
        self.company()?.take_finding()
    }

    /// What was found out, in a number.
    pub(super) fn progress(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Live(company) => company.progress(),
            Self::Remains(remains) => remains.progress(),
        }
    }
}
