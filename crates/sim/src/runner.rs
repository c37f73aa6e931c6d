//! Clients beside a world, and who takes the next step.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

use headcrash_engine::Tag;

use crate::choices::{Key, Point, PointKind};
use crate::disk::{DiskId, NodeId};
use crate::file_ops::{FileOp, FsId};
use crate::io::{ClientId, Completion, Io, RequestId};
use crate::time::Instant;
use crate::trace::What;
use crate::world::{Cx, Resumes, World};

/// A sequential issuer of requests: a script, a future, a coroutine.
pub trait Client {
    /// Its name, unique in its runner: what is drawn for it is found by this.
    fn name(&self) -> &str;

    /// Takes one step. Called only when what it waited for has come.
    fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next;

    /// Whether somebody has told it to go on: what ends a [`Wait::Any`] besides what that names.
    fn is_woken(&self) -> bool {
        false
    }

    /// A client that it has brought into the world with its last step: asked for until there is
    /// none.
    fn spawned(&mut self) -> Option<Self>
    where
        Self: Sized,
    {
        None
    }
}

/// What a client does after its step.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// It can take another step.
    Ready,
    /// It waits.
    Wait(Wait),
    /// It has no more to do.
    Done,
}

/// What a client waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wait {
    /// The completion of this request of its own.
    Completion(RequestId),
    /// This moment.
    Until(Instant),
    /// Somebody to be suspended under this tag on this node.
    Suspension(NodeId, Tag),
    /// The first of several things, or to be [woken](Client::is_woken) by another client.
    Any {
        /// The completion of any of these requests of its own.
        requests: Vec<RequestId>,
        /// This moment, if there is one.
        until: Option<Instant>,
    },
}

/// A client's view of its world during one step.
pub struct Turn<'a, 'c> {
    /// The world.
    pub world: &'a mut World,
    /// What it asks and tells.
    pub cx: &'a mut Cx<'c>,
    me: ClientId,
    seat: &'a mut Seat,
    room: Vec<RequestId>,
}

impl Turn<'_, '_> {
    /// Which client this is.
    #[must_use]
    pub const fn me(&self) -> ClientId {
        self.me
    }

    /// Submits a request; it may have completed when this returns.
    pub fn submit(&mut self, disk: DiskId, io: Io) -> RequestId {
        self.seat.submitted += 1;
        let who = (self.seat.key, self.seat.submitted);
        let id = self.world.submit(self.me, who, disk, io, self.cx);
        self.seat.pending.push(id);
        id
    }

    /// Submits an operation on a file system; it may have completed when this returns.
    pub fn submit_file(&mut self, fs: FsId, op: FileOp) -> RequestId {
        self.seat.submitted += 1;
        let who = (self.seat.key, self.seat.submitted);
        let id = self.world.submit_file(self.me, who, fs, op, self.cx);
        self.seat.pending.push(id);
        id
    }

    /// The completion of a request of its own, if it has come; given once.
    pub fn completion(&mut self, request: RequestId) -> Option<Completion> {
        self.seat.collect(self.world);
        if self.seat.inbox.is_empty() {
            return None;
        }
        let place = self.seat.inbox.iter().position(|done| done.request == request)?;
        let completion = self.seat.inbox.remove(place)?;
        self.world.taken(&completion);
        Some(completion)
    }

    /// An empty list, to say in it what it waits for: the room of the last one is used again.
    pub fn room(&mut self) -> Vec<RequestId> {
        core::mem::take(&mut self.room)
    }

    /// Tells what happened, now.
    pub fn tell(&mut self, what: What) {
        let now = self.world.now();
        self.cx.tell(now, what);
    }
}

/// Where a client sits: what it waits for and what has come for it.
#[derive(Clone, Debug)]
struct Seat {
    key: Key,
    wait: Option<Wait>,
    /// What it waited for has come, and cannot go again before its next turn.
    has_come: bool,
    is_done: bool,
    submitted: u64,
    pending: Vec<RequestId>,
    inbox: VecDeque<Completion>,
}

impl Seat {
    fn of(client: &impl Client) -> Self {
        Self {
            key: Key::client(client.name()),
            wait: None,
            has_come: false,
            is_done: false,
            submitted: 0,
            pending: Vec::new(),
            inbox: VecDeque::new(),
        }
    }

    /// A turn may complete requests of its own: they are in the world's box, not yet sorted.
    fn collect(&mut self, world: &mut World) {
        if !world.has_completions() {
            return;
        }
        let mut others = Vec::new();
        while let Some((client, completion)) = world.pass_on_completion() {
            if self.pending.contains(&completion.request) {
                self.accept(completion);
            } else {
                others.push((client, completion));
            }
        }
        world.give_back(others);
    }

    fn accept(&mut self, completion: Completion) {
        self.pending.retain(|request| *request != completion.request);
        self.inbox.push_back(completion);
    }

