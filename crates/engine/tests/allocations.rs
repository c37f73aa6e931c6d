//! Once a program is built, asking it allocates nothing.

use std::sync::Arc;

use headcrash_engine::{
    Access, Action, Answer, Dialect, Engine, Errno, EventId, Injection, IoKind, Passage,
    ProgramBuilder, Quirks, Requester, Rule, Sectors, State, Tag, Verdict,
};

const WHO: Requester = Requester(1);

fn inject(event: EventId, state: i32, sectors: Sectors) -> Rule {
    let injection = Injection { answer: Answer::Fail(Errno::EIO), sectors, ..Injection::default() };
    Rule { event, state: State(state), action: Action::Inject(injection), once: false }
}

/// Many rules of every kind: states 1 and 2 alternate whenever `pwritev` is announced.
fn engine(dialect: Dialect) -> (Engine, EventId, EventId) {
    let mut rules = ProgramBuilder::new(dialect, Quirks::Safe);
    let event = rules.event("pwritev");
    let other = rules.event("read_aio");
    for (from, to) in [(1, 2), (2, 1)] {
        let action = Action::SetState(State(to));
        rules.rule(Rule { event, state: State(from), action, once: false });
    }
    for sector in 0..1_000 {
        rules.rule(inject(event, sector % 3, Sectors::One(i64::from(sector))));
        let sectors = Sectors::Range { first: 2_000 + sector as u64, count: 10 };
        rules.rule(inject(event, sector % 3, sectors));
    }
    (Engine::new(Arc::new(rules.build().expect("the program is valid"))), event, other)
}

fn count(work: impl FnOnce()) -> u64 {
    allocation_counter::measure(work).count_total
}

#[test]
fn announcing_and_checking_allocate_nothing() {
    for dialect in [Dialect::Qemu2_6, Dialect::Qemu10] {
        let (mut engine, event, other) = engine(dialect);
        let allocations = count(|| {
            for round in 0..1_000 {
                assert_eq!(engine.announce(event, WHO, &mut ()), Passage::Pass);
                assert_eq!(engine.announce(other, WHO, &mut ()), Passage::Pass);
                let one = Access::new(IoKind::Write, round % 3 * 512, 512);
                let many = Access::new(IoKind::Write, 0, 1 << 20);
                let ranges = Access::new(IoKind::Read, 2_500 * 512, 4_096);
                let nothing = Access::new(IoKind::Read, 9_000 * 512, 4_096);
                _ = engine.check(one, &mut ());
                assert!(matches!(engine.check(many, &mut ()), Verdict::Fail { .. }));
                assert!(matches!(engine.check(ranges, &mut ()), Verdict::Fail { .. }));
                assert_eq!(engine.check(nothing, &mut ()), Verdict::Pass);
                assert_eq!(engine.check(Access::FLUSH, &mut ()), Verdict::Pass);
            }
        });
        assert_eq!(allocations, 0, "{dialect:?}");
    }
}

#[test]
fn the_counter_counts() {
    let (mut engine, event, _) = engine(Dialect::Qemu10);
    let allocations = count(|| engine.set_breakpoint(event, Tag::new("A")));
    assert!(allocations > 0, "a tag and its place are allocated");
}
