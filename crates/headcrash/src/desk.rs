//! Where code under test leaves what it asks of the world, and finds what came of it.
//!
//! A client has a desk. While it takes a step its desk is the thread's own, so that a handle need
//! hold nothing but numbers: it can be sent, shared and kept, as storage crates want. What lies on
//! the desk after the step is carried to the world by [`Task`](crate::task::Task).

use std::cell::{Cell, RefCell};
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};

use headcrash_engine::Errno;
use headcrash_scenario::Stage;
use headcrash_sim::{Completion, DiskId, FileOp, FsId, Io};

use crate::task::Task;
use crate::watchdog;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Desk>>> = const { RefCell::new(None) };
}

/// After so many calls from beyond the end of its world a client is not let return any more.
const CALLS_AFTER_MAX: u32 = 10_000;

/// What a run's clients have in common.
pub(crate) struct Common {
    pub(crate) stage: Arc<Stage>,
    /// Handles are of this world.
    pub(crate) world: Arc<Used>,
    /// How many requests have failed since the power came on.
    pub(crate) errors: Cell<u64>,
    /// How many requests were made.
    pub(crate) requests: Cell<u64>,
    /// What was found, in order.
    pub(crate) findings: RefCell<Vec<headcrash_scenario::Finding>>,
    /// Grows with everything a cut leaves known.
    pub(crate) progress: Cell<u64>,
}

/// A place in somebody's code, who called.
pub(crate) type At = &'static Location<'static>;

/// How the handles of a world were used.
#[derive(Debug, Default)]
pub(crate) struct Used {
    /// By code that is no client of it.
    by_a_stranger: AtomicBool,
    /// Where that was first.
    at: OnceLock<At>,
}

impl Used {
    pub(crate) fn misused(&self, at: At) {
        _ = self.at.set(at);
        self.by_a_stranger.store(true, Ordering::Release);
    }

    /// Where it was, if it was since this was last asked. Asked at every step: a look is cheap.
    pub(crate) fn was_misused(&self) -> Option<At> {
        let is_new = self.by_a_stranger.load(Ordering::Relaxed)
            && self.by_a_stranger.swap(false, Ordering::Acquire);
        if is_new { self.at.get().copied() } else { None }
    }
}

/// What a client waits for, when that is no request.
#[derive(Clone, Debug)]
pub(crate) enum Waits {
    /// In words.
    For(&'static str),
    /// A lock, and who has it since when.
    Lock(Option<(Arc<str>, At)>),
    /// The subject, which one client at a time can call.
    Subject,
    /// Another client's end.
    End(Arc<str>),
}

/// What a client asks.
pub(crate) enum Ask {
    Disk(DiskId, Io),
    File(FsId, FileOp),
    /// An answer below this number.
    Choose(u64),
    Tell(Saying),
}

/// What a client tells.
pub(crate) enum Saying {
    Began(Arc<str>),
    Ended(Arc<str>),
    Noted(Arc<str>),
    Sleeps(u64),
}

/// What came of it.
pub(crate) enum Answer {
    Done(Completion),
    Chosen(u64),
}

/// One thing asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

/// Set by a [`Waker`].
#[derive(Debug, Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) struct Desk {
    pub(crate) common: Rc<Common>,
    /// The client's place among the scenario's: its own, or of who brought it into the world.
    pub(crate) client: usize,
    pub(crate) name: Arc<str>,
    pub(crate) known_as: watchdog::Name,
    /// Nanoseconds.
    pub(crate) now: Cell<u64>,
    tickets: Cell<u64>,
    /// With the places that asked.
    pub(crate) asked: RefCell<Vec<(Ticket, Ask, Option<At>)>>,
    pub(crate) answers: RefCell<Vec<(Ticket, Answer)>>,
    /// When it wants to be called at the latest; nothing: when something comes.
    pub(crate) until: Cell<Option<u64>>,
    pub(crate) spawned: RefCell<Vec<Task>>,
    /// Points it has reached, and may be held at.
    pub(crate) gates: RefCell<Vec<Ticket>>,
    pub(crate) woken: Arc<Flag>,
    /// Sets it.
    pub(crate) waker: Waker,
    /// It has no world any more.
    pub(crate) buried: Cell<bool>,
    calls_after: Cell<u32>,
    waits_for: RefCell<Waits>,
    /// Where the world last saw it.
    pub(crate) place: Cell<Option<At>>,
}

/// What a client waits for that nothing else is known of.
const WOKEN: Waits = Waits::For("to be woken");

/// Why a client is unwound that does not come to its end by itself.
pub(crate) struct NoWorld;

impl Desk {
    pub(crate) fn new(common: Rc<Common>, client: usize, name: &str) -> Rc<Self> {
        let woken = Arc::<Flag>::default();
        Rc::new(Self {
            common,
            client,
            known_as: watchdog::name(name),
            name: name.into(),
            now: Cell::new(0),
            tickets: Cell::new(0),
            asked: RefCell::default(),
            answers: RefCell::default(),
            until: Cell::new(None),
            spawned: RefCell::default(),
            gates: RefCell::default(),
            waker: Waker::from(Arc::clone(&woken)),
            woken,
            buried: Cell::new(false),
            calls_after: Cell::new(0),
            waits_for: RefCell::new(WOKEN),
            place: Cell::new(None),
        })
    }

