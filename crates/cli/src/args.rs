//! The command line.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use headcrash_scenario::{Method, Moment, Search};
use headcrash_sim::Preset;

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
    /// Search for failures: many runs, the smallest failure of each kind, and how to have it again
    Explore(ExploreArgs),
    /// Merge what several explorations found: one finding for each violation
    Report(ReportArgs),
    /// Make a recorded failure smaller
    Shrink(ShrinkArgs),
    /// Walk through a run, forward and backward
    Step(StepArgs),
    /// Explore the states that power cuts can leave: of a scenario's disks, or of a device whose
    /// writes were logged
    Crash(CrashArgs),
    /// Write what is on a disk to a raw file, for fsck, qemu-img and the like
    Image(ImageArgs),
    /// Print a JSON Schema of scenario files, for editors
    Schema,
    /// Print the reference of every field of a scenario file, with examples
    Explain(ExplainArgs),
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
    /// Let a disk begin with what is in a raw file, as long as the disk; the name may be left out
    /// if there is only one disk
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
}

/// A raw file, and the disk that begins with it.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) disk: Option<String>,
    pub(crate) file: PathBuf,
}

/// `DISK=RAW`, or `RAW` alone.
fn loaded(text: &str) -> Result<Loaded, String> {
    let (disk, file) = match text.split_once('=') {
        Some((disk, file)) => (Some(disk.to_owned()), file),
        None => (None, text),
    };
    if file.is_empty() || disk.as_deref() == Some("") {
        return Err("a disk's name, `=` and a file, or a file alone".to_owned());
    }
    Ok(Loaded { disk, file: file.into() })
}

/// A scenario's own crash states are decided as recovery reads. Those of a log (of dm-log-writes or
/// QEMU's blklogwrites) are whole images, which --check looks at; at most 256 MiB of them may be
/// unflushed at a time.
#[derive(Debug, clap::Args)]
pub(crate) struct CrashArgs {
    /// A scenario file, or a log of writes: whatever begins as one, or is not called `.ron`
    #[arg(value_name = "FILE.ron|LOG")]
    pub(crate) file: PathBuf,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Whole images, and up to K writes lost, or kept, against all others; of a log 1 if nothing
    /// is said
    #[arg(long, value_name = "K", conflicts_with = "depth", value_parser = among(1, Search::K_MAX))]
    pub(crate) eager: Option<u64>,
    /// At most so many recoveries, or images of a log [default: the scenario's own, or 10000]
    #[arg(long, value_name = "N", value_parser = among(1, Search::RUNS_MAX))]
    pub(crate) runs: Option<u64>,
    /// What a disk, or the device of a log, holds at the start: a raw file
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,

    /// The seed that the workload follows [default: the scenario's first]
    #[arg(long, value_name = "N", value_parser = seed, help_heading = "Of a scenario")]
    pub(crate) seed: Option<u64>,
    /// Only list the moments at which the power can go, and how many states each leaves
    #[arg(long, help_heading = "Of a scenario")]
    pub(crate) points: bool,
    /// How many decisions of one recovery may be unusual ones
    #[arg(long, value_name = "N", value_parser = among(1, Search::DEPTH_MAX), help_heading = "Of a scenario")]
    pub(crate) depth: Option<u64>,
    /// Write a failure file for the worst run, if it is not as expected, into this folder
    #[arg(long, value_name = "DIR", help_heading = "Of a scenario")]
    pub(crate) failures: Option<PathBuf>,

