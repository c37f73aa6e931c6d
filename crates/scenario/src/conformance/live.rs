//! How to ask `qemu-io` what the real blkdebug does with a case: what it is to be given, and what
//! its answers mean. Nothing here starts it.
//!
//! Whatever may be suspended is asked for with `aio_read` and `aio_write`, which `qemu-io` does
//! not wait for; a `sleep` after each command lets everything that can finish finish. Completions
//! name no request, so they are told apart by offset and length where they succeed, and by what
//! else is in flight where they fail. A command that does not exist separates the steps: `qemu-io`
//! says so and goes on.

use std::collections::BTreeSet;

use headcrash_engine::Errno;
use serde_json::{Map, Value, json};

use super::case::{Case, Done, ImageKind, Outcome, Request, Rule, Seen, ret};
use super::play::{play, runs};

/// The image's bytes as an outcome has them: runs of (offset, length, byte).
#[must_use]
pub fn image(bytes: &[u8]) -> Vec<(u64, u64, u8)> {
    runs(bytes)
}

/// The command line of `qemu-io` for a case whose image file, if it has one, is at `path`.
#[must_use]
pub fn arguments(case: &Case, path: &str) -> Vec<String> {
    let image = match case.image {
        Some(ImageKind::NullCo) => {
            json!({ "driver": "null-co", "size": size(case), "read-zeroes": true })
        }
        Some(ImageKind::File) | None => json!({ "driver": "file", "filename": path }),
    };
    let mut node = Map::new();
    node.insert("driver".to_owned(), json!("blkdebug"));
    node.insert("image".to_owned(), image);
    let options = serde_json::to_value(case.options).expect("options are plain data");
    node.extend(options.as_object().cloned().unwrap_or_default());
    for (key, wanted) in [("inject-error", true), ("set-state", false)] {
        let rules = case.rules.iter();
        let rules = rules.filter(|rule| matches!(rule, Rule::InjectError { .. }) == wanted);
        let rules: Vec<_> = rules.map(rule_options).collect();
        // An empty list is an error.
        if !rules.is_empty() {
            node.insert(key.to_owned(), Value::Array(rules));
        }
    }
    let node = Value::Object(node);
    let top = match case.top {
        Some(_) => json!({ "driver": "raw", "file": node }),
        None => node,
    };
    // Write-back, or every write would be followed by a flush; unmap, or no discard would pass.
    ["-t", "writeback", "-d", "unmap"]
        .map(str::to_owned)
        .into_iter()
        .chain([format!("json:{top}")])
        .collect()
}

/// The size of a case's image in bytes.
#[must_use]
pub fn size(case: &Case) -> u64 {
    case.image_size.unwrap_or(1 << 20)
}

fn rule_options(rule: &Rule) -> Value {
    match rule {
        Rule::InjectError { event, state, errno, sector, once, immediately, iotype } => {
            let mut options = json!({
                "event": event,
                "state": state,
                "errno": errno,
                "sector": sector,
                "once": once,
                "immediately": immediately,
            });
            if let Some(kind) = iotype {
                options["iotype"] = json!(kind);
            }
            options
        }
        Rule::SetState { event, state, new_state } => {
            json!({ "event": event, "state": state, "new_state": new_state })
        }
    }
}

/// What `qemu-io` is to read from its standard input, sleeping `settle` milliseconds after each
/// request.
///
/// # Errors
///
/// When the case cannot be played in our own world, which is asked where a flush's answer can be
/// seen.
pub fn script(case: &Case, settle: u32) -> Result<String, String> {
    let ours = play(case)?;
    let mut script = String::new();
    let mut line = |text: &str| {
        script.push_str(text);
        script.push('\n');
    };
    for (index, (request, seen)) in case.requests.iter().zip(&ours.steps).enumerate() {
        line(&format!("{STEP}{index}"));
        line(&command(request, seen));
        line(&format!("sleep {settle}"));
    }
    line(TAIL);
    for tag in tags(case) {
        line(&format!("remove_break {tag}"));
        line(&format!("sleep {settle}"));
    }
    line(END);
    line("quit");
    Ok(script)
}

const STEP: &str = "step-";
const TAIL: &str = "tail";
const END: &str = "end";

fn tags(case: &Case) -> BTreeSet<&str> {
    let mut tags = BTreeSet::new();
    for request in &case.requests {
        if let Request::Break { tag, .. } = request {
            tags.insert(tag.as_str());
        }
    }
    tags
}

