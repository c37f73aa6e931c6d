//! Failures that were planted among much that has nothing to do with them become small.

use std::fs;
use std::path::Path;

use headcrash_scenario::shrink::{Shrunk, Size, is_same, one_less, shrink};
use headcrash_scenario::{Failure, Keep, Outcome, Run, Scenario, parse, run_as, run_seed};
use headcrash_sim::{Replay, Schedule, Strictness};

/// Each with the size of the smallest form that is known, found by hand: disks, rules, clients,
/// steps, choices that are not the dullest.
const PLANTED: [(&str, [usize; 5]); 18] = [
    ("crash_in_recovery", [1, 0, 2, 6, 1]),
    ("crash_torn", [1, 0, 2, 2, 1]),
    ("crash_two_disks", [2, 0, 2, 5, 1]),
    ("crash_without_flush", [1, 0, 2, 5, 1]),
    ("double_fault", [2, 2, 1, 2, 0]),
    ("each_failure", [1, 0, 1, 2, 0]),
    ("fault_by_chance", [1, 1, 1, 2, 1]),
    ("fault_ignored", [1, 1, 1, 2, 0]),
    ("fault_lost_write", [1, 1, 1, 2, 0]),
    ("files_replaced", [1, 0, 2, 7, 1]),
    ("order_lost_update", [1, 0, 2, 2, 1]),
    ("order_of_completions", [1, 0, 1, 2, 1]),
    ("order_of_three", [1, 0, 4, 10, 3]),
    ("order_unnamed", [1, 0, 2, 2, 1]),
    ("state_machine", [1, 1, 1, 1, 0]),
    ("stuck_for_each_other", [1, 0, 1, 2, 0]),
    ("stuck_in_a_flush", [1, 1, 1, 1, 0]),
    ("suspension_overtakes", [1, 0, 1, 5, 0]),
];

/// As many runs as `headcrash explore` gives a failure.
const BUDGET: u64 = 5_000;

fn planted(name: &str) -> (Scenario, Run) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/planted");
    let text = fs::read(folder.join(name).with_extension("ron")).expect("it is there");
    let scenario = parse(name, &text).unwrap_or_else(|errors| panic!("{errors}"));
    let seed = scenario.seeds().iter().next().expect("there is one at least");
    let run = run_seed(&scenario, seed, Keep::Hash);
    assert!(run.is_expected(&scenario), "{name}: {}", run.outcome.label());
    (scenario, run)
}

fn small(name: &str) -> (Scenario, Run, Shrunk) {
    let (scenario, run) = planted(name);
    let shrunk = shrink(&scenario, &run, BUDGET);
    (scenario, run, shrunk)
}

fn size([disks, rules, clients, steps, choices]: [usize; 5]) -> Size {
    Size { disks, rules, clients, steps, choices }
}

#[test]
fn planted_failures_become_about_as_small_as_they_can_be() {
    let mut ratios = Vec::new();
    // What stands in a scenario and its schedule, before and after, and how many runs it took.
    let mut table = format!(
        "{:<22} {:>6} {:>6} {:>5}  {:>5}  what is left\n",
        "failure", "before", "after", "known", "runs"
    );
    for (name, known) in PLANTED {
        let (scenario, run, shrunk) = small(name);
        let before = Size::of(&scenario, &run.schedule).total();
        let (after, known) = (shrunk.size(), size(known));
        let runs = shrunk.runs_used;
        table.push_str(&format!(
            "{name:<22} {before:>6} {:>6} {:>5}  {runs:>5}  {after}\n",
            after.total(),
            known.total()
        ));
        assert_eq!(shrunk.run.outcome.label(), run.outcome.label(), "{name}");
        assert!(shrunk.is_minimal, "{name}: {runs} runs were not enough");
        assert!(shrunk.fails_by_itself, "{name}");
        let seed = shrunk.seed.unwrap_or(0);
        let label = run_seed(&shrunk.scenario, seed, Keep::Hash).outcome.label();
        assert_eq!(label, run.outcome.label(), "{name} by itself");
        // In hundredths.
        ratios.push(100 * after.total() / known.total());
    }
    insta::assert_snapshot!("planted", table);
    ratios.sort_unstable();
    assert!(ratios[ratios.len() / 2] <= 120, "the median of {ratios:?}");
}

