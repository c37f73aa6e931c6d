//! What `blkparse` prints of a trace by `blktrace`: which requests a device saw, and when.
//!
//! ```text
//!   8,0    3        1     0.000000000   697  Q  WS 223490 + 8 [kjournald]
//! ```
//!
//! Device, processor, sequence, seconds, process, action, kind, first sector and number of
//! sectors, and the process' name, or for completions the error. Sectors have 512 bytes. A request
//! is in a trace many times, once for each stage; which one is wanted is for the caller to say.
//!
//! Lines of other actions are passed over, and so is whatever does not begin with a device: what
//! `blkparse` prints at the end, for one. There is no data.
//!
//! Source: `blkparse_fmt.c` of blktrace (the default format, with or without `-t`).

use super::lines::{self, Faults, Line, Word};
use crate::source::{Diagnostic, Errors};

/// A stage in the life of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// `Q`: somebody wants it. Nothing is merged or split yet.
    Queue,
    /// `D`: the device gets it.
    Issue,
    /// `C`: the device is done with it.
    Complete,
}

impl Action {
    /// As the trace has it.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::Queue => 'Q',
            Self::Issue => 'D',
            Self::Complete => 'C',
        }
    }
}

/// What a trace tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// The requests, in the order of their lines.
    pub operations: Vec<Operation>,
    /// Lines of the wanted action that are no reads, writes, discards or flushes, in order.
    pub not_carried: Vec<NotCarried>,
}

/// One request at the wanted stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation {
    /// The device: major and minor number.
    pub device: (u32, u32),
    /// Since the start.
    pub at_ns: u64,
    /// Who it was for.
    pub pid: u32,
    /// What.
    pub kind: Kind,
    /// The first sector, of 512 bytes; 0 for a flush.
    pub at_sector: u64,
    /// How many; 0 for a flush.
    pub sectors: u64,
    /// Whether a flush comes before its data.
    pub preflush: bool,
    /// Whether it is durable when it completes.
    pub fua: bool,
    /// What a completion reports; 0 is success, and so is every other stage.
    pub error: i32,
    /// The line, from 1.
    pub line: usize,
}

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reads.
    Read,
    /// Writes.
    Write,
    /// Discards.
    Discard,
    /// Flushes, and nothing else.
    Flush,
}

/// A line that is not carried over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NotCarried {
    /// The line, from 1.
    pub line: usize,
    /// Why.
    pub reason: &'static str,
}

/// Reads what `blkparse` printed, which is called `name` in messages: the lines of one action.
///
/// # Errors
///
/// Every line that begins as a record and does not go on as one; after fifty errors the rest is
/// not looked at.
pub fn parse(name: &str, text: &[u8], action: Action) -> Result<Trace, Errors> {
    let text = lines::text(name, text, lines::MAX_LEN)?;
    let mut trace = Trace::default();
    let mut faults = Faults::default();
    for line in lines::lines(text) {
        match record(line, action) {
            Ok(Record::Other) => {}
            Ok(Record::Request(operation)) => trace.operations.push(operation),
            Ok(Record::NotCarried(reason)) => {
                trace.not_carried.push(NotCarried { line: line.number, reason });
            }
            Err(diagnostic) => {
                faults.push(diagnostic);
                if faults.are_many() {
                    break;
                }
            }
        }
    }
    faults.or(trace, name, text)
}

