//! A client of a scenario at work: a place in its program, and what it waits for.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use headcrash_engine::{Errno, IoKind};
use headcrash_sim::{
    Completion, FileId, FileOp, FsId, Instant, Next, NodeId, RequestId, Turn, Wait, What,
};

use super::violation::{Claim, Violation};
use crate::scenario::{
    Client, DiskIndex, EXPECTATION, FileIo, FileIoKind, Finds, Gets, HandleIndex, Io, MarkIndex,
    Medium, OnMisuse, Pattern, RECOVERS, RequestIndex, Scenario, Step, StepIndex, StepKind,
    TagIndex, Wanted,
};
use crate::source::Location;

/// A client of a scenario at work.
///
/// What it says is decided here; what only the whole run can know (whether a condition holds) it
/// leaves as a [`Claim`], which the run looks at right after the step.
#[derive(Clone, Debug)]
pub(crate) struct Script<'s> {
    scenario: &'s Scenario,
    client: &'s Client,
    /// The next step.
    pc: usize,
    /// For each `repeat` that is under way, by its place: how often it was done.
    counters: Vec<(usize, u64)>,
    saved: Vec<Option<Vec<u8>>>,
    /// The last request submitted under each id of the scenario; this client's only.
    requests: Vec<Option<RequestId>>,
    /// The files it has open, by what it calls them; a file that is not open answers `EBADF`.
    handles: Vec<FileId>,
    /// Where it goes on after a decision.
    goes_to: Option<StepIndex>,
    /// Submitted under an id and not yet waited for.
    pending: Vec<(RequestIndex, RequestId, IoKind, u64)>,
    /// What the step under way waits for.
    awaited: Vec<Awaited<'s>>,
    claim: Option<Claim<'s>>,
    /// What it has marked.
    marked: BTreeSet<MarkIndex>,
    /// Which of its steps it has taken.
    visited: Vec<bool>,
    /// Where its requests were submitted, if misuse is to be pointed at.
    issued: Vec<(RequestId, Location)>,
    /// It recovers, after a workload that had marked these: an access that fails and was not to
    /// is then no violation, but a recovery that refuses.
    recovers: Option<Arc<BTreeSet<MarkIndex>>>,
}

/// A request that the step under way waits for.
#[derive(Clone, Copy, Debug)]
struct Awaited<'s> {
    request: RequestId,
    kind: IoKind,
    file: Option<Filed<'s>>,
    /// How many bytes it asked for.
    len: u64,
    wanted: &'s Wanted,
    location: Location,
}

/// An operation on a file system that the step under way waits for.
#[derive(Clone, Copy, Debug)]
struct Filed<'s> {
    io: &'s FileIo,
    finds: &'s Finds,
    /// Where to go if there is nothing of the name, rather than what should be so.
    otherwise: Option<StepIndex>,
}

/// What an announcement must be answered.
static PASSES: Wanted = Wanted { gets: Gets::Ok, holds: None, save: None, or_violates: None };

impl<'s> Script<'s> {
    pub(crate) fn new(scenario: &'s Scenario, client: &'s Client) -> Self {
        Self {
            scenario,
            client,
            pc: 0,
            counters: Vec::with_capacity(client.depth),
            saved: vec![None; client.saved.len()],
            requests: vec![None; scenario.requests().len()],
            handles: vec![FileId::from_number(0); client.handles.len()],
            goes_to: None,
            pending: Vec::new(),
            awaited: Vec::new(),
            claim: None,
            marked: BTreeSet::new(),
            visited: vec![false; client.steps.len()],
            issued: Vec::new(),
            recovers: None,
        }
    }

    /// A recovery, after a workload that had marked these.
    pub(crate) fn recovering(
        scenario: &'s Scenario,
        client: &'s Client,
        marks: Arc<BTreeSet<MarkIndex>>,
    ) -> Self {
        Self { recovers: Some(marks), ..Self::new(scenario, client) }
    }

    fn issue(&mut self, request: RequestId, location: Location) {
        if self.scenario.on_misuse() == OnMisuse::Error {
            self.issued.push((request, location));
        }
    }

    /// Where a request of its own was submitted, under `misuse: error`.
    pub(crate) fn issued(&self, request: RequestId) -> Option<Location> {
        self.issued.iter().find(|(issued, _)| *issued == request).map(|(_, location)| *location)
    }

    /// What it has marked.
    pub(crate) fn marked(&self) -> impl Iterator<Item = MarkIndex> {
        self.marked.iter().copied()
    }