    /// What the device promises: a preset, see `headcrash explain presets`
    #[arg(long, value_name = "PRESET", value_parser = preset, help_heading = "Of a log")]
    pub(crate) device: Option<Preset>,
    /// The device's sectors, in bytes
    #[arg(long, value_name = "BYTES", conflicts_with = "device", help_heading = "Of a log")]
    pub(crate) sector: Option<u64>,
    /// The device's length in bytes; an --image that is shorter has zeroes behind it [default: that of
    /// --image, or as far as the log reaches if that is more]
    #[arg(long, value_name = "BYTES", help_heading = "Of a log")]
    pub(crate) size: Option<u64>,
    /// Only prefixes of what was not flushed: the first so many writes kept
    #[arg(long, conflicts_with = "eager", help_heading = "Of a log")]
    pub(crate) prefixes: bool,
    /// A command for the shell that looks at an image, whose path stands for `{}`: an exit status
    /// of 0 is clean, any other loud
    #[arg(long, value_name = "COMMAND", help_heading = "Of a log")]
    pub(crate) check: Option<String>,
    /// How long a check may take for one image; then it is ended, all that it has started too, and
    /// the image is loud [default: 60]
    #[arg(long, value_name = "SECONDS", value_parser = among(1, 86_400), requires = "check", help_heading = "Of a log")]
    pub(crate) check_timeout: Option<u64>,
    /// Keep the first images that are not clean, at most 16, in this folder
    #[arg(long, value_name = "DIR", requires = "check", help_heading = "Of a log")]
    pub(crate) keep: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImageArgs {
    /// The scenario
    #[arg(value_name = "FILE.ron")]
    pub(crate) file: PathBuf,
    /// The disk; may be left out if there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) disk: Option<String>,
    /// The seed of the run [default: the scenario's first]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// When: `end`, `cut` (the power goes), or a step as `crash --points` lists them
    #[arg(long, value_name = "MOMENT", default_value = "end", value_parser = moment)]
    pub(crate) at: Moment,
    /// Which state: `newest`; or, of those that a power cut at that moment can leave, `durable`
    /// (everything lost) or the one with this number, from 0 (everything kept)
    #[arg(long, value_name = "STATE", default_value = "newest", value_parser = state)]
    pub(crate) state: State,
    /// States are numbered with up to K writes lost, or kept, against all others
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = among(1, Search::K_MAX))]
    pub(crate) eager: u64,
    /// Let a disk begin with what is in a raw file
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
    /// The raw file to write: sparse where the disk is zeroes
    #[arg(long, short, value_name = "OUT.raw")]
    pub(crate) output: PathBuf,
}

/// Which state of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Newest,
    Durable,
    Nth(u64),
}

fn state(text: &str) -> Result<State, String> {
    match text {
        "newest" => Ok(State::Newest),
        "durable" => Ok(State::Durable),
        _ => text.parse().map(State::Nth).map_err(|_| "`newest`, `durable` or a number".to_owned()),
    }
}

fn moment(text: &str) -> Result<Moment, String> {
    match text {
        "end" => Ok(Moment::End),
        "cut" => Ok(Moment::Cut),
        _ => {
            text.parse().map(Moment::Step).map_err(|_| "`end`, `cut` or a step's number".to_owned())
        }
    }
}

fn preset(text: &str) -> Result<Preset, String> {
    let names: Vec<_> = Preset::ALL.iter().map(|preset| preset.name()).collect();
    Preset::from_name(text).ok_or_else(|| format!("one of {}", names.join(", ")))
}

