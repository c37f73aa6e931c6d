//! Ends a process whose code under test does not come back: a lock held across I/O, a loop without
//! I/O, memory taken without end. It looks at the wall clock, and nothing of what it sees reaches a
//! run.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};
use std::time::{Duration, Instant};

use crate::desk::At;

/// How long a client may take for one step, in seconds, if `HEADCRASH_WATCHDOG` says nothing else.
const SECONDS: u64 = 10;

/// How much memory the process may have, in MiB, if `HEADCRASH_MEMORY` says nothing else.
const MEBIBYTES: u64 = 8 * 1024;

/// The exit code of a process that was ended.
const EXIT: i32 = 3;

/// One thread that runs worlds. Only that thread writes: a step costs it a few
/// stores.
#[derive(Debug, Default)]
struct Seat {
    /// Odd while a client is in a step; another number for each.
    steps: AtomicU64,
    /// Who is: a place among the names.
    who: AtomicUsize,
    names: Mutex<Vec<String>>,
    /// Where the world last saw it: a place among the places, counted from 1; 0 is nowhere.
    place: AtomicUsize,
    places: Mutex<Vec<At>>,
    /// What to say besides: what runs, and how to have it again.
    run: Mutex<[String; 2]>,
    /// With which seed, and one more; 0 is with none.
    seed: AtomicU64,
}

thread_local! {
    static SEAT: Arc<Seat> = seat();
    /// The places of names that are known here.
    static KNOWN: RefCell<BTreeMap<String, Name>> = const { RefCell::new(BTreeMap::new()) };
    static PLACES: [Cell<Option<(At, usize)>>; BY_HEART] = const { [const { Cell::new(None) }; BY_HEART] };
}

/// A client's name, as its thread knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name(usize);

/// A thread remembers so many names; clients of more have one in common.
const NAMES_MAX: usize = 10_000;
const MANY: &str = "one of very many";

/// What a client is called when it is looked at.
pub(crate) fn name(who: &str) -> Name {
    KNOWN.with_borrow_mut(|known| {
        let is_full = known.len() >= NAMES_MAX;
        let found = known.get(who).or_else(|| known.get(MANY).filter(|_| is_full));
        if let Some(name) = found {
            return *name;
        }
        let who = if is_full { MANY } else { who };
        let name = SEAT.with(|seat| {
            let mut names = lock(&seat.names);
            names.push(who.to_owned());
            Name(names.len() - 1)
        });
        known.insert(who.to_owned(), name);
        name
    })
}

fn seats() -> &'static Mutex<Vec<Arc<Seat>>> {
    static SEATS: OnceLock<Mutex<Vec<Arc<Seat>>>> = OnceLock::new();
    SEATS.get_or_init(Mutex::default)
}

