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
