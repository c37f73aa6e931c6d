//! What an announcement and a check cost, and that rules which do not matter cost nothing.
//!
//! Every group is one shape of a program at three sizes. In each, the same relevant rule is hit
//! again and again; compare the figures inside a group: a million rules are to cost at most twice
//! what ten do. The ratios are printed at the end.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, BenchmarkId, Criterion};
use headcrash_engine::{
    Access, Action, Answer, Dialect, Engine, Errno, EventId, Injection, IoKind, ProgramBuilder,
    Quirks, Requester, Rule, Sectors, State, Verdict,
};

const COUNTS: [usize; 3] = [10, 1_000, 1_000_000];
const WHO: Requester = Requester(1);
/// Where the relevant rule is in every program.
const SECTOR: u64 = 8;
const HIT: Access = Access::new(IoKind::Write, SECTOR * Sectors::LEN, Sectors::LEN);
const MIB: Access = Access::new(IoKind::Write, 0, 1 << 20);

/// A program whose rules, but for the relevant one, are of one kind.
struct Shape {
    name: &'static str,
    access: Access,
    /// The place of another rule, counted from 1, and its sector.
    other: fn(&mut ProgramBuilder, EventId, i64) -> Rule,
}

const SHAPES: [Shape; 7] = [
    Shape {
        name: "everywhere",
        access: HIT,
        other: |builder, event, place| {
            // One in a thousand is on the event that is announced.
            let event = match place % 1_000 {
                0 => event,
                other => builder.event(&format!("event_{other}")),
            };
            let state = State((place / 1_000 % 100) as i32);
            inject(event, state, Sectors::One(place), false)
        },
    },
    Shape {
        name: "other_sectors",
        access: HIT,
        other: |_, event, place| inject(event, State::ANY, beyond(place), false),
    },
    Shape {
        name: "other_states",
        access: HIT,
        other: |_, event, place| inject(event, State(place as i32 + 1), Sectors::Any, false),
    },
    Shape {
        name: "other_events",
        access: HIT,
        other: |builder, _, place| {
            inject(builder.event(&format!("event_{place}")), State::ANY, Sectors::Any, false)
        },
    },
    Shape {
        name: "other_ranges",
        access: HIT,
        other: |_, event, place| {
            let sectors = Sectors::Range { first: 10_000 + place as u64 * 8, count: 64 };
            inject(event, State::ANY, sectors, false)
        },
    },
    Shape {
        name: "behind_it",
        access: HIT,
        other: |_, event, _| inject(event, State::ANY, Sectors::One(SECTOR as i64), false),
    },
    Shape {
        name: "mib_over_sectors",
        access: MIB,
        other: |_, event, place| inject(event, State::ANY, Sectors::One(place % 2_048), false),
    },
];

/// Sectors that no request of this file touches.
const fn beyond(place: i64) -> Sectors {
    Sectors::One(10_000 + place)
}

const fn inject(event: EventId, state: State, sectors: Sectors, once: bool) -> Rule {
    let answer = Answer::Fail(Errno::EIO);
    let injection = Injection { answer, sectors, immediately: false, kind: None };
    Rule { event, state, action: Action::Inject(injection), once }
}

impl Shape {
    /// An engine with `count` rules, the relevant one first, and the event it is on.
    fn engine(&self, count: usize) -> (Engine, EventId) {
        let mut builder = ProgramBuilder::new(Dialect::Qemu2_6, Quirks::Safe);
        let event = builder.event("write_aio");
        builder.rule(inject(event, State::FIRST, Sectors::One(SECTOR as i64), false));
        for place in 1..count {
            let rule = (self.other)(&mut builder, event, place as i64);
            builder.rule(rule);
        }
        let engine = Engine::new(Arc::new(builder.build().expect("the program is valid")));
        (engine, event)
    }
}

/// An event with the request that follows it, which fails.
fn hit(engine: &mut Engine, event: EventId, access: Access) {
    _ = black_box(engine.announce(black_box(event), WHO, &mut ()));
    let verdict = engine.check(black_box(access), &mut ());
    assert!(matches!(black_box(verdict), Verdict::Fail { .. }), "the relevant rule is hit");
}

fn announce_and_check(criterion: &mut Criterion) {
    for shape in &SHAPES {
        let mut group = criterion.benchmark_group(format!("announce_and_check/{}", shape.name));
        for count in COUNTS {
            let (mut engine, event) = shape.engine(count);
            group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
                bencher.iter(|| hit(&mut engine, event, shape.access));
            });
        }
        group.finish();
    }
}

/// Rules that are gone after one hit: each iteration uses up the next of them.
fn once(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("once");
    for (name, access) in [("sector", HIT), ("mib", MIB)] {
        for count in COUNTS {
            let (fresh, event) = once_engine(count, access);
            let id = BenchmarkId::new(name, count);
            group.bench_function(id, |bencher| {
                bencher.iter_custom(|iterations| {
                    let mut engine = fresh.clone();
                    let start = Instant::now();
                    for _ in 0..iterations {
                        _ = black_box(engine.announce(event, WHO, &mut ()));
                        if black_box(engine.check(black_box(access), &mut ())) == Verdict::Pass {
                            engine = fresh.clone();
                        }
                    }
                    start.elapsed()
                });
            });
        }
    }
    group.finish();
}

fn once_engine(count: usize, access: Access) -> (Engine, EventId) {
    let mut builder = ProgramBuilder::new(Dialect::Qemu2_6, Quirks::Safe);
    let event = builder.event("write_aio");
    let sectors = access.len / Sectors::LEN;
    let first = access.at / Sectors::LEN;
    for place in 0..count as u64 {
        let sector = Sectors::One((first + place % sectors) as i64);
        builder.rule(inject(event, State::ANY, sector, true));
    }
    (Engine::new(Arc::new(builder.build().expect("the program is valid"))), event)
}

/// A clone costs the same whatever the program.
fn clone(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("clone");
    for count in COUNTS {
        let (engine, _) = SHAPES[0].engine(count);
        group.bench_function(BenchmarkId::from_parameter(count), |bencher| {
            bencher.iter_batched(|| (), |()| black_box(engine.clone()), BatchSize::SmallInput);
        });
    }
    group.finish();
}

/// The ratio that matters, taken in one run with the sizes in turn, so that a busy machine slows
/// all of them alike.
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn ratios() {
    const ROUNDS: usize = 30;
    const HITS: u32 = 20_000;
    println!("\nns for an announcement and a check, least of {ROUNDS} rounds in turn:");
    println!("{:<20}{:>10}{:>10}{:>12}{:>16}", "", "10", "1 000", "1 000 000", "1 000 000 / 10");
    for shape in &SHAPES {
        let mut engines = COUNTS.map(|count| shape.engine(count));
        let mut least = [Duration::MAX; COUNTS.len()];
        for _ in 0..ROUNDS {
            for ((engine, event), least) in engines.iter_mut().zip(&mut least) {
                let start = Instant::now();
                (0..HITS).for_each(|_| hit(engine, *event, shape.access));
                *least = start.elapsed().min(*least);
            }
        }
        let [ten, thousand, million] = least.map(|all| all.as_secs_f64() * 1e9 / f64::from(HITS));
        let (name, ratio) = (shape.name, million / ten);
        println!("{name:<20}{ten:>10.1}{thousand:>10.1}{million:>12.1}{ratio:>16.2}");
    }
}

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    announce_and_check(&mut criterion);
    once(&mut criterion);
    clone(&mut criterion);
    criterion.final_summary();
    ratios();
}