    /// Whether its client can take a step. Everybody is asked at every step of a run.
    fn is_ready(&mut self, client: &impl Client, world: &World) -> bool {
        if self.is_done || self.has_come {
            return !self.is_done;
        }
        self.has_come = match &self.wait {
            None => true,
            Some(Wait::Completion(request)) => !self.pending.contains(request),
            Some(Wait::Until(at)) => *at <= world.now(),
            // It may be resumed again by the time its turn comes.
            Some(Wait::Suspension(node, tag)) => {
                return world.engine(*node).is_suspended(tag.as_str());
            }
            Some(Wait::Any { requests, until }) => {
                requests.iter().any(|request| !self.pending.contains(request))
                    || until.is_some_and(|at| at <= world.now())
                    || client.is_woken()
            }
        };
        self.has_come
    }
}

/// How a step of a [`Runner`] went.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Something happened.
    Stepped,
    /// Every client is done and nothing is due any more.
    Finished,
    /// A client is not done, and nothing will ever happen that it could go on after.
    Stuck,
    /// No disk and no file system has power: no client lives any more.
    Dark,
}

/// A world with its clients.
///
/// It can be cloned where its clients can: at any step, and the clone goes its own way.
#[derive(Clone)]
pub struct Runner<C> {
    world: World,
    /// The number of the first client.
    first: u32,
    clients: Vec<C>,
    seats: Vec<Seat>,
    last: Option<ClientId>,
    /// Who took the last step.
    acted: Key,
    /// Who can take a step. Emptied and used again, so that a step allocates nothing.
    ready: Vec<ClientId>,
    /// Their names, where there are several.
    keys: Vec<Key>,
}

impl<C: Client> Runner<C> {
    /// These clients in this world, whose disks are opened as they are to be.
    pub fn new(world: World, clients: Vec<C>) -> Self {
        let seats = clients.iter().map(Seat::of).collect();
        Self {
            world,
            first: 0,
            clients,
            seats,
            last: None,
            acted: Key::WORLD,
            ready: Vec::new(),
            keys: Vec::new(),
        }
    }

    /// The clients are gone, as after a power cut, and these are there instead; the first of them
    /// has this number, so that a trace can tell them from those before.
    pub fn restart(&mut self, clients: Vec<C>, first: u32) {
        self.seats.clear();
        self.seats.extend(clients.iter().map(Seat::of));
        (self.clients, self.first, self.last) = (clients, first, None);
    }

    /// This client has no more to do, and nobody is told.
    pub fn retire(&mut self, client: ClientId) {
        let place = self.place(client);
        self.seats[place].is_done = true;
    }

    /// The world.
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The world, to be changed from outside, between steps.
    pub const fn world_mut(&mut self) -> &mut World {
        &mut self.world
    }

    /// The clients.
    pub fn clients(&self) -> &[C] {
        &self.clients
    }

    /// The clients, with the numbers they go by.
    pub fn numbered(&self) -> impl Iterator<Item = (ClientId, &C)> {
        (self.first..).map(ClientId).zip(&self.clients)
    }

    /// The clients, to be spoken to between steps.
    pub fn clients_mut(&mut self) -> &mut [C] {
        &mut self.clients
    }

    /// Who took the last step: a client, or the world.
    pub const fn acted(&self) -> Key {
        self.acted
    }

    /// The client that took the last step; `None` when that was the world, or the client is gone.
    pub fn actor_mut(&mut self) -> Option<&mut C> {
        let last = self.last.filter(|_| self.acted != Key::WORLD)?;
        let place = self.place(last);
        Some(&mut self.clients[place])
    }

    /// What a client waits for; `None` when it could go on or is done.
    #[must_use]
    pub fn waits(&self, client: ClientId) -> Option<&Wait> {
        let seat = &self.seats[self.place(client)];
        seat.wait.as_ref().filter(|_| !seat.is_done)
    }

    /// Whether a client has no more to do.
    #[must_use]
    pub fn is_done(&self, client: ClientId) -> bool {
        self.seats[self.place(client)].is_done
    }

    /// Where a client sits.
    const fn place(&self, client: ClientId) -> usize {
        (client.0 - self.first) as usize
    }

    /// Does the next thing: a step of a client, something due, a resume that was drawn; or moves
    /// the clock to where something is due.
    pub fn step(&mut self, cx: &mut Cx<'_>) -> Progress {
        self.acted = Key::WORLD;
        self.deliver();
        if self.world.is_dark() {
            return Progress::Dark;
        }
        loop {
            self.find_ready();
            let world_due = self.world.next_due() == Some(self.world.now());
            if let Some((node, request)) = self.draw_resume(world_due, cx) {
                self.world.release(node, request, cx);
                self.deliver();
                return Progress::Stepped;
            }
            match self.draw_actor(world_due, cx) {
                Some(Actor::Client(client)) => {
                    self.turn(client, cx);
                    self.deliver();
                    return Progress::Stepped;
                }
                Some(Actor::World) => {
                    self.world.step(cx);
                    self.deliver();
                    return Progress::Stepped;
                }
                None => match self.next_moment() {
                    Some(moment) => self.world.advance(moment),
                    None if self.seats.iter().all(|seat| seat.is_done) => {
                        return Progress::Finished;
                    }
                    None => return Progress::Stuck,
                },
            }
        }
    }

