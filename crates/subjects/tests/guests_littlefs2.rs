//! littlefs2, as it is published: `cargo test -p headcrash-subjects --features littlefs2`.
#![cfg(feature = "littlefs2")]

use headcrash_subjects::guests::littlefs2::{campaigns, moves};

#[test]
fn it_holds() {
    for (_, check) in campaigns() {
        check.seeds(0..500).run();
    }
}

/// A finding about littlefs: after a cut in a rename from one directory to the other, the file after
/// the moved one is not found until something is written. With a write when it is mounted the same
/// campaign holds: it is one of those above.
#[test]
fn a_move_that_is_cut_off_takes_another_file_along() {
    let report = moves().seeds(0..500).shrink_runs(300).try_run();
    let report = report.expect_err("a file is gone that nobody touched");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
}
