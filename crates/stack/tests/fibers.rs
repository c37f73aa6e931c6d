//! What a fiber does, and what becomes of it.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::thread;

use headcrash_stack::{Fiber, STACK_SIZE, State, is_inside, suspend};

thread_local! {
    static VALUE: Cell<u32> = const { Cell::new(0) };
}

/// Adds to the count when it is dropped.
struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

fn suspended(fiber: &mut Fiber) {
    assert!(matches!(fiber.resume(), State::Suspended));
}

fn done(fiber: &mut Fiber) {
    assert!(matches!(fiber.resume(), State::Done));
    assert!(fiber.is_done());
}

fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    let owned = payload.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| payload.downcast_ref::<&str>().copied()).expect("a message")
}

#[test]
fn values_pass_through_thread_locals() {
    let mut fiber = Fiber::new(|| {
        for _ in 0..3 {
            VALUE.set(VALUE.get() * 2);
            suspend();
        }
    });
    for seed in [5, 6, 7] {
        VALUE.set(seed);
        suspended(&mut fiber);
        assert_eq!(VALUE.get(), seed * 2);
    }
    done(&mut fiber);
}

#[test]
fn nothing_runs_before_it_is_resumed() {
    VALUE.set(1);
    let fiber = Fiber::new(|| VALUE.set(2));
    assert!(!fiber.is_done());
    drop(fiber);
    assert_eq!(VALUE.get(), 1);
}

#[test]
fn what_it_holds_is_dropped_though_it_never_ran() {
    let drops = Rc::new(Cell::new(0));
    let held = Counted(Rc::clone(&drops));
    drop(Fiber::new(move || drop(held)));
    assert_eq!(drops.get(), 1);
}

#[test]
fn ten_thousand_one_after_the_other() {
    let sum = Rc::new(Cell::new(0_u64));
    for number in 0..10_000 {
        let sum = Rc::clone(&sum);
        let mut fiber = Fiber::new(move || {
            suspend();
            sum.set(sum.get() + number);
        });
        suspended(&mut fiber);
        done(&mut fiber);
    }
    assert_eq!(sum.get(), 49_995_000);
}

#[test]
fn ten_thousand_at_once() {
    let order = Rc::new(RefCell::new(Vec::new()));
    let spawn = |number| {
        let order = Rc::clone(&order);
        Fiber::new(move || {
            suspend();
            order.borrow_mut().push(number);
        })
    };
    let mut fibers: Vec<_> = (0..10_000).map(spawn).collect();
    fibers.iter_mut().for_each(suspended);
    fibers.iter_mut().rev().for_each(done);
    assert_eq!(*order.borrow(), (0..10_000).rev().collect::<Vec<_>>());
}

#[test]
fn a_fiber_resumes_another() {
    let log = Rc::new(RefCell::new(Vec::new()));
    let (outer_log, inner_log) = (Rc::clone(&log), Rc::clone(&log));
    let mut outer = Fiber::new(move || {
        let mut inner = Fiber::new(move || {
            inner_log.borrow_mut().push("inner begins");
            suspend();
            inner_log.borrow_mut().push("inner ends");
        });
        suspended(&mut inner);
        outer_log.borrow_mut().push("outer waits");
        suspend();
        done(&mut inner);
        assert!(is_inside(), "the outer one still runs");
        suspend();
        outer_log.borrow_mut().push("outer ends");
    });
    suspended(&mut outer);
    log.borrow_mut().push("main");
    suspended(&mut outer);
    done(&mut outer);
    let expected = ["inner begins", "outer waits", "main", "inner ends", "outer ends"];
    assert_eq!(*log.borrow(), expected);
}

#[test]
fn a_fiber_begun_inside_another_is_resumed_from_outside() {
    let nest = Rc::new(RefCell::new(None));
    let inside = Rc::clone(&nest);
    let mut outer = Fiber::new(move || {
        let mut inner = Fiber::new(|| {
            suspend();
            suspend();
        });
        suspended(&mut inner);
        *inside.borrow_mut() = Some(inner);
        suspend();
    });
    suspended(&mut outer);
    let mut inner = nest.take().expect("the outer one left it");
    suspended(&mut inner);
    done(&mut outer);
    done(&mut inner);
}

#[test]
fn inside_is_known() {
    assert!(!is_inside());
    let mut fiber = Fiber::new(|| {
        assert!(is_inside());
        suspend();
        assert!(is_inside());
    });
    suspended(&mut fiber);
    assert!(!is_inside());
    done(&mut fiber);
    assert!(!is_inside());
}

