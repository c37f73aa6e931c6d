//! What a power cut leaves is what the brute-force enumerator lists: no state less, none more, and
//! each of them once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arbitrary::Unstructured;
use headcrash_engine::{Dialect, Errno, ProgramBuilder, Quirks};
use headcrash_sim::{
    Calm, Choices, ClientId, Cx, Device, DiskId, DiskSpec, Engines, Fact, Image, Io, Key,
    Latencies, Latency, Limits, LimitsSpec, NodeSpec, OnTear, Point, PointKind, RequestId, Resumes,
    StateCount, UnitStates, What, World,
};

use crate::enumerator::{self, Epoch, Event, State, Unit, Write};

/// Disks, and what is done to them; the power goes for all of them between one epoch and the next.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) disks: Vec<Drive>,
    pub(super) epochs: Vec<Vec<Move>>,
}

/// A disk of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Drive {
    pub(super) device: Device,
    pub(super) size: u64,
    /// What every byte of it is in the beginning.
    pub(super) fill: u8,
}

/// One thing that is done.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Move {
    /// A client submits a write, a write of zeroes, a discard or a flush.
    Submit { client: u32, disk: u32, io: Io },
    /// One of the things due comes to pass, by its place; nothing when nothing is due.
    Complete(usize),
    /// Somebody reads, and sees at once what is there.
    Look { disk: u32, at: u64, len: u64 },
    /// Somebody has everything decided, and looks at all of it.
    Decide { disk: u32 },
}

impl Drive {
    pub(super) const fn unit(&self) -> u64 {
        self.device.unit()
    }

    const fn units(&self) -> usize {
        (self.size / self.unit()) as usize
    }

    /// The units of a stretch.
    fn span(&self, at: u64, len: u64) -> Range<usize> {
        (at / self.unit()) as usize..(at + len).div_ceil(self.unit()) as usize
    }
}

/// What is read of a unit; `None` when it cannot be read.
type Content = Option<Vec<u8>>;

/// What a look tells of a unit.
#[derive(Clone, Debug)]
enum Seen {
    /// All of it: it is decided.
    Whole(Content),
    /// These bytes, from this one on: the rest is undecided still.
    Part(usize, Vec<u8>),
}

/// What happened in an epoch, as far as it matters to the enumerator: the same in every leaf.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Record {
    epochs: Vec<Epoch>,
    order: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    Event(usize, Event),
    Look(usize, Range<usize>),
}

impl Record {
    fn event(&mut self, disk: usize, event: Event) {
        self.epochs[disk].events.push(event);
        self.order.push(Entry::Event(disk, event));
    }
}

/// What a disk says of its units before somebody looks.
type Candidates = Vec<Candidate>;

#[derive(Clone, Debug)]
enum Candidate {
    Decided(Content),
    Open(UnitStates),
}

/// What came of playing epochs.
#[derive(Clone, Debug, Default)]
struct Run {
    records: Vec<Record>,
    /// Unit after unit, look after look.
    seen: Vec<Seen>,
    /// Before each look: how many units had been seen, and what each disk said.
    candidates: Vec<(usize, Vec<Candidates>)>,
    /// After the first cut: how many states each disk says there are.
    counts: Vec<StateCount>,
}

/// Plays epochs of a plan in a world.
struct Player<'a> {
    plan: &'a Plan,
    world: World,
    facts: Vec<Fact>,
    requests: BTreeMap<RequestId, Request>,
    submitted: usize,
    run: Run,
}

/// A request, as its facts are understood.
struct Request {
    disk: usize,
    number: usize,
    /// The write that is to be sent.
    write: Option<usize>,
    /// Its flush follows a write.
    follows: bool,
    /// What is on its way to the disk.
    sent: Option<Event>,
    /// How often it went to the disk.
    sends: usize,
}

impl<'a> Player<'a> {
    fn new(plan: &'a Plan) -> Self {
        let disks = plan.disks.iter().enumerate().map(|(number, drive)| {
            let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
            let program = program.expect("no rules are no mistake").into();
            let limits = Limits::new(Dialect::Qemu10, LimitsSpec::default());
            let limits = limits.expect("no limits are fine");
            let image = Image::new(drive.size, drive.fill);
            DiskSpec {
                device: drive.device,
                // What is submitted is in flight until it is said to be done.
                latencies: Latencies { read: Latency::Zero, ..Latencies::all(Latency::Any) },
                raw: false,
                ..DiskSpec::new(&format!("d{number}"), image, vec![NodeSpec { program, limits }])
            }
        });
        let mut world = World::new(disks.collect(), Resumes::ByScript);
        for disk in 0..plan.disks.len() as u32 {
            world.open(DiskId(disk), &mut Cx { choices: &mut Nobody, sink: &mut () });
        }
        let (facts, requests, run) = (Vec::new(), BTreeMap::new(), Run::default());
        Self { plan, world, facts, requests, submitted: 0, run }
    }

