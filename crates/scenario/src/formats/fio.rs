//! What a workload did to files, as `fio` logs it (`write_iolog`) and replays it (`read_iolog`).
//!
//! A line says which version follows, 2 or 3, and each line after it is one action:
//!
//! ```text
//! fio version 2 iolog              fio version 3 iolog
//! /dev/vdb add                     0 /dev/vdb add
//! /dev/vdb open                    0 /dev/vdb open
//! /dev/vdb write 4096 512          1250 /dev/vdb write 4096 512
//! /dev/vdb wait 1250 0             1300 /dev/vdb sync 0 0
//! ```
//!
//! Version 3 begins with microseconds since the start, in place of version 2's waits, each of
//! which counts from the one before. Offsets and lengths are in bytes. There is no data.
//!
//! fio passes over a line it does not understand; here that is an error, as is a file that is
//! used without having been added and opened, on which fio gives up.
//!
//! Source: `iolog.c` and `HOWTO.rst` (Trace file format) of fio.

use std::collections::HashMap;
use std::fmt::{self, Write};

use thiserror::Error;

use super::lines::{self, Faults, Line, Word};
use crate::names::{list, nearest};
use crate::source::{Diagnostic, Errors};

/// The longest name of a file, in bytes: fio cuts off the rest.
const NAME_MAX: usize = 256;

/// What a version of the format can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `fio version 2 iolog`: waits between actions.
    V2,
    /// `fio version 3 iolog`: a time for each action.
    V3,
}

impl Version {
    const ALL: [Self; 2] = [Self::V2, Self::V3];

    const fn header(self) -> &'static str {
        match self {
            Self::V2 => "fio version 2 iolog",
            Self::V3 => "fio version 3 iolog",
        }
    }
}

/// What was done to which files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// Their names, each once, in the order in which they were added.
    pub files: Vec<String>,
    /// In order.
    pub operations: Vec<Operation>,
}

/// One action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// Which of the files.
    pub file: usize,
    /// When, since the start; whole microseconds in a log. Version 2 has no times.
    pub at_ns: Option<u64>,
    /// What.
    pub kind: Kind,
    /// The first byte; 0 for what has no place.
    pub offset: u64,
    /// How many bytes; 0 for what has no place.
    pub len: u64,
    /// The line, from 1.
    pub line: usize,
}

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Makes a file known.
    Add,
    /// Opens it.
    Open,
    /// Closes it.
    Close,
    /// Lets time go by, counted from the wait before. fio leaves out what is below 100. Only
    /// version 2 has it.
    Wait {
        /// How long, in microseconds.
        us: u64,
    },
    /// Reads bytes.
    Read,
    /// Writes bytes.
    Write,
    /// `fsync`.
    Sync,
    /// `fdatasync`.
    Datasync,
    /// Discards bytes.
    Trim,
}

impl Kind {
    /// Those that a log can name; waits are not zero there.
    const ALL: [Self; 9] = [
        Self::Add,
        Self::Open,
        Self::Close,
        Self::Wait { us: 0 },
        Self::Read,
        Self::Write,
        Self::Sync,
        Self::Datasync,
        Self::Trim,
    ];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Open => "open",
            Self::Close => "close",
            Self::Wait { .. } => "wait",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::Datasync => "datasync",
            Self::Trim => "trim",
        }
    }

    /// Whether the line goes on with an offset and a length.
    const fn has_numbers(self) -> bool {
        !matches!(self, Self::Add | Self::Open | Self::Close)
    }
}

/// Reads a log that is called `name` in messages.
///
/// # Errors
///
/// Everything that is wrong with it, in its order; after fifty errors the rest is not looked at.
pub fn parse(name: &str, text: &[u8]) -> Result<Workload, Errors> {
    let text = lines::text(name, text, lines::MAX_LEN)?;
    let mut lines = lines::lines(text);
    let mut faults = Faults::default();
    let mut reader = Reader::default();
    let version = lines.next().map_or_else(|| Err(no_header(None)), read_header);
    match version {
        Err(diagnostic) => faults.push(diagnostic),
        Ok(version) => {
            for line in lines {
                if line.whole().text.is_empty() {
                    continue;
                }
                if let Err(diagnostic) = reader.line(version, line) {
                    faults.push(diagnostic);
                    if faults.are_many() {
                        break;
                    }
                }
            }
        }
    }
    faults.or(reader.workload, name, text)
}

