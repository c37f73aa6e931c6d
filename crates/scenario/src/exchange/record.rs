//! A script of `qemu-io` commands, played in a world of ours and written down as steps.
//!
//! Commands are taken as from standard input, where one turn of QEMU's main loop runs between two
//! of them: everything that can finish finishes. So each command becomes its step, then a `wait`
//! for each request that has ended, and a `wait_break` for each that is suspended; a scenario that
//! does these steps is in the same state as the script after every command.

use std::collections::{BTreeMap, BTreeSet};

use headcrash_engine::{Errno, Requester, Tag};
use headcrash_sim::{
    Calm, ClientId, Completion, Cx, DiskId, Fact, Io, Key, NodeId, RequestId, What, World,
};

use super::rules::errno_to_file;
use crate::blkdebug::script::{Operation, Verify};
use crate::file::step::{
    Close, Len, Open, Reopen, SetBreak, Sleep, Submit, Truncate, Wait, WaitAll,
};
use crate::file::{self, Gets, Pattern, Step};

const DISK: DiskId = DiskId(0);
const NODE: NodeId = NodeId { disk: DISK, depth: 0 };

/// What a scenario allows a single read or write, and the ids of its requests.
const LEN_MAX: u64 = 16 << 20;
const IDS_MAX: usize = 4096;

/// How many bytes a script may move: it is only text, and need not be honest.
const MOVED_MAX: u64 = 256 << 20;

/// Into how many pieces the limits of its nodes may cut what a script asks for.
const PIECES_MAX: u64 = 1 << 20;

/// Reads that hold more stretches of bytes than this are not written down.
const RUNS_MAX: usize = 64;

/// The longest `sleep` of a scenario, in milliseconds.
const SLEEP_MAX_MS: u64 = 1_000_000_000;

/// Plays one command after the other.
pub(super) struct Recorder {
    world: World,
    facts: Vec<Fact>,
    /// Each with the script's line it is from.
    steps: Vec<(usize, Step)>,
    notes: Vec<(usize, String)>,
    /// Submitted and not done.
    open: BTreeMap<RequestId, Pending>,
    ids: usize,
    moved: u64,
    /// The longest piece that a limit leaves whole, and how many there were.
    piece: u64,
    pieces: u64,
    /// Why nothing more is done.
    ended: Option<&'static str>,
    /// What `open` is to be given.
    is_same_image: Box<dyn Fn(&str) -> bool>,
}

/// A request in the background.
struct Pending {
    id: String,
    verify: Option<Verify>,
}

/// What came of a command, as soon as nothing more comes.
#[derive(Default)]
struct Seen {
    /// In order.
    completed: Vec<Completion>,
    /// Tags under which a request is now suspended and was not before.
    suspended: Vec<Tag>,
    /// A request went on later than at once, and has not ended.
    is_restless: bool,
    /// QEMU has made up bytes (quirk Q1).
    is_undefined: bool,
}

/// What was written down.
pub(super) struct Recorded {
    /// Each with the script's line it is from.
    pub(super) steps: Vec<(usize, Step)>,
    /// What was left behind, with its line.
    pub(super) notes: Vec<(usize, String)>,
}

impl Recorder {
    /// Begins with the one disk of `world`, which is not yet open. `piece` is the least of what
    /// its limits allow at once; `is_same_image` says whether the name given to `open` stands for
    /// it.
    pub(super) fn new(world: World, piece: u64, is_same_image: Box<dyn Fn(&str) -> bool>) -> Self {
        let mut recorder = Self {
            world,
            facts: Vec::new(),
            steps: Vec::new(),
            notes: Vec::new(),
            open: BTreeMap::new(),
            ids: 0,
            moved: 0,
            piece: piece.max(1),
            pieces: 0,
            ended: None,
            is_same_image,
        };
        recorder.with(|world, cx| world.open(DISK, cx));
        recorder.facts.clear();
        recorder
    }

