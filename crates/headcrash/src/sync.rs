//! Locks and channels whose waiting the world knows: who waits lets others go on, and who gets a
//! lock first is a choice.
//!
//! One of `std` that is held across I/O would stop everybody for ever: the world runs its clients
//! one at a time, on one thread. Everything here works for blocking and for async clients alike.
//!
//! Where nobody can go on the run is stuck, and its report names each client, what it waits for, and
//! the line of code that waits: of a lock also who holds it, and since which line.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard as StdGuard, PoisonError, TryLockError};
use std::task::{Context, Poll, Waker};

use crate::desk::{At, Desk, Waits};
use crate::task::block_on;

/// Those who wait.
#[derive(Debug, Default)]
struct Waiters(StdMutex<Vec<Waker>>);

impl Waiters {
    fn add(&self, what: Waits, at: Option<At>, context: &Context<'_>) {
        if let Some(desk) = Desk::current() {
            desk.waits(what, at);
        }
        let mut waiters = short(&self.0);
        waiters.retain(|waiter| !waiter.will_wake(context.waker()));
        waiters.push(context.waker().clone());
    }

    /// All of them look again: who is first is the world's choice.
    fn wake(&self) {
        for waiter in short(&self.0).drain(..) {
            waiter.wake();
        }
    }
}

/// A lock that is never held while a client waits.
fn short<T>(mutex: &StdMutex<T>) -> StdGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A mutual exclusion that clients can wait for.
///
/// Who panics while holding it leaves it as it is: there is no poison, since a panic ends the run.
#[derive(Debug, Default)]
pub struct Mutex<T: ?Sized> {
    waiters: Waiters,
    /// Who, and since which place.
    holder: StdMutex<Option<(Arc<str>, At)>>,
    value: StdMutex<T>,
}

/// Holds a [`Mutex`].
#[derive(Debug)]
pub struct MutexGuard<'m, T: ?Sized> {
    mutex: &'m Mutex<T>,
    /// `None` only while it is dropped.
    value: Option<StdGuard<'m, T>>,
}

impl<T> Mutex<T> {
    /// One that nobody holds.
    pub const fn new(value: T) -> Self {
        Self {
            waiters: Waiters(StdMutex::new(Vec::new())),
            holder: StdMutex::new(None),
            value: StdMutex::new(value),
        }
    }

    /// What it guards.
    pub fn into_inner(self) -> T {
        self.value.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Holds it, if nobody else does.
    #[track_caller]
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.take(Location::caller())
    }

    fn take(&self, at: At) -> Option<MutexGuard<'_, T>> {
        let value = match self.value.try_lock() {
            Ok(value) => value,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        *short(&self.holder) = Desk::current().map(|desk| (Arc::clone(&desk.name), at));
        Some(MutexGuard { mutex: self, value: Some(value) })
    }

    /// Waits until nobody else holds it, in blocking code.
    ///
    /// # Panics
    ///
    /// Outside of a world, if somebody holds it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        // No closure: the caller's place would be lost.
        match self.try_lock() {
            Some(guard) => guard,
            None => block_on(self.lock_async()),
        }
    }

    /// Waits until nobody else holds it.
    #[track_caller]
    pub fn lock_async(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let at = Location::caller();
        poll_fn(move |context| match self.take(at) {
            Some(guard) => Poll::Ready(guard),
            None => {
                let holder = short(&self.holder).clone();
                self.waiters.add(Waits::Lock(holder), Some(at), context);
                Poll::Pending
            }
        })
    }

    /// The same for a lock of our own, around the subject.
    #[track_caller]
    pub(crate) fn lock_subject(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let at = Location::caller();
        poll_fn(move |context| match self.take(at) {
            Some(guard) => Poll::Ready(guard),
            None => {
                self.waiters.add(Waits::Subject, None, context);
                Poll::Pending
            }
        })
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("it is held until it is dropped")
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("it is held until it is dropped")
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        *short(&self.mutex.holder) = None;
        self.value = None;
        self.mutex.waiters.wake();
    }
}

/// A channel for any number of senders and receivers, which holds at most `room` values.
///
/// # Panics
///
/// If there is no room.
#[must_use]
#[track_caller]
pub fn channel<T>(room: usize) -> (Sender<T>, Receiver<T>) {
    assert!(room > 0, "a channel has room for one value at least");
    let channel = Arc::new(Channel {
        room,
        state: StdMutex::new(State { values: VecDeque::new(), senders: 1, receivers: 1 }),
        waiters: Waiters::default(),
    });
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

#[derive(Debug)]
struct Channel<T> {
    room: usize,
    state: StdMutex<State<T>>,
    waiters: Waiters,
}

#[derive(Debug)]
struct State<T> {
    values: VecDeque<T>,
    senders: usize,
    receivers: usize,
}

/// Where values go into a channel.
#[derive(Debug)]
pub struct Sender<T>(Arc<Channel<T>>);

/// Where values come out of a channel.
#[derive(Debug)]
pub struct Receiver<T>(Arc<Channel<T>>);

/// Nobody is at the other end any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("nobody is at the other end of the channel")
    }
}

impl std::error::Error for Closed {}

impl<T> Sender<T> {
    /// Waits until there is room, in blocking code.
    ///
    /// # Errors
    ///
    /// When there is no receiver any more.
    #[track_caller]
    pub fn send(&self, value: T) -> Result<(), Closed> {
        block_on(self.send_async(value))
    }

    /// Waits until there is room.
    ///
    /// # Errors
    ///
    /// When there is no receiver any more.
    #[track_caller]
    pub fn send_async(&self, value: T) -> impl Future<Output = Result<(), Closed>> {
        let at = Location::caller();
        let mut value = Some(value);
        poll_fn(move |context| {
            let mut state = short(&self.0.state);
            if state.receivers == 0 {
                return Poll::Ready(Err(Closed));
            }
            if state.values.len() == self.0.room {
                self.0.waiters.add(Waits::For("for room in a channel"), Some(at), context);
                return Poll::Pending;
            }
            state.values.extend(value.take());
            drop(state);
            self.0.waiters.wake();
            Poll::Ready(Ok(()))
        })
    }
}

impl<T> Receiver<T> {
    /// Waits for a value, in blocking code.
    ///
    /// # Errors
    ///
    /// When there is none, and no sender any more.
    #[track_caller]
    pub fn recv(&self) -> Result<T, Closed> {
        block_on(self.recv_async())
    }

    /// Waits for a value.
    ///
    /// # Errors
    ///
    /// When there is none, and no sender any more.
    #[track_caller]
    pub fn recv_async(&self) -> impl Future<Output = Result<T, Closed>> {
        let at = Location::caller();
        poll_fn(move |context| {
            let mut state = short(&self.0.state);
            let value = state.values.pop_front();
            let is_over = state.senders == 0;
            drop(state);
            match value {
                Some(value) => {
                    self.0.waiters.wake();
                    Poll::Ready(Ok(value))
                }
                None if is_over => Poll::Ready(Err(Closed)),
                None => {
                    let what = Waits::For("for a value from a channel");
                    self.0.waiters.add(what, Some(at), context);
                    Poll::Pending
                }
            }
        })
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        short(&self.0.state).senders += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        short(&self.0.state).receivers += 1;
        Self(Arc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        short(&self.0.state).senders -= 1;
        self.0.waiters.wake();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        short(&self.0.state).receivers -= 1;
        self.0.waiters.wake();
    }
}
