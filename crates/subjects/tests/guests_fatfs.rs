//! fatfs, as it is published.
#![cfg(feature = "fatfs")]

use headcrash::io::{BlockDevice, Sector};
use headcrash::{Disk, Subject, simulate};
use headcrash_subjects::guests::fat::{DISK, Fat, Op, Place, Volume};
use headcrash_subjects::guests::fatfs::{Fs, campaigns, is_left_half_done, loses_what_was_flushed};

fn holds(campaign: &str, seeds: u64) {
    let (_, check) = campaigns().into_iter().find(|(name, _)| *name == campaign).expect("its name");
    check.seeds(0..seeds).run();
}

#[test]
fn without_faults_it_is_its_model() {
    holds("no faults", 50);
}

#[test]
fn a_power_cut_leaves_it_half_done() {
    // Some smaller forms go round in a ring of clusters, and cannot be had quickly.
    let check = is_left_half_done().shrink_runs(0).seeds(0..300);
    let report = check.try_run().expect_err("it promises nothing");
    // It shows what is wrong, or cannot be mounted.
    assert_ne!(report.outcome, "not deterministic", "{report}");
}

#[test]
fn what_was_acknowledged_is_lost_with_a_cache() {
    let check = loses_what_was_flushed().operations(6).seeds(0..50);
    let report = check.try_run().expect_err("it loses what it acknowledged");
    assert_eq!(report.outcome, r#"violated("what was acknowledged survives")"#, "{report}");
    assert!(report.operations <= 3, "{report}");
}

/// A directory whose clusters are a ring, as damage may leave it: fatfs goes round and round, and
/// that ends the run by name.
#[test]
fn a_ring_of_clusters_is_no_silent_hang() {
    let check = simulate(|world| {
        let disk = world.storage().disk("disk");
        let mut volume = Fat::<Fs, false>::open(&world.storage()).expect("it is new");
        volume.apply(&Op::MakeDir).expect("there is room");
        for file in 0..40 {
            let place = Place { in_dir: true, file };
            volume.apply(&Op::Create(place)).expect("there is room");
        }
        volume.close().expect("nothing is wrong");
        // The first cluster of the directory follows itself, in both copies of the table.
        let mut table = [0; 512];
        for copy in [1, 18] {
            disk.read(Sector(copy), &mut table).expect("it is there");
            table[4..6].copy_from_slice(&2_u16.to_le_bytes());
            disk.write(Sector(copy), &table).expect("it is there");
        }
        let mut volume = Fs::mount(disk).expect("nobody looks at that");
        _ = volume.read(Place { in_dir: true, file: 40 });
    });
    let disk = Disk::new(DISK).with("cache", "none");
    let report = check.disk("disk", disk).seeds(0..1).most_steps(50_000).try_run();
    let report = report.expect_err("it does not come to an end");
    assert_eq!(report.outcome, "endless", "{report}");
    assert!(report.text.contains("it has not ended after 50000 steps"), "{report}");
    // Where fatfs reads its table, by way of the adapter.
    assert!(report.text.contains("client `main` is here, at crates/subjects/src/"), "{report}");
}