fn among(least: u64, most: u64) -> impl Fn(&str) -> Result<u64, String> + Clone {
    move |text| match text.parse() {
        Ok(number) if (least..=most).contains(&number) => Ok(number),
        _ => Err(format!("a number from {least} to {most}")),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// What to explain
    #[arg(value_enum, default_value_t = Topic::Scenario)]
    pub(crate) topic: Topic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Topic {
    /// Every field of a scenario file
    Scenario,
    /// The devices that have names: what each promises, and where that is from
    Presets,
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
    /// Follow each kind of question about each actor on its own: for a scenario that was edited
    /// since
    #[arg(long)]
    pub(crate) lenient: bool,
    /// Answer what the recording says nothing about as this seed does, rather than calmly
    #[arg(long, value_name = "SEED", value_parser = seed, requires = "lenient")]
    pub(crate) then: Option<u64>,
    /// The raw file that a disk began with when the failure was recorded
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
}

/// Which runs are made follows from the files, the seeds and the shard alone; how many jobs make
/// them, and for how long, changes nothing about any of them.
#[derive(Debug, clap::Args)]
pub(crate) struct ExploreArgs {
    /// Scenario files, or folders that are searched for them
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// Who answers the choices: `seeded`, `pct:D` or `exhaustive` [default: the scenario's own, or
    /// seeded]
    #[arg(long, value_name = "METHOD")]
    pub(crate) search: Option<Method>,
    /// The seeds of the runs [default: the scenario's own]
    #[arg(long, value_name = "A..B", value_parser = seeds, conflicts_with = "runs", help_heading = "How many runs")]
    pub(crate) seeds: Option<Range<u64>>,
    /// So many runs of each scenario: seeds from 0 on
    #[arg(long, value_name = "N", value_parser = among(1, u64::MAX), help_heading = "How many runs")]
    pub(crate) runs: Option<u64>,
    /// Begin no run after so long: `90s`, `10m`, `2h`. Seeds go on from 0 if none are given
    #[arg(long = "for", value_name = "TIME", value_parser = duration, help_heading = "How many runs")]
    pub(crate) time: Option<Duration>,
    /// Stop when so many runs of a scenario in a row have reached nothing new
    #[arg(long, value_name = "N", value_parser = among(1, u64::MAX), help_heading = "How many runs")]
    pub(crate) until_stable: Option<u64>,
    /// Make every N-th run only, from the I-th on, I from 1 to N: for several machines
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = "How many runs")]
    pub(crate) shard: Option<Shard>,
    /// So many threads [default: as many as there are cores]
    #[arg(long, short, value_name = "N", value_parser = among(1, 4096))]
    pub(crate) jobs: Option<u64>,
    /// Write what was done and found to this file, as JSON lines, and go on where it ends if it is
    /// there
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) results: Option<PathBuf>,
    /// Write the smallest failure of each kind, and the smallest scenario that shows it, into this
    /// folder
    #[arg(long, value_name = "DIR")]
    pub(crate) failures: Option<PathBuf>,
    /// Make a failure smaller with at most so many runs; 0 leaves it as it is
    #[arg(long, value_name = "N", default_value_t = 5_000)]
    pub(crate) shrink: u64,
    /// What is an error besides failures
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) deny: Vec<Deny>,
    /// Make every run again in another process, and compare event by event
    #[arg(long)]
    pub(crate) check_determinism: bool,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Answer another process with this
    #[arg(long, value_enum, hide = true)]
    pub(crate) echo: Option<Echo>,
    /// Leave out one of these at a time, and tell which of them nothing misses
    #[arg(
        long, value_enum, value_name = "WHAT", help_heading = "Instead of searching",
        conflicts_with_all = ["search", "seeds", "time", "until_stable", "shard", "jobs", "results", "deny", "check_determinism"]
    )]
    pub(crate) mutate: Option<Mutate>,
    /// Break one promise of the disks after the other, and tell the weakest device that the code
    /// survives; with the scenario's own seeds and choices. An exit code of 1 is for code that
    /// breaks where every promise is kept
    #[arg(
        long, help_heading = "Instead of searching",
        conflicts_with_all = ["mutate", "search", "seeds", "time", "until_stable", "shard", "jobs", "results", "deny", "check_determinism"]
    )]
    pub(crate) ladder: bool,
}

/// What another process that compares itself with this one asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Echo {
    /// The hashes of runs: each line of standard input has their seeds
    Hashes,
    /// One run's trace
    Trace,
}

/// What is an error besides failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Deny {
    /// A rule that never fired, an expectation that was never looked at, and their like
    Vacuous,
}

/// What is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mutate {
    /// Rules of nodes, and faults of disks
    Rules,
    /// Flushes of clients
    Flushes,
}

/// One part of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 1.
    pub(crate) part: u64,
    pub(crate) of: u64,
}