    /// Plays one epoch.
    fn play(&mut self, moves: &[Move], choices: &mut dyn Choices) {
        let epochs = vec![Epoch::default(); self.plan.disks.len()];
        self.run.records.push(Record { epochs, order: Vec::new() });
        self.requests.clear();
        for a_move in moves {
            match a_move {
                Move::Submit { client, disk, io } => self.submit(*client, *disk, io, choices),
                Move::Complete(place) => self.complete(*place, choices),
                Move::Look { disk, at, len } => self.look(*disk, *at, *len, choices),
                Move::Decide { disk } => {
                    let before = self.candidates();
                    let mut cx = Cx { choices: &mut *choices, sink: &mut self.facts };
                    self.world.decide_all(DiskId(*disk), &mut cx);
                    let size = self.plan.disks[*disk as usize].size;
                    self.look(*disk, 0, size, choices);
                    self.run.candidates.last_mut().expect("it was looked at").1 = before;
                }
            }
            self.understand();
            while self.world.take_completion().is_some() {}
        }
    }

    fn record(&mut self) -> &mut Record {
        self.run.records.last_mut().expect("an epoch is being played")
    }

    fn submit(&mut self, client: u32, disk: u32, io: &Io, choices: &mut dyn Choices) {
        let record = self.run.records.last_mut().expect("an epoch is being played");
        let writes = &mut record.epochs[disk as usize].writes;
        let number = self.submitted;
        self.submitted += 1;
        let (at, bytes, fua) = match io {
            Io::Write { at, data, fua } => (*at, data.to_vec(), *fua),
            // Zeroes are not forced: a flush follows.
            Io::WriteZeroes { at, len, .. } | Io::Discard { at, len } => {
                (*at, vec![0; *len as usize], false)
            }
            Io::Flush => (0, Vec::new(), false),
            Io::Read { .. } | Io::Erase { .. } | Io::Announce(_) => {
                unreachable!("these are no moves")
            }
        };
        let write = if let Io::Flush = io {
            // It covers what has completed by now, whenever it reaches the disk, and if it need
            // not, then because all of that was found to be durable.
            record.event(disk as usize, Event::FlushSubmit(number));
            None
        } else {
            writes.push(Write { client, at: at as usize, bytes, fua });
            Some(writes.len() - 1)
        };
        let name = (Key::client("c").nth(client.into()), number as u64);
        let cx = &mut Cx { choices, sink: &mut self.facts };
        let id = self.world.submit(ClientId(client), name, DiskId(disk), io.clone(), cx);
        let (disk, follows) = (disk as usize, write.is_some());
        let request = Request { disk, number, write, follows, sent: None, sends: 0 };
        self.requests.insert(id, request);
    }

    fn complete(&mut self, place: usize, choices: &mut dyn Choices) {
        let due: Vec<_> = self.world.due_now().collect();
        if due.is_empty() {
            return;
        }
        let place = place % due.len();
        self.world.step_to(place, &mut Cx { choices, sink: &mut self.facts });
        self.done(due[place].request().expect("requests are all that is due"));
    }

    /// Reads what is there, and looks at whole units of it.
    fn look(&mut self, disk: u32, at: u64, len: u64, choices: &mut dyn Choices) {
        let drive = &self.plan.disks[disk as usize];
        let (unit, span) = (drive.unit(), drive.span(at, len));
        let candidates = self.candidates();
        self.run.candidates.push((self.run.seen.len(), candidates));
        let cx = &mut Cx { choices, sink: &mut self.facts };
        let io = Io::Read { at, len };
        let name = (Key::client("reader"), 0);
        let id = self.world.submit(ClientId(9), name, DiskId(disk), io, cx);
        let (_, done) = self.world.take_completion().expect("a read takes no time");
        assert_eq!(done.request, id, "another request completed");
        let mut readable = true;
        let mut seen = Vec::new();
        for start in span.clone().map(|place| place as u64 * unit) {
            let (from, to) = (at.max(start), (at + len).min(start + unit));
            let read = |data: &[u8]| data[(from - at) as usize..(to - at) as usize].to_vec();
            if !self.world.undecided(DiskId(disk), start, unit).is_empty() {
                let part = done.result.map_or(Vec::new(), |()| read(&done.data));
                seen.push(Seen::Part((from - start) as usize, part));
                continue;
            }
            let content = self.world.peek(DiskId(disk), start, unit);
            match &content {
                None => readable = false,
                Some(bytes) if done.result.is_ok() => {
                    let bytes = &bytes[(from - start) as usize..(to - start) as usize];
                    assert!(read(&done.data) == bytes, "a read shows what is there");
                }
                Some(_) => {}
            }
            seen.push(Seen::Whole(content));
        }
        let result = if readable { Ok(()) } else { Err(Errno::EIO) };
        assert_eq!(done.result, result, "a read fails when something cannot be read");
        self.run.seen.extend(seen);
        self.record().order.push(Entry::Look(disk as usize, span));
    }

