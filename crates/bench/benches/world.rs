//! What requests, worlds and whole scenarios cost.
//!
//! A table of the least of many rounds is printed at the end; `-- nothing` prints it alone.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion};
use headcrash_engine::{Dialect, ProgramBuilder, Quirks};
use headcrash_scenario::{Exhaustion, Keep, Scenario, parse, run, run_seed};
use headcrash_sim::{
    Calm, ClientId, Cx, DiskId, DiskSpec, Image, Io, Key, Limits, LimitsSpec, NodeSpec, Resumes,
    TraceHash, World,
};

const DISK: DiskId = DiskId(0);
const BLOCK: u64 = 4096;

/// A world with one disk of `len` bytes under a raw node.
fn world(len: u64, align: u64) -> World {
    let program = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe).build();
    let program = Arc::new(program.expect("no rules are no mistake"));
    let spec = LimitsSpec { align: Some(align), ..LimitsSpec::default() };
    let limits = Limits::new(Dialect::Qemu10, spec).expect("the alignment is a power of two");
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

/// Write, read and flush of the n-th of 256 blocks, in an order that jumps about.
fn three(world: &mut World, n: u64, data: &Arc<[u8]>, hash: &mut TraceHash) {
    let blocks = world.image(DISK).len() / BLOCK;
    let at = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 256 * (blocks / 256).max(1) * BLOCK;
    request(world, Io::Write { at, data: data.clone(), fua: false }, hash);
    request(world, Io::Read { at, len: BLOCK }, hash);
    request(world, Io::Flush, hash);
}

/// Two clients, twenty requests.
fn scenario() -> Scenario {
    let text = r#"(
        disks: [(size: 65_536, latency: uniform(min_ns: 1, max_ns: 100))],
        clients: [
            (name: "a", steps: [repeat(times: 5, steps: [write(at: 0, len: 512, fill: 1), flush()])]),
            (name: "b", steps: [repeat(times: 5, steps: [write(at: 4096, len: 512, fill: 2), read(at: 4096, len: 512)])]),
        ],
    )"#;
    parse("bench.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
}

/// Two clients that write the same sector, twice each.
const TWO: &str = r#"(clients: [
    (name: "a", steps: [write(at: 0, len: 512, fill: 1), write(at: 0, len: 512, fill: 2)]),
    (name: "b", steps: [write(at: 0, len: 512, fill: 3), write(at: 0, len: 512, fill: 4)]),
])"#;

fn benches(criterion: &mut Criterion) {
    let data: Arc<[u8]> = vec![7; BLOCK as usize].into();
    let mut hash = TraceHash::default();
    let mut small = world(1 << 20, 512);
    let mut n = 0;
    criterion.bench_function("write, read, flush of 4 KiB", |bencher| {
        bencher.iter(|| {
            n += 1;
            three(&mut small, n, &data, &mut hash);
        });
    });
    let part: Arc<[u8]> = vec![7; 512].into();
    let mut blocks = world(1 << 20, BLOCK);
    criterion.bench_function("read-modify-write of 512 bytes", |bencher| {
        bencher.iter(|| {
            let io = Io::Write { at: 1024, data: part.clone(), fua: false };
            request(&mut blocks, io, &mut hash);
        });
    });
    let written = written_world();
    criterion.bench_function("clone a world, 1 GiB with 16 MiB written", |bencher| {
        bencher.iter_batched(|| (), |()| black_box(written.clone()), BatchSize::SmallInput);
    });
    let scenario = scenario();
    criterion.bench_function("run 2 clients, 20 requests", |bencher| {
        let mut seed = 0;
        bencher.iter(|| {
            seed += 1;
            black_box(run_seed(&scenario, seed, Keep::Hash))
        });
    });
    let text = scenario.to_ron();
    criterion.bench_function("parse that scenario", |bencher| {
        bencher.iter(|| black_box(parse("bench.ron", text.as_bytes()).is_ok()));
    });
}

fn written_world() -> World {
    let mut world = world(1 << 30, 512);
    let data: Arc<[u8]> = vec![7; BLOCK as usize].into();
    let mut hash = TraceHash::default();
    for block in 0..BLOCK {
        let at = block * (1 << 18);
        request(&mut world, Io::Write { at, data: data.clone(), fua: false }, &mut hash);
    }
    world
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
    let row = |name: &str, ns: f64| println!("{name:<44}{ns:>12.0}");
    for (name, len) in [("1 MiB", 1 << 20), ("1 GiB", 1 << 30), ("1 TiB", 1 << 40)] {
        let mut world = world(len, 512);
        let mut n = 0;
        let ns = least(2_000, || {
            n += 1;
            three(&mut world, n, &data, &mut hash);
        });
        row(&format!("write, read, flush of 4 KiB on {name}"), ns / 3.0);
    }
    let mut blocks = world(1 << 20, BLOCK);
    let part: Arc<[u8]> = vec![7; 512].into();
    row(
        "read-modify-write of 512 bytes",
        least(2_000, || {
            let io = Io::Write { at: 1024, data: part.clone(), fua: false };
            request(&mut blocks, io, &mut hash);
        }),
    );
    let written = written_world();
    row(
        "clone a world, 1 GiB with 16 MiB written",
        least(2_000, || drop(black_box(written.clone()))),
    );
    let scenario = scenario();
    let mut seed = 0;
    row(
        "run 2 clients, 20 requests",
        least(2_000, || {
            seed += 1;
            black_box(run_seed(&scenario, seed, Keep::Hash));
        }),
    );
    row(
        "the same, answered calmly rather than by a seed",
        least(2_000, || {
            black_box(run(&scenario, Calm, Keep::Hash));
        }),
    );
    let two = parse("two.ron", TWO.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let mut tried = 0;
    let all = least(20, || {
        let mut runs = Exhaustion::new(&two);
        while let Some(tried) = runs.next() {
            black_box(tried.digest);
        }
        tried = runs.whole();
    });
    row("a run of an exhaustive search, 2 clients, 4 writes", all / tried as f64);
    let text = scenario.to_ron();
    row("parse that scenario", least(500, || drop(black_box(parse("b.ron", text.as_bytes())))));
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    benches(&mut criterion);
    criterion.final_summary();
    table();
}
