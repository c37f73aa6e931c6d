//! A client that is code: a future, or blocking code on a stack of its own.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use headcrash_scenario::{Finding, Guest};
use headcrash_sim::{
    Client, ClientId, Instant, Key, Next, Point, PointKind, RequestId, Turn, Wait, What,
};
use headcrash_stack::{Fiber, State};

use crate::desk::{Answer, Ask, At, Desk, NoWorld, Saying, Ticket, is_failure};
use crate::panics;
use crate::watchdog;

/// The code of a client.
enum Body {
    Fiber(Fiber),
    Future(Pin<Box<dyn Future<Output = ()>>>),
    Over,
}

/// A client that is code.
pub(crate) struct Task {
    desk: Rc<Desk>,
    body: Body,
    /// Requests on their way, what they were asked as, and where.
    pending: Vec<(Ticket, RequestId, Option<At>)>,
}

/// What a step of the code came to.
enum Step {
    More,
    Over,
    Panicked(Box<dyn Any + Send>),
}

impl Task {
    /// Blocking code.
    pub(crate) fn blocking(desk: Rc<Desk>, code: impl FnOnce() + 'static) -> Self {
        Self { desk, body: Body::Fiber(Fiber::new(code)), pending: Vec::new() }
    }

    /// A future.
    pub(crate) fn future(desk: Rc<Desk>, code: impl Future<Output = ()> + 'static) -> Self {
        Self { desk, body: Body::Future(Box::pin(code)), pending: Vec::new() }
    }

    fn step(&mut self) -> Step {
        let Self { desk, body, .. } = self;
        desk.goes_on();
        let _watched = watchdog::enter(desk.known_as, desk.place.get());
        let step = desk.occupied(|| match body {
            Body::Fiber(fiber) => match fiber.resume() {
                State::Suspended => Step::More,
                State::Done => Step::Over,
                State::Panicked(payload) => Step::Panicked(payload),
            },
            Body::Future(future) => {
                let context = &mut Context::from_waker(&desk.waker);
                match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
                    Ok(Poll::Pending) => Step::More,
                    Ok(Poll::Ready(())) => Step::Over,
                    Err(payload) => Step::Panicked(payload),
                }
            }
            Body::Over => Step::Over,
        });
        if !matches!(step, Step::More) {
            // What it owns goes while its desk is there.
            desk.occupied(|| drop_quietly(std::mem::replace(body, Body::Over)));
        }
        step
    }

    /// Carries what was asked to the world.
    fn carry(&mut self, turn: &mut Turn<'_, '_>) -> bool {
        let client = turn.me();
        let mut chosen = false;
        let mut asked = std::mem::take(&mut *self.desk.asked.borrow_mut());
        for (ticket, ask, at) in asked.drain(..) {
            if let Ask::Disk(..) | Ask::File(..) = ask {
                let requests = &self.desk.common.requests;
                requests.set(requests.get() + 1);
            }
            match ask {
                Ask::Disk(disk, io) => self.pending.push((ticket, turn.submit(disk, io), at)),
                Ask::File(fs, op) => self.pending.push((ticket, turn.submit_file(fs, op), at)),
                Ask::Choose(n) => {
                    let point = Point::new(PointKind::Code, Key::client(&self.desk.name));
                    let answer = turn.cx.choices.choose(point, n);
                    self.desk.answers.borrow_mut().push((ticket, Answer::Chosen(answer)));
                    chosen = true;
                }
                Ask::Tell(saying) => turn.tell(what(saying, client)),
            }
        }
        // Its room is used again.
        self.desk.asked.replace(asked);
        chosen
    }

    fn found(&self, property: &str, message: String) {
        let finding = Finding {
            property: property.to_owned(),
            message,
            client: self.desk.client,
            operation: None,
            is_refusal: false,
            is_complaint: false,
        };
        self.desk.common.findings.borrow_mut().push(finding);
    }
}

fn what(saying: Saying, client: ClientId) -> What {
    match saying {
        Saying::Began(operation) => What::Began { client, operation },
        Saying::Ended(result) => What::Ended { client, result },
        Saying::Noted(text) => What::Noted { client, text },
        Saying::Sleeps(until) => What::Sleeps { client, until: Instant::from_ns(until) },
    }
}

/// A destructor that panics is no reason to end the process.
fn drop_quietly(body: Body) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(body)));
}