    fn candidates(&self) -> Vec<Candidates> {
        let disks = self.plan.disks.iter().zip(0..);
        let candidates = disks.map(|(drive, disk)| {
            let unit = |place: usize| {
                let at = place as u64 * drive.unit();
                let mut open = self.world.undecided(DiskId(disk), at, drive.unit());
                assert!(open.len() < 2, "one unit is one unit");
                match open.pop() {
                    Some(states) => Candidate::Open(states),
                    None => Candidate::Decided(self.world.peek(DiskId(disk), at, drive.unit())),
                }
            };
            (0..drive.units()).map(unit).collect()
        });
        candidates.collect()
    }

    /// What a request had sent to the disk is done.
    fn done(&mut self, id: RequestId) {
        let request = self.requests.get_mut(&id).expect("what is due is due for somebody");
        let disk = request.disk;
        let event = match request.sent.take().expect("what is due was sent") {
            Event::Submit(write) => Event::Complete(write),
            Event::FlushSubmit(flush) => Event::FlushComplete(flush),
            Event::Complete(_) | Event::FlushComplete(_) => unreachable!("it was sent"),
        };
        self.record().event(disk, event);
    }

    /// Turns the facts of the last move into events.
    fn understand(&mut self) {
        for fact in std::mem::take(&mut self.facts) {
            let (What::InFlight { request: id, .. } | What::Completed { request: id, .. }) =
                fact.what
            else {
                continue;
            };
            let Some(request) = self.requests.get_mut(&id) else { continue };
            let record = self.run.records.last_mut().expect("an epoch is being played");
            if let What::Completed { result, .. } = fact.what {
                assert_eq!(result, Ok(()), "nothing makes a request fail");
                assert_eq!((request.write, request.sent), (None, None), "nothing is left to do");
                if request.sends == 0 {
                    record.event(request.disk, Event::FlushComplete(request.number));
                }
                continue;
            }
            let sent = match request.write.take() {
                Some(write) => Event::Submit(write),
                // It was submitted when it was asked for, and may go to the disk again.
                None if !request.follows => Event::FlushSubmit(request.number),
                None => Event::FlushSubmit(request.number + 1000 * request.sends),
            };
            request.sends += 1;
            request.sent = Some(sent);
            if matches!(sent, Event::Submit(_)) || request.follows {
                record.event(request.disk, sent);
            }
        }
    }
}

/// Plays a whole plan, or what follows its first cut.
fn finish(mut player: Player<'_>, from: usize, choices: &mut dyn Choices) -> (Run, World) {
    for (number, moves) in player.plan.epochs.iter().enumerate().skip(from) {
        if number > 0 {
            let cx = &mut Cx { choices: &mut *choices, sink: &mut player.facts };
            player.world.power_cut_all(cx);
            player.world.power_on(Engines::Reset, cx);
            player.facts.clear();
            if number == 1 {
                let disks = (0..player.plan.disks.len() as u32).map(DiskId);
                let counts = disks.map(|disk| player.world.possible_states(disk));
                player.run.counts = counts.collect();
            }
        }
        player.play(moves, choices);
    }
    (player.run, player.world)
}

/// What the enumerator expects of a plan.
struct Expected {
    /// What can be seen, unit after unit, look after look.
    leaves: BTreeSet<Vec<Unit>>,
    /// Before each look: what may be on the disks, by what has been seen.
    before: Vec<BTreeMap<Vec<Unit>, BTreeSet<Vec<State>>>>,
    /// What can be seen there, by place in a leaf.
    at: Vec<BTreeSet<Unit>>,
    /// How many states the first cut leaves, by disk.
    first: Vec<usize>,
}