fn command(request: &Request, ours: &[Seen]) -> String {
    match request {
        Request::Read { off, len, .. } => format!("aio_read -v {off} {len}"),
        Request::Write { off, len, pat, fua, .. } => {
            let fua = if *fua { "-f " } else { "" };
            format!("aio_write {fua}-P {pat} {off} {len}")
        }
        Request::WriteZeroes { off, len, fua, .. } => {
            let fua = if *fua { "-f " } else { "" };
            format!("aio_write -z {fua}{off} {len}")
        }
        Request::Discard { off, len, .. } => format!("discard {off} {len}"),
        // `flush` says nothing. `reopen` flushes just so, and tells the error; but it waits for
        // everything in flight.
        Request::Flush { .. } => {
            let hidden = ours.iter().any(|seen| matches!(seen, Seen::Flush { ret } if ret == "?"));
            if hidden { "flush".to_owned() } else { "reopen".to_owned() }
        }
        Request::Break { event, tag } => format!("break {event} {tag}"),
        Request::Resume { tag } => format!("resume {tag}"),
        Request::RemoveBreak { tag } => format!("remove_break {tag}"),
    }
}

/// What `qemu-io` printed, read as an outcome without its final image.
///
/// # Errors
///
/// When it did not come to the end, or printed something it never prints.
pub fn outcome(case: &Case, output: &str) -> Result<Outcome, Unreadable> {
    let mut reader = Reader::new(case);
    for line in output.lines() {
        reader.line(line)?;
    }
    reader.finish()
}

/// An output that is not an answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The image could not be opened.
    #[error("qemu-io did not begin: {0}")]
    NotOpened(String),
    /// It ended early: it was killed, or died.
    #[error("qemu-io did not come to the end of its commands: {0}")]
    Ended(String),
    /// A line that is none of those it prints.
    #[error("qemu-io printed a line that is not understood: `{0}`")]
    Line(String),
}

struct Reader<'a> {
    case: &'a Case,
    place: Place,
    steps: Vec<Vec<Seen>>,
    tail: Vec<Seen>,
    /// Requests sent and not known to have ended.
    in_flight: Vec<u64>,
    /// Tag, and who may be held under it; the most recently suspended last.
    held: Vec<(String, Vec<u64>)>,
    /// Who was resumed in this step.
    resumed: Option<Vec<u64>>,
    /// Completions whose request is found at the end: where they stand, and whose they may be.
    open: Vec<((usize, usize), Vec<u64>)>,
    /// The bytes of a read, printed before its own line.
    bytes: Vec<u8>,
    last: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Before,
    Step(usize),
    Tail,
    End,
}