enum Record {
    Request(Operation),
    NotCarried(&'static str),
    Other,
}

const FORM: &str =
    "`MAJOR,MINOR CPU SEQUENCE SECONDS.NANOSECONDS PID ACTION KIND SECTOR + SECTORS [PROCESS]`";

fn record(line: Line<'_>, wanted: Action) -> Result<Record, Diagnostic> {
    let mut rest = line.whole();
    // `8,0`: digits and a comma make a line a record.
    let digits = rest.text.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || rest.text.as_bytes().get(digits) != Some(&b',') {
        return Ok(Record::Other);
    }
    let whole = rest;
    let mut word = |what: &str| {
        let word = rest.first_word();
        rest = rest.from(word.text.len());
        if word.text.is_empty() {
            let message = format!("the {what} is missing");
            return Err(Diagnostic::new(whole.span, message).help(FORM));
        }
        Ok(word)
    };
    let device = word("device")?;
    let small = u64::from(u32::MAX);
    let major = device.to(digits).number("the major number", small)?;
    let minor = device.from(digits + 1).number("the minor number", small)?;
    word("processor")?.number("the processor", small)?;
    word("sequence")?.number("the sequence", u64::MAX)?;
    let at_ns = time(word("time")?)?;
    let pid = word("process")?.number("the process", small)?;
    let action = word("action")?;
    if action.text.len() > 2 || !action.text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Diagnostic::new(action.span, "this is no action")
            .help("one or two letters, as `Q`, `D` and `C`"));
    }
    if action.text.chars().ne([wanted.letter()]) {
        return Ok(Record::Other);
    }
    let kind = word("kind")?;
    let letters = Letters::read(kind)?;
    let Some(Body { sectors, error }) = body(rest, whole, wanted)? else {
        return Ok(Record::NotCarried("a command that is passed through"));
    };
    let (kind, (at_sector, sectors)) = match (letters.kind, sectors) {
        (b'D', Some(sectors)) => (Kind::Discard, sectors),
        (b'W', Some(sectors)) => (Kind::Write, sectors),
        (b'R', Some(sectors)) => (Kind::Read, sectors),
        (b'W' | b'N', None) if letters.preflush => (Kind::Flush, (0, 0)),
        (_, None) => return Ok(Record::NotCarried("a request without sectors")),
        (_, Some(_)) => {
            return Err(Diagnostic::new(kind.span, "this kind has no sectors")
                .help("`R`, `W` and `D` have; `N` has not"));
        }
    };
    Ok(Record::Request(Operation {
        device: (major as u32, minor as u32),
        at_ns,
        pid: pid as u32,
        preflush: letters.preflush && kind != Kind::Flush,
        fua: letters.fua && kind != Kind::Flush,
        kind,
        at_sector,
        sectors,
        error,
        line: line.number,
    }))
}

/// `0.000000000`, in nanoseconds.
fn time(word: Word<'_>) -> Result<u64, Diagnostic> {
    let accepted = "seconds, a point and nine digits";
    let bad = |message| Diagnostic::new(word.span, message).help(accepted);
    let (seconds, fraction) = word.text.split_once('.').unwrap_or((word.text, ""));
    if !lines::is_digits(seconds) || !lines::is_digits(fraction) || fraction.len() != 9 {
        return Err(bad("this is no time"));
    }
    let seconds =
        seconds.parse::<u64>().ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let nanoseconds = fraction.parse().ok();
    let all = seconds.zip(nanoseconds).and_then(|(seconds, rest)| seconds.checked_add(rest));
    all.ok_or_else(|| bad("the time is too large"))
}

/// `FWFS` and the like.
struct Letters {
    preflush: bool,
    /// One of `RWDN`.
    kind: u8,
    fua: bool,
}

impl Letters {
    fn read(word: Word<'_>) -> Result<Self, Diagnostic> {
        let bad = || {
            let message = format!("there is no kind `{}`", word.text);
            Diagnostic::new(word.span, message).help(
                "perhaps `F` for a flush before it, one of `R`, `W`, `D` and `N`, and any of `F` \
                 (FUA), `A`, `B`, `S`, `M` and `E`",
            )
        };
        let after = word.text.strip_prefix('F');
        let mut letters = after.unwrap_or(word.text).bytes();
        let kind = letters.next().filter(|kind| b"RWDN".contains(kind)).ok_or_else(bad)?;
        let mut read = Self { preflush: after.is_some(), kind, fua: false };
        for letter in letters {
            match letter {
                b'F' => read.fua = true,
                // A barrier, in traces of old kernels: flushed before and after.
                b'B' => (read.preflush, read.fua) = (true, true),
                b'A' | b'S' | b'M' | b'E' => {}
                _ => return Err(bad()),
            }
        }
        Ok(read)
    }
}

struct Body {
    /// The first, and how many.
    sectors: Option<(u64, u64)>,
    error: i32,
}