/// Follows every state through every epoch. `None` when there are more than `most`.
fn expect(plan: &Plan, records: &[Record], most: usize) -> Option<Expected> {
    let blank = |drive: &Drive| {
        let unit = Unit::Bytes(vec![drive.fill; drive.unit() as usize].into());
        vec![unit; drive.units()]
    };
    let begin: Vec<State> = plan.disks.iter().map(blank).collect();
    let mut states = BTreeMap::from([(Vec::new(), BTreeSet::from([begin]))]);
    let mut before = Vec::new();
    let mut first = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let is_last = number + 1 == records.len();
        let looks = record.order.iter().filter(|entry| matches!(entry, Entry::Look(..))).count();
        let looks_before = before.len();
        before.resize_with(looks_before + looks, BTreeMap::new);
        let mut after: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let mut total = 0;
        for (seen, disks) in states
            .into_iter()
            .flat_map(|(seen, all)| all.into_iter().map(move |disks| (seen.clone(), disks)))
        {
            let mut now: Vec<State> = disks.clone();
            let mut seen: Vec<Unit> = seen;
            let mut look = looks_before;
            for entry in &record.order {
                match entry {
                    Entry::Event(disk, Event::Complete(write)) => {
                        let unit = plan.disks[*disk].unit() as usize;
                        record.epochs[*disk].writes[*write].store(&mut now[*disk], unit);
                    }
                    Entry::Look(disk, units) => {
                        let known: &mut BTreeMap<_, BTreeSet<_>> = &mut before[look];
                        known.entry(seen.clone()).or_default().insert(now.clone());
                        look += 1;
                        seen.extend_from_slice(&now[*disk][units.clone()]);
                    }
                    Entry::Event(..) => {}
                }
            }
            let mut left = vec![Vec::new()];
            if !is_last {
                for (disk, drive) in plan.disks.iter().enumerate() {
                    let epoch = &record.epochs[disk];
                    let all = enumerator::states(&drive.device, &disks[disk], epoch, most)?;
                    if number == 0 {
                        first.push(all.len());
                    }
                    let mut longer = Vec::new();
                    for state in &left {
                        for one in &all {
                            let mut state: Vec<State> = state.clone();
                            state.push(one.clone());
                            longer.push(state);
                        }
                    }
                    left = longer;
                    if left.len() > most {
                        return None;
                    }
                }
            }
            let after = after.entry(seen).or_default();
            total -= after.len();
            after.extend(left);
            total += after.len();
            if total > most {
                return None;
            }
        }
        states = after;
    }
    let leaves: BTreeSet<Vec<Unit>> = states.into_keys().collect();
    let len = leaves.first().map_or(0, Vec::len);
    let at = |place: usize| leaves.iter().map(|leaf| leaf[place].clone()).collect();
    let at = (0..len).map(at).collect();
    Some(Expected { leaves, before, at, first })
}

/// Goes through every sequence of answers, depth first.
#[derive(Default)]
struct Odometer {
    /// The answers, and how many there were.
    answers: Vec<(u64, u64)>,
    next: usize,
}

impl Odometer {
    fn answer(&mut self, n: u64) -> u64 {
        assert!(n >= 2, "what can go one way only is not asked");
        if self.next == self.answers.len() {
            self.answers.push((0, n));
        }
        let (answer, before) = self.answers[self.next];
        assert_eq!(before, n, "the same answers lead to the same questions");
        self.next += 1;
        answer
    }

    /// Moves on to the next sequence; `false` when there is none.
    fn advance(&mut self) -> bool {
        assert_eq!(self.next, self.answers.len(), "the same answers lead to the same questions");
        self.next = 0;
        while let Some((answer, n)) = self.answers.pop() {
            if answer + 1 < n {
                self.answers.push((answer + 1, n));
                return true;
            }
        }
        false
    }
}

impl Choices for Odometer {
    fn choose(&mut self, point: Point, n: u64) -> u64 {
        let crash = matches!(point.kind, PointKind::CrashSector | PointKind::Tear);
        assert!(crash, "only what a cut left is asked, not {:?}", point.kind);
        self.answer(n)
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        panic!("nothing is picked: orders are part of the plan");
    }

    fn choose_version(&mut self, point: Point, versions: &[u64], durable: usize) -> usize {
        assert_eq!(point.kind, PointKind::CrashSector, "a version is a version of a unit");
        assert!(durable < versions.len(), "what is durable is one of the answers");
        self.answer(versions.len() as u64) as usize
    }
}

/// Everything that can be lost is lost.
struct Lost;

impl Choices for Lost {
    fn choose(&mut self, point: Point, _: u64) -> u64 {
        assert_eq!(point.kind, PointKind::Tear, "versions are asked for as such");
        0
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        panic!("nothing is picked: orders are part of the plan");
    }

    fn choose_version(&mut self, _: Point, _: &[u64], durable: usize) -> usize {
        durable
    }
}

/// Is asked nothing.
struct Nobody;

impl Choices for Nobody {
    fn choose(&mut self, point: Point, _: u64) -> u64 {
        panic!("nothing is undecided before a cut, yet {:?} is asked", point.kind);
    }

    fn pick(&mut self, point: Point, _: &[Key]) -> usize {
        panic!("nothing is undecided before a cut, yet {:?} is asked", point.kind);
    }
}

