//! Scenario files, and running one.

use std::sync::Arc;

pub mod blkdebug;
pub mod campaign;
pub mod conformance;
pub mod crash;
mod exchange;
mod explain;
mod failure;
mod file;
pub mod formats;
pub mod ladder;
mod lower;
pub mod mutate;
mod names;
mod run;
mod scenario;
mod schema;
pub mod shrink;
mod source;
pub mod trace;
pub mod walk;

pub use exchange::{
    Commands, ConfigFile, ExportLogError, ExportOptions, Exported, ExportedLog, ImportError,
    ImportOptions, Imported, LogNote, NotCarried, export_blkdebug, export_log, import_blkdebug,
    import_blkparse, import_fio, import_lazyfs, import_log,
};
pub use explain::{explain, explain_presets};
pub use failure::{
    FAILURE_MAX, FAILURE_VERSION, Failure, FailureError, Lenient, RecordedChoice, Replayed,
    command_line, repeat_command, replay_command,
};
pub use names::counted;
pub use run::{
    Busy, Coverage, CrashPoint, Endless, Example, Exhausted, Exhaustion, Exploration, FACTS_MAX,
    Images, Keep, Method, Moment, NoMethod, Outcome, Run, STEPS_MAX, Stopped, Tried, UNDECIDED_MAX,
    Variant, Verdicts, Violation, Waiter, WholeImage, explore, run, run_as, run_seed, stop_at,
    undecided,
};
pub use scenario::{
    BadOperation, Client, Code, Company, Condition, Content, CutAt, Difference, Disk, DiskIndex,
    EXPECTATION, Expect, Extent, FailEach, FailFiles, Failing, FaultPlace, FileIo, FileIoKind,
    FileSystem, FileSystemIndex, Finding, Finds, Gets, Guest, HandleIndex, Io, MISUSE, MarkIndex,
    Medium, Node, OnMisuse, Operation, Pattern, PowerCut, Property, PropertyKind, RECOVERS,
    Remains, RequestIndex, RuleInfo, RulePlace, SavedIndex, Scenario, Search, Seeds, Stage,
    StageClient, StageDisk, StateOrder, Step, StepIndex, StepKind, Subject, Suspensions, TagIndex,
    TagInfo, Top, Wanted, WrittenOperation, crc32,
};
pub use schema::json_schema;
pub use source::{Diagnostic, Errors, Label, Location, Source, Span};

/// Reads a scenario from `text`, which is called `name` in messages.
///
/// # Errors
///
/// Everything that is wrong with it, in file order.
pub fn parse(name: &str, text: &[u8]) -> Result<Scenario, Errors> {
    let (file, source, tree) = file::read(name, text)?;
    lower::lower(file, source, &tree, None)
}

/// The same, where `subject: ..` may name this code.
///
/// # Errors
///
/// Everything that is wrong with it, in file order; what the code says is wrong with an operation
/// points at that operation.
pub fn parse_with(name: &str, text: &[u8], code: &Arc<dyn Code>) -> Result<Scenario, Errors> {
    let (file, source, tree) = file::read(name, text)?;
    lower::lower(file, source, &tree, Some(code))
}