impl Client for Task {
    fn name(&self) -> &str {
        &self.desk.name
    }

    fn turn(&mut self, turn: &mut Turn<'_, '_>) -> Next {
        let desk = Rc::clone(&self.desk);
        desk.now.set(turn.world.now().ns());
        self.pending.retain(|(ticket, request, _)| match turn.completion(*request) {
            None => true,
            Some(done) => {
                if done.result.is_err_and(is_failure) {
                    let errors = &desk.common.errors;
                    errors.set(errors.get() + 1);
                }
                desk.answers.borrow_mut().push((*ticket, Answer::Done(done)));
                false
            }
        });
        desk.until.set(None);
        desk.woken.clear();
        let step = self.step();
        let chosen = self.carry(turn);
        match step {
            Step::More => {}
            Step::Over => return Next::Done,
            Step::Panicked(payload) => {
                if !payload.is::<NoWorld>() {
                    let said = panics::take(&*payload);
                    turn.tell(What::Noted { client: turn.me(), text: said.as_str().into() });
                    self.found(crate::PANICS, said);
                }
                return Next::Done;
            }
        }
        if chosen || desk.woken.is_set() {
            return Next::Ready;
        }
        let mut requests = turn.room();
        requests.extend(self.pending.iter().map(|(_, request, _)| *request));
        Next::Wait(Wait::Any { requests, until: desk.until.get().map(Instant::from_ns) })
    }

    fn is_woken(&self) -> bool {
        self.desk.woken.is_set()
    }
}

impl Guest for Task {
    fn bury(&mut self) {
        let desk = Rc::clone(&self.desk);
        if desk.buried.replace(true) {
            return;
        }
        // A future is dropped where it stands; blocking code hears that its disk is gone.
        if let Body::Future(_) = self.body {
            desk.occupied(|| drop_quietly(std::mem::replace(&mut self.body, Body::Over)));
            return;
        }
        let mut turns = 0;
        while let Body::Fiber(_) = self.body {
            if let Step::Panicked(_) = self.step() {
                break;
            }
            turns += 1;
            if turns > 100_000 {
                desk.occupied(|| drop_quietly(std::mem::replace(&mut self.body, Body::Over)));
            }
        }
        panics::forget();
    }

    fn spawned_guest(&mut self) -> Option<Box<dyn Guest>> {
        let mut spawned = self.desk.spawned.borrow_mut();
        if spawned.is_empty() { None } else { Some(Box::new(spawned.remove(0))) }
    }

    fn waits_for(&self) -> String {
        self.desk.waits_for()
    }

    fn place(&self) -> Option<String> {
        let asked = self.pending.first().and_then(|(.., at)| *at);
        Some(asked.or_else(|| self.desk.place.get())?.to_string())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.bury();
    }
}

/// What `future` comes to, for blocking code: whenever it is not ready, the client waits.
///
/// # Panics
///
/// Where no client runs on a stack of its own.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    // Without one, what is ready at once is fine: an error, a lock that nobody holds.
    let desk = Desk::current();
    let waker = desk.as_ref().map_or(Waker::noop(), |desk| &desk.waker);
    let context = &mut Context::from_waker(waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return value;
        }
        let desk = Desk::here("blocking");
        if desk.buried.get() {
            desk.wait_after();
        }
        headcrash_stack::suspend();
    }
}

/// What was asked is on its way: the future of its answer.
pub(crate) struct Answered {
    desk: Rc<Desk>,
    ticket: Ticket,
}

impl Answered {
    pub(crate) fn to(desk: Rc<Desk>, ask: Ask) -> Self {
        let ticket = desk.ask(ask);
        Self { desk, ticket }
    }

    pub(crate) const fn of(desk: Rc<Desk>, ticket: Ticket) -> Self {
        Self { desk, ticket }
    }
}

impl Future for Answered {
    /// `None` if the world is gone.
    type Output = Option<Answer>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        match self.desk.answer(self.ticket) {
            Some(answer) => Poll::Ready(Some(answer)),
            None if self.desk.buried.get() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

/// Brings another client into the world.
#[track_caller]
pub(crate) fn spawn(task: Task) {
    let desk = Desk::here("spawning a client");
    if !desk.buried.get() {
        desk.spawned.borrow_mut().push(task);
    }
}

/// A value that a client leaves for others.
pub(crate) type Slot<T> = Rc<RefCell<Option<T>>>;