/// Compares every leaf of a plan with the enumerator. Returns how many there are and how many
/// states the first cut left, by disk; `None` when there are more than `most`.
pub(super) fn check(plan: &Plan, most: usize) -> Result<Option<(usize, Vec<usize>)>, String> {
    let mut start = Player::new(plan);
    start.play(&plan.epochs[0], &mut Nobody);
    let play = |choices: &mut dyn Choices| {
        let Player { world, submitted, run, .. } = &start;
        let (facts, requests) = (Vec::new(), BTreeMap::new());
        let (world, run, submitted) = (world.clone(), run.clone(), *submitted);
        finish(Player { plan, world, facts, requests, submitted, run }, 1, choices).0
    };
    let calm = play(&mut Calm);
    let counts = calm.counts.clone();
    let Some(expected) = expect(plan, &calm.records, most) else { return Ok(None) };
    let garbage = plan.disks.iter().any(|drive| drive.device.on_tear == OnTear::Garbage);
    let unit = |place: usize, content: &Content| match content {
        None => Unit::Unreadable,
        Some(bytes) => {
            let unit = Unit::Bytes(bytes.as_slice().into());
            match expected.at.get(place) {
                Some(known) if garbage && !known.contains(&unit) => Unit::Garbage,
                _ => unit,
            }
        }
    };
    let leaf_of = |run: &Run| -> Leaf {
        let known = run.seen.iter().enumerate().map(|(place, seen)| match seen {
            Seen::Whole(content) => Known::Unit(unit(place, content)),
            Seen::Part(from, bytes) => Known::Part(*from, bytes.clone()),
        });
        known.collect()
    };

    for (what, run, keeps) in [("kept", calm, true), ("lost", play(&mut Lost), false)] {
        let (leaf, right) = (leaf_of(&run), extreme(plan, &run.records, keeps));
        if !agrees(&leaf, &right) {
            let (leaf, right) = (brief_leaf(&leaf), brief(&right));
            return Err(format!("all that can be {what} is {what}:\n  {leaf}, not\n  {right}"));
        }
    }

    let mut odometer = Odometer::default();
    let mut leaves = 0;
    let mut found: BTreeMap<&Vec<Unit>, Vec<(u64, u64)>> = BTreeMap::new();
    let mut records: Option<Vec<Record>> = None;
    loop {
        let run = play(&mut odometer);
        let answers = odometer.answers.clone();
        let leaf = leaf_of(&run);
        let story = |what: &str| format!("{what}:\n  {}\n  {answers:?}", brief_leaf(&leaf));
        if *records.get_or_insert_with(|| run.records.clone()) != run.records {
            return Err(story("what a cut left changes what happens"));
        }
        for (look, (seen, said)) in run.candidates.iter().enumerate() {
            let agreeing = expected.before[look].iter();
            let agreeing = agreeing.filter(|(before, _)| agrees(&leaf[..*seen], before));
            let states: BTreeSet<_> = agreeing.flat_map(|(_, states)| states).collect();
            if states.is_empty() {
                continue;
            }
            candidates_hold(plan, &states, said).map_err(|error| {
                let seen = brief_leaf(&leaf[..*seen]);
                format!("before look {look}, after {seen} was seen: {error}\n  {answers:?}")
            })?;
        }
        let agreeing = expected.leaves.iter().filter(|state| agrees(&leaf, state));
        let mut alone = true;
        for state in agreeing {
            alone = false;
            if let Some(other) = found.insert(state, answers.clone()) {
                return Err(story(&format!("two leaves with one state, {other:?} and this")));
            }
        }
        if alone {
            return Err(story("a leaf with no state"));
        }
        leaves += 1;
        if !odometer.advance() {
            break;
        }
    }
    if let Some(state) = expected.leaves.iter().find(|state| !found.contains_key(*state)) {
        return Err(format!("a state with no leaf:\n  {}", brief(state)));
    }
    for (disk, (said, right)) in counts.iter().zip(&expected.first).enumerate() {
        // A product's logarithm is a sum of rounded ones.
        let least = (*right as f64).log2() * 1000.0 - plan.disks[disk].units() as f64;
        let is_exact = said.exact.is_none_or(|said| said == *right as u128);
        if !is_exact || (said.log2_milli as f64) < least {
            return Err(format!("disk {disk} says {said:?} states, not {right}"));
        }
    }
    Ok(Some((leaves, expected.first)))
}

/// What a leaf tells of a unit, garbage recognised.
enum Known {
    Unit(Unit),
    Part(usize, Vec<u8>),
}

type Leaf = Vec<Known>;

/// Whether a leaf is about this state, unit by unit.
fn agrees(leaf: &[Known], state: &[Unit]) -> bool {
    assert_eq!(leaf.len(), state.len(), "as much is seen as is there");
    leaf.iter().zip(state).all(|(known, unit)| match known {
        Known::Unit(known) => known == unit,
        Known::Part(from, part) => match unit {
            Unit::Bytes(bytes) => bytes[*from..from + part.len()] == part[..],
            Unit::Garbage | Unit::Unreadable => part.is_empty(),
        },
    })
}