impl<'a> Reader<'a> {
    fn new(case: &'a Case) -> Self {
        Self {
            case,
            place: Place::Before,
            steps: Vec::new(),
            tail: Vec::new(),
            in_flight: Vec::new(),
            held: Vec::new(),
            resumed: None,
            open: Vec::new(),
            bytes: Vec::new(),
            last: String::new(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), Unreadable> {
        let mut line = line;
        while let Some(rest) = line.strip_prefix("qemu-io> ") {
            line = rest;
        }
        if line.is_empty() || line.contains(" ops; ") || line.starts_with("qemu-io: warning:") {
            return Ok(());
        }
        line.clone_into(&mut self.last);
        let marker =
            line.strip_prefix("command \"").and_then(|rest| rest.strip_suffix("\" not found"));
        if let Some(marker) = marker {
            return self.marker(marker).ok_or_else(|| Unreadable::Line(line.to_owned()));
        }
        match self.place {
            Place::Before => Err(Unreadable::NotOpened(line.to_owned())),
            // Nothing after the end belongs to the case: closing flushes, and rules may fail that.
            Place::End => Ok(()),
            Place::Step(_) | Place::Tail => {
                self.seen(line).ok_or_else(|| Unreadable::Line(line.to_owned()))
            }
        }
    }

    fn marker(&mut self, marker: &str) -> Option<()> {
        self.resumed = None;
        if marker == TAIL {
            self.place = Place::Tail;
        } else if marker == END {
            self.place = Place::End;
        } else {
            let index: usize = marker.strip_prefix(STEP)?.parse().ok()?;
            self.place = Place::Step(index);
            let seen = match self.case.requests.get(index)? {
                Request::Break { .. } | Request::Resume { .. } | Request::RemoveBreak { .. } => {
                    Some(Seen::Cmd { ret: ret(Ok(())) })
                }
                Request::Flush { .. } if self.held.is_empty() => {
                    Some(Seen::Flush { ret: ret(Ok(())) })
                }
                Request::Flush { .. } => Some(Seen::Flush { ret: "?".to_owned() }),
                Request::Read { .. }
                | Request::Write { .. }
                | Request::WriteZeroes { .. }
                | Request::Discard { .. } => {
                    self.in_flight.push(index as u64);
                    None
                }
            };
            self.steps.push(seen.into_iter().collect());
        }
        Some(())
    }

    fn seen(&mut self, line: &str) -> Option<()> {
        if let Some(bytes) = dump(line) {
            self.bytes.extend(bytes);
            return Some(());
        }
        if let Some((verb, rest)) = line.split_once(' ')
            && let Some((len, at)) = rest.split_once(" bytes at offset ")
        {
            let (len, _) = len.split_once('/')?;
            let range = Some((at.parse().ok()?, len.parse().ok()?));
            return self.done(verb, range, ret(Ok(())));
        }
        let quoted = |prefix| line.strip_prefix(prefix)?.strip_suffix('\'').map(str::to_owned);
        if let Some(tag) = quoted("blkdebug: Suspended request '") {
            self.suspended(tag);
            return Some(());
        }
        if let Some(tag) = quoted("blkdebug: Resuming request '") {
            let place = self.held.iter().rposition(|(other, _)| *other == tag)?;
            let (_, who) = self.held.remove(place);
            self.resumed.get_or_insert_default().extend(who);
            self.list().push(Seen::Resuming { tag });
            return Some(());
        }
        let (what, error) = line.rsplit_once(": ")?;
        let error = error_name(error)?;
        let answer = match what {
            "readv failed" => return self.done("read", None, error),
            "aio_write failed" => return self.done("wrote", None, error),
            "discard failed" => return self.done("discard", None, error),
            "qemu-io: Error flushing drive" => Seen::Flush { ret: error },
            "Could not resume request" | "Could not set breakpoint" => Seen::Cmd { ret: error },
            _ if what.starts_with("Could not remove breakpoint ") => Seen::Cmd { ret: error },
            _ => return None,
        };
        if self.place != Place::Tail {
            *self.list().first_mut()? = answer;
        }
        Some(())
    }

    fn list(&mut self) -> &mut Vec<Seen> {
        match self.place {
            Place::Step(_) => self.steps.last_mut().expect("a step has begun"),
            Place::Before | Place::Tail | Place::End => &mut self.tail,
        }
    }

    fn done(&mut self, verb: &str, range: Option<(u64, u64)>, ret: String) -> Option<()> {
        let fits = |number: &u64| {
            let (kind, at, len) = match self.case.requests[*number as usize] {
                Request::Read { off, len, .. } => ("read", off, len),
                Request::Write { off, len, .. } | Request::WriteZeroes { off, len, .. } => {
                    ("wrote", off, len)
                }
                Request::Discard { off, len, .. } => ("discard", off, len),
                _ => return false,
            };
            kind == verb && range.is_none_or(|range| range == (at, len))
        };
        let whose: Vec<_> = self.in_flight.iter().copied().filter(fits).collect();
        if let [one] = whose[..] {
            self.in_flight.retain(|number| *number != one);
        }
        let bytes = std::mem::take(&mut self.bytes);
        let data = (!bytes.is_empty()).then(|| runs(&bytes));
        let step = match self.place {
            Place::Step(_) => self.steps.len() - 1,
            Place::Before | Place::Tail | Place::End => usize::MAX,
        };
        let list = self.list();
        list.push(Seen::Done(Done { req: None, ret, data, ambiguous: Vec::new() }));
        let place = (step, list.len() - 1);
        self.open.push((place, whose));
        Some(())
    }

    /// Who was suspended is not told: whoever this step has set going, or one who waited.
    fn suspended(&mut self, tag: String) {
        let held = |number: &u64| self.held.iter().any(|(_, who)| who[..] == [*number]);
        let mut who: Vec<_> = match (self.place, &self.resumed) {
            (Place::Step(index), None) => vec![index as u64],
            (_, resumed) => resumed.clone().unwrap_or_default(),
        };
        who.retain(|number| self.in_flight.contains(number));
        who.extend(self.in_flight.iter().filter(|number| !held(number)));
        who.sort_unstable();
        who.dedup();
        let (req, ambiguous) = told(&who);
        self.held.push((tag.clone(), who));
        self.list().push(Seen::Suspended { tag, req, ambiguous });
    }

    fn finish(mut self) -> Result<Outcome, Unreadable> {
        if self.place == Place::Before {
            return Err(Unreadable::NotOpened(self.last));
        }
        if self.place != Place::End || self.steps.len() != self.case.requests.len() {
            return Err(Unreadable::Ended(self.last));
        }
        // Each request ends once: who is known to have ended somewhere did not end elsewhere.
        let mut settled = BTreeSet::new();
        while let Some(one) = self.open.iter().find_map(|(_, whose)| match whose[..] {
            [one] if !settled.contains(&one) => Some(one),
            _ => None,
        }) {
            settled.insert(one);
            for (_, whose) in &mut self.open {
                if whose.len() > 1 {
                    whose.retain(|number| *number != one);
                }
            }
        }
        for ((step, index), whose) in &self.open {
            let list = if *step == usize::MAX { &mut self.tail } else { &mut self.steps[*step] };
            if let Seen::Done(done) = &mut list[*index] {
                (done.req, done.ambiguous) = told(whose);
            }
        }
        let Self { steps, tail, .. } = self;
        Ok(Outcome { steps, tail, image: None, undefined_bytes: false })
    }
}

/// The one it is, or those it may be.
fn told(who: &[u64]) -> (Option<u64>, Vec<u64>) {
    match who {
        [one] => (Some(*one), Vec::new()),
        _ => (None, who.to_vec()),
    }
}

/// A line of bytes: `00000200:  ab ab ab  ...`.
fn dump(line: &str) -> Option<Vec<u8>> {
    let (offset, rest) = line.split_once(":  ")?;
    let is_offset = offset.len() >= 8 && offset.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (bytes, _) = rest.split_once("  ").filter(|_| is_offset)?;
    bytes.split(' ').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// The name of an error, by what `strerror` says of it.
fn error_name(text: &str) -> Option<String> {
    if let Some(number) = text.strip_prefix("Unknown error ") {
        return number.parse().ok().and_then(Errno::from_number).map(|errno| ret(Err(errno)));
    }
    let found = Errno::NAMED.iter().find(|(_, _, known)| *known == text);
    found.map(|(name, ..)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `qemu-io` 10.0.2 printed: two writes held, a third behind one of them, all failing.
    const PRINTED: &str = r#"qemu-io> command "step-0" not found
qemu-io> qemu-io> qemu-io> command "step-1" not found
qemu-io> blkdebug: Suspended request 'A'
qemu-io> qemu-io> command "step-2" not found
qemu-io> 000001ff:  00 aa  ..
read 2/2 bytes at offset 511
2 bytes, 1 ops; 00.00 sec (628.646 KiB/sec and 628.6461 ops/sec)
qemu-io> qemu-io> command "step-3" not found
qemu-io> Could not resume request: No such file or directory
qemu-io> qemu-io> command "step-4" not found
qemu-io> qemu-io: Error flushing drive: No space left on device
qemu-io> qemu-io> command "tail" not found
qemu-io> blkdebug: Resuming request 'A'
Could not remove breakpoint A: No such file or directory
qemu-io> aio_write failed: Input/output error
qemu-io> command "end" not found
qemu-io> "#;

    fn case() -> Case {
        let line = r#"{"id":"c","dialect":"qemu-10.0.2","top":"raw","image":"file",
            "image_size":65536,"init":0,"requests":[
            {"op":"break","event":"pwritev","tag":"A"},{"op":"write","off":0,"len":512,"pat":1},
            {"op":"read","off":511,"len":2},{"op":"resume","tag":"B"},{"op":"flush"}]}"#;
        serde_json::from_str(line).expect("the case is well-formed")
    }

    #[test]
    fn what_is_printed_is_understood() {
        let outcome = outcome(&case(), PRINTED).expect("the output is complete");
        let text = serde_json::to_string(&outcome.steps).expect("outcomes can be written");
        assert_eq!(
            text,
            concat!(
                r#"[[{"t":"cmd","ret":"OK"}],[{"t":"suspended","tag":"A","req":1}],"#,
                r#"[{"t":"done","req":2,"ret":"OK","data":[[0,1,0],[1,1,170]]}],"#,
                r#"[{"t":"cmd","ret":"ENOENT"}],[{"t":"flush","ret":"ENOSPC"}]]"#
            )
        );
        let text = serde_json::to_string(&outcome.tail).expect("outcomes can be written");
        assert_eq!(text, r#"[{"t":"resuming","tag":"A"},{"t":"done","req":1,"ret":"EIO"}]"#);
    }

    #[test]
    fn an_output_that_ends_early_is_not_an_answer() {
        for (at, _) in PRINTED.match_indices('\n') {
            let early = &PRINTED[..at];
            let complete = early.contains("\"end\"");
            assert_eq!(outcome(&case(), early).is_ok(), complete, "{early}");
        }
        let refused = outcome(
            &case(),
            "qemu-io: can't open: no
",
        );
        assert!(matches!(refused, Err(Unreadable::NotOpened(_))), "{refused:?}");
    }

    #[test]
    fn a_flush_beside_a_suspended_request_is_not_seen() {
        let script = script(&case(), 1).expect("the case can be played");
        assert!(script.contains("step-4\nflush\n"), "{script}");
        let mut case = case();
        case.requests.remove(0);
        let script = super::script(&case, 1).expect("the case can be played");
        assert!(script.contains("step-3\nreopen\n"), "{script}");
    }
}
