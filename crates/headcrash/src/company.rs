//! A subject in a run: its clients, one operation at a time, and what they find.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;

use headcrash_scenario::{Company, Finding, Guest, Remains, Stage};

use crate::desk::{At, Common, Desk, Saying, Used};
use crate::ledger::{Ledger, Recovered, Wrong};
use crate::storage::{Storage, pass_gates};
use crate::subject::{Called, Fallible, Model};
use crate::sync::Mutex;
use crate::task::{Task, block_on};

/// So often is it opened, at most, while disks fail.
const OPENED_AT_MOST: usize = 3;

/// Whoever calls one subject, from one power-on to the next.
pub(crate) struct Callers<C: Called>(Rc<Shared<C>>);

struct Shared<C: Called> {
    common: Rc<Common>,
    storage: Storage,
    ledger: RefCell<Ledger<C::Model>>,
    /// The subject, while it is open. Whoever holds this calls it.
    subject: Mutex<Option<C>>,
    /// It was opened, or tried to be.
    tried: Cell<bool>,
    /// Nobody calls it any more: it refused, or what it is now cannot be known.
    over: Cell<bool>,
    /// For each client, the operation it does next, and whether it is in it.
    places: RefCell<Vec<(usize, bool)>>,
    /// How many clients are not done.
    left: Cell<usize>,
    /// How often the power came back before.
    cuts: u32,
}

/// What is left of it when the power goes.
struct Left<C: Called> {
    stage: Arc<Stage>,
    ledger: Ledger<C::Model>,
    next: Vec<usize>,
    cuts: u32,
    progress: u64,
}

impl<C: Called> Callers<C> {
    /// At the beginning.
    pub(crate) fn begin(stage: Stage) -> Self {
        let next = vec![0; stage.clients.len()];
        Self::new(Arc::new(stage), Ledger::new(), next, 0, 0)
    }

    fn new(
        stage: Arc<Stage>,
        ledger: Ledger<C::Model>,
        next: Vec<usize>,
        cuts: u32,
        progress: u64,
    ) -> Self {
        let common = Rc::new(Common {
            stage,
            world: Arc::<Used>::default(),
            errors: Cell::new(0),
            requests: Cell::new(0),
            findings: RefCell::default(),
            progress: Cell::new(progress),
        });
        let storage = Storage::of(&common);
        Self(Rc::new(Shared {
            storage,
            ledger: RefCell::new(ledger),
            subject: Mutex::new(None),
            tried: Cell::new(false),
            over: Cell::new(false),
            left: Cell::new(common.stage.clients.len()),
            places: RefCell::new(next.into_iter().map(|next| (next, false)).collect()),
            common,
            cuts,
        }))
    }
}

/// What is still open when nobody is left is dropped as if the power had gone.
impl<C: Called> Drop for Shared<C> {
    fn drop(&mut self) {
        let Some(subject) = self.subject.try_lock().and_then(|mut subject| subject.take()) else {
            return;
        };
        let desk = Desk::new(Rc::clone(&self.common), 0, "nobody");
        desk.buried.set(true);
        desk.occupied(|| {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(subject)));
        });
        crate::panics::forget();
    }
}

impl<C: Called> Shared<C> {
    fn found(&self, desk: &Desk, operation: Option<usize>, wrong: Wrong, is_refusal: bool) {
        let Wrong { property, message } = wrong;
        let property = property.to_owned();
        let client = desk.client;
        let is_complaint = is_refusal || property == crate::CAUSE;
        let finding = Finding { property, message, client, operation, is_refusal, is_complaint };
        self.common.findings.borrow_mut().push(finding);
        self.over.set(true);
    }

    fn step_on(&self) {
        self.common.progress.set(self.common.progress.get() + 1);
    }

    /// Everything a client does.
    async fn play(self: Rc<Self>, who: usize) {
        let desk = Desk::here("a subject");
        let operations = Arc::clone(&self.common.stage.clients[who].operations);
        loop {
            let mut subject = self.subject.lock_subject().await;
            if desk.buried.get() {
                return;
            }
            if !self.is_open(&desk, &mut subject).await {
                break;
            }
            let place = self.places.borrow()[who].0;
            let Some(operation) = operations.get(place) else { break };
            let called = subject.as_mut().expect("it is open");
            let op = operation.value.downcast_ref::<<C::Model as Model>::Op>();
            let op = op.expect("an operation of this subject");
            self.places.borrow_mut()[who].1 = true;
            self.ledger.borrow_mut().begin(op);
            self.step_on();
            desk.tell(Saying::Began(Arc::clone(&operation.text)));
            let requests = self.common.requests.get();
            let result = called.apply(op).await;
            pass_gates(&desk).await;
            if desk.buried.get() {
                // Acknowledgements from after the power cut do not count.
                return;
            }
            let did_io = self.common.requests.get() > requests;
            self.ended(&desk, place, (op, did_io), result);
            self.places.borrow_mut()[who] = (place + 1, false);
            self.step_on();
            if self.over.get() {
                break;
            }
        }
        if desk.buried.get() {
            return;
        }
        self.left.set(self.left.get() - 1);
        if self.left.get() == 0 && !self.over.get() {
            self.finish(&desk).await;
        }
    }

