//! ekv, as it is published.
#![cfg(feature = "ekv")]

use headcrash::Check;
use headcrash_subjects::guests::ekv::{
    campaigns, loses_everything, panics_where_a_write_fails, takes_an_old_page,
};

#[test]
fn it_is_its_model_and_stands_power_cuts_at_first() {
    let all = campaigns();
    assert_eq!(all.len(), 4, "no faults, and three kinds of power cuts");
    for (_, check) in all {
        check.seeds(0..300).run();
    }
}

fn fails(check: &Check, seeds: u64, outcome: &str) -> String {
    let check = check.clone().shrink_runs(500);
    let report = check.seeds(0..seeds).try_run().expect_err("it does not stand this");
    assert_eq!(report.outcome, outcome, "{report}");
    report.to_string()
}

#[test]
fn a_power_cut_while_metadata_moves_loses_everything() {
    let report = fails(&loses_everything(), 300, r#"violated("what was acknowledged survives")"#);
    assert!(report.contains("after the power cut it shows {}, and should show"), "{report}");
}

#[test]
fn a_write_that_fails_while_metadata_moves_is_unwrapped() {
    let report = fails(&panics_where_a_write_fails(), 500, r#"violated("no panic")"#);
    assert!(report.contains("src/file.rs:702"), "{report}");
}

#[test]
fn a_read_that_fails_when_it_is_mounted_shows_what_was_before() {
    fails(&takes_an_old_page(), 1_000, r#"violated("shows the model")"#);
}