    /// Whether the step at this place is the one it takes next, and it waits for nothing.
    pub(crate) fn is_about_to(&self, step: StepIndex) -> bool {
        self.pc == step.0 && self.awaited.is_empty()
    }

    /// The places of the steps it has taken.
    pub(crate) fn visited(&self) -> impl Iterator<Item = usize> {
        self.visited.iter().enumerate().filter(|(_, visited)| **visited).map(|(step, _)| step)
    }

    /// What it knows, in a number: where it is, and what it has read and kept.
    pub(crate) fn digest(&self, hasher: &mut impl Hasher) {
        (self.pc, &self.saved, &self.marked).hash(hasher);
    }

    /// What the last step claimed, given once.
    pub(crate) const fn take_claim(&mut self) -> Option<Claim<'s>> {
        // Asked of everybody after every step: most have none, and a claim is large.
        if self.claim.is_none() { None } else { self.claim.take() }
    }

    /// The last request submitted under an id, if this client submitted it.
    pub(crate) fn request(&self, index: RequestIndex) -> Option<RequestId> {
        self.requests[index.0]
    }

    /// Where the step is that it takes next, or waits in.
    pub(crate) fn location(&self) -> Location {
        self.client.steps.get(self.pc).map_or(self.client.location, |step| step.location)
    }

    fn violated(
        &mut self,
        location: Location,
        property: Option<&str>,
        message: String,
        at: Instant,
    ) {
        let property = property.unwrap_or(EXPECTATION).to_owned();
        // Of several violations in one step the first is told.
        let violation = Violation { property, message, location, at };
        self.claim.get_or_insert(Claim::Violated(violation));
    }

    fn node(&self, tag: TagIndex) -> NodeId {
        let info = &self.scenario.tags()[tag.0];
        NodeId { depth: info.node as u32, ..outer(info.disk) }
    }

    fn step(&mut self, step: &'s Step, turn: &mut Turn<'_, '_>) -> Next {
        let location = step.location;
        let now = turn.world.now();
        match &step.kind {
            StepKind::Io(io, wanted) => {
                self.submit(io, wanted, location, turn);
                return self.wait(turn);
            }
            StepKind::Parallel(all) => {
                for (location, io, wanted) in all {
                    self.submit(io, wanted, *location, turn);
                }
                return self.wait(turn);
            }
            StepKind::Submit(index, io) => {
                let request = turn.submit(disk(io.disk), request_of(self.scenario, io));
                self.issue(request, location);
                self.requests[index.0] = Some(request);
                self.pending.push((*index, request, io.kind, io.len));
            }
            StepKind::Wait(index, wanted) => {
                let found = self.pending.iter().rposition(|(other, ..)| other == index);
                let Some(place) = found else {
                    let name = &self.scenario.requests()[index.0];
                    let message =
                        format!("request `{name}` was not submitted, or waited for before");
                    self.violated(location, None, message, now);
                    return Next::Ready;
                };
                let (_, request, kind, len) = self.pending.remove(place);
                self.awaited.push(Awaited { request, kind, file: None, len, wanted, location });
                return self.wait(turn);
            }
            StepKind::WaitAll(wanted) => {
                let all = self.pending.drain(..);
                self.awaited.extend(all.map(|(_, request, kind, len)| Awaited {
                    request,
                    kind,
                    file: None,
                    len,
                    wanted,
                    location,
                }));
                return self.wait(turn);
            }
            StepKind::Announce(index, event) => {
                let request = turn.submit(disk(*index), headcrash_sim::Io::Announce(*event));
                let kind = IoKind::Flush;
                let wanted = &PASSES;
                self.awaited.push(Awaited { request, kind, file: None, len: 0, wanted, location });
                return self.wait(turn);
            }
            StepKind::SetBreak(index, event, tag) => {
                let tag = self.scenario.tags()[tag.0].tag.clone();
                turn.world.set_breakpoint(outer(*index), *event, tag, turn.cx);
            }
            StepKind::RemoveBreak { tag, finds } => {
                let info = &self.scenario.tags()[tag.0].tag;
                let found = turn.world.remove_breakpoint(self.node(*tag), info, turn.cx);
                self.expect_found(location, "breakpoint", *tag, *finds, found, now);
            }
            StepKind::Resume { tag, finds } => {
                let info = &self.scenario.tags()[tag.0].tag;
                let found = turn.world.resume(self.node(*tag), info, turn.cx);
                self.expect_found(location, "request suspended", *tag, *finds, found, now);
            }
            StepKind::WaitBreak(tag) => {
                let node = self.node(*tag);
                let info = &self.scenario.tags()[tag.0].tag;
                if !turn.world.engine(node).is_suspended(info.as_str()) {
                    return Next::Wait(Wait::Suspension(node, info.clone()));
                }
            }
            StepKind::Sleep { ns } => {
                let until = now.after_ns(*ns);
                turn.tell(What::Sleeps { client: turn.me(), until });
                self.pc += 1;
                return Next::Wait(Wait::Until(until));
            }
            StepKind::Repeat { times, end } => {
                if *times == 0 || end.0 <= self.pc + 2 {
                    self.pc = end.0;
                    return Next::Ready;
                }
                self.counters.push((self.pc, 0));
            }
            StepKind::Again { repeat } => return self.again(*repeat),
            StepKind::When { saved, holds, otherwise } => {
                // What could not be read is like nothing.
                let held = self.saved[saved.0].as_ref().is_some_and(|bytes| holds.matches(bytes));
                turn.tell(What::Decided { client: turn.me(), held });
                if !held {
                    self.pc = otherwise.0;
                    return Next::Ready;
                }
            }
            StepKind::File(io, wanted, finds) => {
                let filed = Filed { io, finds, otherwise: None };
                self.submit_file(filed, wanted, location, turn);
                return self.wait(turn);
            }
            StepKind::WhenExists { io, otherwise } => {
                let (finds, otherwise) = (&Finds::Anything, Some(*otherwise));
                self.submit_file(Filed { io, finds, otherwise }, &PASSES, location, turn);
                return self.wait(turn);
            }
            StepKind::Jump(to) => {
                self.pc = to.0;
                return Next::Ready;
            }
            StepKind::Open(index, gets) => {
                let got = turn.world.try_open(disk(*index), turn.cx);
                self.opened(location, *gets, got, now);
            }
            StepKind::Close(index) => drop(turn.world.close(disk(*index), turn.cx)),
            StepKind::Reopen(index, gets) => {
                let got = turn.world.try_reopen(disk(*index), turn.cx);
                self.opened(location, *gets, got, now);
            }
            StepKind::Truncate(index, len, gets) => {
                let got = turn.world.truncate(disk(*index), *len, turn.cx);
                self.expect_answer(location, None, *gets, got, now);
            }
            StepKind::Len(index, wanted) => {
                let len = turn.world.image(disk(*index)).len();
                if len != *wanted {
                    let name = &self.scenario.disks()[index.0].name;
                    let message = format!("`{name}` is {len} bytes long, not {wanted}");
                    self.violated(location, None, message, now);
                }
            }
            StepKind::Mark(mark) => _ = self.marked.insert(*mark),
            StepKind::WhenMarked { mark, otherwise } => {
                let held = match &self.recovers {
                    Some(marks) => marks.contains(mark),
                    None => self.marked.contains(mark),
                };
                turn.tell(What::Decided { client: turn.me(), held });
                if !held {
                    self.pc = otherwise.0;
                    return Next::Ready;
                }
            }
            StepKind::Refuse(why) => self.refuse(location, why.clone(), now),
            StepKind::PowerCut(disks) => {
                // It ends with the power, if that goes for its own disks.
                self.pc += 1;
                if disks.is_empty() {
                    turn.world.power_cut_all(turn.cx);
                }
                for index in disks {
                    if turn.world.is_powered(disk(*index)) {
                        turn.world.power_cut(disk(*index), turn.cx);
                    }
                }
                return Next::Ready;
            }
            StepKind::Damage { disk: index, at, len, fault } => {
                turn.world.damage(disk(*index), (*at, *len), *fault, turn.cx);
            }
            StepKind::Heal { disk: index, at, len } => {
                turn.world.lift(disk(*index), *at, *len, turn.cx);
            }
            StepKind::Expect(condition) => self.claim = Some(Claim::Holds(condition, location)),
        }
        self.pc += 1;
        Next::Ready
    }

    fn again(&mut self, repeat: StepIndex) -> Next {
        let StepKind::Repeat { times, .. } = self.client.steps[repeat.0].kind else {
            unreachable!("a repeat ends where it began")
        };
        let counter = self.counters.last_mut().expect("a repeat under way has its counter");
        counter.1 += 1;
        if counter.1 < times {
            self.pc = repeat.0 + 1;
        } else {
            self.counters.pop();
            self.pc += 1;
        }
        Next::Ready
    }

    fn submit(&mut self, io: &Io, wanted: &'s Wanted, location: Location, turn: &mut Turn<'_, '_>) {
        let request = turn.submit(disk(io.disk), request_of(self.scenario, io));
        self.issue(request, location);
        let Io { kind, len, .. } = *io;
        self.awaited.push(Awaited { request, kind, file: None, len, wanted, location });
    }

    /// Takes what has come of what the step waits for; goes on when all of it has.
    fn wait(&mut self, turn: &mut Turn<'_, '_>) -> Next {
        let mut place = 0;
        while let Some(awaited) = self.awaited.get(place) {
            match turn.completion(awaited.request) {
                Some(completion) => {
                    let awaited = self.awaited.remove(place);
                    self.judge(awaited, completion, turn);
                }
                None => place += 1,
            }
        }
        match self.awaited.first() {
            Some(awaited) => Next::Wait(Wait::Completion(awaited.request)),
            None => {
                self.pc = self.goes_to.take().map_or(self.pc + 1, |step| step.0);
                Next::Ready
            }
        }
    }

    fn submit_file(
        &mut self,
        filed: Filed<'s>,
        wanted: &'s Wanted,
        location: Location,
        turn: &mut Turn<'_, '_>,
    ) {
        let io = filed.io;
        let request = turn.submit_file(FsId(io.fs.0 as u32), self.file_op(io));
        let (kind, len) = match &io.kind {
            FileIoKind::Read { len, .. } => (IoKind::Read, len.unwrap_or(0)),
            FileIoKind::Write { len, .. } => (IoKind::Write, *len),
            _ => (IoKind::Flush, 0),
        };
        self.awaited.push(Awaited { request, kind, file: Some(filed), len, wanted, location });
    }

    fn file_op(&self, io: &FileIo) -> FileOp {
        /// More than a file system reads at once.
        const REST: u64 = 16 << 20;
        let open = |file: &HandleIndex| self.handles[file.0];
        let path = |path: &String| Arc::<str>::from(path.as_str());
        match &io.kind {
            FileIoKind::Create { path: at, exclusive, .. } => {
                FileOp::Create { path: path(at), exclusive: *exclusive }
            }
            FileIoKind::Open { path: at, .. } => FileOp::Open { path: path(at) },
            FileIoKind::Read { file, at, len } => {
                FileOp::Read { file: open(file), at: *at, len: len.unwrap_or(REST) }
            }
            FileIoKind::Write { file, at, len, data } => {
                let data = Arc::from(data.to_vec(*len as usize));
                FileOp::Write { file: open(file), at: *at, data }
            }
            FileIoKind::SetLen { file, len } => FileOp::SetLen { file: open(file), len: *len },
            FileIoKind::Sync { file } => FileOp::Sync { file: open(file) },
            FileIoKind::SyncData { file } => FileOp::SyncData { file: open(file) },
            FileIoKind::Close { file } => FileOp::Close { file: open(file) },
            FileIoKind::Len { file } => FileOp::Len { file: open(file) },
            FileIoKind::LenOf { path: at } => FileOp::LenOf { path: path(at) },
            FileIoKind::Lookup { path: at } => FileOp::Lookup { path: path(at) },
            FileIoKind::Rename { from, to } => FileOp::Rename { from: path(from), to: path(to) },
            FileIoKind::Unlink { path: at } => FileOp::Unlink { path: path(at) },
            FileIoKind::MakeDir { path: at } => FileOp::MakeDir { path: path(at) },
            FileIoKind::RemoveDir { path: at } => FileOp::RemoveDir { path: path(at) },
            FileIoKind::SyncDir { path: at } => FileOp::SyncDir { path: path(at) },
            FileIoKind::List { path: at } => FileOp::List { path: path(at) },
        }
    }

    /// What an operation on a file system has to say beyond its answer. Whether that is to be
    /// judged as well.
    fn judge_file(
        &mut self,
        filed: Filed<'s>,
        awaited: &Awaited<'s>,
        completion: &Completion,
        now: Instant,
    ) -> bool {
        let (property, location) = (awaited.wanted.or_violates.as_deref(), awaited.location);
        let is_absent = matches!(completion.result, Err(Errno::ENOENT | Errno::ENOTDIR));
        let is_there = completion.result.is_ok();
        if let Some(otherwise) = filed.otherwise {
            if is_absent {
                self.goes_to = Some(otherwise);
            }
            return !is_absent;
        }
        match (filed.finds, &filed.io.kind) {
            (Finds::Something(wanted), FileIoKind::Lookup { path }) if is_there || is_absent => {
                if *wanted != is_there {
                    let there = if is_there { "there is" } else { "there is no" };
                    self.violated(location, property, format!("{there} `{path}`"), now);
                }
                return false;
            }
            (Finds::Len(wanted), _) if is_there && completion.len != *wanted => {
                let message = format!("it is {} bytes long, not {wanted}", completion.len);
                self.violated(location, property, message, now);
            }
            (Finds::Names(wanted), _) if is_there => {
                let found = String::from_utf8_lossy(&completion.data);
                let found: Vec<_> = found.lines().collect();
                if found != *wanted {
                    self.violated(location, property, format!("the names are {found:?}"), now);
                }
            }
            _ => {}
        }
        match filed.io.kind {
            FileIoKind::Create { opens, .. } | FileIoKind::Open { opens, .. } => {
                let number = if is_there { completion.len } else { 0 };
                self.handles[opens.0] = FileId::from_number(number);
            }
            _ => {}
        }
        true
    }

    fn judge(&mut self, awaited: Awaited<'s>, completion: Completion, turn: &mut Turn<'_, '_>) {
        let Awaited { wanted, location, len: io_len, .. } = awaited;
        let property = wanted.or_violates.as_deref();
        let now = turn.world.now();
        let is_moved = awaited.file.is_none_or(|filed| match filed.io.kind {
            FileIoKind::Read { len, .. } => len.is_some() || matches!(wanted.gets, Gets::Short(_)),
            FileIoKind::Write { .. } => true,
            _ => false,
        });
        if let Some(filed) = awaited.file
            && !self.judge_file(filed, &awaited, &completion, now)
        {
            return;
        }
        match (&self.recovers, property, wanted.gets, completion.result) {
            (Some(_), None, Gets::Ok, Err(errno)) => {
                self.refuse(location, format!("an access fails with {errno}"), now);
            }
            _ => self.expect_answer(location, property, wanted.gets, completion.result, now),
        }
        if let (Gets::Ok | Gets::Short(_), Ok(()), true) =
            (wanted.gets, completion.result, is_moved)
        {
            self.expect_len(location, property, wanted.gets, (io_len, completion.len), now);
        }
        if awaited.kind != IoKind::Read {
            return;
        }
        if completion.result.is_err() {
            if let Some(saved) = wanted.save {
                self.saved[saved.0] = None;
            }
            return;
        }
        if let Some(pattern) = &wanted.holds {
            self.expect_bytes(location, property, pattern, &completion.data, turn);
        }
        if let Some(saved) = wanted.save {
            self.saved[saved.0] = Some(completion.data);
        }
    }

    fn expect_answer(
        &mut self,
        location: Location,
        property: Option<&str>,
        wanted: Gets,
        got: Result<(), Errno>,
        now: Instant,
    ) {
        let wanted = match (wanted, got) {
            (Gets::Any, _) | (Gets::Ok | Gets::Short(_), Ok(())) => return,
            (Gets::Fails(wanted), Err(got)) if wanted == got => return,
            (Gets::Ok, Err(_)) => "ok".to_owned(),
            (Gets::Short(len), Err(_)) => format!("{len} bytes"),
            (Gets::Fails(wanted), _) => wanted.to_string(),
        };
        let got = got.map_or_else(|errno| errno.to_string(), |()| "ok".to_owned());
        self.violated(location, property, format!("this should get {wanted}, and gets {got}"), now);
    }

    /// A disk was opened, or not; a recovery that cannot open its disk refuses.
    fn opened(&mut self, location: Location, wanted: Gets, got: Result<(), Errno>, now: Instant) {
        match (&self.recovers, wanted, got) {
            (Some(_), Gets::Ok, Err(errno)) => {
                self.refuse(location, format!("a disk cannot be opened: {errno}"), now);
            }
            _ => self.expect_answer(location, None, wanted, got, now),
        }
    }

    /// As many bytes as asked for, or as said.
    fn expect_len(
        &mut self,
        location: Location,
        property: Option<&str>,
        gets: Gets,
        (asked, done): (u64, u64),
        now: Instant,
    ) {
        let wanted = match gets {
            Gets::Short(len) => len,
            Gets::Ok | Gets::Any | Gets::Fails(_) => asked,
        };
        if wanted == done {
            return;
        }
        match (&self.recovers, property, gets) {
            // As with an error: it was told, and can say so.
            (Some(_), None, Gets::Ok) => {
                self.refuse(location, format!("an access does {done} of {asked} bytes"), now);
            }
            _ => {
                let message = format!("this should do {wanted} bytes, and does {done}");
                self.violated(location, property, message, now);
            }
        }
    }

    /// The recovery refuses: whatever is wrong, it says so.
    fn refuse(&mut self, location: Location, message: String, at: Instant) {
        let property = RECOVERS.to_owned();
        let violation = Violation { property, message, location, at };
        self.claim.get_or_insert(Claim::Refused(violation));
    }

    fn expect_bytes(
        &mut self,
        location: Location,
        property: Option<&str>,
        pattern: &Pattern,
        found: &[u8],
        turn: &mut Turn<'_, '_>,
    ) {
        let client = turn.me();
        if pattern.matches(found) {
            turn.tell(What::ContentsHold { client, len: found.len() as u64 });
            return;
        }
        // Of several patterns the one that holds longest says most.
        let difference = |content: &crate::scenario::Content| content.first_difference(found);
        let first = pattern.any_of.iter().filter_map(difference).max_by_key(|first| first.at);
        let message = match first {
            Some(first) => {
                turn.tell(What::ContentsDiffer {
                    client,
                    at: first.at as u64,
                    expected: Some(first.wanted),
                    found: Some(first.found),
                });
                format!(
                    "byte {} of what was read is {:#04x}, and should be {:#04x}",
                    first.at, first.found, first.wanted
                )
            }
            None => {
                let at = found.len() as u64;
                turn.tell(What::ContentsDiffer { client, at, expected: None, found: None });
                format!("{} bytes were read, which is not the length expected", found.len())
            }
        };
        self.violated(location, property, message, turn.world.now());
    }

    fn expect_found(
        &mut self,
        location: Location,
        what: &str,
        tag: TagIndex,
        wanted: bool,
        found: bool,
        now: Instant,
    ) {
        if wanted == found {
            return;
        }
        let tag = &self.scenario.tags()[tag.0].tag;
        let message = if found {
            format!("there is a {what} under tag `{tag}`")
        } else {
            format!("there is no {what} under tag `{tag}`")
        };
        self.violated(location, None, message, now);
    }
}

