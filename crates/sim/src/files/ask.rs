//! Who answers what a power cut left open, and who is told.

use alloc::sync::Arc;
use core::fmt;

use super::Inode;
use crate::{Choices, Key, Point, PointKind};

/// Who answers what a power cut left open, and who is told what was answered.
pub struct FileCx<'a> {
    /// Asked when something that can be found in more than one state is looked at.
    pub choices: &'a mut dyn Choices,
    /// Told of everything that was open and is not any more.
    pub witness: &'a mut dyn FnMut(Resolved),
}

impl fmt::Debug for FileCx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileCx").finish_non_exhaustive()
    }
}

impl FileCx<'_> {
    /// One of `count` states, newest first. What can go one way only is not asked.
    pub(super) fn choose(&mut self, key: Key, count: usize) -> usize {
        if count < 2 {
            return 0;
        }
        let answer = self.choices.choose(Point::new(PointKind::CrashSector, key), count as u64);
        (answer as usize).min(count - 1)
    }
}

/// What a power cut left of one place, found out when it was first looked at.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolved {
    /// What was looked at, and what was found.
    pub place: Place,
    /// In how many ways it could have been found, given what had been found before. One: earlier
    /// answers left no other, and nobody was asked.
    pub candidates: u32,
    /// Which of them it is; 0 is the newest.
    pub chosen: u32,
}

/// A place that a power cut can leave in several states, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// A name in a directory.
    Entry {
        /// The directory.
        directory: Inode,
        /// The name.
        name: Arc<str>,
        /// What has that name now, if anything has.
        found: Option<Inode>,
    },
    /// How long a file is.
    Length {
        /// The file.
        inode: Inode,
        /// Its length in bytes.
        len: u64,
    },
    /// One unit of a file's data.
    Data {
        /// The file.
        inode: Inode,
        /// The first byte.
        at: u64,
        /// How many bytes, up to the file's end.
        len: u64,
        /// It is as it was before the last power cut; if that was left open by an earlier one,
        /// the answer to that follows.
        below: bool,
    },
}