    /// The desk of the client that takes a step on this thread.
    pub(crate) fn current() -> Option<Rc<Self>> {
        CURRENT.with(|current| current.borrow().clone())
    }

    /// The same, for what only a client can do.
    #[track_caller]
    pub(crate) fn here(what: &str) -> Rc<Self> {
        let Some(desk) = Self::current() else {
            panic!("{what} is for code that runs inside a world, as a client of it")
        };
        desk
    }

    /// The same in a future, which is polled elsewhere than where it was made.
    #[track_caller]
    pub(crate) fn here_at(what: &str, at: At) -> Rc<Self> {
        let Some(desk) = Self::current() else {
            panic!("{what}, at {at}, is for code that runs inside a world, as a client of it")
        };
        desk
    }

    /// Lets `step` find this desk.
    pub(crate) fn occupied<T>(self: &Rc<Self>, step: impl FnOnce() -> T) -> T {
        struct Restore(Option<Rc<Desk>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                let before = self.0.take();
                CURRENT.with(|current| *current.borrow_mut() = before);
            }
        }
        let before = CURRENT.with(|current| current.borrow_mut().replace(Rc::clone(self)));
        let _restore = Restore(before);
        step()
    }

    /// Leaves something to be asked.
    pub(crate) fn ask(&self, ask: Ask) -> Ticket {
        let ticket = Ticket(self.tickets.get());
        self.tickets.set(ticket.0 + 1);
        self.asked.borrow_mut().push((ticket, ask, self.place.get()));
        ticket
    }

    /// It waits from now on, or still does, here.
    pub(crate) fn waits(&self, waits_for: Waits, at: Option<At>) {
        *self.waits_for.borrow_mut() = waits_for;
        self.place.set(at);
    }

    /// It goes on, and says anew what it waits for.
    pub(crate) fn goes_on(&self) {
        *self.waits_for.borrow_mut() = WOKEN;
    }

    /// What it waits for, in words.
    pub(crate) fn waits_for(&self) -> String {
        match &*self.waits_for.borrow() {
            Waits::For(words) => (*words).to_owned(),
            Waits::Lock(Some((holder, since))) if *holder == self.name => {
                format!("for a lock that it holds itself since {since}")
            }
            Waits::Lock(Some((holder, since))) => {
                format!("for a lock that client `{holder}` holds since {since}")
            }
            Waits::Lock(None) => "for a lock".to_owned(),
            Waits::Subject => "for the subject, which another client calls".to_owned(),
            Waits::End(client) => format!("for client `{client}` to end"),
        }
    }

    pub(crate) fn tell(&self, saying: Saying) {
        if !self.buried.get() {
            self.ask(Ask::Tell(saying));
        }
    }

    /// A line of the trace.
    pub(crate) fn says(&self, text: &str) {
        self.tell(Saying::Noted(text.into()));
    }

    pub(crate) fn answer(&self, ticket: Ticket) -> Option<Answer> {
        let mut answers = self.answers.borrow_mut();
        let place = answers.iter().position(|(answered, _)| *answered == ticket)?;
        Some(answers.remove(place).1)
    }

    /// Asks to be called when this moment has come.
    pub(crate) fn call_at(&self, at: u64) {
        self.until.set(Some(self.until.get().map_or(at, |until| until.min(at))));
    }

    pub(crate) fn next_gate(&self) -> Option<Ticket> {
        let mut gates = self.gates.borrow_mut();
        if gates.is_empty() { None } else { Some(gates.remove(0)) }
    }

    /// Counts a call of a client whose world is gone.
    ///
    /// # Panics
    ///
    /// When there were so many that it would not come to its end by itself.
    pub(crate) fn call_after(&self) {
        let calls = self.calls_after.get() + 1;
        self.calls_after.set(calls);
        if calls > CALLS_AFTER_MAX && !std::thread::panicking() {
            std::panic::resume_unwind(Box::new(NoWorld));
        }
    }

    /// Waits for something that does not come any more.
    pub(crate) fn wait_after(&self) {
        self.call_after();
        if !std::thread::panicking() {
            std::panic::resume_unwind(Box::new(NoWorld));
        }
    }
}

/// Whether an error is a failure of the world, rather than an answer: there is no such file, and
/// what was asked for makes no sense, are answers.
pub(crate) const fn is_failure(errno: Errno) -> bool {
    !matches!(
        errno,
        Errno::ENOENT
            | Errno::EEXIST
            | Errno::ENOTDIR
            | Errno::EISDIR
            | Errno::ENOTEMPTY
            | Errno::EBADF
            | Errno::EINVAL
            | Errno::ENOTSUP
    )
}

/// What the host calls an error.
pub(crate) fn io_error(errno: Errno) -> io::Error {
    io::Error::from_raw_os_error(errno.number())
}

/// What is answered where the power is gone.
pub(crate) fn gone() -> io::Error {
    io_error(Errno::ENODEV)
}