fn shard(text: &str) -> Result<Shard, String> {
    let parsed = text
        .split_once('/')
        .and_then(|(part, of)| Some(Shard { part: part.parse().ok()?, of: of.parse().ok()? }));
    parsed
        .filter(|shard| (1..=shard.of).contains(&shard.part))
        .ok_or_else(|| "`I/N`, with I from 1 to N".to_owned())
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let parsed =
        text.split_once("..").and_then(|(from, to)| Some(seed(from).ok()?..seed(to).ok()?));
    parsed
        .filter(|range| !range.is_empty())
        .ok_or_else(|| "`A..B`, two seeds, the second larger".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    let (digits, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 0,
    };
    let number: Option<u64> = digits.parse().ok();
    let whole = number.and_then(|number| number.checked_mul(seconds)).filter(|whole| *whole > 0);
    whole.map(Duration::from_secs).ok_or_else(|| "a number and `s`, `m` or `h`".to_owned())
}

#[derive(Debug, clap::Args)]
pub(crate) struct ReportArgs {
    /// What explorations have written
    #[arg(required = true, value_name = "RESULTS.jsonl")]
    pub(crate) files: Vec<PathBuf>,
    /// How results are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// What is an error besides failures
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) deny: Vec<Deny>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShrinkArgs {
    /// The failure file
    #[arg(value_name = "FAILURE.ron")]
    pub(crate) file: PathBuf,
    /// With at most so many runs
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = among(1, u64::MAX))]
    pub(crate) runs: u64,
    /// Write the smaller failure and its scenario into this folder [default: beside the failure]
    #[arg(long, short, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// The raw file that a disk began with when the failure was recorded
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
}

/// Commands come from standard input, one a line; `help` lists them.
#[derive(Debug, clap::Args)]
pub(crate) struct StepArgs {
    /// A failure file, or a scenario
    #[arg(value_name = "FAILURE.ron|FILE.ron")]
    pub(crate) file: PathBuf,
    /// The seed of a scenario's run [default: the scenario's first]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Let a disk begin with what is in a raw file
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
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
    /// A workload as fio logs it (`write_iolog`), version 2 or 3: each file is a disk
    Fio(ImportTextArgs),
    /// A workload as blkparse prints it: each device is a disk
    Blkparse(ImportBlkparseArgs),
    /// A log of writes, as dm-log-writes and QEMU's blklogwrites make them
    Log(ImportTextArgs),
    /// Faults as LazyFS is configured with them, and a workload that meets them
    Lazyfs(ImportTextArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportTextArgs {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Write the scenario here rather than to standard output
    #[arg(long, short, value_name = "FILE.ron")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportBlkparseArgs {
    #[command(flatten)]
    pub(crate) text: ImportTextArgs,
    /// The stage of a request that counts
    #[arg(long, value_enum, default_value_t = Stage::Queued)]
    pub(crate) stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// `Q`: somebody wants it
    Queued,
    /// `D`: the device gets it
    Issued,
    /// `C`: the device is done with it
    Completed,
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
    /// A log of what a disk wrote, as dm-log-writes makes it and replay-log reads it: until the
    /// power goes, or to the end
    Log(ExportLogArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExportLogArgs {
    /// The scenario
    #[arg(value_name = "FILE.ron")]
    pub(crate) file: PathBuf,
    /// The disk; may be left out if there is only one
    #[arg(long, value_name = "NAME")]
    pub(crate) disk: Option<String>,
    /// The seed of the run [default: the scenario's first]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub(crate) seed: Option<u64>,
    /// Put what was never flushed at the end as well, behind a mark `headcrash-unflushed`
    #[arg(long)]
    pub(crate) tail: bool,
    /// Let a disk begin with what is in a raw file
    #[arg(long, value_name = "[DISK=]RAW", value_parser = loaded)]
    pub(crate) image: Vec<Loaded>,
    /// The log to write
    #[arg(long, short, value_name = "OUT.log")]
    pub(crate) output: PathBuf,
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
