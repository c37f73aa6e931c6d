//! SQLite, as it is published: `cargo test -p headcrash-subjects --features sqlite`.
#![cfg(feature = "sqlite")]

use headcrash::FileSystem;
use headcrash_subjects::guests::sqlite::{
    DeleteExtra, Persist, Truncate, Wal, a_sync_fails, brings_back_what_failed, campaigns,
    controls, every_state, half_a_truncation, takes_a_directory_for_an_interrupt,
    takes_an_error_for_an_interrupt,
};

/// All campaigns of this setting.
fn holds(setting: &str) {
    let of_it: Vec<_> = campaigns()
        .into_iter()
        .filter(|(name, _)| name.starts_with(&format!("{setting},")))
        .collect();
    assert!(of_it.len() >= 5, "no faults, errors, both, and power cuts on each file system");
    for (_, check) in of_it {
        check.seeds(0..300).run();
    }
}

#[test]
fn journals_that_are_cut_off_hold() {
    holds("TRUNCATE and FULL");
}

#[test]
fn journals_that_are_zeroed_hold() {
    holds("PERSIST and FULL");
}

#[test]
fn journals_that_are_deleted_hold_if_that_is_synced() {
    holds("DELETE and EXTRA");
}

#[test]
fn journals_that_are_deleted_hold_up_to_the_last_transactions() {
    holds("DELETE and FULL, the last ones may be lost");
}

#[test]
fn logs_hold() {
    holds("WAL and FULL");
}

#[test]
fn logs_that_are_synced_now_and_then_hold_up_to_the_last_transactions() {
    holds("WAL and NORMAL, the last ones may be lost");
}

fn loses_what_it_acknowledged(setting: &str, operations: usize) {
    let (_, check) = controls().into_iter().find(|(name, _)| *name == setting).expect("its name");
    let report = check.seeds(0..300).try_run().expect_err("it promises less");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
    assert!(report.operations <= operations, "{report}");
}

#[test]
fn off_loses_what_was_acknowledged() {
    loses_what_it_acknowledged("TRUNCATE and OFF", 1);
}

#[test]
fn off_loses_what_was_acknowledged_with_a_log() {
    loses_what_it_acknowledged("WAL and OFF", 1);
}

/// The name of a journal that was deleted comes back. SQLite says so, and has `EXTRA`.
#[test]
fn full_may_lose_the_last_transaction_where_journals_are_deleted() {
    loses_what_it_acknowledged("DELETE and FULL", 1);
}

/// SQLite says so.
#[test]
fn normal_may_lose_the_last_transactions_of_a_log() {
    loses_what_it_acknowledged("WAL and NORMAL", 2);
}

#[test]
fn a_commit_that_failed_comes_back_with_the_log() {
    let report = brings_back_what_failed().seeds(0..1_000).shrink_runs(500).try_run();
    let report = report.expect_err("the directory of a log is not synced");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
}

/// A finding about sqlite-vfs 0.2.0, not about SQLite.
#[test]
fn a_file_that_cannot_be_deleted_is_taken_for_an_interrupt() {
    let report = takes_an_error_for_an_interrupt().seeds(0..300).try_run();
    let report = report.expect_err("the code passed on is none of an error");
    assert!(report.outcome.starts_with("violated"), "the database is damaged: {report}");
    assert!(report.operations <= 3, "{report}");
    let report = takes_a_directory_for_an_interrupt().seeds(0..300).shrink_runs(1_000).try_run();
    let report = report.expect_err("it is the same code");
    assert!(report.outcome.starts_with("violated"), "{report}");
}

/// As Linux does it: what a sync should have kept is never written, and the next one succeeds.
#[test]
fn a_sync_that_fails_and_drops_its_data_is_survived_without_a_power_cut() {
    a_sync_fails::<Truncate, true>("clean_keep_new").seeds(0..300).run();
    a_sync_fails::<DeleteExtra, true>("clean_keep_new").seeds(0..300).run();
    a_sync_fails::<Wal, true>("clean_keep_new").seeds(0..300).run();
}

#[test]
fn a_sync_that_fails_and_drops_its_data_is_not_survived_with_one() {
    let check = a_sync_fails::<Truncate, true>("clean_keep_new").power_cuts(1);
    let report = check.seeds(0..300).shrink_runs(500).try_run().expect_err("it goes on");
    // What is damaged lacks what it should have, or cannot be opened.
    let outcomes = ["refused", r#"violated("what was acknowledged survives")"#];
    assert!(outcomes.contains(&&*report.outcome), "{report}");
}

#[test]
fn every_state_of_some_runs_is_recovered_from() {
    let strict = || FileSystem::posix_strict().with("unit", "512");
    let ordered = || FileSystem::contract("xfs").with("unit", "512");
    every_state::<Truncate, true>(ordered()).seeds(0..3).run();
    every_state::<Persist, true>(strict()).seeds(0..3).run();
    every_state::<DeleteExtra, true>(strict()).seeds(0..3).run();
    every_state::<Wal, true>(strict()).seeds(0..3).run();
}

#[test]
fn a_journal_that_is_half_cut_off_is_rolled_back() {
    let report = half_a_truncation().seeds(0..3).shrink_runs(3_000).try_run();
    let report = report.expect_err("its checksum looks at every 200th byte");
    // The database is damaged, or shows what never was in it.
    assert!(report.outcome.starts_with("violated"), "{report}");
}