    pub(super) fn finish(self) -> Recorded {
        Recorded { steps: self.steps, notes: self.notes }
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut World, &mut Cx<'_>) -> R) -> R {
        act(&mut self.world, &mut Cx { choices: &mut Calm, sink: &mut self.facts })
    }

    fn push(&mut self, line: usize, step: Step) {
        self.steps.push((line, step));
    }

    fn note(&mut self, line: usize, reason: impl Into<String>) {
        self.notes.push((line, reason.into()));
    }

    /// Plays the command on a line of the script.
    pub(super) fn play(&mut self, line: usize, operation: &Operation) {
        if let Some(reason) = self.ended {
            return self.note(line, reason);
        }
        let is_io = !matches!(
            operation,
            Operation::Open { .. } | Operation::Sleep { .. } | Operation::Quit
        );
        if is_io && !self.world.is_open(DISK) {
            return self.note(line, "no file open, try 'help open'");
        }
        match operation {
            Operation::Read { at, len, verify, background } => {
                let read = file::Read {
                    disk: None,
                    at: *at,
                    len: *len,
                    holds: None,
                    save: None,
                    gets: Gets::Ok,
                    or_violates: None,
                };
                self.request(line, file::Io::Read(read), *verify, *background);
            }
            Operation::Write { at, len, pattern, fua, background } => {
                let write = file::Write {
                    disk: None,
                    at: *at,
                    len: Some(*len),
                    fill: Some(*pattern),
                    data: None,
                    fua: *fua,
                    gets: Gets::Ok,
                    or_violates: None,
                };
                self.request(line, file::Io::Write(write), None, *background);
            }
            Operation::WriteZeroes { at, len, fua, unmap, no_fallback, background } => {
                if *unmap {
                    self.note(line, "-u: what is deallocated is no different here");
                }
                if *no_fallback {
                    self.note(line, "-n: zeroes may be written as data here");
                }
                let write = file::WriteZeroes {
                    disk: None,
                    at: *at,
                    len: *len,
                    fua: *fua,
                    gets: Gets::Ok,
                    or_violates: None,
                };
                self.request(line, file::Io::WriteZeroes(write), None, *background);
            }
            Operation::Discard { at, len } => {
                let discard = file::Discard {
                    disk: None,
                    at: *at,
                    len: *len,
                    gets: Gets::Ok,
                    or_violates: None,
                };
                self.request(line, file::Io::Discard(discard), None, false);
            }
            Operation::Flush => {
                self.request(line, file::Io::Flush(file::Flush::default()), None, false);
            }
            Operation::Drain if !self.open.is_empty() => self.hangs(line),
            Operation::Drain => self.push(line, Step::WaitAll(WaitAll::default())),
            Operation::Break { event, tag } => self.set_break(line, event, tag),
            Operation::RemoveBreak { tag } => {
                if !self.check_tag(line, tag) {
                    return;
                }
                let found =
                    self.with(|world, cx| world.remove_breakpoint(NODE, &Tag::new(tag), cx));
                let step = if found { Step::RemoveBreak } else { Step::RemoveNoBreak };
                self.push(line, step(tag.clone()));
                let seen = self.settle();
                self.write_down(line, seen);
            }
            Operation::Resume { tag } => {
                if !self.check_tag(line, tag) {
                    return;
                }
                let found = self.with(|world, cx| world.resume(NODE, &Tag::new(tag), cx));
                let step = if found { Step::Resume } else { Step::ResumeNone };
                self.push(line, step(tag.clone()));
                let seen = self.settle();
                self.write_down(line, seen);
            }
            Operation::WaitBreak { tag } => {
                if self.world.engine(NODE).is_suspended(tag) {
                    self.wait_break(line, tag);
                } else {
                    self.note(line, "qemu-io waits for ever: nobody will be suspended under it");
                }
            }
            Operation::Sleep { ms } if *ms > SLEEP_MAX_MS => {
                self.note(line, format!("a scenario sleeps {SLEEP_MAX_MS} ms at most"));
            }
            Operation::Sleep { ms } => self.push(line, Step::Sleep(Sleep { ns: ms * 1_000_000 })),
            Operation::Truncate { len } => self.truncate(line, *len),
            Operation::Length => {
                let is = self.world.image(DISK).len();
                self.push(line, Step::Len(Len { disk: None, is }));
            }
            Operation::Open { .. } if self.world.is_open(DISK) => {
                self.note(line, "file open already, try 'help close'");
            }
            Operation::Open { path } => self.reopen_after_close(line, path),
            Operation::Close | Operation::Reopen { .. } | Operation::Quit
                if !self.open.is_empty() =>
            {
                self.hangs(line);
            }
            Operation::Close => {
                self.with(|world, cx| drop(world.close(DISK, cx)));
                self.push(line, Step::Close(Close::default()));
                self.facts.clear();
            }
            Operation::Reopen { read_only } => self.reopen(line, *read_only),
            Operation::Quit => self.ended = Some("qemu-io has quit before"),
        }
    }

