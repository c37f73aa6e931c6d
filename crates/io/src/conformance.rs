//! What an implementation of one of the traits has to do, case by case.
//!
//! Each function takes a name for the implementation and a closure that makes a fresh, empty one. It
//! returns if every case came out as expected. For tests: of the real ones here, and of simulated
//! ones elsewhere, which so are known to agree.
//!
//! ```
//! # #[cfg(unix)]
//! headcrash_io::conformance::file("std", || tempfile::tempfile().expect("there is room"));
//! ```
//!
//! What an error is called is only asked where it is the same on every system.

mod block_device;
mod cursor;
mod directory;
mod file;

use std::fmt::Debug;
use std::io::{self, ErrorKind};

pub use block_device::block_device;
pub use cursor::{Stream, cursor};
pub use directory::directory;
pub use file::{file, fixed_file};

/// One case, for what is said when it fails.
struct Case<'a> {
    implementation: &'a str,
    claim: &'static str,
}

impl Case<'_> {
    #[track_caller]
    fn same<T: PartialEq + Debug>(&self, what: &str, got: T, expected: T) {
        assert!(got == expected, "{self}: {what}: {got:?}, not {expected:?}");
    }

    #[track_caller]
    fn holds(&self, what: &str, holds: bool) {
        assert!(holds, "{self}: {what}");
    }

    /// What should not have failed.
    #[track_caller]
    fn ok<T>(&self, what: &str, answer: io::Result<T>) -> T {
        answer.unwrap_or_else(|error| panic!("{self}: {what}: {error} ({:?})", error.kind()))
    }

    /// What should have failed, in whatever way.
    #[track_caller]
    fn error<T>(&self, what: &str, answer: io::Result<T>) -> ErrorKind {
        let Err(error) = answer else { panic!("{self}: {what}: it is done, and is no error") };
        error.kind()
    }

    /// What should have failed like this.
    #[track_caller]
    fn fails<T>(&self, what: &str, answer: io::Result<T>, kind: ErrorKind) {
        self.same(what, self.error(what, answer), kind);
    }
}

impl std::fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.implementation, self.claim)
    }
}

/// Runs each case with an implementation of its own.
struct Suite<'a, M> {
    implementation: &'a str,
    fresh: M,
}

impl<T, M: FnMut() -> T> Suite<'_, M> {
    fn case(&mut self, claim: &'static str, check: impl FnOnce(&Case<'_>, T)) {
        check(&Case { implementation: self.implementation, claim }, (self.fresh)());
    }
}

/// Numbers for cases with many moves: always the same, and all over the place.
struct Numbers(u64);

impl Numbers {
    /// Less than `end`.
    fn below(&mut self, end: usize) -> usize {
        // The constants are Knuth's, of MMIX; the low bits are poor.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % end
    }

    /// As many bytes as asked for, none of them zero.
    fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(255) as u8 + 1).collect()
    }
}
