//! A case, played in a world of ours.

use std::collections::BTreeMap;

use headcrash_engine::{
    Action, Answer, Injection, IoKind, Program, ProgramBuilder, Quirks, Sectors, State, Tag,
};
use headcrash_sim::{
    Calm, Choices, ClientId, Completion, Cx, DiskId, DiskSpec, Due, Fact, Image, Io, Key,
    Latencies, Latency, Limits, LimitsSpec, NodeId, NodeSpec, Point, PointKind, RequestId, Resumes,
    Seeded, What, World,
};

use super::case::{Case, Dialect, Done, ImageKind, Outcome, Recorded, Request, Rule, Seen, ret};
use super::compare::{Difference, agrees, compare};

/// What happens in our world when the case is played, QEMU's quirks included.
///
/// # Errors
///
/// When the case's rules or limits are not its dialect's: the message says which.
pub fn play(case: &Case) -> Result<Outcome, String> {
    play_in(case, &mut Order::default(), None)
}

/// Whether a recorded outcome is one that our world can have.
///
/// Everything in it is decided by blkdebug and the block layer, but for one thing: of several
/// transfers that a host has in flight at once, which is done first, and which is said to be done
/// first. So where the plain order does not give the recorded outcome, other orders are tried as
/// far as each agrees with the recording: those that differ little from the plain one, then random
/// ones, the same ones always; [`ORDERS`] of them at most.
///
/// # Errors
///
/// Where the plain order first differs, when none gives the recorded outcome.
pub fn check(recorded: &Recorded) -> Result<(), Failure> {
    let theirs = &recorded.outcome;
    for order in [Order::differing(1), Order::differing(2), Order::random()] {
        let mut order = order;
        for _ in 0..ORDERS / 3 {
            let ours = play_in(&recorded.case, &mut order, Some(theirs));
            if compare(&ours.map_err(Failure::Refused)?, theirs).is_none() {
                return Ok(());
            }
            if !order.advance() {
                break;
            }
        }
        // Where nothing could go two ways there is nothing else to try.
        if order.is_only() {
            break;
        }
    }
    // What was tried first may have been given up early: the report is of the whole plain run.
    let ours = play(&recorded.case).map_err(Failure::Refused)?;
    compare(&ours, &recorded.outcome).map_or(Ok(()), |difference| Err(Failure::Differs(difference)))
}

/// At most so many orders of completion are tried.
pub const ORDERS: usize = 60_000;

/// Why a case does not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Its rules, limits or events are not its dialect's.
    #[error("refused: {0}")]
    Refused(String),
    /// Something else happened.
    #[error("{0}")]
    Differs(Difference),
}

/// Which of several transfers in flight is done first.
#[derive(Clone, Debug, Default)]
struct Order {
    /// Draws every answer; otherwise this is an odometer over all orders in which, at each step, at
    /// most so many answers are not the plain one.
    draws: Option<Seeded>,
    most: usize,
    /// As far as the last run came.
    answers: Vec<OrderAnswer>,
    next: usize,
    step: usize,
    asked: bool,
}

#[derive(Clone, Copy, Debug)]
struct OrderAnswer {
    answer: usize,
    /// How many answers there are.
    of: usize,
    step: usize,
}

