//! What code under test costs in a world: steps, sleeps, requests, whole runs, crash states.
//!
//! `cargo bench -p headcrash-bench --bench code -- nothing` prints the table and measures nothing
//! else. Everything is measured through what a test has: `simulate`, `check` and `try_run`. A trace
//! is hashed and not kept.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use criterion::{Criterion, Throughput};
use headcrash::io::{AsyncBlockDevice, BlockDevice, Sector};
use headcrash::{Check, Disk, Fallible, Model, SimDisk, Storage, Subject, World};
use headcrash::{check, simulate, tasks, time};
use headcrash_scenario::{Keep, parse, run_seed};
use serde::{Deserialize, Serialize};

const CLIENTS: u64 = 8;
const BLOCK: usize = 4096;
const BLOCKS: u64 = 256;
/// What a client does in a run, so many times: enough for the run's own cost not to be seen, and
/// few enough that a busy machine lets some rounds pass undisturbed.
const TIMES: u64 = 200;
/// The first seeds of a test are run twice.
const TWICE: u64 = 8;

/// Numbers that jump about, the same in every run: what the code draws is not what is measured.
struct Jumps(u64);

impl Jumps {
    const fn of(client: u64) -> Self {
        Self(client.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    const fn block(&mut self) -> Sector {
        Sector(self.next() % BLOCKS)
    }
}

const NAMES: [&str; CLIENTS as usize] = ["a", "b", "c", "d", "e", "f", "g", "h"];

fn names() -> impl Iterator<Item = (u64, &'static str)> {
    (0..).zip(NAMES)
}

/// One run, and once more to see that it is the same.
fn one(check: Check) -> Check {
    check.seeds(0..1)
}

fn disk() -> Disk {
    Disk::new(BLOCKS * BLOCK as u64).sector(BLOCK as u64).volatile_cache()
}

fn yields_async() -> Check {
    one(simulate(|_: &World| {
        for (_, name) in names() {
            tasks::spawn_async(name, async {
                for _ in 0..TIMES {
                    tasks::yield_now().await;
                }
            });
        }
    }))
}

fn yields_blocking() -> Check {
    one(simulate(|_: &World| {
        for (_, name) in names() {
            tasks::spawn_blocking(name, || (0..TIMES).for_each(|_| tasks::yield_blocking()));
        }
    }))
}

fn sleeps() -> Check {
    one(simulate(|_: &World| {
        for (place, name) in names() {
            tasks::spawn_async(name, async move {
                let mut jumps = Jumps::of(place);
                for _ in 0..TIMES {
                    time::sleep_async(Duration::from_micros(1 + jumps.next() % 1_000)).await;
                }
            });
        }
    }))
}

fn requests_async(disk: Disk) -> Check {
    let code = |world: &World| {
        for (place, name) in names() {
            let disk = world.disk("d0").into_async();
            tasks::spawn_async(name, async move {
                let (mut jumps, data, mut back) = (Jumps::of(place), [7; BLOCK], [0; BLOCK]);
                for _ in 0..TIMES {
                    disk.write(jumps.block(), &data).await.expect("no disk fails");
                    disk.read(jumps.block(), &mut back).await.expect("no disk fails");
                    disk.flush().await.expect("no disk fails");
                }
            });
        }
    };
    one(simulate(code).disk("d0", disk))
}

fn requests_blocking(disk: Disk) -> Check {
    let code = |world: &World| {
        for (place, name) in names() {
            let disk = world.disk("d0");
            tasks::spawn_blocking(name, move || {
                let (mut jumps, data, mut back) = (Jumps::of(place), [7; BLOCK], [0; BLOCK]);
                for _ in 0..TIMES {
                    disk.write(jumps.block(), &data).expect("no disk fails");
                    disk.read(jumps.block(), &mut back).expect("no disk fails");
                    disk.flush().expect("no disk fails");
                }
            });
        }
    };
    one(simulate(code).disk("d0", disk))
}

/// Nothing happens; so many runs.
fn empty(runs: u64) -> Check {
    simulate(|_: &World| {}).seeds(0..runs)
}

/// What a write and a read cost when so many writes are unflushed. The code looks at the clock
/// itself: what it sees changes nothing it does.
fn unflushed(writes: u64) -> f64 {
    const MEASURED: u64 = 500;
    let least = Arc::new(AtomicU64::new(u64::MAX));
    let told = Arc::clone(&least);
    let code = move |world: &World| {
        let (disk, mut jumps) = (world.disk("d0"), Jumps::of(0));
        let (data, mut back) = ([7; BLOCK], [0; BLOCK]);
        for _ in 0..writes {
            disk.write(jumps.block(), &data).expect("no disk fails");
        }
        let start = Instant::now();
        for _ in 0..MEASURED {
            disk.write(jumps.block(), &data).expect("no disk fails");
            disk.read(jumps.block(), &mut back).expect("no disk fails");
        }
        told.fetch_min(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
    };
    held(&simulate(code).disk("d0", disk()).seeds(0..10));
    least.load(Ordering::Relaxed) as f64 / MEASURED as f64
}

#[derive(Clone, Debug, Serialize, Deserialize, Arbitrary)]
enum Op {
    Set(u8),
    Get,
}

#[derive(Clone, Default)]
struct Number(u8);

impl Model for Number {
    type Op = Op;
    type Reply = Option<u8>;
    type View = u8;

    fn apply(&mut self, op: &Op) -> Option<u8> {
        match op {
            Op::Set(value) => {
                self.0 = *value;
                None
            }
            Op::Get => Some(self.0),
        }
    }

    fn view(&self) -> u8 {
        self.0
    }
}

/// One number, kept in two places in turn: a sequence number, the value, a checksum of both.
struct Register {
    disk: SimDisk,
    sequence: u64,
    value: u8,
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0x5A, |sum, byte| sum.rotate_left(1) ^ byte)
}

impl Subject for Register {
    type Model = Number;
    const NAME: &'static str = "register";

    fn open(storage: &Storage) -> Fallible<Self> {
        let disk = storage.disk("d0");
        let mut newest = (0, 0);
        for place in 0..2 {
            let mut bytes = [0; 512];
            disk.read(Sector(place), &mut bytes)?;
            let sequence = u64::from_le_bytes(bytes[..8].try_into()?);
            if sequence > 0 && sum(&bytes[..9]) == bytes[9] {
                newest = newest.max((sequence, bytes[8]));
            }
        }
        Ok(Self { disk, sequence: newest.0, value: newest.1 })
    }

    fn apply(&mut self, op: &Op) -> Fallible<Option<u8>> {
        let Op::Set(value) = op else { return Ok(Some(self.value)) };
        self.sequence += 1;
        let mut slot = [0; 512];
        slot[..8].copy_from_slice(&self.sequence.to_le_bytes());
        slot[8] = *value;
        slot[9] = sum(&slot[..9]);
        self.disk.write(Sector(self.sequence % 2), &slot)?;
        self.disk.flush()?;
        self.value = *value;
        Ok(None)
    }

    fn show(&mut self) -> Fallible<u8> {
        Ok(self.value)
    }
}

fn crash_states() -> Check {
    let disk = Disk::new(65_536).volatile_cache();
    one(check::<Register>().disk("d0", disk).operations(40).power_cut_everywhere(100_000))
}

/// How many runs were made, crash states counted each.
fn held(check: &Check) -> u64 {
    match check.try_run() {
        Ok(campaign) => black_box(campaign).runs,
        Err(report) => panic!("{report}"),
    }
}

fn benches(criterion: &mut Criterion) {
    let steps = [
        ("yield, 8 async clients", yields_async()),
        ("yield, 8 blocking clients", yields_blocking()),
        ("sleep, 8 async clients", sleeps()),
        ("write, read, flush, 8 async clients", requests_async(disk())),
        ("write, read, flush, 8 blocking clients", requests_blocking(disk())),
    ];
    let mut group = criterion.benchmark_group("code");
    group.sample_size(10);
    group.throughput(Throughput::Elements(2 * CLIENTS * TIMES));
    for (name, check) in steps {
        group.bench_function(name, |bencher| bencher.iter(|| held(&check)));
    }
    group.throughput(Throughput::Elements(1_000));
    let check = empty(1_000 - TWICE);
    group.bench_function("empty runs", |bencher| bencher.iter(|| held(&check)));
    let check = crash_states();
    group.throughput(Throughput::Elements(2 * held(&check)));
    group.bench_function("crash states of a register", |bencher| bencher.iter(|| held(&check)));
    group.finish();
}

/// The least time of one call, over many rounds.
fn least(mut call: impl FnMut()) -> f64 {
    const ROUNDS: u32 = 200;
    let round = |_| {
        let start = Instant::now();
        call();
        start.elapsed()
    };
    let least = (0..ROUNDS).map(round).min().unwrap_or_default();
    least.as_secs_f64() * 1e9
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn table() {
    println!("\nns each, least of 200 rounds:");
    let row = |what: &str, ns: f64| println!("{:<72}{ns:>12.0}", format!("{what}: headcrash"));
    let steps = |what: &str, check: &Check| {
        // A run, and once more the same.
        let all = 2 * CLIENTS * TIMES;
        row(what, least(|| _ = held(check)) / all as f64);
    };
    steps("a yield, one of 8 async clients", &yields_async());
    steps("a yield, one of 8 blocking clients", &yields_blocking());
    steps("a sleep of 1 to 1000 us, one of 8 async clients", &sleeps());
    let slow = disk().latency(1_000, 9_000);
    steps("write, read, flush of 4 KiB, one of 8 async clients", &requests_async(disk()));
    steps("write, read, flush of 4 KiB, one of 8 blocking clients", &requests_blocking(disk()));
    steps("the same, async, each request takes 1 to 9 us", &requests_async(slow));
    let runs = 200;
    let ns = least(|| _ = held(&empty(runs)));
    row("an empty run", ns / (runs + TWICE) as f64);
    let scenario = parse("empty.ron", b"(steps: [mark(\"here\")])");
    let scenario = scenario.unwrap_or_else(|errors| panic!("{errors}"));
    let mut all = || {
        for seed in 0..runs {
            black_box(run_seed(&scenario, seed, Keep::Hash));
        }
    };
    row("an empty run, of a scenario or a workload", least(&mut all) / runs as f64);
    for writes in [0, 1_000, 4_000, 8_000] {
        let what = format!("write and read of 4 KiB after {writes} unflushed writes");
        row(&what, unflushed(writes));
    }
    let check = crash_states();
    let states = held(&check);
    let ns = least(|| _ = held(&check));
    row(&format!("a crash state and its recovery, of {states}"), ns / (2 * states) as f64);
}

fn main() {
    // Whoever profiles one benchmark does not want the table in the profile.
    if !std::env::args().any(|arg| arg == "--profile-time") {
        table();
    }
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}