    /// A request that is too much, and so has no answer.
    fn refuse(&mut self, line: usize, reason: String) -> Option<Result<(), Errno>> {
        self.note(line, reason);
        None
    }

    fn hangs(&mut self, line: usize) {
        self.note(line, "qemu-io waits for ever: a request is suspended");
    }

    fn check_tag(&mut self, line: usize, tag: &str) -> bool {
        let fits =
            !tag.is_empty() && tag.chars().count() <= 100 && !tag.chars().any(char::is_control);
        if !fits {
            self.note(line, "a scenario's tags have 1 to 100 characters, none to control anything");
        }
        fits
    }

    fn set_break(&mut self, line: usize, event: &str, tag: &str) {
        let Some(id) = self.world.engine(NODE).program().event(event) else {
            return self.note(line, "Could not set breakpoint: there is no such event");
        };
        if self.check_tag(line, tag) {
            self.with(|world, cx| world.set_breakpoint(NODE, id, Tag::new(tag), cx));
            let (event, tag) = (event.to_owned(), tag.to_owned());
            self.push(line, Step::SetBreak(SetBreak { disk: None, event, tag }));
        }
    }

    fn wait_break(&mut self, line: usize, tag: &str) {
        let is_waited =
            |step: &&(usize, Step)| matches!(&step.1, Step::WaitBreak(last) if last == tag);
        if self.steps.last().filter(is_waited).is_none() {
            self.push(line, Step::WaitBreak(tag.to_owned()));
        }
    }

    fn truncate(&mut self, line: usize, len: u64) {
        const MOST: u64 = 1 << 60;
        if len > MOST {
            return self.note(line, format!("a scenario's disks have at most {MOST} bytes"));
        }
        let got = self.with(|world, cx| world.truncate(DISK, len, cx));
        self.push(line, Step::Truncate(Truncate { disk: None, len, gets: gets(got) }));
    }

    fn reopen_after_close(&mut self, line: usize, path: &str) {
        if !(self.is_same_image)(path) {
            self.ended = Some("another image was opened before, and a scenario's disk has one");
            return self.note(line, "another image, and a scenario's disk has one");
        }
        self.with(|world, cx| world.open(DISK, cx));
        self.push(line, Step::Open(Open::default()));
        let seen = self.settle();
        self.write_down(line, seen);
    }

    /// QEMU flushes first, and does not reopen if that fails.
    fn reopen(&mut self, line: usize, read_only: Option<bool>) {
        if read_only.is_some() {
            self.note(line, "-r and -w: a scenario's disk stays as it is");
        }
        let flush = file::Io::Flush(file::Flush::default());
        if self.request(line, flush, None, false) == Some(Ok(())) {
            self.with(|world, cx| world.reopen(DISK, cx));
            self.push(line, Step::Reopen(Reopen::default()));
        }
    }

