//! SQLite, as it is published: `cargo test -p headcrash-subjects --features sqlite`.
#![cfg(feature = "sqlite")]

use headcrash_subjects::guests::sqlite::{FullDelete, Off, campaigns, with};

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 300);
}

#[test]
fn full_holds_on_posix() {
    holds("power cuts, posix_strict", 300);
}

#[test]
fn full_holds_on_ext4() {
    holds("power cuts, ext4_ordered", 300);
}

#[test]
fn an_error_passes() {
    holds("a transient error", 300);
}

#[test]
fn errors_and_power_cuts() {
    holds("errors and power cuts", 300);
}

#[test]
fn off_loses_what_was_acknowledged() {
    let report = with::<Off>().seeds(0..300).try_run().expect_err("nothing is synced");
    eprintln!("{report}");
    assert!(report.operations <= 2, "{report}");
}

/// `synchronous=FULL` with `journal_mode=DELETE` may lose the last transaction: the name of the
/// journal comes back. SQLite says so, and has `EXTRA`.
#[test]
fn full_may_lose_the_last_transaction_where_journals_are_deleted() {
    let report = with::<FullDelete>().seeds(0..300).try_run().expect_err("a name comes back");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
    assert!(report.operations <= 2, "{report}");
}