#[test]
fn a_panic_is_a_state() {
    let drops = Rc::new(Cell::new(0));
    let held = Counted(Rc::clone(&drops));
    let mut fiber = Fiber::new(move || {
        let _held = held;
        suspend();
        panic!("number {}", 7);
    });
    suspended(&mut fiber);
    let State::Panicked(payload) = fiber.resume() else { panic!("it panics") };
    assert_eq!(message(&*payload), "number 7");
    assert!(fiber.is_done());
    assert!(!is_inside());
    assert!(!thread::panicking());
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_panic_in_an_inner_fiber_stays_there() {
    let mut outer = Fiber::new(|| {
        let mut inner = Fiber::new(|| panic!("inside"));
        assert!(matches!(inner.resume(), State::Panicked(_)));
        assert!(is_inside());
        suspend();
    });
    suspended(&mut outer);
    done(&mut outer);
}

#[test]
fn a_destructor_may_wait_during_a_panic() {
    struct Waits(Rc<Cell<u32>>);
    impl Drop for Waits {
        fn drop(&mut self) {
            suspend();
            self.0.set(1);
        }
    }
    let waited = Rc::new(Cell::new(0));
    let waits = Waits(Rc::clone(&waited));
    let mut fiber = Fiber::new(move || {
        let _waits = waits;
        panic!("on purpose");
    });
    suspended(&mut fiber);
    assert!(thread::panicking(), "as documented: the panic is not over");
    assert_eq!(waited.get(), 0);
    assert!(matches!(fiber.resume(), State::Panicked(_)));
    assert_eq!(waited.get(), 1);
    assert!(!thread::panicking());
}

#[test]
fn dropping_runs_the_destructors_on_its_stack() {
    let drops = Rc::new(Cell::new(0));
    let held = Rc::clone(&drops);
    let mut fiber = Fiber::new(move || {
        let _first = Counted(Rc::clone(&held));
        let deeper = || {
            let _second = Counted(Rc::clone(&held));
            suspend();
            unreachable!("nobody resumes it");
        };
        deeper();
    });
    suspended(&mut fiber);
    assert_eq!(drops.get(), 0);
    drop(fiber);
    assert_eq!(drops.get(), 2);
    assert!(!is_inside());
    assert!(!thread::panicking());
}

#[test]
fn dropping_unwinds_the_fibers_it_holds() {
    let drops = Rc::new(Cell::new(0));
    let held = Counted(Rc::clone(&drops));
    let mut outer = Fiber::new(move || {
        let mut inner = Fiber::new(move || {
            let _held = held;
            suspend();
        });
        suspended(&mut inner);
        suspend();
    });
    suspended(&mut outer);
    drop(outer);
    assert_eq!(drops.get(), 1);
}

#[test]
fn who_catches_the_unwinding_and_waits_again_is_unwound_again() {
    let caught = Rc::new(Cell::new(0));
    let count = Rc::clone(&caught);
    let mut fiber = Fiber::new(move || {
        for _ in 0..3 {
            assert!(catch_unwind(suspend).is_err());
            count.set(count.get() + 1);
        }
    });
    suspended(&mut fiber);
    drop(fiber);
    assert_eq!(caught.get(), 3);
}

#[test]
fn a_panic_while_unwinding_ends_with_the_fiber() {
    let mut fiber = Fiber::new(move || {
        let _ = catch_unwind(suspend);
        panic!("it does not want to go");
    });
    suspended(&mut fiber);
    drop(fiber);
    assert!(!thread::panicking());
}

#[test]
fn a_destructor_that_panics_in_a_fiber_that_never_ran_runs_once() {
    struct Panics(Rc<Cell<u32>>);
    impl Drop for Panics {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            panic!("on purpose");
        }
    }
    let drops = Rc::new(Cell::new(0));
    let held = Panics(Rc::clone(&drops));
    drop(Fiber::new(move || drop(held)));
    assert_eq!(drops.get(), 1);
}

#[test]
fn a_fiber_is_unwound_during_a_panic_outside() {
    let drops = Rc::new(Cell::new(0));
    let held = Counted(Rc::clone(&drops));
    let result = catch_unwind(AssertUnwindSafe(|| {
        let mut fiber = Fiber::new(move || {
            let _held = held;
            suspend();
        });
        suspended(&mut fiber);
        panic!("outside");
    }));
    assert_eq!(message(&*result.expect_err("it panics")), "outside");
    assert_eq!(drops.get(), 1);
    assert!(!thread::panicking());
}

#[test]
fn leaking_drops_nothing() {
    let drops = Rc::new(Cell::new(0));
    let held = Counted(Rc::clone(&drops));
    let mut fiber = Fiber::new(move || {
        let _held = held;
        suspend();
    });
    suspended(&mut fiber);
    fiber.leak();
    assert_eq!(drops.get(), 0);
    done(&mut Fiber::new(|| ()));
}

/// Uses `bytes` of stack, in frames of 4 KiB, and waits at the bottom.
fn descend(bytes: usize) -> u64 {
    let frame = black_box([1_u8; 4096]);
    let below = if bytes > frame.len() {
        descend(bytes - frame.len())
    } else {
        suspend();
        0
    };
    below + u64::from(black_box(&frame)[bytes % 4096])
}

#[test]
fn half_a_mebibyte_of_stack_is_there() {
    const { assert!(STACK_SIZE >= 2 * 500 * 1024) };
    let mut fiber = Fiber::new(|| assert_eq!(descend(500 * 1024), 125));
    suspended(&mut fiber);
    done(&mut fiber);
}

#[test]
fn waiting_outside_of_a_fiber_is_a_mistake_that_says_so() {
    let payload = catch_unwind(suspend).expect_err("no fiber runs");
    assert_eq!(message(&*payload), "`suspend` is for code on a fiber, and no fiber runs here");
}

#[test]
fn resuming_one_that_has_ended_is_a_mistake_that_says_so() {
    let mut fiber = Fiber::new(|| ());
    done(&mut fiber);
    let payload = catch_unwind(AssertUnwindSafe(|| fiber.resume())).expect_err("it has ended");
    assert_eq!(message(&*payload), "a fiber that has ended is not resumed");
}

#[test]
fn threads_have_fibers_of_their_own() {
    let count = |fibers: u32| {
        let mut all: Vec<_> = (0..fibers).map(|_| Fiber::new(suspend)).collect();
        all.iter_mut().for_each(suspended);
        VALUE.set(VALUE.get() + fibers);
        all.iter_mut().for_each(done);
        VALUE.get()
    };
    let threads = [1, 70, 200].map(|fibers| (fibers, thread::spawn(move || count(fibers))));
    for (fibers, thread) in threads {
        assert_eq!(thread.join().expect("it counts"), fibers);
    }
}
