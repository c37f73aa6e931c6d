//! embedded-sdmmc, as it is published.
#![cfg(feature = "embedded-sdmmc")]

use headcrash_subjects::guests::embedded_sdmmc::{campaigns, loses_what_was_closed};

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 50);
}
#[test]
fn what_is_not_written_survives_a_power_cut() {
    holds("power cuts", 50);
}

#[test]
fn what_was_acknowledged_is_lost_with_a_cache() {
    let report =
        loses_what_was_closed().seeds(0..50).try_run().expect_err("it loses what it acknowledged");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
    assert!(report.operations <= 2, "{report}");
}