fn read_header(line: Line<'_>) -> Result<Version, Diagnostic> {
    let known = Version::ALL.into_iter().find(|version| version.header() == line.whole().text);
    known.ok_or_else(|| no_header(Some(line)))
}

fn no_header(line: Option<Line<'_>>) -> Diagnostic {
    let text = line.map_or("", |line| line.whole().text);
    let span = line.map(|line| line.whole().span).unwrap_or_default();
    let headers = Version::ALL.map(Version::header);
    let accepted = format!("the first line is `{}` or `{}`", headers[0], headers[1]);
    let diagnostic = Diagnostic::new(span, "this is not how a log of fio begins").help(accepted);
    // Version 1: `rw, offset, length`, and no header.
    let numbers: Vec<_> = text.split(',').map(str::trim).collect();
    if numbers.len() == 3 && numbers.iter().all(|number| lines::is_digits(number)) {
        return diagnostic.help("version 1 is not supported, neither here nor by fio since 1.20");
    }
    diagnostic
}

/// What is known of a file.
struct File {
    index: usize,
    is_open: bool,
}

#[derive(Default)]
struct Reader<'a> {
    /// By name. Only looked up.
    files: HashMap<&'a str, File>,
    workload: Workload,
}

impl<'a> Reader<'a> {
    fn line(&mut self, version: Version, line: Line<'a>) -> Result<(), Diagnostic> {
        let whole = line.whole();
        let mut words = line.words();
        let mut word = |what: &str| {
            let missing = || {
                let message = format!("{what} is missing");
                Diagnostic::new(whole.span, message).help(form_of(version))
            };
            words.next().ok_or_else(missing)
        };
        let at_ns = match version {
            Version::V2 => None,
            Version::V3 => Some(word("the time")?.number("the time", u64::MAX / 1000)? * 1000),
        };
        let name = word("the file")?;
        if name.text.len() > NAME_MAX {
            let message = format!("the file's name has {} bytes", name.text.len());
            return Err(Diagnostic::new(name.span, message)
                .help(format!("at most {NAME_MAX}: fio cuts off the rest")));
        }
        let action = word("the action")?;
        let mut kind = kind(version, action)?;
        let (mut offset, mut len) = (0, 0);
        if kind.has_numbers() {
            offset = word("the offset")?.number("the offset", u64::MAX)?;
            let word = word("the length")?;
            len = word.number("the length", u64::MAX)?;
            if offset.checked_add(len).is_none() {
                return Err(Diagnostic::new(
                    word.span,
                    "it ends behind the last byte there can be",
                )
                .help(format!("from {offset}, at most {} bytes", u64::MAX - offset)));
            }
        }
        if let Kind::Wait { us } = &mut kind {
            *us = std::mem::take(&mut offset);
            len = 0;
        }
        if let Some(more) = words.next() {
            let message = format!("`{}` takes nothing more", kind.name());
            return Err(Diagnostic::new(more.span, message).help(form_of(version)));
        }
        let file = self.file(kind, name)?;
        let line = line.number;
        self.workload.operations.push(Operation { file, at_ns, kind, offset, len, line });
        Ok(())
    }

    /// The file of that name, if this can be done to it; it is added or opened then.
    fn file(&mut self, kind: Kind, name: Word<'a>) -> Result<usize, Diagnostic> {
        if kind == Kind::Add && !self.files.contains_key(name.text) {
            let index = self.workload.files.len();
            self.workload.files.push(name.text.to_owned());
            self.files.insert(name.text, File { index, is_open: false });
        }
        let Some(file) = self.files.get_mut(name.text) else {
            let message = "this file was not added";
            let diagnostic = Diagnostic::new(name.span, message)
                .help("a line with `add` for it, and one with `open`, come before");
            let known = self.workload.files.iter().map(String::as_str);
            return Err(nearest(name.text, known).into_iter().fold(diagnostic, Diagnostic::help));
        };
        match kind {
            Kind::Add | Kind::Wait { .. } => {}
            Kind::Open => file.is_open = true,
            _ if !file.is_open => {
                return Err(Diagnostic::new(name.span, "this file is not open")
                    .help("a line with `open` for it comes before"));
            }
            Kind::Close => file.is_open = false,
            _ => {}
        }
        Ok(file.index)
    }
}