fn unusual(schedule: &Schedule) -> usize {
    schedule.choices.iter().filter(|choice| choice.answer != 0).count()
}

fn again(scenario: &Scenario, run: &Run, schedule: &Schedule) -> Run {
    let replay = Replay::from_schedule(schedule, Strictness::Lenient);
    run_as(scenario, run.variant, replay, Keep::Hash).0
}

#[test]
fn nothing_can_be_taken_from_what_is_left() {
    for (name, _) in PLANTED {
        let (_, _, shrunk) = small(name);
        let known = (&shrunk.scenario, &shrunk.run);
        for less in one_less(&shrunk.scenario) {
            let seeds = (0..32).map(|seed| run_seed(&less, seed, Keep::Hash));
            let runs = [again(&less, &shrunk.run, &shrunk.run.schedule)].into_iter().chain(seeds);
            for run in runs {
                assert!(!is_same(known, (&less, &run)), "{name}:\n{}", less.source().text());
            }
        }
        for place in 0..shrunk.run.schedule.choices.len() {
            let mut fewer = shrunk.run.schedule.clone();
            fewer.choices.remove(place);
            let run = again(&shrunk.scenario, &shrunk.run, &fewer);
            let calmer = unusual(&run.schedule) < unusual(&shrunk.run.schedule);
            assert!(!calmer || !is_same(known, (&shrunk.scenario, &run)), "{name}: choice {place}");
        }
    }
}

#[test]
fn shrinking_is_the_same_every_time_and_does_nothing_the_second_time() {
    for (name, _) in PLANTED {
        let (_, _, first) = small(name);
        let (_, _, second) = small(name);
        assert_eq!(first.scenario.source().text(), second.scenario.source().text(), "{name}");
        assert_eq!(first.run.schedule, second.run.schedule, "{name}");
        assert_eq!(first.runs_used, second.runs_used, "{name}");
        let again = shrink(&first.scenario, &first.run, BUDGET);
        assert_eq!(again.size(), first.size(), "{name}: {}", again.scenario.source().text());
    }
}

#[test]
fn the_smallest_scenario_and_its_failure_file_repeat_the_failure() {
    for (name, _) in PLANTED {
        let (_, run, shrunk) = small(name);
        let (text, failure) = shrunk.files("small.ron");
        assert_eq!(text, shrunk.scenario.to_ron(), "{name}: as it is printed");
        let scenario = parse("small.ron", text.as_bytes()).expect("it is valid");
        let failure = Failure::parse(&failure.to_ron()).expect("it is whole");
        assert_eq!(failure.scenario, "small.ron");
        let replayed = failure.replay(&scenario).expect("it is of this scenario");
        assert!(replayed.is_same, "{name}: {}", replayed.report(&scenario));
        assert_eq!(replayed.run.outcome.label(), run.outcome.label(), "{name}");
        let seeds = scenario.seeds().iter();
        let labels = seeds.map(|seed| run_seed(&scenario, seed, Keep::Hash).outcome.label());
        assert!(labels.into_iter().any(|label| label == run.outcome.label()), "{name}: by itself");
    }
}

#[test]
fn a_small_budget_ends_it_and_says_so() {
    let (scenario, run) = planted("order_lost_update");
    let shrunk = shrink(&scenario, &run, 40);
    assert!(!shrunk.is_minimal);
    assert!(shrunk.runs_used <= 60, "{} runs", shrunk.runs_used);
    assert_eq!(shrunk.run.outcome.label(), run.outcome.label());
    let none = shrink(&scenario, &run, 0);
    assert_eq!(none.run.outcome.label(), run.outcome.label(), "whatever the budget");
}

#[test]
fn what_held_is_left_as_it_is() {
    let scenario = parse("held.ron", b"(steps: [flush(), flush()])").expect("it is valid");
    let run = run_seed(&scenario, 0, Keep::Hash);
    assert_eq!(run.outcome, Outcome::Held);
    let shrunk = shrink(&scenario, &run, BUDGET);
    assert_eq!((shrunk.scenario, shrunk.runs_used), (scenario, 0));
}
