//! A closure on a stack of its own, which it can leave and come back to.
//!
//! Blocking code waits by not returning. On a [`Fiber`] it waits by [`suspend`], from however deep.
//!
//! ```
//! use headcrash_stack::{Fiber, State, suspend};
//!
//! let mut client = Fiber::new(suspend);
//! assert!(matches!(client.resume(), State::Suspended));
//! assert!(matches!(client.resume(), State::Done));
//! ```
//!
//! The one crate of the workspace with unsafe code: a stranger's code hands nothing down to `suspend`,
//! which finds its fiber through a thread-local pointer. The rest is `corosensei`'s. What no type
//! prevents: a fiber kept *in a thread-local* may hold references to other thread-locals, which may be
//! gone when the thread ends and drops it. Keep fibers elsewhere.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{mem, ptr};

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult, Yielder};

/// How much stack a fiber has, in bytes: 1 MiB of addresses above a guard page. Memory is taken
/// for what is used of it. Whoever needs more ends the process with a segmentation fault.
pub const STACK_SIZE: usize = 1 << 20;

/// How many stacks of ended fibers a thread keeps for its next ones.
const STACKS_MAX: usize = 64;
thread_local! {
    /// The yielder of the innermost fiber that runs on this thread; null when none does.
    static CURRENT: Cell<*const Yielder<(), ()>> = const { Cell::new(ptr::null()) };
    static STACKS: RefCell<Vec<DefaultStack>> = const { RefCell::new(Vec::new()) };
}

/// What a [`Fiber`] came to when it was resumed.
#[derive(Debug)]
pub enum State {
    /// It left by [`suspend`], and can be resumed.
    Suspended,
    /// Its closure returned.
    Done,
    /// Its closure panicked, with this payload. The panic hook has spoken, the stack is unwound.
    Panicked(Box<dyn Any + Send>),
}

/// A closure on a stack of its own. It stays on its thread.
///
/// Dropping a suspended one unwinds it: code on its stack sees a panic that no hook heard of. Who
/// catches it and suspends again is unwound again; a destructor that suspends then aborts the
/// process, and so do frames of C and `panic = "abort"`: see [`Fiber::leak`]. A panic of its own
/// on the way goes no further. One suspended by a destructor during an earlier panic of its own
/// leaves [`std::thread::panicking`] true for those who go on meanwhile.
pub struct Fiber(/** `None` when it has ended. */ Option<Coroutine<(), (), ()>>);

impl Fiber {
    /// A fiber that will run `body` when it is first resumed, on [`STACK_SIZE`] bytes of stack.
    ///
    /// # Panics
    ///
    /// If the system gives no more stacks. Linux has about 32 000 at once, leaked ones included.
    pub fn new(body: impl FnOnce() + 'static) -> Self {
        let used = STACKS.try_with(|stacks| stacks.borrow_mut().pop()).ok().flatten();
        let stack = used.unwrap_or_else(|| DefaultStack::new(STACK_SIZE).expect("stacks are left"));
        Self(Some(Coroutine::with_stack(stack, |yielder, ()| {
            CURRENT.set(yielder);
            body();
        })))
    }

    /// Runs it until it suspends or ends. A fiber may resume another.
    ///
    /// # Panics
    ///
    /// If it has ended.
    pub fn resume(&mut self) -> State {
        let coroutine = self.0.as_mut().expect("a fiber that has ended is not resumed");
        let _outer = Restore(CURRENT.get());
        // A panic is caught at the root of its stack, and goes on from here.
        let result = catch_unwind(AssertUnwindSafe(|| coroutine.resume(())));
        if coroutine.done() {
            drop(Self(self.0.take()));
        }
        match result {
            Ok(CoroutineResult::Yield(())) => State::Suspended,
            Ok(CoroutineResult::Return(())) => State::Done,
            Err(payload) => State::Panicked(payload),
        }
    }

    /// Whether its closure returned or panicked.
    pub fn is_done(&self) -> bool {
        self.0.is_none()
    }

    /// Leaves its stack standing for ever: nothing on it is dropped, and its memory is not given
    /// back. For code that cannot be unwound.
    pub fn leak(mut self) {
        mem::forget(self.0.take());
    }
}

impl Drop for Fiber {
    fn drop(&mut self) {
        let Some(mut coroutine) = self.0.take() else { return };
        let _outer = Restore(CURRENT.get());
        let _ = catch_unwind(AssertUnwindSafe(|| coroutine.force_unwind()));
        if !coroutine.done() {
            // It never ran, and a destructor of what it holds panicked: not to be dropped twice.
            return mem::forget(coroutine);
        }
        let stack = coroutine.into_stack();
        // There is no list any more while the thread ends; then the stack is given back.
        let _ = STACKS.try_with(|stacks| match &mut *stacks.borrow_mut() {
            full if full.len() >= STACKS_MAX => (),
            stacks => stacks.push(stack),
        });
    }
}

/// Puts back whose turn it was, however the block is left.
struct Restore(*const Yielder<(), ()>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Leaves the innermost fiber that runs on this thread, until it is resumed.
///
/// # Panics
///
/// If the caller is not on a fiber.
#[track_caller]
pub fn suspend() {
    let yielder = CURRENT.get();
    assert!(!yielder.is_null(), "`suspend` is for code on a fiber, and no fiber runs here");
    let _inner = Restore(yielder);
    // SAFETY: it was set at the root of the stack we stand on, and lives until that is left: the
    // guard puts it back when we are resumed; `resume` and `drop` do when an inner fiber stops.
    unsafe { &*yielder }.suspend(());
}

/// Whether the caller is on a fiber.
pub fn is_inside() -> bool {
    !CURRENT.get().is_null()
}
