//! sequential-storage, as it is published.
#![cfg(feature = "sequential-storage")]

use headcrash_subjects::guests::sequential_storage::campaigns;

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 200);
}
#[test]
fn power_cuts_between_words() {
    holds("power cuts between words", 500);
}
#[test]
fn power_cuts_inside_words() {
    holds("power cuts inside words", 500);
}
#[test]
fn power_cuts_inside_erases() {
    holds("power cuts inside erases", 500);
}
#[test]
fn an_error_passes() {
    holds("a transient error", 500);
}
#[test]
fn a_wrong_read_passes() {
    holds("a wrong read", 500);
}
