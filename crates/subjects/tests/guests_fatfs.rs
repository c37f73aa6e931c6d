//! fatfs, as it is published.
#![cfg(feature = "fatfs")]

use headcrash_subjects::guests::fatfs::{campaigns, is_left_half_done, loses_what_was_flushed};

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 10);
}
#[test]
fn a_power_cut_leaves_it_half_done() {
    let check = is_left_half_done().shrink_runs(40).seeds(0..200);
    let report = check.try_run().expect_err("it promises nothing");
    // It shows what is wrong, or cannot be mounted.
    assert_ne!(report.outcome, "not deterministic", "{report}");
}

#[test]
fn what_was_acknowledged_is_lost_with_a_cache() {
    let report =
        loses_what_was_flushed().seeds(0..50).try_run().expect_err("it loses what it acknowledged");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
    assert!(report.operations < 20, "{report}");
}
