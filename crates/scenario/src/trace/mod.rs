//! How a trace looks: as text for people, as JSON lines for programs, both from one [`Line`].

mod crash;
mod exploration;
mod line;
mod names;

pub use crash::{crash, crash_json, crash_points};
pub use exploration::{contracts, exploration};
pub(crate) use exploration::{states, table};
pub use line::{Found, Line, Told};
pub use names::Names;

use headcrash_sim::Misuse;

use crate::names::counted;
use crate::run::{Exhausted, Run};
use crate::scenario::{Failing, Scenario};

/// The version of the JSON form. It changes when a field changes its meaning or goes away, not
/// when one is added.
pub const FORMAT_VERSION: u32 = 1;

/// The trace of a run as text, one line for each fact, and a last line that says what came of it.
#[must_use]
pub fn text(scenario: &Scenario, run: &Run) -> String {
    let names = Names::with(scenario, &run.spawned);
    let lines: Vec<_> = run.facts.iter().map(|fact| names.line(fact)).collect();
    let time = lines.iter().map(|line| line.at_ns.to_string().len()).max().unwrap_or(1);
    let who = lines.iter().map(|line| line.told.who().chars().count()).max().unwrap_or(1);
    let mut text = String::new();
    for line in &lines {
        text.push_str(&line.text(time, who));
        text.push('\n');
    }
    if let Some(missing) = missing(run) {
        text.push_str(&format!("... {missing} more facts are not shown\n"));
    }
    for tag in &run.suspended {
        text.push_str(&format!("still suspended under {tag}\n"));
    }
    text.push_str(&format!("{}, {}\n", run.outcome.label(), counted(run.fact_count, "fact")));
    match run.variant.fails {
        Some((Failing::Disk(disk), nth)) => {
            let disk = &scenario.disks()[disk.0].name;
            text.push_str(&format!("with access {nth} of {disk} failing\n"));
        }
        Some((Failing::Files(fs), nth)) => {
            let fs = &scenario.file_systems()[fs.0].name;
            text.push_str(&format!("with operation {nth} on {fs} failing\n"));
        }
        None => {}
    }
    for (disk, fault) in &run.live_faults {
        let disk = &scenario.disks()[disk.index()].name;
        text.push_str(&format!(
            "fault that lies there: {disk} {}+{} {}\n",
            fault.at(),
            fault.len(),
            fault.what()
        ));
    }
    if !run.each_failed.is_empty() {
        text.push_str(&each_failed(&run.each_failed));
    }
    if let Some(all) = &run.exhausted {
        text.push_str(&exhausted(all));
    }
    if let Some(found) = &run.exploration {
        text.push('\n');
        text.push_str(&exploration(scenario, found));
    }
    text
}

/// What came of all runs: how many, how many were saved, and what they came to.
fn exhausted(all: &Exhausted) -> String {
    let ended = match (all.is_complete, all.too_many) {
        (true, _) => "all of them".to_owned(),
        (false, Some((kind, n))) => format!("a {kind} question had {n} answers, too many"),
        (false, None) => "ended by a budget".to_owned(),
    };
    let mut text = format!("\n{}, {} saved: {ended}\n", counted(all.whole, "run"), all.saved);
    for (outcome, (count, first)) in &all.outcomes {
        text.push_str(&format!("{outcome}: {count}, the first is run {first}\n"));
    }
    text
}

/// What came of the runs in which one access failed, in stretches that are alike.
fn each_failed(outcomes: &[String]) -> String {
    let mut text = match outcomes.len() {
        1 => "\n1 access failed\n".to_owned(),
        several => format!("\n{several} accesses failed, one in each run\n"),
    };
    let mut first = 1;
    for alike in outcomes.chunk_by(|a, b| a == b) {
        let last = first + alike.len() - 1;
        let which = if first == last { first.to_string() } else { format!("{first} to {last}") };
        text.push_str(&format!("{which}: {}\n", alike[0]));
        first = last + 1;
    }
    text
}

/// A misuse in words: `request #3 reads what was never written`.
#[must_use]
pub fn misuse(misuse: &Misuse) -> String {
    format!("request {} {}", misuse.request, misuse.what.text())
}

/// How many facts of a kept trace are beyond what is kept.
fn missing(run: &Run) -> Option<u64> {
    let missing = run.fact_count - run.facts.len() as u64;
    (missing > 0 && !run.facts.is_empty()).then_some(missing)
}

/// What came of a run, in one line: outcome, number of facts, hash.
#[must_use]
pub fn summary(run: &Run) -> String {
    let facts = counted(run.fact_count, "fact");
    format!("{}, {facts}, hash {:016x}", run.outcome.label(), run.hash)
}

/// The trace of a run as JSON lines: a header, a line for each fact, a last line that says what
/// came of it.
///
/// * header: `{"format": 1, "scenario": NAME, "dialect": .., "seed": N or null}`
/// * fact: `{"at_ns": N, "what": KIND, ..}`, see [`Told`] for the fields of each kind
/// * where the trace was longer than [`FACTS_MAX`](crate::FACTS_MAX): `{"not_shown": N}`
/// * end: `{"outcome": .., "facts": N, "hash": "16 hex digits", "suspended": [..],
///   "misuses": [..]}`
#[must_use]
pub fn json_lines(scenario: &Scenario, run: &Run, seed: Option<u64>) -> String {
    let names = Names::with(scenario, &run.spawned);
    let header = serde_json::json!({
        "format": FORMAT_VERSION,
        "scenario": scenario.source().name(),
        "dialect": scenario.dialect().name(),
        "seed": seed,
    });
    let mut text = format!("{header}\n");
    for fact in &run.facts {
        let line = serde_json::to_string(&names.line(fact)).expect("a line has nothing but names");
        text.push_str(&line);
        text.push('\n');
    }
    if let Some(missing) = missing(run) {
        text.push_str(&format!("{}\n", serde_json::json!({ "not_shown": missing })));
    }
    let end = serde_json::json!({
        "outcome": run.outcome.label(),
        "facts": run.fact_count,
        "hash": format!("{:016x}", run.hash),
        "suspended": run.suspended,
        "misuses": run.misuses.iter().map(misuse).collect::<Vec<_>>(),
        "runs": run.exhausted.as_ref().map(|all| serde_json::json!({
            "made": all.whole,
            "saved": all.saved,
            "complete": all.is_complete,
            "outcomes": all.outcomes,
        })),
        "crash_states": run.exploration.as_ref().map(exploration::as_json),
    });
    text.push_str(&format!("{end}\n"));
    text
}
