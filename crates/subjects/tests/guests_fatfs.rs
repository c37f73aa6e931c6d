//! fatfs, as it is published.
#![cfg(feature = "fatfs")]

use headcrash_subjects::guests::fatfs::campaigns;

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 10);
}