    /// An operation has ended.
    fn ended(
        &self,
        desk: &Desk,
        place: usize,
        (op, did_io): (&<C::Model as Model>::Op, bool),
        result: Fallible<<C::Model as Model>::Reply>,
    ) {
        let mut ledger = self.ledger.borrow_mut();
        match result {
            Ok(reply) => {
                desk.tell(Saying::Ended(format!("{reply:?}").into()));
                if let Err(wrong) = ledger.acknowledge(op, &reply) {
                    self.found(desk, Some(place), wrong, false);
                }
            }
            Err(error) => {
                desk.tell(Saying::Ended(format!("error: {error}").into()));
                if ledger.fail(op, did_io) {
                    let text = "so many operations have failed that nobody can say what was done";
                    desk.tell(Saying::Noted(text.into()));
                }
                if self.common.errors.get() == 0 {
                    let message = format!("it fails with `{error}`, and no disk has failed");
                    let wrong = Wrong { property: crate::CAUSE, message };
                    self.found(desk, Some(place), wrong, false);
                }
            }
        }
    }

    /// Opens it, if nobody has.
    async fn is_open(&self, desk: &Desk, subject: &mut Option<C>) -> bool {
        if self.over.get() {
            return false;
        }
        if self.tried.replace(true) {
            return subject.is_some();
        }
        let mut opened = match self.open(desk).await {
            Some(Ok(opened)) => opened,
            Some(Err(error)) => {
                self.refused(desk, &*error, "opened", false);
                return false;
            }
            None => return false,
        };
        if self.cuts > 0 {
            desk.says("shows");
            let seen = opened.show().await;
            if desk.buried.get() {
                return false;
            }
            let seen = match seen {
                Ok(seen) => seen,
                Err(error) => {
                    self.refused(desk, &*error, "read", self.common.errors.get() > 0);
                    return false;
                }
            };
            let recovered = self.ledger.borrow_mut().recovers(&seen);
            match recovered {
                Ok(Recovered::State { number, of }) => {
                    let text = format!("recovers state {number} of {of} possible");
                    desk.tell(Saying::Noted(text.into()));
                }
                Ok(Recovered::Adopted) => {
                    desk.tell(Saying::Noted("recovers a state the model allows".into()));
                }
                Ok(Recovered::Unknown) => {
                    desk.tell(Saying::Noted("recovers, and nobody can say to what".into()));
                    self.over.set(true);
                }
                Err(wrong) => self.found(desk, None, wrong, false),
            }
            if self.over.get() {
                return false;
            }
        }
        *subject = Some(opened);
        self.step_on();
        true
    }

    /// Opens it. When that fails because of a disk it is tried again, as whoever runs it would; what
    /// fails without such a cause is said with the error. Nothing when the power goes, or when disks
    /// fail too often.
    async fn open(&self, desk: &Desk) -> Option<Fallible<C>> {
        for _ in 0..OPENED_AT_MOST {
            desk.says("opens");
            let errors = self.common.errors.get();
            let opened = C::open(&self.storage).await;
            if desk.buried.get() {
                return None;
            }
            match opened {
                Err(error) if self.common.errors.get() > errors => {
                    desk.tell(Saying::Noted(format!("cannot be opened: {error}").into()));
                }
                opened => return Some(opened),
            }
        }
        self.over.set(true);
        None
    }

    /// It cannot be opened, or read. An error of a disk is a cause.
    fn refused(&self, desk: &Desk, error: &dyn std::error::Error, what: &str, has_cause: bool) {
        desk.tell(Saying::Noted(format!("cannot be {what}: {error}").into()));
        self.over.set(true);
        if has_cause {
            return;
        }
        if self.cuts > 0 {
            let message = format!("it cannot be {what} after the power cut: {error}");
            let wrong = Wrong { property: crate::RECOVERS, message };
            self.found(desk, None, wrong, true);
            return;
        }
        let message =
            format!("it cannot be {what}, and no disk has failed{}: {error}", self.meanwhile());
        self.found(desk, None, Wrong { property: crate::CAUSE, message }, false);
    }