    /// Submits a request. What it got, if it has ended.
    fn request(
        &mut self,
        line: usize,
        io: file::Io,
        verify: Option<Verify>,
        background: bool,
    ) -> Option<Result<(), Errno>> {
        let moves = moves_of(&io);
        if moves > LEN_MAX {
            return self.refuse(
                line,
                format!("a scenario reads or writes at most {LEN_MAX} bytes at once"),
            );
        }
        self.moved += moves;
        if self.moved > MOVED_MAX {
            return self.refuse(line, format!("the script moves more than {MOVED_MAX} bytes"));
        }
        self.pieces = self.pieces.saturating_add(len_of(&io) / self.piece);
        if self.pieces > PIECES_MAX {
            return self.refuse(
                line,
                format!("the limits cut the script into more than {PIECES_MAX} pieces"),
            );
        }
        if self.ids == IDS_MAX {
            return self
                .refuse(line, format!("a scenario has at most {IDS_MAX} requests with ids"));
        }
        // A scenario refuses a request beyond the end unless it says what it gets.
        let is_beyond = end_of(&io) > self.world.image(DISK).len();
        let request = request_of(&io);
        let request =
            self.with(|world, cx| world.submit(ClientId(0), (Key::NOBODY, 0), DISK, request, cx));
        let mut seen = self.settle();
        let own = seen.completed.iter().position(|done| done.request == request);
        let mut got = None;
        match own {
            Some(own) if !background || is_beyond => {
                let done = seen.completed.remove(own);
                let holds = self.holds(line, verify, &done);
                got = Some(done.result);
                self.push(line, step_of(io, gets(done.result), holds));
            }
            _ => {
                if !background {
                    self.note(
                        line,
                        "qemu-io waits for ever: the request does not end; it is submitted and \
                         not waited for",
                    );
                }
                self.ids += 1;
                let id = format!("aio{line}");
                self.open.insert(request, Pending { id: id.clone(), verify });
                self.push(line, Step::Submit(Submit { id, io }));
            }
        }
        self.write_down(line, seen);
        got
    }

    /// Lets everything that can finish finish.
    fn settle(&mut self) -> Seen {
        let mut late = BTreeSet::new();
        while let Some(at) = self.world.next_due() {
            self.world.advance(at);
            late.extend(self.world.due_now().next().and_then(headcrash_sim::Due::request));
            self.with(|world, cx| world.step_to(0, cx));
        }
        let mut seen = Seen::default();
        while let Some((_, completion)) = self.world.take_completion() {
            late.remove(&completion.request);
            seen.completed.push(completion);
        }
        seen.is_restless = !late.is_empty();
        for fact in std::mem::take(&mut self.facts) {
            match fact.what {
                What::Suspended { request, node, tag, .. } => {
                    let who = Requester(request.number());
                    let held = self.world.engine(node).suspensions();
                    let is_held = held.iter().any(|held| held.who() == who && *held.tag() == tag);
                    if is_held && !seen.suspended.contains(&tag) {
                        seen.suspended.push(tag);
                    }
                }
                What::ReadIgnored { .. } => seen.is_undefined = true,
                _ => {}
            }
        }
        seen
    }

    /// The steps after which a scenario has seen the same.
    fn write_down(&mut self, line: usize, seen: Seen) {
        if seen.is_undefined {
            self.note(line, "QEMU ignores the failed read and writes whatever is in memory");
        }
        if seen.is_restless {
            self.push(line, Step::Sleep(Sleep { ns: 1 }));
        }
        for done in seen.completed {
            let Some(Pending { id, verify }) = self.open.remove(&done.request) else { continue };
            let holds = self.holds(line, verify, &done);
            let (save, or_violates) = (None, None);
            let wait = Wait { id, holds, save, gets: gets(done.result), or_violates };
            self.push(line, Step::Wait(wait));
        }
        for tag in seen.suspended {
            self.wait_break(line, tag.as_str());
        }
    }

