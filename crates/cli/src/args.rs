//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Deterministic simulation testing for storage code.
///
/// Exit codes: 0, every scenario came out as expected; 1, one did not; 2, wrong usage, a file that
/// cannot be read or is not valid, or a run that cannot be trusted.
#[derive(Debug, Parser)]
#[command(version, name = "headcrash", propagate_version = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run scenario files
    Run(RunArgs),
    /// Repeat a recorded failure exactly
    Replay(ReplayArgs),
    /// Print a JSON Schema of scenario files, for editors
    Schema,
    /// Print the reference of every field of a scenario file, with examples
    Explain,
    /// Turn somebody else's test into a scenario file
    Import {
        #[command(subcommand)]
        what: ImportArgs,
    },
    /// Turn a scenario file into somebody else's test
    Export {
        #[command(subcommand)]
        what: ExportArgs,
    },
    /// Compare with what real blkdebugs answered
    Conformance(ConformanceArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// Scenario files, or folders that are searched for them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Run with this seed alone, whatever the file says
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// How traces are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print the trace of every run. Of a single file one is printed anyway: the first run that is
    /// not as expected, or else the first
    #[arg(long)]
    pub(crate) trace: bool,
    /// Write a failure file for each run that did not come out as expected into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) failures: Option<PathBuf>,
    /// Run everything again in another process, and compare event by event
    #[arg(long)]
    pub(crate) check_determinism: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Failure files
    #[arg(required = true, value_name = "FAILURE.ron")]
    pub(crate) files: Vec<PathBuf>,
    /// How the trace is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Replay again in another process, and compare event by event
    #[arg(long)]
    pub(crate) check_determinism: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// JSON lines, versioned
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImportArgs {
    /// QEMU's blkdebug: a configuration file, a `blkdebug:CONF:IMAGE` or `json:{..}` name, or
    /// `driver=blkdebug,..` options
    Blkdebug(ImportBlkdebugArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportBlkdebugArgs {
    /// A configuration file, or a name or options as QEMU takes them
    #[arg(value_name = "FILE.conf|NAME")]
    pub(crate) source: String,
    /// A script of qemu-io commands; with none, one write, read and flush
    #[arg(long, value_name = "SCRIPT")]
    pub(crate) commands: Option<PathBuf>,
    /// Whose blkdebug the configuration is for
    #[arg(long, value_enum, default_value_t = DialectArg::Qemu10)]
    pub(crate) dialect: DialectArg,
    /// Bytes of the image where its file is not at hand
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) size: u64,
    /// Write the scenario here rather than to standard output
    #[arg(long, short, value_name = "FILE.ron")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExportArgs {
    /// QEMU's blkdebug
    Blkdebug(ExportBlkdebugArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportBlkdebugArgs {
    /// The scenario
    #[arg(value_name = "FILE.ron")]
    pub(crate) file: PathBuf,
    /// What to print
    #[arg(long, value_enum, default_value_t = ExportWhat::All)]
    pub(crate) what: ExportWhat,
    /// What the image is called in QEMU's name for the disk
    #[arg(long, value_name = "NAME", default_value = "image.raw")]
    pub(crate) image: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportWhat {
    /// Configuration file, command script and name, one after the other
    All,
    /// The configuration file
    Conf,
    /// The qemu-io command script
    Commands,
    /// The name: `blkdebug:CONF:IMAGE`, or `json:{..}` where that cannot say it
    Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectArg {
    /// QEMU 2.6
    #[value(name = "qemu_2_6", alias = "qemu-2.6")]
    Qemu2_6,
    /// QEMU 10.0.2
    #[value(name = "qemu_10_0_2", alias = "qemu-10.0.2")]
    Qemu10,
}

impl From<DialectArg> for headcrash_engine::Dialect {
    fn from(dialect: DialectArg) -> Self {
        match dialect {
            DialectArg::Qemu2_6 => Self::Qemu2_6,
            DialectArg::Qemu10 => Self::Qemu10,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ConformanceArgs {
    /// Files of recorded cases, one JSON object a line
    #[arg(value_name = "FILE.jsonl", required_unless_present = "live")]
    pub(crate) files: Vec<PathBuf>,
    /// Only cases of this dialect
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<DialectArg>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Make this many random cases and ask the qemu-io that is installed
    #[arg(long, value_name = "N")]
    pub(crate) live: Option<u64>,
    /// What the random cases follow from
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = seed, requires = "live")]
    pub(crate) seed: u64,
}

/// A seed: decimal, or hexadecimal after `0x`; underscores may separate digits.
fn seed(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let parsed = match digits.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => digits.parse(),
    };
    parsed.map_err(|error| format!("{error}; a seed is a number from 0 to 2^64 - 1"))
}