fn seat() -> Arc<Seat> {
    static WATCH: Once = Once::new();
    WATCH.call_once(|| _ = std::thread::spawn(watch));
    let seat = Arc::<Seat>::default();
    let mut seats = lock(seats());
    // Those of threads that are no more.
    seats.retain(|seat| Arc::strong_count(seat) > 1);
    seats.push(Arc::clone(&seat));
    seat
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// So many places a thread knows by heart, where their addresses say. A step that takes a lock to
/// say where it begins costs twice as much.
const BY_HEART: usize = 64;

/// More places than these are not told apart.
const PLACES_MAX: usize = 10_000;

/// What a place in the code is called in a seat.
fn number(seat: &Seat, at: At) -> usize {
    let address = std::ptr::from_ref(at).addr();
    let slot = address / align_of::<At>() % BY_HEART;
    PLACES.with(|places| match places[slot].get() {
        Some((known, number)) if std::ptr::eq(known, at) => number,
        _ => {
            let mut all = lock(&seat.places);
            let known = all.iter().position(|known| std::ptr::eq(*known, at));
            let number = known.unwrap_or_else(|| {
                if all.len() < PLACES_MAX {
                    all.push(at);
                }
                all.len() - 1
            });
            places[slot].set(Some((at, number + 1)));
            number + 1
        }
    })
}

/// A client is in a step until this is dropped.
pub(crate) struct Entered {
    outer: bool,
}

/// A client enters a step.
pub(crate) fn enter(who: Name, place: Option<At>) -> Entered {
    SEAT.with(|seat| {
        let steps = seat.steps.load(Ordering::Relaxed);
        if steps % 2 == 1 {
            return Entered { outer: false };
        }
        seat.who.store(who.0, Ordering::Relaxed);
        seat.place.store(place.map_or(0, |at| number(seat, at)), Ordering::Relaxed);
        seat.steps.store(steps + 1, Ordering::Release);
        Entered { outer: true }
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.outer {
            SEAT.with(|seat| {
                let steps = seat.steps.load(Ordering::Relaxed);
                seat.steps.store(steps + 1, Ordering::Relaxed);
            });
        }
    }
}

/// Says what runs on this thread from now on, and how to have it again.
pub(crate) fn runs(what: [String; 2]) {
    SEAT.with(|seat| {
        *lock(&seat.run) = what;
        seat.seed.store(0, Ordering::Relaxed);
    });
}

/// Says with which seed.
pub(crate) fn seed(seed: u64) {
    SEAT.with(|seat| seat.seed.store(seed.wrapping_add(1), Ordering::Relaxed));
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn watch() {
    let limit = Duration::from_secs(setting("HEADCRASH_WATCHDOG", SECONDS).max(1));
    let memory = setting("HEADCRASH_MEMORY", MEBIBYTES);
    let mut seen: Vec<(Arc<Seat>, u64, Instant)> = Vec::new();
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let now = Instant::now();
        let seats = lock(seats()).clone();
        seen.retain(|(seat, ..)| seats.iter().any(|other| Arc::ptr_eq(seat, other)));
        let is_full = resident().is_some_and(|mebibytes| mebibytes > memory);
        for seat in seats {
            let steps = seat.steps.load(Ordering::Acquire);
            let known = seen.iter_mut().find(|(other, ..)| Arc::ptr_eq(&seat, other));
            match known {
                Some((_, known, since)) if *known == steps && steps % 2 == 1 => {
                    if is_full {
                        end(&seat, &format!("the process has more than {memory} MiB of memory"));
                    }
                    if now.duration_since(*since) > limit {
                        end(&seat, &never_back(limit));
                    }
                }
                Some((_, known, since)) => (*known, *since) = (steps, now),
                None => seen.push((seat, steps, now)),
            }
        }
    }
}

fn never_back(limit: Duration) -> String {
    format!(
        "it has not come back for {} s: it loops without I/O, or waits for something outside of \
         its world, such as a lock of `std` that a suspended client holds (those of \
         `headcrash::sync` can be waited for), a thread, or a channel",
        limit.as_secs()
    )
}

/// How many MiB the process has in memory, where the system says so.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some((pages * 4096) >> 20)
}

fn end(seat: &Seat, why: &str) -> ! {
    let who = lock(&seat.names).get(seat.who.load(Ordering::Relaxed)).cloned().unwrap_or_default();
    let place = seat.place.load(Ordering::Relaxed).checked_sub(1);
    let place = place.and_then(|place| lock(&seat.places).get(place).copied());
    let place = place.map(|at| format!("\nits world last saw it at {at}"));
    let place = place.unwrap_or_default();
    let [what, again] = lock(&seat.run).clone();
    let seed = seat.seed.load(Ordering::Relaxed).checked_sub(1);
    let seed = seed.map(|seed| format!(", with seed {seed}")).unwrap_or_default();
    let said = format!("\nclient `{who}` does not come back: {why}{place}\n{what}{seed}{again}\n");
    // A test's own output may be captured, and would be lost with the process.
    _ = std::io::stderr().write_all(said.as_bytes());
    std::process::exit(EXIT)
}