impl headcrash_sim::Client for Script<'_> {
    fn name(&self) -> &str {
        &self.client.name
    }

    fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next {
        if !self.awaited.is_empty() {
            let next = self.wait(turn);
            return self.or_done(next);
        }
        let next = match self.client.steps.get(self.pc) {
            Some(step) => {
                self.visited[self.pc] = true;
                self.step(step, turn)
            }
            None => Next::Done,
        };
        self.or_done(next)
    }
}

impl Script<'_> {
    /// A client that could go on and has no step left is done at once.
    fn or_done(&self, next: Next) -> Next {
        match next {
            Next::Ready if self.pc >= self.client.steps.len() => Next::Done,
            next => next,
        }
    }
}

/// A disk's number in the world.
pub(crate) const fn disk(index: DiskIndex) -> headcrash_sim::DiskId {
    headcrash_sim::DiskId(index.0 as u32)
}

/// A disk's outermost node.
pub(crate) const fn outer(index: DiskIndex) -> NodeId {
    NodeId { disk: disk(index), depth: 0 }
}

fn request_of(scenario: &Scenario, io: &Io) -> headcrash_sim::Io {
    let Io { at, len, fua, .. } = *io;
    let is_flash = matches!(scenario.disks()[io.disk.0].medium, Medium::Flash(_));
    match io.kind {
        IoKind::Discard if is_flash => headcrash_sim::Io::Erase { at, len },
        IoKind::Read => headcrash_sim::Io::Read { at, len },
        IoKind::Write => {
            let made = || {
                let data = io.data.as_ref().map_or_else(Vec::new, |data| data.to_vec(len as usize));
                Arc::from(data)
            };
            headcrash_sim::Io::Write { at, data: io.ready.clone().unwrap_or_else(made), fua }
        }
        IoKind::WriteZeroes => headcrash_sim::Io::WriteZeroes { at, len, fua },
        IoKind::Discard => headcrash_sim::Io::Discard { at, len },
        IoKind::Flush => headcrash_sim::Io::Flush,
        IoKind::BlockStatus => unreachable!("no step asks for block status"),
    }
}
