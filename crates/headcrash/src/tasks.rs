//! Clients that bring others into the world, and wait for them.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::desk::{Answer, Ask, At, Desk, Waits};
use crate::task::{Answered, Slot, Task, block_on, spawn};

/// A client that was brought into the world, and what it comes to.
#[derive(Debug)]
pub struct JoinHandle<T> {
    left: Rc<Left<T>>,
}

#[derive(Debug)]
struct Left<T> {
    /// Whose it is.
    client: Arc<str>,
    value: Slot<T>,
    waker: std::cell::RefCell<Option<Waker>>,
}

impl<T> Left<T> {
    fn leave(&self, value: T) {
        *self.value.borrow_mut() = Some(value);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl<T> JoinHandle<T> {
    fn new(client: &Arc<str>) -> (Self, Rc<Left<T>>) {
        let left = Rc::new(Left {
            client: Arc::clone(client),
            value: Slot::default(),
            waker: std::cell::RefCell::default(),
        });
        (Self { left: Rc::clone(&left) }, left)
    }

    /// Waits for its end, in blocking code. Who panicked, or was lost in a power cut, never ends.
    ///
    /// # Panics
    ///
    /// Outside of a world.
    #[track_caller]
    pub fn join(self) -> T {
        let at = Location::caller();
        block_on(poll_fn(|context| self.poll_at(Some(at), context)))
    }

    fn poll_at(&self, at: Option<At>, context: &Context<'_>) -> Poll<T> {
        if let Some(value) = self.left.value.borrow_mut().take() {
            return Poll::Ready(value);
        }
        // A future that is awaited is not told where; the one who waits is known all the same.
        Desk::here("joining a client").waits(Waits::End(Arc::clone(&self.left.client)), at);
        *self.left.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }

    /// Whether it has ended.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.left.value.borrow().is_some()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        self.poll_at(None, context)
    }
}

/// A desk for a client that this one brings into the world.
#[track_caller]
fn desk_of(name: &str) -> Rc<Desk> {
    let desk = Desk::here("spawning a client");
    let desk = Desk::new(Rc::clone(&desk.common), desk.client, name);
    desk.place.set(Some(Location::caller()));
    desk
}

/// Brings blocking code into the world, as a client of its own called `name`: who is next is then a
/// choice of the world. Clients of one name draw alike, so that names should differ.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn spawn_blocking<T: 'static>(name: &str, code: impl FnOnce() -> T + 'static) -> JoinHandle<T> {
    let desk = desk_of(name);
    let (handle, left) = JoinHandle::new(&desk.name);
    spawn(Task::blocking(desk, move || left.leave(code())));
    handle
}

/// The same for async code.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn spawn_async<T: 'static>(
    name: &str,
    code: impl Future<Output = T> + 'static,
) -> JoinHandle<T> {
    let desk = desk_of(name);
    let (handle, left) = JoinHandle::new(&desk.name);
    spawn(Task::future(desk, async move { left.leave(code.await) }));
    handle
}

/// Lets others go first, if the world likes: for blocking code.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn yield_blocking() {
    drop(Desk::here("yielding"));
    block_on(yield_now());
}

/// Lets others go first, if the world likes.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn yield_now() -> impl Future<Output = ()> {
    let at = Location::caller();
    let mut yielded = false;
    poll_fn(move |context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        let desk = Desk::here_at("yielding", at);
        if desk.buried.get() {
            return Poll::Ready(());
        }
        desk.waits(Waits::For("to be next"), Some(at));
        context.waker().wake_by_ref();
        Poll::Pending
    })
}

/// An answer from 0 to below `n` that is a choice of the world: drawn from the seed, enumerated by
/// an exhaustive search, found again in a replay. 0 is what nobody wonders about.
///
/// # Panics
///
/// Outside of a world, or if `n` is 0.
#[must_use]
#[track_caller]
pub fn choose_blocking(n: u64) -> u64 {
    drop(Desk::here("choosing"));
    block_on(choose(n))
}

/// The same for async code.
///
/// # Panics
///
/// Outside of a world, or if `n` is 0.
#[track_caller]
pub fn choose(n: u64) -> impl Future<Output = u64> {
    assert!(n > 0, "there is no answer below 0");
    let at = Location::caller();
    async move {
        let desk = Desk::here_at("choosing", at);
        desk.waits(Waits::For("for an answer"), Some(at));
        match Answered::to(desk, Ask::Choose(n)).await {
            Some(Answer::Chosen(answer)) => answer,
            Some(Answer::Done(_)) | None => 0,
        }
    }
}

/// What one of two futures came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first was ready first.
    First(A),
    /// The second was.
    Second(B),
}

/// What the first of two futures to be ready comes to; the other is dropped. Who is asked first,
/// where both are ready, is a choice of the world.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn select<A, B>(
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> impl Future<Output = Either<A, B>> {
    select_after(choose(2), first, second)
}

async fn select_after<A, B>(
    who_is_first: impl Future<Output = u64>,
    first: impl Future<Output = A>,
    second: impl Future<Output = B>,
) -> Either<A, B> {
    let second_first = who_is_first.await == 1;
    let mut first = std::pin::pin!(first);
    let mut second = std::pin::pin!(second);
    poll_fn(|context| {
        if second_first && let Poll::Ready(value) = second.as_mut().poll(context) {
            return Poll::Ready(Either::Second(value));
        }
        if let Poll::Ready(value) = first.as_mut().poll(context) {
            return Poll::Ready(Either::First(value));
        }
        if !second_first && let Poll::Ready(value) = second.as_mut().poll(context) {
            return Poll::Ready(Either::Second(value));
        }
        Poll::Pending
    })
    .await
}

/// What all of these futures come to, in their order; they go on side by side, within one client.
pub async fn join_all<T>(futures: impl IntoIterator<Item: Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(|it| (Box::pin(it), None)).collect();
    poll_fn(|context| {
        let mut all = true;
        for (future, value) in &mut futures {
            if value.is_none() {
                match future.as_mut().poll(context) {
                    Poll::Ready(ready) => *value = Some(ready),
                    Poll::Pending => all = false,
                }
            }
        }
        if all { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, value)| value).collect()
}
