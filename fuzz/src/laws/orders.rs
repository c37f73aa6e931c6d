//! An exhaustive search may leave out orders, and loses no outcome by it.

use std::collections::BTreeMap;

use arbitrary::{Result, Unstructured};
use headcrash_scenario::{Exhaustion, Keep, Scenario, parse};

/// More runs than this of one scenario are not compared.
const RUNS_MAX: u64 = 4_000;

/// Every outcome (what clients have read, what is on the disks, what engines have come to) that
/// some order of steps leads to is an outcome of the reduced search as well, and the other way
/// round; the reduced one makes no more runs to their end; and each of its runs can be had again.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn orders(u: &mut Unstructured<'_>) -> Result<()> {
    let text = scenario(u)?;
    let scenario = parse("law.ron", text.as_bytes())
        .unwrap_or_else(|errors| panic!("{}\n{text}", errors.render(false)));
    let Some((all, every)) = outcomes(Exhaustion::unreduced(&scenario), &scenario) else {
        return Ok(());
    };
    let (reduced, few) = outcomes(Exhaustion::new(&scenario), &scenario)
        .unwrap_or_else(|| panic!("leaving out makes more runs\n{text}"));
    assert!(few <= every, "{few} runs, and {every} without leaving any out\n{text}");
    for (digest, label) in &all {
        assert!(reduced.contains_key(digest), "an outcome is lost: {label}\n{text}");
    }
    for (digest, label) in &reduced {
        assert!(all.contains_key(digest), "an outcome is new: {label}\n{text}");
    }
    Ok(())
}

/// What the runs came to, and how many they were; nothing if they are too many.
fn outcomes(mut runs: Exhaustion<'_>, scenario: &Scenario) -> Option<(BTreeMap<u64, String>, u64)> {
    let mut outcomes = BTreeMap::new();
    while let Some(tried) = runs.next() {
        if runs.begun() > RUNS_MAX {
            return None;
        }
        let is_new = outcomes.insert(tried.digest, tried.outcome.label()).is_none();
        if is_new {
            let again = runs.again(&tried, Keep::Hash);
            assert_eq!(again.hash, tried.hash, "a run is another again\n{}", scenario.to_ron());
        }
    }
    assert!(runs.is_complete(), "{:?}", runs.too_many());
    Some((outcomes, runs.whole()))
}

fn scenario(u: &mut Unstructured<'_>) -> Result<String> {
    let latency = *u.choose(&["zero", "zero", "any", "constant(ns: 5)"])?;
    let align = *u.choose(&["", ", align: 4096"])?;
    let shared = *u.choose(&["", "", ", capacity: 4_096", ", queue_depth: 1", ", iops: 1_000"])?;
    let rules = *u.choose(&[
        "",
        "",
        "rules: [(disk: \"a\", event: \"write_aio\", action: inject_error(errno: \"EIO\", once: true))],",
        "rules: [(disk: \"a\", event: \"read_aio\", action: set_state(2)), (disk: \"a\", event: \"write_aio\", state: 2, action: inject_error(errno: \"ENOSPC\"))],",
    ])?;
    let mut clients = Vec::new();
    for name in ["p", "q", "r"].iter().take(u.int_in_range(2..=3)?) {
        let steps: Vec<_> =
            (0..u.int_in_range(1..=3)?).map(|nth| step(u, nth)).collect::<Result<_>>()?;
        clients.push(format!("(name: \"{name}\", steps: [{}])", steps.join(", ")));
    }
    Ok(format!(
        "(\n disks: [(name: \"a\", size: 65_536, latency: {latency}{align}{shared}), (name: \"b\", size: 65_536)],\n {rules}\n clients: [\n  {}\n ],\n)",
        clients.join(",\n  ")
    ))
}

fn step(u: &mut Unstructured<'_>, nth: usize) -> Result<String> {
    let disk = *u.choose(&["a", "a", "b"])?;
    let at = *u.choose(&[0, 512, 3_584, 4_096, 8_192])?;
    let len = *u.choose(&[512, 512, 1_024])?;
    let fill = u.int_in_range(1..=9)?;
    Ok(match u.int_in_range(0..=6)? {
        0..=2 => format!("write(disk: \"{disk}\", at: {at}, len: {len}, fill: {fill}, gets: any)"),
        3 | 4 => {
            format!("read(disk: \"{disk}\", at: {at}, len: {len}, save: \"s{nth}\", gets: any)")
        }
        5 => format!("flush(disk: \"{disk}\", gets: any)"),
        _ => format!("discard(disk: \"{disk}\", at: {at}, len: {len}, gets: any)"),
    })
}
