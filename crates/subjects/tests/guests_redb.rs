//! redb, as it is published.
#![cfg(feature = "redb")]

use headcrash_subjects::guests::redb::campaigns;

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 80);
}

#[test]
fn power_cuts_on_posix() {
    holds("power cuts, posix_strict", 80);
}

#[test]
fn power_cuts_on_ext4() {
    holds("power cuts, ext4_ordered", 80);
}

#[test]
fn an_error_passes() {
    holds("a transient error", 80);
}

#[test]
fn errors_and_power_cuts() {
    holds("errors and power cuts", 80);
}

#[test]
fn it_finds_itself_sound() {
    holds("verified, no faults", 80);
}

#[test]
fn it_finds_itself_sound_after_power_cuts() {
    holds("verified, power cuts", 80);
}

#[test]
fn it_finds_itself_sound_after_an_error() {
    holds("verified, a transient error", 80);
}