impl Order {
    fn differing(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    fn random() -> Self {
        Self { draws: Some(Seeded::from_seed(0)), ..Self::default() }
    }

    /// Whether nobody ever asked.
    const fn is_only(&self) -> bool {
        !self.asked
    }

    fn choose(&mut self, of: usize) -> usize {
        self.asked = true;
        if let Some(draws) = &mut self.draws {
            let mut below = |n| draws.choose(Point::new(PointKind::Completion, Key::NOBODY), n);
            // The plain answer is often right.
            return if below(5) < 2 { 0 } else { below(of as u64) as usize };
        }
        if self.next == self.answers.len() {
            self.answers.push(OrderAnswer { answer: 0, of, step: self.step });
        }
        let OrderAnswer { answer, .. } = self.answers[self.next];
        self.next += 1;
        answer.min(of - 1)
    }

    /// The next order that differs in what the last run asked; `false` when there is none.
    fn advance(&mut self) -> bool {
        self.answers.truncate(self.next);
        (self.next, self.step) = (0, 0);
        if self.draws.is_some() {
            return true;
        }
        while let Some(mut last) = self.answers.pop() {
            let same_step = self.answers.iter().rev().take_while(|it| it.step == last.step);
            let differ = same_step.filter(|it| it.answer > 0).count();
            if last.answer + 1 < last.of && differ < self.most {
                last.answer += 1;
                self.answers.push(last);
                return true;
            }
        }
        false
    }
}

fn play_in(case: &Case, order: &mut Order, guide: Option<&Outcome>) -> Result<Outcome, String> {
    let bytes = guide.is_some_and(|guide| !guide.undefined_bytes);
    let mut player = Player::new(case, order)?;
    let mut steps = Vec::with_capacity(case.requests.len());
    for (index, request) in case.requests.iter().enumerate() {
        let theirs = guide.map(|guide| guide.steps.get(index).map_or(&[][..], Vec::as_slice));
        player.guide = theirs.map(|theirs| Guide { theirs, bytes, lost: false });
        player.order.step = index;
        steps.push(player.step(request)?);
        if player.is_lost() {
            // Later steps cannot mend this one.
            return Ok(Outcome { steps, undefined_bytes: player.undefined, ..Outcome::default() });
        }
    }
    let (tail, image) = match case.dialect {
        Dialect::Qemu2_6 => (Vec::new(), None),
        Dialect::Qemu10 => {
            player.guide = guide.map(|guide| Guide { theirs: &guide.tail, bytes, lost: false });
            player.order.step = case.requests.len();
            let tail = player.tail(case);
            let stored = case.image != Some(ImageKind::NullCo);
            (tail, stored.then(|| player.world.image(DISK).runs()))
        }
    };
    Ok(Outcome { steps, tail, image, undefined_bytes: player.undefined })
}

/// What was recorded of a step: an order that does not lead there is given up at once, or there
/// would be too many to try.
#[derive(Clone, Copy)]
struct Guide<'a> {
    theirs: &'a [Seen],
    /// Whether bytes were recorded as well.
    bytes: bool,
    lost: bool,
}

const DISK: DiskId = DiskId(0);
const NODE: NodeId = NodeId { disk: DISK, depth: 0 };

struct Player<'a> {
    order: &'a mut Order,
    guide: Option<Guide<'a>>,
    /// What was seen in this step.
    seen: Vec<Seen>,
    /// The flush that a command waits for, and whether its answer can be seen.
    flush: Option<(u64, bool)>,
    /// A failed read was ignored and whatever was in memory was written (quirk Q1).
    undefined: bool,
    dialect: Dialect,
    world: World,
    program: std::sync::Arc<Program>,
    /// The file's number for a request.
    numbers: BTreeMap<RequestId, u64>,
    next: u64,
    facts: Vec<Fact>,
}

impl<'a> Player<'a> {
    fn new(case: &Case, order: &'a mut Order) -> Result<Self, String> {
        let dialect = case.dialect.into();
        let mut rules = ProgramBuilder::new(dialect, Quirks::Qemu);
        for rule in &case.rules {
            add_rule(&mut rules, rule)?;
        }
        let program = std::sync::Arc::new(rules.build().map_err(|error| error.to_string())?);
        let options = &case.options;
        let limits = LimitsSpec {
            align: options.align,
            max_transfer: options.max_transfer,
            opt_write_zero: options.opt_write_zero,
            max_write_zero: options.max_write_zero,
            opt_discard: options.opt_discard,
            max_discard: options.max_discard,
        };
        let limits = Limits::new(dialect, limits).map_err(|error| error.to_string())?;
        let at_once = case.image == Some(ImageKind::NullCo);
        let latency = if at_once { Latency::Zero } else { Latency::Any };
        let size = case.image_size.unwrap_or(1 << 20);
        let disk = DiskSpec {
            forgets: at_once,
            latencies: Latencies::all(latency),
            raw: case.top.is_some(),
            ..DiskSpec::new(
                "d0",
                Image::new(size, case.init.unwrap_or(0)),
                vec![NodeSpec { program: program.clone(), limits }],
            )
        };
        let mut player = Self {
            order,
            guide: None,
            seen: Vec::new(),
            flush: None,
            undefined: false,
            dialect: case.dialect,
            world: World::new(vec![disk], Resumes::ByScript),
            program,
            numbers: BTreeMap::new(),
            next: 0,
            facts: Vec::new(),
        };
        player.with(|world, cx| world.open(DISK, cx));
        player.facts.clear();
        Ok(player)
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut World, &mut Cx<'_>) -> R) -> R {
        let mut cx = Cx { choices: &mut Calm, sink: &mut self.facts };
        act(&mut self.world, &mut cx)
    }

    /// Lets everything that can finish finish, as far as it agrees with what was recorded.
    fn settle(&mut self) {
        self.collect();
        while let Some(due) = self.world.next_due()
            && !self.is_lost()
        {
            self.world.advance(due);
            let index = self.next_due();
            self.with(|world, cx| world.step_to(index, cx));
            self.collect();
        }
    }

