//! The world's clock, for code under test: it stands still while code runs.

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::desk::{At, Desk, Saying, Waits};
use crate::task::block_on;

/// How much time has passed since the world began.
///
/// # Panics
///
/// Outside of a world.
#[must_use]
#[track_caller]
pub fn now() -> Duration {
    Duration::from_nanos(Desk::here("the world's clock").now.get())
}

/// Waits, for blocking code.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn sleep(time: Duration) {
    block_on(Sleep::of(time));
}

/// Waits, for async code.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn sleep_async(time: Duration) -> impl Future<Output = ()> {
    let at = Location::caller();
    // From when it is awaited on.
    async move { Sleep::begin(time, at).await }
}

/// The future of a moment.
pub(crate) struct Sleep {
    at: At,
    until: u64,
    told: bool,
}

impl Sleep {
    #[track_caller]
    fn of(time: Duration) -> Self {
        Self::begin(time, Location::caller())
    }

    #[track_caller]
    fn begin(time: Duration, at: At) -> Self {
        let now = Desk::here_at("sleeping", at).now.get();
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self { at, until: now.saturating_add(time), told: false }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let desk = Desk::here("sleeping");
        if desk.buried.get() {
            desk.call_after();
            return Poll::Ready(());
        }
        if desk.now.get() >= self.until {
            return Poll::Ready(());
        }
        if !self.told {
            self.told = true;
            desk.tell(Saying::Sleeps(self.until));
        }
        desk.waits(Waits::For("for time to pass"), Some(self.at));
        desk.call_at(self.until);
        Poll::Pending
    }
}

/// The time was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl std::fmt::Display for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the time is over")
    }
}

impl std::error::Error for Elapsed {}

/// What `future` comes to, if that is before so much time has passed. What is ready at that very
/// moment is in time.
///
/// # Errors
///
/// When the time was over first; the future is dropped, and what it asked of a disk goes on.
///
/// # Panics
///
/// Outside of a world.
#[track_caller]
pub fn timeout<T>(
    time: Duration,
    future: impl Future<Output = T>,
) -> impl Future<Output = Result<T, Elapsed>> {
    timeout_at(Location::caller(), time, future)
}

async fn timeout_at<T>(
    at: At,
    time: Duration,
    future: impl Future<Output = T>,
) -> Result<T, Elapsed> {
    let mut future = std::pin::pin!(future);
    let mut sleep = Sleep::begin(time, at);
    poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        Pin::new(&mut sleep).poll(context).map(|()| Err(Elapsed))
    })
    .await
}
