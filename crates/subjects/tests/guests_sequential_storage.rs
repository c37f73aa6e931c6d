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

/// Every access of its kind, as far as so few runs go: no promise of the flash is needed.
#[test]
fn it_survives_every_rung() {
    let mut all = campaigns().into_iter();
    let (_, check) = all.find(|(name, _)| *name == "power cuts between words").expect("its name");
    let ladder = check.ladder(0, 50);
    assert!(ladder.stands());
    let broken = ladder.first_broken().map(|rung| rung.id);
    assert_eq!(broken, None, "{}", headcrash::ladder::text(&ladder));
    let tried = |id: &str| ladder.rungs.iter().any(|rung| rung.id == id && rung.tried > 0);
    assert!(tried("write-fails-partly") && tried("read-fails") && tried("corrupt-read"));
}
