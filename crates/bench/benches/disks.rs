//! Disks that can lose what they were told: what a write costs when many are unflushed, what a
//! clone costs, how many crash states a second a recovery can be tried on.
//!
//! `cargo bench -p headcrash-bench --bench disks -- nothing` prints the table and measures nothing
//! else.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
use headcrash_scenario::{Scenario, explore, parse};
use headcrash_sim::{
    Calm, ClientId, Cx, DiskId, DiskSpec, Image, Io, Key, Limits, LimitsSpec, NodeSpec, Resumes,
    TraceHash, World,
};

const DISK: DiskId = DiskId(0);
const BLOCK: u64 = 4096;

fn world(len: u64) -> World {
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let program = Arc::new(program.unwrap_or_else(|error| panic!("no rules, no error: {error}")));
    let limits = Limits::new(Dialect::Qemu10, LimitsSpec::default());
    let limits = limits.unwrap_or_else(|error| panic!("no limits, no error: {error}"));
    let disk = DiskSpec::new("d0", Image::new(len, 0), vec![NodeSpec { program, limits }]);
    let mut world = World::new(vec![disk], Resumes::ByScript);
    world.open(DISK, &mut Cx { choices: &mut Calm, sink: &mut () });
    world
}

fn request(world: &mut World, io: Io, hash: &mut TraceHash) {
    let mut cx = Cx { choices: &mut Calm, sink: hash };
    world.submit(ClientId(0), (Key::NOBODY, 0), DISK, io, &mut cx);
    black_box(world.take_completion());
}

fn write(world: &mut World, n: u64, data: &Arc<[u8]>, hash: &mut TraceHash) {
    let blocks = world.image(DISK).len() / BLOCK;
    let at = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 256 * (blocks / 256).max(1) * BLOCK;
    request(world, Io::Write { at, data: data.clone(), fua: false }, hash);
}

/// A world with so many writes that no flush covers.
fn unflushed(len: u64, writes: u64) -> World {
    let mut world = world(len);
    let data: Arc<[u8]> = vec![7; BLOCK as usize].into();
    let mut hash = TraceHash::default();
    (0..writes).for_each(|n| write(&mut world, n, &data, &mut hash));
    world
}

/// A journal of forty writes, eight transactions of four blocks and a commit record, and a
/// recovery that reads the record, then the blocks it names. Nothing is flushed.
fn journal() -> Scenario {
    let writes: String = (0..8)
        .flat_map(|round| {
            let block = move |n: u32| {
                format!("write(at: {}, len: 4_096, fill: {}),", n * 4_096, 0x10 * n + round)
            };
            (1..=4).map(block).chain(["write(at: 0, len: 512, fill: 0xC0),".to_owned()])
        })
        .collect();
    let text = format!(
        r#"(
            disks: [(size: 1_048_576)],
            clients: [(name: "writer", steps: [{writes}])],
            power_cut: (at: everywhere),
            recover: [
                read(at: 0, len: 512, save: "record"),
                when(saved: "record", holds: fill(0xC0), then: [
                    read(at: 4_096, len: 512), read(at: 8_192, len: 512),
                    read(at: 12_288, len: 512), read(at: 16_384, len: 512),
                ]),
            ],
            search: crash_states(depth: 12, runs: 1_000_000),
        )"#
    );
    parse("journal.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

fn benches(criterion: &mut Criterion) {
    let data: Arc<[u8]> = vec![7; BLOCK as usize].into();
    let mut hash = TraceHash::default();
    for (name, writes) in [("1", 1), ("100 000", 100_000)] {
        criterion.bench_function(&format!("write after {name} unflushed"), |bencher| {
            let mut world = unflushed(1 << 30, writes);
            let mut n = writes;
            bencher.iter(|| {
                n += 1;
                write(&mut world, n, &data, &mut hash);
            });
        });
    }
    criterion.bench_function("clone a world, 1 GiB, 16 MiB unflushed", |bencher| {
        let written = unflushed(1 << 30, 4096);
        bencher.iter_batched(|| (), |()| black_box(written.clone()), BatchSize::SmallInput);
    });
    let journal = journal();
    criterion.bench_function("explore a journal of 40 writes", |bencher| {
        bencher.iter(|| black_box(explore(&journal, 0)));
    });
}

/// The least time of one call, over many rounds.
fn least(calls: u32, mut call: impl FnMut()) -> f64 {
    const ROUNDS: u32 = 20;
    let mut least = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        least = least.min(start.elapsed());
    }
    least.as_secs_f64() * 1e9 / f64::from(calls)
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn table() {
    println!("\nns a call, least of 20 rounds:");
    let data: Arc<[u8]> = vec![7; BLOCK as usize].into();
    let mut hash = TraceHash::default();
    let row = |name: &str, ns: f64| println!("{name:<52}{ns:>12.0}");
    for writes in [1, 1_000, 4_000, 8_000, 100_000] {
        // A few thousand more change little.
        let mut world = unflushed(1 << 30, writes);
        let mut n = writes;
        let ns = least(500, || {
            n += 1;
            write(&mut world, n, &data, &mut hash);
        });
        row(&format!("write of 4 KiB after {writes} unflushed ones"), ns);
    }
    for len in [20, 30, 40] {
        let mut world = unflushed(1 << len, 1);
        let mut n = 0;
        let ns = least(2_000, || {
            n += 1;
            write(&mut world, n, &data, &mut hash);
            request(&mut world, Io::Read { at: 0, len: BLOCK }, &mut hash);
            request(&mut world, Io::Flush, &mut hash);
        });
        row(&format!("write, read and flush of 4 KiB on 2^{len} bytes"), ns);
    }
    let world = unflushed(1 << 30, 4096);
    let clone = || {
        black_box(world.clone());
    };
    row("clone a world of 1 GiB, 16 MiB of it unflushed", least(1_000, clone));
    let journal = journal();
    let states = explore(&journal, 0).tried();
    let ns = least(1, || {
        black_box(explore(&journal, 0));
    });
    row(&format!("a crash state of a journal of 40 writes, of {states}"), ns / states as f64);
}

fn main() {
    // Whoever profiles one benchmark does not want the table in the profile.
    if !std::env::args().any(|arg| arg == "--profile-time") {
        table();
    }
    let mut criterion = Criterion::default().configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
}
