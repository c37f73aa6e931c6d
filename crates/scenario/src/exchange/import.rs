//! From blkdebug to a scenario.

use std::fmt::Write as _;
use std::io;

use headcrash_engine::Dialect;
use thiserror::Error;

use super::record::{Recorded, Recorder};
use super::{NotCarried, rules, shown};
use crate::blkdebug::conf::{self, ConfError};
use crate::blkdebug::filename;
use crate::blkdebug::script::{self, ScriptError};
use crate::blkdebug::spec::{ImageSpec, Spec};
use crate::file::{self, File, Gets, Step};
use crate::run::{self, Keep, Outcome};
use crate::source::{Errors, MAX_LEN};

/// What to import, besides the nodes themselves.
#[derive(Clone, Copy, Debug)]
pub struct ImportOptions<'a> {
    /// What the nodes come from, for messages: the name of a configuration file, or a name or
    /// options as QEMU takes them.
    pub name: &'a str,
    /// Whose blkdebug it is.
    pub dialect: Dialect,
    /// What to do with the disk; without any, one write, read and flush.
    pub commands: Option<Commands<'a>>,
    /// How many bytes the image has, if it does not say so itself.
    pub size: u64,
    /// What the image holds, if that is known; else it is zeroes.
    pub contents: Option<&'a [u8]>,
}

/// A script of `qemu-io` commands.
#[derive(Clone, Copy, Debug)]
pub struct Commands<'a> {
    /// What it is called in messages.
    pub name: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// A scenario that was imported.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The scenario file: it is valid, and holds when it is run.
    pub ron: String,
    /// What it leaves behind.
    pub not_carried: Vec<NotCarried>,
}

/// Why nothing is imported.
#[derive(Debug, Error)]
pub enum ImportError {
    /// A configuration file that cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// What is wrong.
        error: io::Error,
    },
    /// A configuration file that QEMU does not accept.
    #[error("{path}:{} {error}", .error.line.map_or_else(String::new, |line| format!("{line}:")))]
    Config {
        /// The file.
        path: String,
        /// What it says.
        error: ConfError,
    },
    /// A script that was not even looked at.
    #[error("{name}: {error}")]
    Script {
        /// The script.
        name: String,
        /// What is wrong.
        error: ScriptError,
    },
    /// An image that its node cannot write.
    #[error(
        "Cannot get 'write' permission without 'resize': Image size is not a multiple of request \
         alignment\n{size} bytes are no multiple of {align}"
    )]
    Size {
        /// The image's, in bytes.
        size: u64,
        /// The node's, in bytes.
        align: u64,
    },
    /// A scenario that would not be read.
    #[error("the scenario would have {0} bytes, and at most {MAX_LEN} are read")]
    TooLong(usize),
    /// A scenario that would not be valid, for instance for too many nodes.
    #[error("{}", .0.render(false))]
    Invalid(Errors),
    /// What comes of the scenario depends on chance in too many places.
    #[error("no expectation holds in every order of completions")]
    Undecided,
}

/// A scenario of the nodes that `spec` asks for, each with the answer of today's blkdebug: it
/// holds when it is run. `read_config` reads a node's configuration file.
///
/// The scenario repeats QEMU's own defects (`quirks: qemu`). Every request ends as soon as it can,
/// and the script is played as `qemu-io -t writeback -d unmap` takes it from standard input, one
/// turn of the main loop between two commands. What would make `qemu-io` wait for ever is done in
/// the background if it is a request, and left out otherwise; either is said. `open` after `close`
/// opens the disk again if it is given a name of the same nodes and image; an image without a name
/// is any.
///
/// # Errors
///
/// When the nodes or the script cannot be read, or no valid scenario would come of them.
pub fn import_blkdebug(
    spec: &Spec,
    options: &ImportOptions<'_>,
    mut read_config: impl FnMut(&str) -> io::Result<Vec<u8>>,
) -> Result<Imported, ImportError> {
    let mut import = Import { options, not_carried: Vec::new() };
    let mut file = import.file(spec, &mut read_config)?;
    let commands = options.commands.unwrap_or(DEFAULT);
    let error = |error| ImportError::Script { name: commands.name.to_owned(), error };
    let script = script::parse(commands.text).map_err(error)?;
    let header = import.header();

    // A scenario needs a step to be one; what it says of disks is all that is wanted here.
    file.steps = vec![Step::Sleep(file::step::Sleep { ns: 0 })];
    let bare = valid(&file.to_ron())?;
    let own = spec.clone();
    let dialect = options.dialect;
    let is_same_image = move |path: &str| {
        let is_any = own.image == ImageSpec::File(String::new());
        filename::parse(path, dialect)
            .is_ok_and(|other| other.nodes == own.nodes && (is_any || other.image == own.image))
    };
    let piece = longest_piece(spec, dialect);
    let mut recorder =
        Recorder::new(run::world(&bare, &run::Variant::default()), piece, Box::new(is_same_image));
    for command in &script.commands {
        recorder.play(command.line, &command.operation);
    }
    let Recorded { steps, mut notes } = recorder.finish();
    notes.extend(script.not_carried.into_iter().map(|line| (line.line, line.reason)));
    let lines: Vec<_> = steps.iter().map(|(line, _)| *line).collect();
    if !steps.is_empty() {
        file.steps = steps.into_iter().map(|(_, step)| step).collect();
    }
    let ron = hold(&mut file, &header, &lines, &mut notes)?;
    notes.sort_by_key(|(line, _)| *line);
    let texts: Vec<_> = commands.text.split('\n').collect();
    let not_carried = notes.into_iter().map(|(line, reason)| NotCarried {
        source: commands.name.to_owned(),
        line: Some(line),
        text: texts[line - 1].to_owned(),
        reason,
    });
    import.not_carried.extend(not_carried);
    Ok(Imported { ron, not_carried: import.not_carried })
}

