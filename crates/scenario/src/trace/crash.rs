//! What `headcrash crash` tells of a scenario.

use headcrash_sim::{Replay, Strictness};
use serde_json::{Value, json};

use super::exploration;
use super::exploration::{as_json, contracts, point_cells, table};
use crate::run::{Example, Exploration, Keep, Outcome, Run, run};
use crate::scenario::Scenario;

/// The contract of each disk, and every moment at which the power can go, with how many states it
/// leaves.
#[must_use]
pub fn crash_points(scenario: &Scenario, found: &Exploration) -> String {
    let rows: Vec<_> = found.points.iter().map(point_cells).collect();
    let rows: Vec<_> = rows.iter().map(|row| &row[..]).collect();
    contracts(scenario) + &table(&["step", "ns", "unflushed", "states", "log2"], &rows)
}

/// A summary, a table of moments, and the smallest run for each verdict with its trace.
#[must_use]
pub fn crash(scenario: &Scenario, found: &Exploration) -> String {
    let mut text = exploration(scenario, found);
    for (verdict, example) in examples(found) {
        text.push_str(&format!("\nsmallest {verdict}: {}\n", describe(found, example)));
        text.push_str(&indent(&super::text(scenario, &again(scenario, example))));
    }
    text
}

/// The same for programs: one line.
#[must_use]
pub fn crash_json(scenario: &Scenario, found: &Exploration, seed: u64) -> String {
    let example = |example: &Example| {
        json!({
            "outcome": example.outcome.label(),
            "unusual": example.unusual,
            "step": found.points.get(example.point).map(|point| point.step),
            "trace": super::text(scenario, &again(scenario, example)).lines().collect::<Vec<_>>(),
        })
    };
    let smallest: serde_json::Map<String, Value> =
        examples(found).map(|(verdict, found)| (verdict.to_owned(), example(found))).collect();
    json!({
        "format": super::FORMAT_VERSION,
        "scenario": scenario.source().name(),
        "seed": seed,
        "contracts": contracts(scenario).lines().collect::<Vec<_>>(),
        "crash_states": as_json(found),
        "smallest": smallest,
    })
    .to_string()
}

/// The smallest run for each verdict there is.
fn examples(found: &Exploration) -> impl Iterator<Item = (&'static str, &Example)> {
    let all = [("clean", &found.clean), ("loud", &found.loud), ("silent", &found.silent)];
    all.into_iter().filter_map(|(verdict, example)| Some((verdict, example.as_ref()?)))
}

fn again(scenario: &Scenario, example: &Example) -> Run {
    let replay = Replay::from_schedule(&example.schedule, Strictness::Strict);
    run(scenario, replay, Keep::Trace).0
}

fn describe(found: &Exploration, example: &Example) -> String {
    let at = match found.points.get(example.point) {
        Some(point) => format!("the power goes before step {} ({} ns)", point.step, point.at_ns),
        None => "the power does not go".to_owned(),
    };
    let unusual = match example.unusual {
        0 => "nothing unusual".to_owned(),
        1 => "1 unusual answer".to_owned(),
        n => format!("{n} unusual answers"),
    };
    let said = match &example.outcome {
        Outcome::Refused(violation) => format!("refused: {}", violation.message),
        outcome => outcome.label(),
    };
    format!("{at}, {unusual}: {said}")
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect()
}