    /// What a read that was to be verified holds.
    fn holds(&mut self, line: usize, verify: Option<Verify>, done: &Completion) -> Option<Pattern> {
        let Verify { pattern, from, len } = verify?;
        if done.result.is_err() {
            return None;
        }
        let data = &done.data;
        // The part is inside what is read, or the command would not have been one.
        let part = &data[from as usize..(from + len) as usize];
        let wrong = part.iter().position(|byte| *byte != pattern);
        if let Some(wrong) = wrong {
            let at = from + wrong as u64;
            let found = part[wrong];
            self.note(line, format!("-P: pattern verification fails: byte {at} is {found:#04x}"));
        } else if part.len() == data.len() {
            return Some(if pattern == 0 { Pattern::Zeroes } else { Pattern::Fill(pattern) });
        }
        let runs: Vec<_> = data.chunk_by(|a, b| a == b).take(RUNS_MAX + 1).collect();
        if runs.len() > RUNS_MAX {
            self.note(line, format!("the read has more than {RUNS_MAX} stretches of bytes"));
            return None;
        }
        Some(match runs[..] {
            [run] => Pattern::Fill(run[0]),
            _ => Pattern::Runs(runs.iter().map(|run| (run.len() as u64, run[0])).collect()),
        })
    }
}

fn gets(result: Result<(), Errno>) -> Gets {
    match result {
        Ok(()) => Gets::Ok,
        Err(errno) => Gets::Fails(errno_to_file(errno.number())),
    }
}

/// The step that submits a request and waits for it.
fn step_of(io: file::Io, gets: Gets, holds: Option<Pattern>) -> Step {
    match io {
        file::Io::Read(read) => Step::Read(file::Read { gets, holds, ..read }),
        file::Io::Write(write) => Step::Write(file::Write { gets, ..write }),
        file::Io::WriteZeroes(write) => Step::WriteZeroes(file::WriteZeroes { gets, ..write }),
        file::Io::Discard(discard) => Step::Discard(file::Discard { gets, ..discard }),
        file::Io::Flush(flush) => Step::Flush(file::Flush { gets, ..flush }),
    }
}

/// How many bytes it moves.
const fn moves_of(io: &file::Io) -> u64 {
    match *io {
        file::Io::Read(file::Read { len, .. })
        | file::Io::Write(file::Write { len: Some(len), .. }) => len,
        file::Io::Write(_)
        | file::Io::WriteZeroes(_)
        | file::Io::Discard(_)
        | file::Io::Flush(_) => 0,
    }
}

fn request_of(io: &file::Io) -> Io {
    match *io {
        file::Io::Read(file::Read { at, len, .. }) => Io::Read { at, len },
        file::Io::Write(file::Write { at, fill, fua, .. }) => {
            let data = vec![fill.unwrap_or(0); moves_of(io) as usize];
            Io::Write { at, data: data.into(), fua }
        }
        file::Io::WriteZeroes(file::WriteZeroes { at, len, fua, .. }) => {
            Io::WriteZeroes { at, len, fua }
        }
        file::Io::Discard(file::Discard { at, len, .. }) => Io::Discard { at, len },
        file::Io::Flush(_) => Io::Flush,
    }
}

const fn len_of(io: &file::Io) -> u64 {
    match *io {
        file::Io::Read(file::Read { len, .. })
        | file::Io::Write(file::Write { len: Some(len), .. })
        | file::Io::WriteZeroes(file::WriteZeroes { len, .. })
        | file::Io::Discard(file::Discard { len, .. }) => len,
        file::Io::Write(_) | file::Io::Flush(_) => 0,
    }
}

/// The byte after its last.
const fn end_of(io: &file::Io) -> u64 {
    let at = match *io {
        file::Io::Read(file::Read { at, .. })
        | file::Io::Write(file::Write { at, .. })
        | file::Io::WriteZeroes(file::WriteZeroes { at, .. })
        | file::Io::Discard(file::Discard { at, .. }) => at,
        file::Io::Flush(_) => 0,
    };
    at.saturating_add(len_of(io))
}