/// What is done where nobody says what to do.
const DEFAULT: Commands<'static> =
    Commands { name: "default commands", text: "write -P 0x11 0 512\nread 0 512\nflush\n" };

/// The least of what the nodes' limits allow at once.
fn longest_piece(spec: &Spec, dialect: Dialect) -> u64 {
    let limits = spec.nodes.iter().flat_map(|node| {
        [node.limits.max_transfer, node.limits.max_write_zero, node.limits.max_discard]
    });
    // 2.6 zeroes by writing from a buffer of this size.
    let zeroes = (dialect == Dialect::Qemu2_6).then_some(16 << 20);
    limits.filter(|limit| *limit > 0).chain(zeroes).min().unwrap_or(u64::MAX)
}

struct Import<'a> {
    options: &'a ImportOptions<'a>,
    not_carried: Vec<NotCarried>,
}

impl Import<'_> {
    fn leave(&mut self, text: impl Into<String>, reason: impl Into<String>) {
        self.not_carried.push(NotCarried {
            source: self.options.name.to_owned(),
            line: None,
            text: text.into(),
            reason: reason.into(),
        });
    }

    /// All but the steps.
    fn file(
        &mut self,
        spec: &Spec,
        read_config: &mut dyn FnMut(&str) -> io::Result<Vec<u8>>,
    ) -> Result<File, ImportError> {
        for option in &spec.left_out {
            self.leave(option, "an option that only matters to QEMU");
        }
        let mut nodes = Vec::new();
        for node in &spec.nodes {
            let mut all = Vec::new();
            if let Some(path) = &node.config {
                let error = |error| ImportError::Read { path: path.clone(), error };
                let text = read_config(path).map_err(error)?;
                let error = |error| ImportError::Config { path: path.clone(), error };
                all = conf::parse(&text, self.options.dialect).map_err(error)?;
            }
            all.extend_from_slice(&node.rules);
            nodes.push((node.limits, all.iter().map(rules::to_file).collect::<Vec<_>>()));
        }
        if nodes.is_empty() {
            self.leave(self.options.name, "there is no blkdebug; one without rules stands in");
        }
        let mut nodes = nodes.into_iter();
        let (limits, first) = nodes.next().unwrap_or_default();
        let mut disk = rules::limits_to_file(&limits);
        disk.below = nodes.map(|(limits, rules)| rules::below_to_file(&limits, rules)).collect();
        disk.top = if spec.raw { file::Top::Raw } else { file::Top::None };
        self.image(&spec.image, &mut disk);
        let limits = spec.nodes.iter().map(|node| node.limits.align).max();
        if let (Some(align), Dialect::Qemu10) =
            (limits.filter(|align| *align > 0), self.options.dialect)
            && !disk.size.is_multiple_of(align)
        {
            return Err(ImportError::Size { size: disk.size, align });
        }
        Ok(File {
            summary: self.summary(),
            dialect: match self.options.dialect {
                Dialect::Qemu10 => file::Dialect::Qemu10,
                Dialect::Qemu2_6 => file::Dialect::Qemu2_6,
            },
            quirks: file::Quirks::Qemu,
            disks: if disk == file::Disk::default() { Vec::new() } else { vec![disk] },
            rules: first,
            ..File::default()
        })
    }

    fn image(&mut self, image: &ImageSpec, disk: &mut file::Disk) {
        let mut size = self.options.size;
        match image {
            ImageSpec::File(_) => self.contents(disk),
            ImageSpec::NullCo { size: own, read_zeroes } => {
                size = *own;
                disk.medium = file::Medium::Null;
                if !read_zeroes {
                    self.leave("null-co", "without read-zeroes, reads leave memory as it was");
                }
            }
            ImageSpec::Other(name) => self.leave(name, "a plain disk stands in for it"),
        }
        // What is too large is found too large when the scenario is read.
        disk.size = size.checked_next_multiple_of(512).unwrap_or(u64::MAX);
        if disk.size != size {
            let reason = format!("a disk has whole sectors of 512 bytes, so it gets {}", disk.size);
            self.leave(format!("an image of {size} bytes"), reason);
        }
    }

    /// What the image holds, where that is said in a few words.
    fn contents(&mut self, disk: &mut file::Disk) {
        const MOST: usize = 64;
        let Some(bytes) = self.options.contents else { return };
        let Some(fill) = bytes.last() else { return };
        let mut at = 0;
        let mut contents = Vec::new();
        for run in bytes.chunk_by(|a, b| a == b) {
            let len = run.len() as u64;
            if run[0] != *fill {
                let data = file::Pattern::Fill(run[0]);
                contents.push(file::disk::Contents { at, len: Some(len), data });
            }
            if contents.len() > MOST {
                let reason = format!("what it holds is more than {MOST} stretches of bytes");
                return self.leave("the image", reason);
            }
            at += len;
        }
        (disk.fill, disk.contents) = (*fill, contents);
    }

    fn summary(&self) -> String {
        match self.options.commands {
            Some(commands) => format!("{} with {}.", self.options.name, commands.name),
            None => format!("{}.", self.options.name),
        }
    }

    /// What it was made from.
    fn header(&self) -> String {
        let mut header = "// Imported from ".to_owned();
        // A String takes all that is written to it, here and below.
        _ = shown(self.options.name, &mut header);
        if let Some(commands) = self.options.commands {
            let mut name = String::new();
            _ = shown(commands.name, &mut name);
            _ = write!(header, " and {name}: `aio7` is what line 7 of {name} submits");
        }
        header.push_str(
            ".\n// The answers are written down as they came; `qemu-io -t writeback -d unmap` \
             gives the same.\n",
        );
        header
    }
}