fn kind(version: Version, word: Word<'_>) -> Result<Kind, Diagnostic> {
    let accepted = || {
        let kinds = Kind::ALL.into_iter();
        kinds.filter(move |kind| version == Version::V2 || !matches!(kind, Kind::Wait { .. }))
    };
    if let Some(kind) = accepted().find(|kind| kind.name() == word.text) {
        return Ok(kind);
    }
    let names = || accepted().map(Kind::name);
    let diagnostic = Diagnostic::new(word.span, format!("there is no action `{}`", word.text))
        .help(format!("one of {}", list(names())));
    if word.text == (Kind::Wait { us: 0 }).name() {
        return Err(diagnostic.help("version 3 has times in place of waits"));
    }
    Err(nearest(word.text, names()).into_iter().fold(diagnostic, Diagnostic::help))
}

const fn form_of(version: Version) -> &'static str {
    match version {
        Version::V2 => {
            "`FILE ACTION` for add, open and close; `FILE ACTION OFFSET LENGTH` for all others"
        }
        Version::V3 => {
            "`TIME FILE ACTION` for add, open and close; `TIME FILE ACTION OFFSET LENGTH` for all \
             others; times are microseconds"
        }
    }
}

/// Why a workload cannot be printed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PrintError {
    /// fio would not read it as one word.
    #[error("{0:?} cannot be the name of a file: fio takes 1 to {NAME_MAX} bytes without blanks")]
    Name(String),
    /// No such file.
    #[error("operation {operation} is on file {file}, and there are {files}")]
    NoSuchFile {
        /// Which operation, from 0.
        operation: usize,
        /// Its file.
        file: usize,
        /// How many there are.
        files: usize,
    },
}

impl Workload {
    /// The log, as fio reads it.
    ///
    /// Waits become times in version 3, and times become waits in version 2, where fio leaves out
    /// those below 100 microseconds, and so do we, until they add up. Times are cut to whole
    /// microseconds.
    ///
    /// # Errors
    ///
    /// When it cannot be said.
    pub fn to_text(&self, version: Version) -> Result<String, PrintError> {
        let is_word = |name: &&String| {
            let blank = |c: char| c.is_ascii_whitespace() || c == '\0';
            (1..=NAME_MAX).contains(&name.len()) && !name.contains(blank)
        };
        if let Some(name) = self.files.iter().find(|name| !is_word(name)) {
            return Err(PrintError::Name(name.clone()));
        }
        let mut text = format!("{}\n", version.header());
        // Since the start, in microseconds, by all waits that were printed or read.
        let mut clock = 0_u64;
        for (index, operation) in self.operations.iter().enumerate() {
            let Operation { file, at_ns, kind, .. } = *operation;
            let name = self.files.get(file).ok_or(PrintError::NoSuchFile {
                operation: index,
                file,
                files: self.files.len(),
            })?;
            let now = at_ns.map(|at| at / 1000);
            // A String takes all that is written to it.
            match (version, kind) {
                (Version::V2, _) => {
                    let past = now.unwrap_or(0).saturating_sub(clock);
                    if past >= 100 {
                        clock += past;
                        _ = writeln!(text, "{name} wait {past} 0");
                    }
                    _ = writeln!(text, "{name} {}", Action(operation));
                }
                (Version::V3, Kind::Wait { .. }) => {}
                (Version::V3, _) => {
                    clock = now.unwrap_or(clock);
                    _ = writeln!(text, "{clock} {name} {}", Action(operation));
                }
            }
            if let Kind::Wait { us } = kind {
                clock = clock.saturating_add(us);
            }
        }
        Ok(text)
    }
}

/// A line from its action on.
struct Action<'a>(&'a Operation);

