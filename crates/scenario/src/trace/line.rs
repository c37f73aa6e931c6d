//! A line of a trace.

use serde::Serialize;

/// One fact with every number resolved to a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line<'s> {
    /// When, in nanoseconds of virtual time.
    pub at_ns: u64,
    /// What.
    #[serde(flatten)]
    pub told: Told<'s>,
}

/// What a line tells. In JSON the kind is the field `what`, in snake case.
///
/// Requests are numbered from 1 in the order of their submission; `node` is a disk's name, with
/// `/1`, `/2`, .. for nodes below the outermost; a rule is its name in backquotes, or `rule N`,
/// from 1 in its node's order; results are `ok` or the error's name; offsets and lengths are bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are named as in the text above")]
pub enum Told<'s> {
    /// A client submitted a request; `event` for an announcement.
    Submitted {
        client: &'s str,
        request: u64,
        disk: &'s str,
        io: &'static str,
        at: u64,
        len: u64,
        fua: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        event: Option<&'s str>,
    },
    /// A client submitted an operation on a file system, by the name of the step; `to` of a rename.
    FileSubmitted {
        client: &'s str,
        request: u64,
        fs: &'s str,
        op: &'static str,
        path: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<String>,
        at: u64,
        len: u64,
    },
    /// An operation on a file system ended: `len` is how many bytes were done, how long the file
    /// is, or how many names there are.
    FileCompleted {
        client: &'s str,
        request: u64,
        fs: &'s str,
        op: &'static str,
        path: String,
        result: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        len: Option<u64>,
        /// It was a write, and shorter than asked.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        short: bool,
    },
    /// A fault of a file system strikes.
    FileStruck { fs: &'s str, request: u64, rule: String, fault: &'static str },
    /// What a cut left of a name, a length or some bytes: one of so many, 0 is the newest.
    FileResolved { fs: &'s str, path: String, found: Found, candidates: u32, chosen: u32 },
    /// A file system's power went.
    FilesPowerCut { fs: &'s str },
    /// A file system's power is back.
    FilesPowerOn { fs: &'s str },
    /// A request reached an event; request 0 is the opening of the disk.
    Announced { node: String, request: u64, event: &'s str },
    /// A disk was opened.
    Opened { disk: &'s str },
    /// A disk was closed and opened as it was.
    Reopened { disk: &'s str },
    /// A disk was closed.
    Closed { disk: &'s str },
    /// A disk's length changed.
    Truncated { disk: &'s str, len: u64 },
    /// The armed list was replaced; the first eight of `count` rules.
    Armed { node: String, rules: Vec<String>, count: u64 },
    /// A state change took effect.
    Moved { node: String, from: i32, to: i32, rule: String },
    /// A request was suspended, by a rule or by a breakpoint.
    Suspended { node: String, request: u64, tag: String, rule: Option<String> },
    /// A suspension ended.
    Resumed { node: String, request: u64, tag: String },
    /// A rule with errno 0 let an access pass.
    Masked { node: String, request: u64, rule: String },
    /// A rule decided an access; no errno: it was dropped and reported as done.
    Injected { node: String, request: u64, rule: String, errno: Option<String>, immediately: bool },
    /// A `once` rule is used up.
    Consumed { node: String, rule: String },
    /// A request waits until another one ends.
    Waiting { client: &'s str, request: u64, on: u64 },
    /// A failed read of a read-modify-write was ignored (quirk Q1).
    ReadIgnored { client: &'s str, request: u64, errno: String },
    /// A request is on its way to the medium.
    InFlight { client: &'s str, request: u64, until_ns: u64 },
    /// A request ended; with a length, if it was shorter than asked.
    Completed {
        client: &'s str,
        request: u64,
        result: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        len: Option<u64>,
    },
    /// A breakpoint was set.
    BreakSet { node: String, event: &'s str, tag: String },
    /// Breakpoints were removed; the command's result.
    BreakRemoved { node: String, tag: String, removed: u64, result: String },
    /// Nobody was suspended under a tag that was to be resumed.
    NobodyResumed { node: String, tag: String },
    /// A client sleeps.
    Sleeps { client: &'s str, until_ns: u64 },
    /// What a client read is as expected.
    ContentsHold { client: &'s str, len: u64 },
    /// What a client read is not as expected; where it first differs.
    ContentsDiffer { client: &'s str, at: u64, expected: Option<u8>, found: Option<u8> },
    /// A client decided by what it had saved.
    Decided { client: &'s str, held: bool },
    /// A client is done.
    Finished { client: &'s str },
    /// Code under test begins an operation.
    Began { client: &'s str, operation: String },
    /// Code under test has ended an operation.
    Ended { client: &'s str, result: String },
    /// Something that code under test has to say.
    Noted { client: &'s str, text: String },
    /// A property does not hold.
    Violated { property: String },
    /// A fault rule strikes; `fault` is what it does, `rule` its name or place.
    Struck { disk: &'s str, request: u64, rule: String, fault: &'static str },
    /// A fault was kept away, because too many copies would be damaged.
    Spared { disk: &'s str, rule: String },
    /// Whether a fault rule is in force in this run.
    Swarm { disk: &'s str, rule: String, enabled: bool },
    /// A fault rule put the engine into a state.
    Set { node: String, from: i32, to: i32 },
    /// A request will never be answered.
    Hangs { client: &'s str, request: u64 },
    /// A read brought something else than was last written there.
    Misread { client: &'s str, request: u64 },
    /// A disk's power went.
    PowerCut { disk: &'s str },
    /// A disk's power is back.
    PowerOn { disk: &'s str },
    /// A request was on its way when the power went.
    Lost { client: &'s str, request: u64 },
    /// What a cut left in a unit: one of so many versions, the one that `of` wrote (0: what was
    /// durable), or one of so many torn contents.
    Resolved { disk: &'s str, at: u64, versions: u64, tears: u64, of: u64, torn: bool },
    /// What a cut left of a disk's length.
    LengthResolved { disk: &'s str, len: u64 },
    /// A disk has vanished.
    Gone { disk: &'s str },
    /// A disk that had vanished answers again.
    Returned { disk: &'s str },
    /// A fault was put on a disk by a step.
    Damaged { disk: &'s str, at: u64, len: u64 },
    /// Faults were lifted by a step.
    Lifted { disk: &'s str, at: u64, len: u64, count: u64 },
    /// A disk could not be opened.
    OpenFailed { disk: &'s str, result: String },
    /// A device saw what a correct user does not do; told under `misuse: error`.
    Misused { disk: &'s str, request: u64, misuse: String },
    /// What a cut left open in flash: units between these bytes, of which so many are not what
    /// they would be if nothing had been interrupted.
    FlashResolved { disk: &'s str, at: u64, len: u64, units: u64, unlike: u64 },
    /// Reading has cost flash a bit.
    FlashDisturbed { disk: &'s str, at: u64, bit: u8 },
    /// A file's dropped data is not seen any more.
    FileEvicted { fs: &'s str, path: String },
}

/// A read of so many bytes is one of all there are.
const REST: u64 = 16 << 20;

/// What a cut left of one place in a file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are named as in the text above")]
pub enum Found {
    /// What has the name, by the order in which it was made; nothing, if nobody has it.
    Entry { inode: Option<u32> },
    /// How long the file is.
    Length { len: u64 },
    /// Some of its bytes.
    Data { at: u64, len: u64 },
}

impl Told<'_> {
    /// Whom the line is about: a client, or a node.
    #[must_use]
    pub(crate) fn who(&self) -> String {
        match self {
            Self::Submitted { client, .. }
            | Self::FileSubmitted { client, .. }
            | Self::FileCompleted { client, .. }
            | Self::Waiting { client, .. }
            | Self::ReadIgnored { client, .. }
            | Self::InFlight { client, .. }
            | Self::Completed { client, .. }
            | Self::Sleeps { client, .. }
            | Self::ContentsHold { client, .. }
            | Self::ContentsDiffer { client, .. }
            | Self::Decided { client, .. }
            | Self::Finished { client }
            | Self::Began { client, .. }
            | Self::Ended { client, .. }
            | Self::Noted { client, .. }
            | Self::Hangs { client, .. }
            | Self::Misread { client, .. }
            | Self::Lost { client, .. } => (*client).to_owned(),
            Self::Announced { node, .. }
            | Self::Armed { node, .. }
            | Self::Moved { node, .. }
            | Self::Suspended { node, .. }
            | Self::Resumed { node, .. }
            | Self::Masked { node, .. }
            | Self::Injected { node, .. }
            | Self::Consumed { node, .. }
            | Self::BreakSet { node, .. }
            | Self::BreakRemoved { node, .. }
            | Self::NobodyResumed { node, .. }
            | Self::Set { node, .. } => node.clone(),
            Self::Opened { disk }
            | Self::Reopened { disk }
            | Self::Closed { disk }
            | Self::Truncated { disk, .. }
            | Self::Struck { disk, .. }
            | Self::Spared { disk, .. }
            | Self::Swarm { disk, .. }
            | Self::PowerCut { disk }
            | Self::PowerOn { disk }
            | Self::Resolved { disk, .. }
            | Self::LengthResolved { disk, .. }
            | Self::Gone { disk }
            | Self::Returned { disk }
            | Self::Damaged { disk, .. }
            | Self::Lifted { disk, .. }
            | Self::OpenFailed { disk, .. }
            | Self::Misused { disk, .. }
            | Self::FlashResolved { disk, .. }
            | Self::FlashDisturbed { disk, .. } => (*disk).to_owned(),
            Self::FileStruck { fs, .. }
            | Self::FileEvicted { fs, .. }
            | Self::FileResolved { fs, .. }
            | Self::FilesPowerCut { fs }
            | Self::FilesPowerOn { fs } => (*fs).to_owned(),
            Self::Violated { .. } => "!".to_owned(),
        }
    }

    pub(crate) fn says(&self) -> String {
        match self {
            Self::Submitted { request, disk, io, at, len, fua, event, .. } => {
                let fua = if *fua { " fua" } else { "" };
                match event {
                    Some(event) => format!("#{request} announces {event} on {disk}"),
                    None if *io == "flush" => format!("#{request} flush {disk}"),
                    None => format!("#{request} {io} {disk} {at}+{len}{fua}"),
                }
            }
            Self::FileSubmitted { request, fs, op, path, to, at, len, .. } => {
                let path = if path.is_empty() { "/" } else { path };
                let rest = match (*op, to) {
                    (_, Some(to)) => format!(" to {to}"),
                    ("read_file", _) if *len >= REST => format!(" {at}+"),
                    ("read_file" | "write_file", _) => format!(" {at}+{len}"),
                    ("set_len", _) => format!(" {len}"),
                    _ => String::new(),
                };
                format!("#{request} {op} {fs}:{path}{rest}")
            }
            Self::FileCompleted { request, op, result, len, short, .. } => match (*op, len) {
                ("list", Some(1)) => format!("#{request} {result}, 1 name"),
                ("list", Some(names)) => format!("#{request} {result}, {names} names"),
                ("write_file", _) if !short => format!("#{request} {result}"),
                (_, len) => format!("#{request} {result}{}", bytes(*len)),
            },
            Self::FileStruck { request, rule, fault, .. } => {
                format!("#{request} struck by {rule}: {fault}")
            }
            Self::FileResolved { path, found, candidates, chosen, .. } => {
                let what = match found {
                    Found::Entry { inode: Some(inode) } => format!("{path} is inode {inode}"),
                    Found::Entry { inode: None } => format!("{path} is not there"),
                    Found::Length { len } => format!("{path} is {len} bytes long"),
                    Found::Data { at, len } => format!("{path} {at}+{len} is"),
                };
                let which = match (found, chosen) {
                    (Found::Data { .. }, 0) => " the newest".to_owned(),
                    (Found::Data { .. }, older) => format!(" {older} older than the newest"),
                    _ => String::new(),
                };
                format!("  {what}{which}: one of {candidates}")
            }
            Self::FilesPowerCut { .. } => "power cut".to_owned(),
            Self::FilesPowerOn { .. } => "power on".to_owned(),
            Self::Announced { request: 0, event, .. } => format!("at {event}"),
            Self::Announced { request, event, .. } => format!("#{request} at {event}"),
            Self::Opened { .. } => "open".to_owned(),
            Self::Reopened { .. } => "reopened".to_owned(),
            Self::Closed { .. } => "closed".to_owned(),
            Self::Truncated { len, .. } => format!("is now {len} bytes long"),
            Self::Armed { rules, count, .. } => {
                let more = *count - rules.len() as u64;
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("  armed: {}{more}", rules.join(", "))
            }
            Self::Moved { from, to, rule, .. } => format!("  state {from} -> {to} by {rule}"),
            Self::Suspended { request, tag, rule, .. } => match rule {
                Some(rule) => format!("  #{request} suspended under {tag} by {rule}"),
                None => format!("  #{request} suspended under {tag}"),
            },
            Self::Resumed { request, tag, .. } => format!("#{request} resumed from {tag}"),
            Self::Masked { request, rule, .. } => format!("#{request} let through by {rule}"),
            Self::Injected { request, rule, errno, immediately, .. } => {
                let when = if *immediately { " at once" } else { "" };
                match errno {
                    Some(errno) => format!("#{request} gets {errno}{when} from {rule}"),
                    None => format!("#{request} dropped{when} by {rule}"),
                }
            }
            Self::Consumed { rule, .. } => format!("  {rule} is used up"),
            Self::Waiting { request, on, .. } => format!("#{request} waits for #{on}"),
            Self::ReadIgnored { request, errno, .. } => {
                format!("#{request} ignores {errno} of its read")
            }
            Self::InFlight { request, until_ns, .. } => {
                format!("#{request} in flight until {until_ns}")
            }
            Self::Completed { request, result, len, .. } => {
                format!("#{request} {result}{}", bytes(*len))
            }
            Self::BreakSet { event, tag, .. } => format!("break at {event} under {tag}"),
            Self::BreakRemoved { tag, removed, result, .. } => {
                format!("breaks under {tag} removed: {removed}, {result}")
            }
            Self::NobodyResumed { tag, .. } => format!("nobody suspended under {tag}: ENOENT"),
            Self::Began { operation, .. } => format!("begins {operation}"),
            Self::Ended { result, .. } => format!("ends with {result}"),
            Self::Noted { text, .. } => text.clone(),
            Self::Sleeps { until_ns, .. } => format!("sleeps until {until_ns}"),
            Self::ContentsHold { len, .. } => format!("finds {len} bytes as expected"),
            Self::ContentsDiffer { at, expected, found, .. } => match (expected, found) {
                (Some(expected), Some(found)) => {
                    format!("finds {found:#04x} at byte {at}, not {expected:#04x}")
                }
                _ => format!("finds {at} bytes, not as many as expected"),
            },
            Self::Decided { held, .. } => {
                format!("what it saved is {}", if *held { "as asked" } else { "not as asked" })
            }
            Self::Finished { .. } => "done".to_owned(),
            Self::Violated { property } => format!("violated: {property}"),
            Self::Struck { request: 0, rule, fault, .. } => format!("struck by {rule}: {fault}"),
            Self::Struck { request, rule, fault, .. } => {
                format!("#{request} struck by {rule}: {fault}")
            }
            Self::Spared { rule, .. } => {
                format!("  spared from {rule}: too many copies would be damaged")
            }
            Self::Swarm { rule, enabled, .. } => {
                format!("{rule} is {} in this run", if *enabled { "in force" } else { "left out" })
            }
            Self::Set { from, to, .. } => format!("  state {from} -> {to}"),
            Self::Hangs { request, .. } => format!("#{request} will not be answered"),
            Self::Misread { request, .. } => {
                format!("#{request} brings something else than was written")
            }
            Self::PowerCut { .. } => "power cut".to_owned(),
            Self::PowerOn { .. } => "power on".to_owned(),
            Self::Lost { request, .. } => format!("#{request} lost"),
            Self::Resolved { at, versions, tears, of, torn, .. } => {
                let what = match (of, torn) {
                    (of, true) => format!("#{of}, torn"),
                    (0, false) => "what was durable".to_owned(),
                    (of, false) => format!("#{of}"),
                };
                let tears = match tears {
                    0 => String::new(),
                    tears => format!(" and {tears} torn"),
                };
                format!("  byte {at} holds {what}: one of {versions}{tears}")
            }
            Self::LengthResolved { len, .. } => format!("  is {len} bytes long"),
            Self::OpenFailed { result, .. } => format!("not opened: {result}"),
            Self::Misused { request, misuse, .. } => format!("#{request} misuse: {misuse}"),
            Self::FlashResolved { at, len, units, unlike, .. } => {
                let units = match units {
                    1 => "1 unit".to_owned(),
                    units => format!("{units} units"),
                };
                format!("  {at}+{len} decided: {units}, {unlike} unlike what was to be")
            }
            Self::FlashDisturbed { at, bit, .. } => {
                format!("  byte {at} loses bit {bit:#04x} to reads")
            }
            Self::FileEvicted { path, .. } => format!("  {path} is evicted"),
            Self::Gone { .. } => "gone".to_owned(),
            Self::Returned { .. } => "back".to_owned(),
            Self::Damaged { at, len, .. } => format!("damaged at {at}+{len}"),
            Self::Lifted { at, len, count, .. } => {
                format!(
                    "{count} {} lifted at {at}+{len}",
                    if *count == 1 { "fault" } else { "faults" }
                )
            }
        }
    }
}

/// How many, where that is said.
fn bytes(len: Option<u64>) -> String {
    match len {
        None => String::new(),
        Some(1) => ", 1 byte".to_owned(),
        Some(len) => format!(", {len} bytes"),
    }
}

impl Line<'_> {
    /// The line as text: time and subject in columns so wide.
    #[must_use]
    pub(crate) fn text(&self, time: usize, who: usize) -> String {
        let line =
            format!("{:>time$}  {:<who$}  {}", self.at_ns, self.told.who(), self.told.says());
        line.trim_end().to_owned()
    }
}