    fn is_lost(&self) -> bool {
        self.guide.is_some_and(|guide| guide.lost)
    }

    /// What is due and goes first. In 2.6 that is what became due first, but an injected error may
    /// be reported before a transfer has ended. In 10.0.2 injected errors are reported before any
    /// transfer ends, in order; what the host does with several transfers is its affair, as worker
    /// threads do them: which it does first, where that matters, and which it is said to have done
    /// first.
    fn next_due(&mut self) -> usize {
        loop {
            let due: Vec<_> = self.world.due_now().collect();
            let answer = due.iter().position(|due| matches!(due, Due::Answer(_)));
            let (mut ends, mut early) = (Vec::new(), Vec::new());
            match self.dialect {
                Dialect::Qemu2_6 => {
                    ends.push(0);
                    ends.extend(answer.filter(|answer| *answer > 0));
                }
                Dialect::Qemu10 => {
                    ends.extend(answer);
                    let is_transfer = |at: &usize| matches!(due[*at], Due::Transfer(_));
                    let mut transfers: Vec<_> = (0..due.len()).filter(is_transfer).collect();
                    transfers.sort_by_key(|at| self.rank(due[*at]));
                    ends.extend(transfers);
                    early.extend((0..due.len()).filter(|at| self.world.can_carry_out(*at)));
                }
            }
            let chosen = match ends.len() + early.len() {
                1 => 0,
                all => self.order.choose(all),
            };
            match ends.get(chosen) {
                Some(end) => return *end,
                None => self.world.carry_out(early[chosen - ends.len()]),
            }
        }
    }

    /// How soon the recording names the request: what is tried first is what is likely.
    fn rank(&self, due: Due) -> usize {
        let Some(guide) = &self.guide else { return 0 };
        let number = due.request().and_then(|request| self.numbers.get(&request)).copied();
        let rest = guide.theirs.get(self.seen.len()..).unwrap_or_default();
        let named = |seen: &Seen| match seen {
            Seen::Done(Done { req, ambiguous, .. }) | Seen::Suspended { req, ambiguous, .. } => {
                *req == number && ambiguous.is_empty()
            }
            _ => false,
        };
        rest.iter().position(named).unwrap_or(usize::MAX)
    }

    fn step(&mut self, request: &Request) -> Result<Vec<Seen>, String> {
        let index = self.next;
        self.next += 1;
        match request {
            Request::Break { event, tag } => {
                let event = self.program.event(event);
                let event = event.ok_or_else(|| format!("request {index}: unknown event"))?;
                self.with(|world, cx| world.set_breakpoint(NODE, event, Tag::new(tag), cx));
                self.answer(true);
                return Ok(std::mem::take(&mut self.seen));
            }
            Request::Resume { tag } => {
                let found = self.with(|world, cx| world.resume(NODE, &Tag::new(tag), cx));
                self.answer(found);
            }
            Request::RemoveBreak { tag } => {
                let tag = Tag::new(tag);
                let found = self.with(|world, cx| world.remove_breakpoint(NODE, &tag, cx));
                self.answer(found);
            }
            Request::Read { req, off, len } => {
                self.submit(req.unwrap_or(index), Io::Read { at: *off, len: *len });
            }
            Request::Write { req, off, len, pat, fua } => {
                let data = vec![*pat; *len as usize].into();
                self.submit(req.unwrap_or(index), Io::Write { at: *off, data, fua: *fua });
            }
            Request::WriteZeroes { req, off, len, fua } => {
                let io = Io::WriteZeroes { at: *off, len: *len, fua: *fua };
                self.submit(req.unwrap_or(index), io);
            }
            Request::Discard { req, off, len } => {
                self.submit(req.unwrap_or(index), Io::Discard { at: *off, len: *len });
            }
            Request::Flush { req } => {
                let observable = self.world.suspended().next().is_none();
                let number = req.unwrap_or(index);
                // In 10.0.2 a flush is waited for by a command whose answer is all that was seen.
                self.flush = (self.dialect == Dialect::Qemu10).then_some((number, observable));
                self.submit(number, Io::Flush);
            }
        }
        self.settle();
        self.flush = None;
        if self.dialect == Dialect::Qemu2_6 {
            self.seen.push(Seen::State { state: self.world.engine(NODE).state().0 });
        }
        self.judge(true);
        Ok(std::mem::take(&mut self.seen))
    }