fn brief_leaf(leaf: &[Known]) -> String {
    let known = leaf.iter().map(|known| match known {
        Known::Unit(unit) => brief(std::slice::from_ref(unit)),
        Known::Part(from, bytes) => {
            format!("({from}+: {}) ", brief(&[Unit::Bytes(bytes.as_slice().into())]))
        }
    });
    known.collect()
}

/// What is seen when everything is kept, or everything lost that can be.
fn extreme(plan: &Plan, records: &[Record], keeps: bool) -> Vec<Unit> {
    let mut seen = Vec::new();
    let blank = |drive: &Drive| {
        let unit = Unit::Bytes(vec![drive.fill; drive.unit() as usize].into());
        vec![unit; drive.units()]
    };
    let mut disks: Vec<State> = plan.disks.iter().map(blank).collect();
    for record in records {
        let mut now = disks.clone();
        for entry in &record.order {
            match entry {
                Entry::Event(disk, Event::Complete(write)) => {
                    let unit = plan.disks[*disk].unit() as usize;
                    record.epochs[*disk].writes[*write].store(&mut now[*disk], unit);
                }
                Entry::Look(disk, units) => seen.extend_from_slice(&now[*disk][units.clone()]),
                Entry::Event(..) => {}
            }
        }
        for ((state, drive), epoch) in disks.iter_mut().zip(&plan.disks).zip(&record.epochs) {
            *state = match keeps {
                true => enumerator::all_kept(&drive.device, state, epoch),
                false => enumerator::all_lost(&drive.device, state, epoch),
            };
        }
    }
    seen
}

/// Whether what disks say of their units is what these states hold there.
fn candidates_hold(
    plan: &Plan,
    states: &BTreeSet<&Vec<State>>,
    said: &[Candidates],
) -> Result<(), String> {
    for (disk, drive) in plan.disks.iter().enumerate() {
        let garbage = drive.device.on_tear == OnTear::Garbage;
        for place in 0..drive.units() {
            let right: BTreeSet<_> =
                states.iter().map(|disks| disks[disk][place].clone()).collect();
            let unit = |bytes: &Vec<u8>| {
                let unit = Unit::Bytes(bytes.as_slice().into());
                if garbage && !right.contains(&unit) { Unit::Garbage } else { unit }
            };
            let mut torn_many = 0;
            let mut count = 1;
            let found: BTreeSet<_> = match &said[disk][place] {
                Candidate::Decided(None) => BTreeSet::from([Unit::Unreadable]),
                Candidate::Decided(Some(bytes)) => BTreeSet::from([unit(bytes)]),
                Candidate::Open(open) => {
                    assert_eq!(open.at, place as u64 * drive.unit(), "a unit is where it is");
                    let versions = open.versions.iter().map(|bytes| match bytes.as_slice() {
                        [] => Unit::Unreadable,
                        _ => unit(bytes),
                    });
                    let mut found: BTreeSet<_> = versions.collect();
                    for bytes in &open.tears {
                        match (bytes.as_slice(), drive.device.on_tear) {
                            ([], OnTear::Unreadable) => _ = found.insert(Unit::Unreadable),
                            ([], _) => torn_many += 1,
                            _ => _ = found.insert(unit(bytes)),
                        }
                    }
                    count = open.versions.len() as u64 + open.tear_count;
                    found
                }
            };
            let ok = if torn_many > 0 { found.is_subset(&right) } else { found == right };
            if !ok || count != right.len() as u64 {
                let (found, right): (Vec<_>, Vec<_>) =
                    (found.into_iter().collect(), right.into_iter().collect());
                return Err(format!(
                    "unit {place} of disk {disk} may hold {count}, {}; they should be {}",
                    brief(&found),
                    brief(&right)
                ));
            }
        }
    }
    Ok(())
}