pub(super) fn valid(ron: &str) -> Result<crate::Scenario, ImportError> {
    if ron.len() > MAX_LEN {
        return Err(ImportError::TooLong(ron.len()));
    }
    crate::parse("imported", ron.as_bytes()).map_err(ImportError::Invalid)
}

/// How many seeds are tried, and how often an expectation is given up.
const SEEDS: u64 = 32;
const ROUNDS: usize = 64;

/// The text of a scenario that holds.
///
/// Where several answers are due at once, QEMU gives them in the order in which they became due,
/// and a run in the order of its seed. So a seed is looked for that does as QEMU; if there is
/// none, what depends on it is expected no longer, which is said.
fn hold(
    file: &mut File,
    header: &str,
    lines: &[usize],
    notes: &mut Vec<(usize, String)>,
) -> Result<String, ImportError> {
    let mut scenario = valid(&(header.to_owned() + &file.to_ron()))?;
    let holds = |seed: &u64| run::run_seed(&scenario, *seed, Keep::Hash).outcome == Outcome::Held;
    if let Some(seed) = (0..SEEDS).find(holds) {
        if seed > 0 {
            file.seed = Some(seed);
        }
        let ron = header.to_owned() + &file.to_ron();
        return if ron.len() > MAX_LEN { Err(ImportError::TooLong(ron.len())) } else { Ok(ron) };
    }
    for _ in 0..ROUNDS {
        let location = match run::run_seed(&scenario, 0, Keep::Hash).outcome {
            Outcome::Held => return Ok(scenario.source().text().to_owned()),
            Outcome::Violated(violation) | Outcome::Refused(violation) => violation.location,
            Outcome::Stuck(waiters) => waiters[0].location,
            Outcome::NotMeasured(_) | Outcome::Endless(_) => break,
        };
        let mut steps = scenario.clients()[0].steps.iter();
        let Some(index) = steps.position(|step| step.location == location) else { break };
        loosen(&mut file.steps[index]);
        if let Some(line) = lines.get(index) {
            notes.push((*line, "what it gets depends on which answer comes first".to_owned()));
        }
        scenario = valid(&(header.to_owned() + &file.to_ron()))?;
    }
    Err(ImportError::Undecided)
}

/// Expects less of a step.
fn loosen(step: &mut Step) {
    let pause = Step::Sleep(file::step::Sleep { ns: 1 });
    match step {
        Step::Read(file::Read { gets, holds, .. }) | Step::Wait(file::Wait { gets, holds, .. })
            if *gets != Gets::Any =>
        {
            (*gets, *holds) = (Gets::Any, None);
        }
        Step::Write(file::Write { gets, .. })
        | Step::WriteZeroes(file::WriteZeroes { gets, .. })
        | Step::Discard(file::Discard { gets, .. })
        | Step::Flush(file::Flush { gets, .. })
            if *gets != Gets::Any =>
        {
            *gets = Gets::Any;
        }
        Step::Resume(tag) => *step = Step::ResumeNone(std::mem::take(tag)),
        Step::ResumeNone(tag) => *step = Step::Resume(std::mem::take(tag)),
        Step::RemoveBreak(tag) => *step = Step::RemoveNoBreak(std::mem::take(tag)),
        Step::RemoveNoBreak(tag) => *step = Step::RemoveBreak(std::mem::take(tag)),
        step => *step = pause,
    }
}