/// What follows the kind; `None` for a command that is passed through, of which a stage but the
/// last tells the bytes, and no stage the sector.
///
/// ```text
/// 223490 + 8 (   12345) [kjournald]      [kjournald]      36 (12 00 ..) [hald]
/// 223490 + 8 (   12345) [0]              223490 [0]       (12 00 ..) [0]
/// ```
fn body(all: Word<'_>, whole: Word<'_>, wanted: Action) -> Result<Option<Body>, Diagnostic> {
    let is_done = wanted == Action::Complete;
    let missing = |what: &str| {
        let span = if all.text.is_empty() { whole.span } else { all.span };
        Diagnostic::new(span, format!("{what} is missing")).help(FORM)
    };
    let mut rest = all;
    let mut first = None;
    let mut count = None;
    if rest.text.starts_with(|c: char| c != '[' && c != '(') {
        let word = rest.first_word();
        let at = word.number("the sector", u64::MAX)?;
        first = Some(at);
        rest = rest.from(word.text.len());
        if rest.text.starts_with('+') {
            rest = rest.from(1);
            let word = rest.first_word();
            if word.text.is_empty() {
                return Err(missing("the number of sectors"));
            }
            count = Some(word.number("the number of sectors", u64::MAX - at)?);
            rest = rest.from(word.text.len());
        }
    }
    // How long it took, or the bytes of a command.
    if rest.text.starts_with('(') {
        let end = rest.text.find(')').ok_or_else(|| missing("a `)`"))?;
        rest = rest.from(end + 1);
    }
    let inside = rest.text.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    let inside = inside.ok_or_else(|| {
        missing(if is_done { "the error in brackets" } else { "the process in brackets" })
    })?;
    if if is_done { first.is_none() } else { first.is_some() && count.is_none() } {
        return Ok(None);
    }
    let mut error = 0;
    if is_done {
        error = inside.parse().map_err(|_| {
            Diagnostic::new(rest.span, "this is no error").help("`[0]`, or a number below it")
        })?;
    }
    Ok(Some(Body { sectors: first.zip(count), error }))
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    /// With one of each form, and the lines that are no records.
    const TRACE: &str = "\
Input file sda.blktrace.0 added
  8,0    3        1     0.000000000   697  G   W 223490 + 8 [kjournald]
  8,0    3        2     0.000001829   697  P   R [kjournald]
  8,0    3        3     0.000002197   697  Q   W 223490 + 8 [kjournald]
  8,0    3        4     0.000005533   697  M   W 223498 + 8 [kjournald]
253,16   0       17     1.500000000  1234  Q WFS 0 + 16 [tmux: [server]]
253,16   0       18     1.500000001  1234  Q FWS [jbd2/sda1-8]
  8,0    3       11     0.000013433   697  D   W 223490 + 8 (    8807) [kjournald]
  8,0    3       12     0.000013500   697  D  FN [kworker/0:1H]
  8,0    3       13     0.000013600   697  Q  DS 8 + 2048 [fstrim]
  8,0    3       14     0.000013700   697  Q FWFSM 64 + 8 [xfs]
  8,0    3       15     0.000013800   697  Q   R 36 (12 00 00 00 24 00 ..) [hald]
  8,0    3       16     0.000013900   697  m   N cfq697 insert_request: [ 8 + 8
  8,0    3       17     0.000014000   697  A   W 223490 + 8 <- (8,1) 223427
  8,0    3       18     0.000014100   697  U   N [kjournald] 1
  8,0    3       19     0.000014200     0  C   W 223490 + 8 (  123456) [0]
  8,0    3       20     0.000014300     0  C  RA 9 + 1 [-5]
  8,0    3       21     0.000014400     0  C  FN 0 [0]
  8,0    3       22     0.000014500     0  C   R (12 00 ..) [0]
  8,0    3       23     0.000014600     0  C   N 0 [0]
CPU0 (8,0):
 Reads Queued:           0,        0KiB\t Writes Queued:           7,      128KiB

Total (8,0):
Throughput (R/W): 0KiB/s / 575KiB/s
Events (8,0): 23 entries
Skips: 0 forward (0 -   0.0%)
";

    /// One line for each request.
    fn shown(trace: &Trace) -> String {
        let requests = trace.operations.iter().map(|operation| {
            let Operation { device, at_ns, pid, kind, at_sector, sectors, .. } = operation;
            let Operation { preflush, fua, error, line, .. } = operation;
            let mut shown =
                format!("{line}: {device:?} {at_ns} {pid} {kind:?} {at_sector}+{sectors}");
            for (is_set, word) in
                [(*preflush, " preflush"), (*fua, " fua"), (*error != 0, " error")]
            {
                shown.push_str(if is_set { word } else { "" });
            }
            shown
        });
        let others = trace
            .not_carried
            .iter()
            .map(|NotCarried { line, reason }| format!("{line}: not carried: {reason}"));
        requests.chain(others).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_stage_has_its_requests() {
        let read = |action| shown(&parse("t", TRACE.as_bytes(), action).expect("it is a trace"));
        assert_eq!(
            read(Action::Queue),
            "\
4: (8, 0) 2197 697 Write 223490+8
6: (253, 16) 1500000000 1234 Write 0+16 fua
7: (253, 16) 1500000001 1234 Flush 0+0
10: (8, 0) 13600 697 Discard 8+2048
11: (8, 0) 13700 697 Write 64+8 preflush fua
12: not carried: a command that is passed through"
        );
        assert_eq!(
            read(Action::Issue),
            "8: (8, 0) 13433 697 Write 223490+8\n9: (8, 0) 13500 697 Flush 0+0"
        );
        assert_eq!(
            read(Action::Complete),
            "\
16: (8, 0) 14200 0 Write 223490+8
17: (8, 0) 14300 0 Read 9+1 error
18: (8, 0) 14400 0 Flush 0+0
19: not carried: a command that is passed through
20: not carried: a request without sectors"
        );
    }

    #[test]
    fn what_is_no_record_is_passed_over() {
        for text in ["", "\n\n", "8\n", "8 0\n", "hello, world\n", ",8 0\n", "8.0 1 2 3\n"] {
            assert_eq!(parse("t", text.as_bytes(), Action::Queue).ok(), Some(Trace::default()));
        }
    }

    #[test]
    fn a_broken_record_is_told_with_its_place() {
        for (line, expected) in [
            ("8,", "1:3: the minor number is not a number"),
            ("8,x 0 1", "1:3: the minor number is not a number"),
            ("4294967296,0 0 1", "1:1: the major number is too large"),
            ("8,0", "1:1: the processor is missing"),
            ("8,0 a", "1:5: the processor is not a number"),
            ("8,0 0 -1", "1:7: the sequence is not a number"),
            ("8,0 0 1 5 7", "1:9: this is no time"),
            ("8,0 0 1 5.1 7", "1:9: this is no time"),
            ("8,0 0 1 18446744074.000000000 7", "1:9: the time is too large"),
            ("8,0 0 1 0.000000000 x Q", "1:21: the process is not a number"),
            ("8,0 0 1 0.000000000 7", "1:1: the action is missing"),
            ("8,0 0 1 0.000000000 7 QUE W", "1:23: this is no action"),
            ("8,0 0 1 0.000000000 7 Q", "1:1: the kind is missing"),
            ("8,0 0 1 0.000000000 7 Q X 1 + 1 [a]", "1:25: there is no kind `X`"),
            ("8,0 0 1 0.000000000 7 Q F 1 + 1 [a]", "1:25: there is no kind `F`"),
            ("8,0 0 1 0.000000000 7 Q W", "1:1: the process in brackets is missing"),
            ("8,0 0 1 0.000000000 7 Q W one + 1 [a]", "1:27: the sector is not a number"),
            ("8,0 0 1 0.000000000 7 Q W 1 +", "1:27: the number of sectors is missing"),
            ("8,0 0 1 0.000000000 7 Q W 1 + x [a]", "1:31: the number of sectors is not a number"),
            (
                "8,0 0 1 0.000000000 7 Q W 2 + 18446744073709551614 [a]",
                "1:31: the number of sectors is too large",
            ),
            ("8,0 0 1 0.000000000 7 Q W 1 + 1 (5 [a]", "1:27: a `)` is missing"),
            ("8,0 0 1 0.000000000 7 Q W 1 + 1 [a", "1:27: the process in brackets is missing"),
            ("8,0 0 1 0.000000000 7 Q W 1 + 1 x [a]", "1:27: the process in brackets is missing"),
            ("8,0 0 1 0.000000000 7 Q N 1 + 1 [a]", "1:25: this kind has no sectors"),
        ] {
            let errors = parse("t", line.as_bytes(), Action::Queue).expect_err(line);
            assert_eq!(errors.to_string(), format!("t:{expected}"), "{line}");
        }
        let done = "8,0 0 1 0.000000000 0 C W 1 + 1 [ok]";
        let errors = parse("t", done.as_bytes(), Action::Complete).expect_err("no number");
        assert_eq!(errors.to_string(), "t:1:33: this is no error");
    }

    #[test]
    fn errors_are_underlined() {
        let text = "  8,0    3        1     0.000000000   697  Q   W 2234x0 + 8 [kjournald]\n";
        let errors = parse("sda.txt", text.as_bytes(), Action::Queue).expect_err("it is broken");
        assert_eq!(
            errors.render(false),
            "\
error: the sector is not a number
 --> sda.txt:1:50
  |
1 |   8,0    3        1     0.000000000   697  Q   W 2234x0 + 8 [kjournald]
  |                                                  ^^^^^^
  |
  = help: decimal digits, from 0 to 18446744073709551615"
        );
    }

    #[test]
    fn nothing_makes_it_panic() {
        let mut noise = Noise(3);
        let words =
            ["8,0 ", "(", ")", "[", "]", "+", "Q", "FWFS", "18446744073709551615", "é", "\n"];
        for _ in 0..4000 {
            let bytes = noise.mutate(TRACE.as_bytes(), &words);
            for action in [Action::Queue, Action::Issue, Action::Complete] {
                if let Err(errors) = parse("t", &bytes, action) {
                    assert!(!errors.render(false).is_empty());
                }
            }
        }
    }
}