    /// Finds the clients that can take a step, the last one first: to let it go on is the dullest.
    fn find_ready(&mut self) {
        let Self { world, clients, seats, ready, first, last, .. } = self;
        ready.clear();
        let last = last.map(|last| (last.0 - *first) as usize);
        if let Some(place) = last
            && seats[place].is_ready(&clients[place], world)
        {
            ready.push(ClientId(*first + place as u32));
        }
        for (place, (seat, it)) in seats.iter_mut().zip(clients).enumerate() {
            if Some(place) != last && seat.is_ready(it, world) {
                ready.push(ClientId(*first + place as u32));
            }
        }
    }

    /// Which suspended request goes on now, if the choices end suspensions. Nobody is the dullest
    /// answer, but not when nothing else could happen.
    fn draw_resume(&self, world_due: bool, cx: &mut Cx<'_>) -> Option<(NodeId, RequestId)> {
        if self.world.resumes() != Resumes::Seeded {
            return None;
        }
        let held: Vec<_> = self.world.suspended().collect();
        if held.is_empty() {
            return None;
        }
        let can_go_on = !self.ready.is_empty() || world_due || self.next_moment().is_some();
        let mut keys: Vec<_> = can_go_on.then_some(Key::NOBODY).into_iter().collect();
        let nobody = keys.len();
        keys.extend(held.iter().filter_map(|id| self.world.request_key(*id)));
        let point = Point::new(PointKind::Resume, Key::WORLD);
        let index = if keys.len() > 1 { cx.choices.pick(point, &keys) } else { 0 };
        let id = held[index.checked_sub(nobody)?];
        Some((self.world.held_at(id)?, id))
    }

    fn draw_actor(&mut self, world_due: bool, cx: &mut Cx<'_>) -> Option<Actor> {
        let count = self.ready.len() + usize::from(world_due);
        let chosen = if count < 2 {
            0
        } else {
            let Self { seats, ready, keys, first, .. } = self;
            keys.clear();
            keys.extend(ready.iter().map(|client| seats[(client.0 - *first) as usize].key));
            keys.extend(world_due.then_some(Key::WORLD));
            cx.choices.pick(Point::new(PointKind::Schedule, Key::WORLD), &self.keys)
        };
        match self.ready.get(chosen) {
            Some(client) => Some(Actor::Client(*client)),
            None => world_due.then_some(Actor::World),
        }
    }

    /// When the next thing is due, or the next sleeper wakes.
    fn next_moment(&self) -> Option<Instant> {
        let wakes =
            self.seats.iter().filter(|seat| !seat.is_done).filter_map(|seat| match seat.wait {
                Some(Wait::Until(at)) => Some(at),
                Some(Wait::Any { until, .. }) => until,
                _ => None,
            });
        self.world.next_due().into_iter().chain(wakes).min()
    }

    fn turn(&mut self, client: ClientId, cx: &mut Cx<'_>) {
        self.last = Some(client);
        let place = self.place(client);
        let seat = &mut self.seats[place];
        let room = match seat.wait.take() {
            Some(Wait::Any { mut requests, .. }) => {
                requests.clear();
                requests
            }
            _ => Vec::new(),
        };
        seat.has_come = false;
        self.acted = seat.key;
        let mut turn = Turn { world: &mut self.world, cx, me: client, seat, room };
        match self.clients[place].turn(&mut turn) {
            Next::Ready => {}
            Next::Wait(wait) => self.seats[place].wait = Some(wait),
            Next::Done => {
                self.seats[place].is_done = true;
                cx.tell(self.world.now(), What::Finished { client });
            }
        }
        while let Some(spawned) = self.clients[place].spawned() {
            self.seats.push(Seat::of(&spawned));
            self.clients.push(spawned);
        }
    }

    /// Takes completions to whom they belong.
    #[inline]
    fn deliver(&mut self) {
        if self.world.has_completions() {
            self.sort_completions();
        }
    }

    fn sort_completions(&mut self) {
        while let Some((client, completion)) = self.world.pass_on_completion() {
            let place = self.place(client);
            self.seats[place].accept(completion);
        }
    }
}

/// Who does something next.
#[derive(Clone, Copy, Debug)]
enum Actor {
    Client(ClientId),
    World,
}

impl<C> core::fmt::Debug for Runner<C> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Runner")
            .field("world", &self.world)
            .field("seats", &self.seats)
            .finish_non_exhaustive()
    }
}

impl<C: Client + ?Sized> Client for Box<C> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next {
        (**self).turn(turn)
    }

    fn is_woken(&self) -> bool {
        (**self).is_woken()
    }
}