/// Units as runs of bytes.
fn brief(units: &[Unit]) -> String {
    let mut text = String::new();
    for unit in units {
        match unit {
            Unit::Unreadable => text.push_str("EIO"),
            Unit::Garbage => text.push_str("garbage"),
            Unit::Bytes(bytes) => {
                let runs: Vec<_> = bytes.chunk_by(|a, b| a == b).collect();
                match &runs[..] {
                    [] => text.push_str("nothing"),
                    [one] => _ = write!(text, "{:02x}", one[0]),
                    runs => {
                        text.push('[');
                        for run in runs {
                            _ = write!(text, "{:02x}x{} ", run[0], run.len());
                        }
                        text.pop();
                        text.push(']');
                    }
                }
            }
        }
        text.push(' ');
    }
    text
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (disk, Drive { device, size, fill }) in self.disks.iter().enumerate() {
            let Device { sector, physical, atomic_unit, cache, order, fua, on_tear, tears, .. } =
                device;
            writeln!(
                f,
                "disk {disk}: {size} bytes of {fill:02x}, sector {sector}, physical {physical}, \
                 atomic {atomic_unit}, {cache:?}, {order:?}, fua {fua:?}, {on_tear:?}, {tears:?}"
            )?;
        }
        for (number, moves) in self.epochs.iter().enumerate() {
            if number > 0 {
                writeln!(f, "  the power goes, and comes back")?;
            }
            for a_move in moves {
                match a_move {
                    Move::Complete(place) => writeln!(f, "  complete {place}")?,
                    Move::Look { disk, at, len } => writeln!(f, "  look d{disk} {at}+{len}")?,
                    Move::Decide { disk } => writeln!(f, "  decide d{disk}")?,
                    Move::Submit { client, disk, io } => match io {
                        Io::Write { at, data, fua } => {
                            let len = data.len();
                            let data: BTreeSet<_> = data.iter().collect();
                            writeln!(f, "  c{client} write d{disk} {at}+{len} {data:02x?} {fua}")?;
                        }
                        other => writeln!(f, "  c{client} d{disk} {other:?}")?,
                    },
                }
            }
        }
        Ok(())
    }
}

/// Content that shows where it came from: granules of 64 bytes differ if it is `striped`.
pub(super) fn content(len: u64, byte: u8, striped: bool) -> Arc<[u8]> {
    (0..len).map(|at| if striped { byte + ((at / 64 % 7) as u8) * 16 } else { byte }).collect()
}

/// A device, and how large it is.
fn drive(u: &mut Unstructured<'_>) -> Result<Drive, arbitrary::Error> {
    use headcrash_sim::{DeviceCache, Fua, Order, Tears};
    let (sector, physical, atomic_unit, units) = *u.choose(&[
        (512, 512, 512, 6),
        (512, 512, 512, 8),
        (512, 512, 512, 4),
        (512, 512, 1024, 6),
        (512, 512, 2048, 8),
        (512, 1024, 512, 4),
        (512, 1024, 1024, 4),
        (512, 1024, 2048, 4),
        (512, 4096, 512, 2),
        (512, 4096, 4096, 3),
        (512, 4096, 8192, 4),
        (4096, 4096, 4096, 3),
    ])?;
    let mut device = Device { sector, physical, atomic_unit, ..Device::default() };
    let unit = device.unit();
    device.order = *u.choose(&[
        Order::Any,
        Order::Any,
        Order::Any,
        Order::Completion,
        Order::Submission,
        Order::PerQueue,
    ])?;
    device.cache = *u.choose(&[
        DeviceCache::Volatile,
        DeviceCache::Volatile,
        DeviceCache::Volatile,
        DeviceCache::Volatile,
        DeviceCache::None,
        DeviceCache::Protected,
        DeviceCache::Lying,
    ])?;
    device.fua = *u.choose(&[Fua::Honoured, Fua::Honoured, Fua::Ignored, Fua::Emulated])?;
    if atomic_unit <= unit {
        let part = *u.choose(&[2, 4, 8])?;
        device.on_tear = *u.choose(&[
            OnTear::OldOrNew,
            OnTear::OldOrNew,
            OnTear::Prefix { granule: unit / part },
            OnTear::Mixed { granule: unit / part.min(4) },
            OnTear::Garbage,
            OnTear::Unreadable,
        ])?;
        // A part of a unit that is written over one that may be torn later on: the two judges
        // differ about what is left of the unit. Sectors that are units are written as a whole.
        if is_late(&device) && unit != sector {
            device.on_tear = OnTear::OldOrNew;
        }
        if !device.is_through() && u.arbitrary()? {
            device.tears = Tears::Unflushed;
        }
    }
    let (size, fill) = (unit * units, u.int_in_range(0..=3)?);
    assert_eq!(device.check(size), Ok(()), "there are such devices");
    Ok(Drive { device, size, fill })
}

/// Whether a write can be torn that lies under others: it reaches the medium after them.
const fn is_late(device: &Device) -> bool {
    use headcrash_sim::Order;
    matches!(device.order, Order::Submission | Order::PerQueue)
        && !matches!(device.on_tear, OnTear::OldOrNew)
}

/// A write of some kind; in recovery whole units where others could not be read before.
fn io(u: &mut Unstructured<'_>, drive: &Drive, whole: bool) -> Result<Io, arbitrary::Error> {
    let step = if whole {
        drive.unit()
    } else if drive.device.sector == 512 && u.ratio(1, 5)? && !is_late(&drive.device) {
        64
    } else {
        drive.device.sector
    };
    let steps = drive.size / step;
    let from = u.int_in_range(0..=steps - 1)?;
    let count = if u.ratio(1, 2)? { 1 } else { u.int_in_range(1..=(steps - from).min(9))? };
    let (at, len) = (from * step, count * step);
    let fua = u.ratio(1, 6)?;
    Ok(match u.int_in_range(0..=11)? {
        0 => Io::WriteZeroes { at, len, fua },
        1 => Io::Discard { at, len },
        _ => {
            let byte = u.int_in_range(0..=3)?;
            Io::Write { at, data: content(len, byte, u.ratio(1, 6)?), fua }
        }
    })
}

