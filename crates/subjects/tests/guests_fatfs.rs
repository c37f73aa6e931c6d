//! fatfs, as it is published.
#![cfg(feature = "fatfs")]

use headcrash_subjects::guests::fatfs::campaigns;

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 200);
}
#[test]
fn an_error_passes() {
    holds("errors on read", 200);
}
#[test]
fn what_is_not_written_survives_a_power_cut() {
    holds("power cuts", 200);
}