impl fmt::Display for Action<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Operation { kind, offset, len, .. } = *self.0;
        f.write_str(kind.name())?;
        match kind {
            Kind::Wait { us } => write!(f, " {us} 0"),
            _ if kind.has_numbers() => write!(f, " {offset} {len}"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    const V2: &str = "\
fio version 2 iolog
/dev/vdb add
/dev/vdb open
/dev/vdb write 4096 512
/dev/vdb wait 1250 0
/dev/vdb sync 0 0
/dev/vdb datasync 0 0
/dev/vdb trim 0 4096
/dev/vdb read 18446744073709551615 0
/dev/vdb close
";

    const V3: &str = "\
fio version 3 iolog
0 a add
0 b add
2 a open
872 a write 0 16384
1000 b open
1000 b read 512 1
2000 a close
";

    #[track_caller]
    fn reads(text: &str) -> Workload {
        parse("t", text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }

    #[track_caller]
    fn fails(text: &str, expected: &str) {
        let errors = parse("t", text.as_bytes()).expect_err("it is broken");
        assert_eq!(errors.to_string(), expected);
    }

    #[test]
    fn a_log_is_read_line_by_line() {
        let workload = reads(V3);
        assert_eq!(workload.files, ["a", "b"]);
        let operation = Operation {
            file: 0,
            at_ns: Some(872_000),
            kind: Kind::Write,
            offset: 0,
            len: 16384,
            line: 5,
        };
        assert_eq!(workload.operations[3], operation);
        let wait = reads(V2).operations[3];
        assert_eq!((wait.kind, wait.offset, wait.at_ns), (Kind::Wait { us: 1250 }, 0, None));
    }

    #[test]
    fn what_is_printed_reads_back_as_it_was() {
        for (version, text) in [(Version::V2, V2), (Version::V3, V3)] {
            assert_eq!(reads(text).to_text(version).as_deref(), Ok(text));
        }
    }

    #[test]
    fn any_workload_reads_back_as_it_was() {
        let mut noise = Noise(1);
        for round in 0..300 {
            let version = Version::ALL[round % 2];
            let mut workload = Workload::default();
            let mut clock = 0;
            let mut push = |noise: &mut Noise, file, kind: Kind| {
                clock += noise.below(1000) * 1000;
                let at_ns = (version == Version::V3).then_some(clock);
                let has_place = kind.has_numbers() && !matches!(kind, Kind::Wait { .. });
                let offset = if has_place { noise.next() >> noise.below(64) } else { 0 };
                let len = if has_place { noise.next() % (u64::MAX - offset).max(1) } else { 0 };
                let line = workload.operations.len() + 2;
                workload.operations.push(Operation { file, at_ns, kind, offset, len, line });
            };
            let files = noise.below(3) as usize + 1;
            for file in 0..files {
                push(&mut noise, file, Kind::Add);
                push(&mut noise, file, Kind::Open);
            }
            for _ in 0..noise.below(20) {
                let file = noise.below(files as u64) as usize;
                let kind = match Kind::ALL[noise.below(9) as usize] {
                    Kind::Close | Kind::Wait { .. } if version == Version::V3 => Kind::Read,
                    Kind::Close | Kind::Wait { .. } => Kind::Wait { us: noise.below(1 << 40) },
                    kind => kind,
                };
                push(&mut noise, file, kind);
            }
            workload.files = (0..files).map(|file| format!("/dev/vd{file}")).collect();
            let text = workload.to_text(version).expect("it can be said");
            assert_eq!(reads(&text), workload, "{text}");
        }
    }

    #[test]
    fn waits_become_times_and_times_become_waits() {
        let text = reads(V2).to_text(Version::V3).expect("it can be said");
        assert_eq!(
            text,
            "fio version 3 iolog\n0 /dev/vdb add\n0 /dev/vdb open\n0 /dev/vdb write 4096 512\n\
             1250 /dev/vdb sync 0 0\n1250 /dev/vdb datasync 0 0\n1250 /dev/vdb trim 0 4096\n\
             1250 /dev/vdb read 18446744073709551615 0\n1250 /dev/vdb close\n"
        );
        let text = reads(V3).to_text(Version::V2).expect("it can be said");
        assert_eq!(
            text,
            "fio version 2 iolog\na add\nb add\na open\na wait 872 0\na write 0 16384\n\
             b wait 128 0\nb open\nb read 512 1\na wait 1000 0\na close\n"
        );
        // What is too short for a wait is not forgotten.
        let text = "fio version 3 iolog\n0 a add\n60 a open\n120 a close\n";
        let text = reads(text).to_text(Version::V2).expect("it can be said");
        assert_eq!(text, "fio version 2 iolog\na add\na open\na wait 120 0\na close\n");
    }

    #[test]
    fn lines_may_end_as_on_windows_and_be_empty() {
        let text = "fio version 2 iolog\r\n\r\na add\r\n  a   open  \n\n";
        assert_eq!(reads(text).operations.len(), 2);
        assert_eq!(reads("fio version 3 iolog").operations, []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let begin = "this is not how a log of fio begins";
        for text in ["", "\n", "fio version 1 iolog\n", "0, 4096, 512\n", "a add\n"] {
            fails(text, &format!("t:1:1: {begin}"));
        }
        for (line, expected) in [
            ("a", "t:4:1: the action is missing"),
            ("b read 0 1", "t:4:1: this file was not added"),
            ("a raed 0 1", "t:4:3: there is no action `raed`"),
            ("a sync_file_range 0 1", "t:4:3: there is no action `sync_file_range`"),
            ("a sync", "t:4:1: the offset is missing"),
            ("a read 0", "t:4:1: the length is missing"),
            ("a read 0x10 1", "t:4:8: the offset is not a number"),
            ("a read +1 1", "t:4:8: the offset is not a number"),
            ("a read 0 -1", "t:4:10: the length is not a number"),
            ("a read 18446744073709551616 1", "t:4:8: the offset is too large"),
            ("a read 1 18446744073709551615", "t:4:10: it ends behind the last byte there can be"),
            ("a open 0 0", "t:4:8: `open` takes nothing more"),
            ("a read 0 1 2", "t:4:12: `read` takes nothing more"),
            ("1 a read 0 1", "t:4:3: there is no action `a`"),
        ] {
            fails(&format!("fio version 2 iolog\na add\na open\n{line}\na close\n"), expected);
        }
        let long = "a".repeat(257);
        fails(
            &format!("fio version 2 iolog\n{long} add\n"),
            "t:2:1: the file's name has 257 bytes",
        );
        for (line, expected) in [
            ("a read 0 1", "t:4:1: the time is not a number"),
            ("0 a wait 100 0", "t:4:5: there is no action `wait`"),
            ("18446744073709552 a close", "t:4:1: the time is too large"),
        ] {
            fails(&format!("fio version 3 iolog\n0 a add\n0 a open\n{line}\n"), expected);
        }
        fails("fio version 2 iolog\na add\na read 0 1\n", "t:3:1: this file is not open");
        fails("fio version 2 iolog\na add\na close\n", "t:3:1: this file is not open");
    }

    #[test]
    fn all_errors_are_told_and_underlined() {
        let text = "fio version 2 iolog\n/dev/vdb add\n/dev/vda open\n/dev/vdb raed 0 1\n";
        let errors = parse("trace.log", text.as_bytes()).expect_err("it is broken");
        assert_eq!(
            errors.render(false),
            "\
error: this file was not added
 --> trace.log:3:1
  |
3 | /dev/vda open
  | ^^^^^^^^
  |
  = help: a line with `add` for it, and one with `open`, come before
  = help: did you mean `/dev/vdb`?

error: there is no action `raed`
 --> trace.log:4:10
  |
4 | /dev/vdb raed 0 1
  |          ^^^^
  |
  = help: one of `add`, `open`, `close`, `wait`, `read`, `write`, `sync`, `datasync` and `trim`
  = help: did you mean `read`?"
        );
        let many = format!("fio version 2 iolog\n{}", "x\n".repeat(1000));
        let errors = parse("t", many.as_bytes()).expect_err("it is broken");
        assert_eq!(errors.diagnostics().len(), 50);
    }

    #[test]
    fn what_fio_would_not_read_is_not_printed() {
        for name in ["", "a b", "a\nb", &"a".repeat(257)] {
            let workload = Workload { files: vec![name.to_owned()], operations: vec![] };
            let error = workload.to_text(Version::V2).expect_err("it is no word");
            assert_eq!(error, PrintError::Name(name.to_owned()));
        }
        let workload = Workload { files: vec![], ..reads(V3) };
        let error = workload.to_text(Version::V3).expect_err("there is no file");
        assert_eq!(error.to_string(), "operation 0 is on file 0, and there are 0");
    }

    #[test]
    fn nothing_makes_it_panic() {
        let mut noise = Noise(2);
        let words =
            ["add", "wait", "18446744073709551615", " ", "\n", "é", "fio version 3 iolog\n"];
        for round in 0..4000 {
            let text = if round % 2 == 0 { V2 } else { V3 };
            let bytes = noise.mutate(text.as_bytes(), &words);
            match parse("t", &bytes) {
                Ok(workload) => {
                    for version in Version::ALL {
                        _ = workload.to_text(version);
                    }
                }
                Err(errors) => assert!(!errors.render(false).is_empty()),
            }
        }
    }
}
