//! Engines are compared by what they would answer, not by how they came to it.

use std::sync::Arc;

use headcrash_engine::{
    Access, Action, Dialect, Engine, EventId, Injection, Passage, ProgramBuilder, Quirks,
    Requester, Rule, State, Verdict,
};

fn pass(engine: &mut Engine, event: EventId) {
    assert_eq!(engine.announce(event, Requester(1), &mut ()), Passage::Pass);
}

fn rule(event: EventId, state: i32, action: Action, once: bool) -> Rule {
    Rule { event, state: State(state), action, once }
}

/// The same injection is armed in state 1 and in state 2, beside different state changes.
#[test]
fn a_rule_that_arms_nothing_leaves_no_mark() {
    let mut rules = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe);
    let event = rules.event("write_aio");
    rules.rule(rule(event, 0, Action::Inject(Injection::default()), false));
    rules.rule(rule(event, 1, Action::SetState(State(2)), false));
    rules.rule(rule(event, 2, Action::SetState(State(2)), false));
    let mut engine = Engine::new(Arc::new(rules.build().expect("the program is valid")));
    pass(&mut engine, event);
    let armed_in_state_1 = engine.clone();
    pass(&mut engine, event);
    assert_eq!(engine, armed_in_state_1);
}

/// Both have used up the one rule; one of them has announced the event once more.
#[test]
fn a_list_that_ran_empty_is_empty() {
    let mut rules = ProgramBuilder::new(Dialect::Qemu10, Quirks::Safe);
    let (first, second) = (rules.event("write_aio"), rules.event("pwritev"));
    for event in [first, second] {
        rules.rule(rule(event, 0, Action::Inject(Injection::default()), true));
    }
    let fresh = Engine::new(Arc::new(rules.build().expect("the program is valid")));
    let used_up = |order: [EventId; 2]| {
        let mut engine = fresh.clone();
        for event in order {
            pass(&mut engine, event);
            let verdict = engine.check(Access::FLUSH, &mut ());
            assert!(matches!(verdict, Verdict::Fail { .. }));
        }
        engine
    };
    assert_eq!(used_up([first, second]), used_up([second, first]));
}
