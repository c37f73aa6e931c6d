//! Scenarios and snapshots come in pairs.

use std::collections::BTreeSet;

use crate::{none, tree};

/// Failures are kept as files of another kind: they are replayed, and have no trace of their own.
const FAILURE: &str = ".failure.ron";

#[test]
fn every_scenario_has_a_snapshot_and_the_other_way_round() {
    let files = tree::files();
    let scenarios: BTreeSet<_> = files.iter().filter_map(|file| snapshot_of(file)).collect();
    let snapshots: BTreeSet<_> =
        files.iter().filter(|file| file.starts_with("snapshots/")).cloned().collect();
    let mut findings = Vec::new();
    for missing in scenarios.difference(&snapshots) {
        findings.push(format!(
            "{missing}:1: a scenario has no snapshot; run `cargo test --test scenarios`, then \
             `cargo insta review`"
        ));
    }
    for orphan in snapshots.difference(&scenarios) {
        findings.push(format!("{orphan}:1: its scenario is gone; delete it"));
    }
    none(&findings);
}

/// The catalogue of faults names, for each, a scenario that shows it.
#[test]
fn the_catalogue_names_scenarios_that_are_there() {
    const CATALOGUE: &str = "crates/sim/FAULTS.md";
    let files = tree::files();
    let text = tree::read(CATALOGUE);
    let mut findings = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        for name in text.split('`').skip(1).step_by(2).filter(|name| is_scenario(name)) {
            if !files.contains(&format!("scenarios/{name}.ron")) {
                findings.push(format!("{CATALOGUE}:{line}: there is no scenario `{name}`"));
            }
        }
    }
    none(&findings);
}

/// Whether this is written as scenarios are: `journal/torn_commit`.
fn is_scenario(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.split_once('/').is_some_and(|(topic, name)| {
        !topic.is_empty() && !name.is_empty() && topic.chars().chain(name.chars()).all(plain)
    })
}

fn snapshot_of(file: &str) -> Option<String> {
    let name = file.strip_prefix("scenarios/")?.strip_suffix(".ron")?;
    if file.ends_with(FAILURE) {
        return None;
    }
    Some(format!("snapshots/{}.snap", name.replace('/', "__")))
}

#[test]
fn a_scenarios_snapshot_is_named_after_its_path() {
    let expected = Some("snapshots/journal__torn_commit.snap".to_owned());
    assert_eq!(snapshot_of("scenarios/journal/torn_commit.ron"), expected);
    assert_eq!(snapshot_of("scenarios/regressions/torn.failure.ron"), None);
    assert_eq!(snapshot_of("scenarios/harness.rs"), None);
}