    /// The answer of a command: after what it did at once in 2.6, and first in 10.0.2.
    fn answer(&mut self, found: bool) {
        let ret = if found { "OK" } else { "ENOENT" };
        let answer = Seen::Cmd { ret: ret.to_owned() };
        if self.dialect == Dialect::Qemu2_6 {
            self.collect();
        }
        self.seen.push(answer);
    }

    fn submit(&mut self, number: u64, io: Io) {
        // Requests are numbered as they come: this one's facts may come before `submit` returns.
        let id = self.with(|world, cx| world.submit(ClientId(0), (Key::NOBODY, 0), DISK, io, cx));
        self.numbers.insert(id, number);
    }

    fn collect(&mut self) {
        let mut completions: Vec<Completion> = Vec::new();
        while let Some((_, completion)) = self.world.take_completion() {
            completions.push(completion);
        }
        for fact in self.facts.drain(..) {
            match fact.what {
                What::Suspended { request, tag, .. } => self.seen.push(Seen::Suspended {
                    tag: tag.to_string(),
                    req: (self.dialect == Dialect::Qemu10).then(|| self.numbers[&request]),
                    ambiguous: Vec::new(),
                }),
                What::ReadIgnored { .. } => self.undefined = true,
                What::Resumed { tag, .. } => {
                    self.seen.push(Seen::Resuming { tag: tag.to_string() });
                }
                What::Completed { request, result, .. } => {
                    let number = self.numbers[&request];
                    if let Some((flush, observable)) = self.flush
                        && flush == number
                    {
                        let ret = if observable { ret(result) } else { "?".to_owned() };
                        self.seen.push(Seen::Flush { ret });
                        continue;
                    }
                    let completion = completions.iter().find(|done| done.request == request);
                    let data = &completion.expect("what completed has a completion").data;
                    let reads = self.dialect == Dialect::Qemu10 && !data.is_empty();
                    self.seen.push(Seen::Done(Done {
                        req: Some(number),
                        ret: ret(result),
                        data: reads.then(|| runs(data)),
                        ambiguous: Vec::new(),
                    }));
                }
                _ => {}
            }
        }
        self.judge(false);
    }

    /// Compares what was seen, all of it or so far, with what was recorded.
    fn judge(&mut self, all: bool) {
        if let Some(guide) = &mut self.guide {
            let so_far = if all { Some(guide.theirs) } else { guide.theirs.get(..self.seen.len()) };
            let bytes = guide.bytes && !self.undefined;
            guide.lost |= !so_far.is_some_and(|theirs| agrees(&self.seen, theirs, bytes));
        }
    }

    /// Every breakpoint is removed, tags in alphabetical order, then whoever is still suspended is
    /// resumed, the most recently suspended first.
    fn tail(&mut self, case: &Case) -> Vec<Seen> {
        let mut tags: Vec<_> = case
            .requests
            .iter()
            .filter_map(|request| match request {
                Request::Break { tag, .. } => Some(Tag::new(tag)),
                _ => None,
            })
            .collect();
        tags.sort_unstable();
        tags.dedup();
        for tag in tags {
            self.with(|world, cx| world.remove_breakpoint(NODE, &tag, cx));
            self.settle();
            self.order.step += 1;
        }
        while let Some(held) = self.world.engine(NODE).suspensions().last() {
            let tag = held.tag().clone();
            self.with(|world, cx| world.resume(NODE, &tag, cx));
            self.settle();
        }
        std::mem::take(&mut self.seen)
    }
}

fn add_rule(rules: &mut ProgramBuilder, rule: &Rule) -> Result<(), String> {
    let (event, state, once, action) = match rule {
        Rule::InjectError { event, state, errno, sector, once, immediately, iotype } => {
            let injection = Injection {
                answer: Answer::from_number(*errno),
                sectors: Sectors::from_number(*sector),
                immediately: *immediately,
                kind: iotype.map(IoKind::from),
            };
            (event, state, *once, Action::Inject(injection))
        }
        Rule::SetState { event, state, new_state } => {
            (event, state, false, Action::SetState(State(*new_state)))
        }
    };
    let event = rules.events().get(event).ok_or_else(|| format!("unknown event `{event}`"))?;
    rules.rule(headcrash_engine::Rule { event, state: State(*state), action, once });
    Ok(())
}

/// Runs of one byte: (offset, length, byte).
pub(super) fn runs(bytes: &[u8]) -> Vec<(u64, u64, u8)> {
    let mut at = 0;
    let run = |run: &[u8]| {
        let start = at;
        at += run.len() as u64;
        (start, run.len() as u64, run[0])
    };
    bytes.chunk_by(|a, b| a == b).map(run).collect()
}
