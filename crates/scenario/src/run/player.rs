//! Whoever takes steps in a run: a script, or code under test.

use std::hash::Hasher;

use headcrash_sim::{Client, Next, RequestId, Turn};

use super::script::Script;
use super::violation::Claim;
use crate::scenario::{Guest, MarkIndex, RequestIndex, StepIndex};
use crate::source::Location;

/// A client of a run.
#[expect(clippy::large_enum_variant, reason = "scripts are cloned for each state of a cut")]
pub(crate) enum Player<'s> {
    Script(Script<'s>),
    /// Code under test.
    Guest(Box<dyn Guest>),
    /// Somebody who has no part in this, and only keeps a place; or the copy of a guest, which
    /// cannot be copied: it is good for a power cut and nothing else.
    Absent(String),
}

impl Clone for Player<'_> {
    fn clone(&self) -> Self {
        match self {
            Self::Script(script) => Self::Script(script.clone()),
            Self::Guest(guest) => Self::Absent(guest.name().to_owned()),
            Self::Absent(name) => Self::Absent(name.clone()),
        }
    }
}

impl std::fmt::Debug for Player<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Script(script) => script.fmt(f),
            Self::Guest(guest) => write!(f, "Guest({:?})", guest.name()),
            Self::Absent(name) => write!(f, "Absent({name:?})"),
        }
    }
}

impl Client for Player<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Script(script) => script.name(),
            Self::Guest(guest) => guest.name(),
            Self::Absent(name) => name,
        }
    }

    fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next {
        match self {
            Self::Script(script) => script.turn(turn),
            Self::Guest(guest) => guest.turn(turn),
            Self::Absent(name) => panic!("`{name}` has a step to take, and nobody is there"),
        }
    }

    fn is_woken(&self) -> bool {
        match self {
            Self::Guest(guest) => guest.is_woken(),
            Self::Script(_) | Self::Absent(_) => false,
        }
    }

    fn spawned(&mut self) -> Option<Self> {
        match self {
            Self::Guest(guest) => guest.spawned_guest().map(Self::Guest),
            Self::Script(_) | Self::Absent(_) => None,
        }
    }
}

impl<'s> Player<'s> {
    const fn script(&self) -> Option<&Script<'s>> {
        match self {
            Self::Script(script) => Some(script),
            Self::Guest(_) | Self::Absent(_) => None,
        }
    }

    /// Its code comes to its end, whatever it still wants.
    pub(crate) fn bury(&mut self) {
        if let Self::Guest(guest) = self {
            guest.bury();
        }
    }

    /// What code under test waits for, in words.
    pub(crate) fn waits_for(&self) -> Option<String> {
        match self {
            Self::Guest(guest) => Some(guest.waits_for()),
            Self::Script(_) | Self::Absent(_) => None,
        }
    }

    /// Where code under test waits, or was last seen.
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            Self::Guest(guest) => guest.place(),
            Self::Script(_) | Self::Absent(_) => None,
        }
    }

    /// See [`Script::issued`].
    pub(crate) fn issued(&self, request: RequestId) -> Option<Location> {
        self.script()?.issued(request)
    }

    /// See [`Script::marked`].
    pub(crate) fn marked(&self) -> impl Iterator<Item = MarkIndex> {
        self.script().into_iter().flat_map(Script::marked)
    }

    /// See [`Script::is_about_to`].
    pub(crate) fn is_about_to(&self, step: StepIndex) -> bool {
        self.script().is_some_and(|script| script.is_about_to(step))
    }

    /// See [`Script::visited`].
    pub(crate) fn visited(&self) -> impl Iterator<Item = usize> {
        self.script().into_iter().flat_map(Script::visited)
    }

    /// See [`Script::digest`].
    pub(crate) fn digest(&self, hasher: &mut impl Hasher) {
        if let Some(script) = self.script() {
            script.digest(hasher);
        }
    }

    /// See [`Script::take_claim`].
    pub(crate) fn take_claim(&mut self) -> Option<Claim<'s>> {
        match self {
            Self::Script(script) => script.take_claim(),
            Self::Guest(_) | Self::Absent(_) => None,
        }
    }

    /// See [`Script::request`].
    pub(crate) fn request(&self, index: RequestIndex) -> Option<RequestId> {
        self.script()?.request(index)
    }

    /// See [`Script::location`].
    pub(crate) fn location(&self) -> Option<Location> {
        self.script().map(Script::location)
    }
}
