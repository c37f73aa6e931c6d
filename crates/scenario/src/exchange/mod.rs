//! From QEMU's blkdebug to scenarios, and back.
//!
//! [`import_blkdebug`] plays a script of `qemu-io` commands in a world of ours and writes down
//! every step with the answer it got, so that the scenario documents what blkdebug does and holds
//! when it is run. [`export_blkdebug`] writes a scenario as configuration files, a script and the
//! name to open. Neither reads or writes files, and both say line by line what they leave behind.

mod commands;
mod export;
mod import;
mod log;
mod record;
mod rules;
mod workload;

use std::fmt;

pub use export::{ConfigFile, ExportOptions, Exported, export_blkdebug};
pub use import::{Commands, ImportError, ImportOptions, Imported, import_blkdebug};
pub use log::{ExportLogError, ExportedLog, LogNote, export_log};

pub use workload::{import_blkparse, import_fio, import_lazyfs, import_log};

/// Something that the other side has no words for.
///
/// Its `Display` is `FILE:LINE: TEXT: REASON`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCarried {
    /// The file, or what else it is from.
    pub source: String,
    /// The line, from 1, if it is from one.
    pub line: Option<usize>,
    /// What is there.
    pub text: String,
    /// Why it is not carried over, or only in part.
    pub reason: String,
}

impl fmt::Display for NotCarried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, line, text, reason } = self;
        write!(f, "{source}:")?;
        if let Some(line) = line {
            write!(f, "{line}:")?;
        }
        f.write_str(" ")?;
        shown(text.trim(), f)?;
        write!(f, ": {reason}")
    }
}

/// Text from outside, on one line whatever is in it.
fn shown(text: &str, out: &mut impl fmt::Write) -> fmt::Result {
    text.chars().try_for_each(|letter| match letter {
        letter if letter.is_control() => write!(out, "{}", letter.escape_default()),
        letter => out.write_char(letter),
    })
}

/// What the rules of a scenario that came from nowhere are called in QEMU's name for a disk.
const STEM: &str = "scenario";