pub(super) fn plan(u: &mut Unstructured<'_>) -> Result<Plan, arbitrary::Error> {
    let count = if u.ratio(1, 8)? { 2 } else { 1 };
    let disks = (0..count).map(|_| drive(u)).collect::<Result<Vec<_>, _>>()?;
    // A unit that a first cut left unreadable and a second one may leave so again is asked about
    // twice: two answers, one state.
    let unreadable = |drive: &Drive| drive.device.on_tear == OnTear::Unreadable;
    let again = !disks.iter().any(unreadable);
    let (more, most) = (u.ratio(2, 5)?, u.ratio(1, 8)?);
    let epochs_before = 1 + usize::from(again && more) + usize::from(again && most);
    let mut epochs = Vec::new();
    for number in 0..epochs_before {
        let mut moves = Vec::new();
        let mut writes = 0;
        let most = if number == 0 { 14 } else { 8 };
        for _ in 0..u.int_in_range(1..=most)? {
            let disk = u.int_in_range(0..=count - 1)?;
            let drive = &disks[disk as usize];
            let client = u.int_in_range(0..=1)?;
            match u.int_in_range(0..=11)? {
                0..=5 if writes < 7 => {
                    writes += 1;
                    let unknown =
                        matches!(drive.device.on_tear, OnTear::Garbage | OnTear::Unreadable);
                    let io = io(u, drive, unknown && number > 0)?;
                    // Who changes a part of a unit has read it.
                    let shape = io.shape();
                    let unit = drive.unit();
                    if number > 0 {
                        for at in [shape.at, shape.at + shape.len] {
                            if !at.is_multiple_of(unit) {
                                let at = at / unit * unit;
                                moves.push(Move::Look { disk, at, len: unit });
                            }
                        }
                    }
                    moves.push(Move::Submit { client, disk, io });
                }
                0..=8 => moves.push(Move::Complete(u.int_in_range(0..=3)?)),
                9 => moves.push(Move::Submit { client, disk, io: Io::Flush }),
                _ if number == 0 => moves.push(Move::Complete(0)),
                _ => moves.push(look(u, drive, disk)?),
            }
        }
        epochs.push(moves);
    }
    let mut moves = Vec::new();
    for (disk, drive) in disks.iter().enumerate() {
        let disk = disk as u32;
        let unit = drive.unit();
        let all = 0..drive.units() as u64;
        let one = |place: u64| Move::Look { disk, at: place * unit, len: unit };
        match u.int_in_range(0..=5)? {
            5 => moves.push(Move::Decide { disk }),
            0 => moves.extend(all.map(one)),
            1 => moves.extend(all.rev().map(one)),
            2 => moves.push(Move::Look { disk, at: 0, len: drive.size }),
            3 => {
                let mut left: Vec<_> = all.collect();
                while !left.is_empty() {
                    let place = u.choose_index(left.len())?;
                    moves.push(one(left.remove(place)));
                }
            }
            _ => {
                for _ in 0..u.int_in_range(0..=4)? {
                    moves.push(look(u, drive, disk)?);
                }
            }
        }
    }
    epochs.push(moves);
    Ok(Plan { disks, epochs })
}

fn look(u: &mut Unstructured<'_>, drive: &Drive, disk: u32) -> Result<Move, arbitrary::Error> {
    let sector = drive.device.sector;
    let steps = drive.size / sector;
    let from = u.int_in_range(0..=steps - 1)?;
    let count = if u.ratio(2, 3)? { 1 } else { u.int_in_range(1..=steps - from)? };
    Ok(Move::Look { disk, at: from * sector, len: count * sector })
}

/// How many states are looked at in one go.
const MOST: usize = 300;

/// After power cuts, and after more of them while what they left is read and changed, the answers
/// to what is asked lead to every state that the enumerator lists, each exactly once; what a disk
/// says it may hold is what those states hold; and the two extremes are what they are said to be.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn crashes(u: &mut Unstructured<'_>) -> arbitrary::Result<()> {
    let plan = plan(u)?;
    let end = catch_unwind(AssertUnwindSafe(|| check(&plan, MOST)));
    let end = end.unwrap_or_else(|_| Err("panicked, as said above".to_owned()));
    if let Err(broken) = end {
        panic!("{broken}\n\n{plan}");
    }
    Ok(())
}
