//! Virtual time.

use core::fmt;

/// A moment of virtual time: nanoseconds since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Instant(u64);

impl Instant {
    /// When the world begins.
    pub const START: Self = Self(0);

    /// The moment `ns` nanoseconds after the world began.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the world began.
    #[must_use]
    pub const fn ns(self) -> u64 {
        self.0
    }

    /// The moment `ns` nanoseconds later; time ends at 2^64 - 1.
    #[must_use]
    pub const fn after_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_add(ns))
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ns", self.0)
    }
}