    /// A disk may have failed before.
    fn meanwhile(&self) -> &'static str {
        if self.common.errors.get() > 0 { " meanwhile" } else { "" }
    }

    /// Everybody is done: it shows the model, and again when it was closed and opened.
    async fn finish(&self, desk: &Desk) {
        let mut subject = self.subject.lock_subject().await;
        let Some(mut open) = subject.take() else { return };
        for reopened in [false, true] {
            desk.says("shows");
            let seen = open.show().await;
            if desk.buried.get() {
                return;
            }
            // What a failed disk keeps from being read or closed may be there next time.
            match seen {
                Ok(seen) => {
                    let failed = self.common.errors.get() > 0;
                    if let Err(wrong) = self.ledger.borrow_mut().sees(&seen, reopened, failed) {
                        return self.found(desk, None, wrong, false);
                    }
                }
                Err(error) => self.refused_at_end(desk, &*error, "read"),
            }
            desk.says("closes");
            let closed = open.close().await;
            if desk.buried.get() {
                return;
            }
            if let Err(error) = closed {
                self.refused_at_end(desk, &*error, "closed");
            }
            if reopened || self.over.get() {
                return;
            }
            open = match self.open(desk).await {
                Some(Ok(again)) => again,
                Some(Err(error)) => {
                    let message = format!(
                        "it cannot be opened again at the end, and no disk has failed{}: {error}",
                        self.meanwhile()
                    );
                    let wrong = Wrong { property: crate::CAUSE, message };
                    return self.found(desk, None, wrong, false);
                }
                None => return,
            };
        }
    }

    fn refused_at_end(&self, desk: &Desk, error: &dyn std::error::Error, what: &str) {
        desk.tell(Saying::Noted(format!("cannot be {what}: {error}").into()));
        if self.common.errors.get() == 0 {
            let message =
                format!("it cannot be {what} at the end, and no disk has failed: {error}");
            self.found(desk, None, Wrong { property: crate::CAUSE, message }, false);
        }
    }

    fn left(&self) -> Left<C> {
        Left {
            stage: Arc::clone(&self.common.stage),
            ledger: self.ledger.borrow().clone(),
            // What was under way is not done again: nobody knows whether it was done.
            next: self
                .places
                .borrow()
                .iter()
                .map(|(next, is_in_it)| next + usize::from(*is_in_it))
                .collect(),
            cuts: self.cuts,
            progress: self.common.progress.get(),
        }
    }
}

impl<C: Called> Company for Callers<C> {
    fn clients(&self) -> Vec<(usize, Box<dyn Guest>)> {
        let clients = self.0.common.stage.clients.iter().enumerate();
        let task = |(who, client): (usize, &headcrash_scenario::StageClient)| {
            let desk = Desk::new(Rc::clone(&self.0.common), client.place, &client.name);
            let shared = Rc::clone(&self.0);
            let task = if C::BLOCKS {
                Task::blocking(desk, move || block_on(shared.play(who)))
            } else {
                // It looks for its desk, which it has when it is polled.
                Task::future(desk, async move { shared.play(who).await })
            };
            (client.place, Box::new(task) as Box<dyn Guest>)
        };
        clients.map(task).collect()
    }

    fn take_finding(&self) -> Option<Finding> {
        let common = &self.0.common;
        if let Some(at) = common.world.was_misused() {
            return Some(stranger(common, at));
        }
        let mut findings = common.findings.borrow_mut();
        if findings.is_empty() { None } else { Some(findings.remove(0)) }
    }

    fn remains(&self) -> Rc<dyn Remains> {
        Rc::new(self.0.left())
    }

    fn progress(&self) -> u64 {
        self.0.common.progress.get()
    }

    fn operation_of(&self, client: usize) -> usize {
        self.place(client).0
    }

    fn is_between(&self, client: usize) -> bool {
        !self.place(client).1
    }
}

impl<C: Called> Callers<C> {
    fn place(&self, client: usize) -> (usize, bool) {
        let who = self.0.common.stage.clients.iter().position(|it| it.place == client);
        who.map_or((0, false), |who| self.0.places.borrow()[who])
    }
}

pub(crate) fn stranger(common: &Common, at: At) -> Finding {
    Finding {
        property: crate::STRANGERS.to_owned(),
        message: format!(
            "a disk was used at {at} by code that is no client: a thread of the code's own?"
        ),
        client: common.stage.clients.first().map_or(0, |client| client.place),
        operation: None,
        is_refusal: false,
        is_complaint: false,
    }
}

impl<C: Called> Remains for Left<C> {
    fn revive(&self) -> Rc<dyn Company> {
        let (stage, ledger) = (Arc::clone(&self.stage), self.ledger.clone());
        Rc::new(Callers::<C>::new(stage, ledger, self.next.clone(), self.cuts + 1, self.progress))
    }

    fn progress(&self) -> u64 {
        self.progress
    }
}
