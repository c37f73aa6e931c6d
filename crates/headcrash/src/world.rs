//! Free-form tests: a closure that is called when the power comes on, and spawns what it likes.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use headcrash_scenario::{BadOperation, Code, Company, Finding, Guest, Operation, Remains, Stage};

use crate::company::stranger;
use crate::desk::{Common, Desk, Saying, Used};
use crate::storage::Storage;
use crate::task::Task;

/// What a free-form test sees: the world's [`Storage`], and what the test itself knows.
///
/// The test's closure is called at the beginning, and again whenever the power comes back after a
/// cut: all code that ran before is gone then, and so is everything it knew, but for what was
/// [remembered](World::remember).
pub struct World {
    storage: Storage,
    memory: Rc<RefCell<Memory>>,
    common: Rc<Common>,
    power_ons: u32,
}

type Memory = BTreeMap<String, Rc<dyn Any>>;

impl Deref for World {
    type Target = Storage;

    fn deref(&self) -> &Storage {
        &self.storage
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.storage.fmt(f)
    }
}

impl World {
    /// Its disks, for whoever outlives a borrow of the world.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.storage.clone()
    }

    /// How often the power has come back: 0 at the beginning.
    #[must_use]
    pub const fn power_ons(&self) -> u32 {
        self.power_ons
    }

    /// Keeps a value beyond power cuts: what was acknowledged, say. It is the test that remembers,
    /// not the code under test.
    pub fn remember<T: 'static>(&self, name: &str, value: T) {
        // What is done when the power is off was not done.
        if Desk::current().is_some_and(|desk| desk.buried.get()) {
            return;
        }
        self.memory.borrow_mut().insert(name.to_owned(), Rc::new(value));
        self.common.progress.set(self.common.progress.get() + 1);
    }

    /// What was last remembered under this name.
    ///
    /// # Panics
    ///
    /// If it was of another type.
    #[must_use]
    #[track_caller]
    pub fn recall<T: Clone + 'static>(&self, name: &str) -> Option<T> {
        let value = Rc::clone(self.memory.borrow().get(name)?);
        let value = value.downcast::<T>();
        Some((*value.unwrap_or_else(|_| panic!("`{name}` is of another type"))).clone())
    }

    /// Puts a line into the trace.
    ///
    /// # Panics
    ///
    /// Outside of the world.
    #[track_caller]
    pub fn note(&self, text: &str) {
        Desk::here("a note").tell(Saying::Noted(text.into()));
    }
}

/// A free-form test as a scenario knows it.
pub(crate) struct Closure {
    pub(crate) name: String,
    pub(crate) code: Arc<dyn Fn(&World) + Send + Sync>,
}

impl Code for Closure {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&self, text: &str) -> Result<Operation, BadOperation> {
        let message = "this test is a closure, and takes no operations".to_owned();
        Err(BadOperation { span: 0..text.len(), message })
    }

    fn draw(&self, _seed: u64, _client: &str, _count: u64) -> Vec<Operation> {
        Vec::new()
    }

    fn begin(&self, stage: Stage) -> Rc<dyn Company> {
        Rc::new(Running::new(Arc::clone(&self.code), Arc::new(stage), Memory::new(), 0, 0))
    }
}

struct Running {
    code: Arc<dyn Fn(&World) + Send + Sync>,
    common: Rc<Common>,
    memory: Rc<RefCell<Memory>>,
    power_ons: u32,
}

struct Stopped {
    code: Arc<dyn Fn(&World) + Send + Sync>,
    stage: Arc<Stage>,
    memory: Memory,
    power_ons: u32,
    progress: u64,
}

impl Running {
    fn new(
        code: Arc<dyn Fn(&World) + Send + Sync>,
        stage: Arc<Stage>,
        memory: Memory,
        power_ons: u32,
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
        Self { code, common, memory: Rc::new(RefCell::new(memory)), power_ons }
    }
}

impl Company for Running {
    fn clients(&self) -> Vec<(usize, Box<dyn Guest>)> {
        let client = |client: &headcrash_scenario::StageClient| {
            let desk = Desk::new(Rc::clone(&self.common), client.place, &client.name);
            let world = World {
                storage: Storage::of(&self.common),
                memory: Rc::clone(&self.memory),
                common: Rc::clone(&self.common),
                power_ons: self.power_ons,
            };
            let code = Arc::clone(&self.code);
            let task = Task::blocking(desk, move || code(&world));
            (client.place, Box::new(task) as Box<dyn Guest>)
        };
        self.common.stage.clients.iter().map(client).collect()
    }

    fn take_finding(&self) -> Option<Finding> {
        if let Some(at) = self.common.world.was_misused() {
            return Some(stranger(&self.common, at));
        }
        let mut findings = self.common.findings.borrow_mut();
        if findings.is_empty() { None } else { Some(findings.remove(0)) }
    }

    fn remains(&self) -> Rc<dyn Remains> {
        Rc::new(Stopped {
            code: Arc::clone(&self.code),
            stage: Arc::clone(&self.common.stage),
            memory: self.memory.borrow().clone(),
            power_ons: self.power_ons,
            progress: self.common.progress.get(),
        })
    }

    fn progress(&self) -> u64 {
        self.common.progress.get()
    }

    fn operation_of(&self, _client: usize) -> usize {
        0
    }

    fn is_between(&self, _client: usize) -> bool {
        false
    }
}

impl Remains for Stopped {
    fn revive(&self) -> Rc<dyn Company> {
        let (code, stage) = (Arc::clone(&self.code), Arc::clone(&self.stage));
        let memory = self.memory.clone();
        Rc::new(Running::new(code, stage, memory, self.power_ons + 1, self.progress))
    }

    fn progress(&self) -> u64 {
        self.progress
    }
}
