//! The journal: correct wherever it is put, and every planted bug is found.

use headcrash::Check;
use headcrash_io::FileDisk;
use headcrash_subjects::journal::gallery::{RUNS_MAX, Setting, correct};
use headcrash_subjects::journal::{Bug, Journal, Options, Order};

#[track_caller]
fn holds(check: &Check, runs: u64) {
    let campaign = check.try_run().unwrap_or_else(|report| panic!("{report}"));
    assert!(campaign.runs >= runs, "{campaign:?}");
}

#[track_caller]
fn holds_in(setting: Setting) {
    for check in correct(setting) {
        holds(&check.seeds(0..1_000), 1_000);
    }
}

#[test]
fn the_journal_is_right_where_nothing_goes_wrong() {
    holds_in(Setting::Calm);
}

#[test]
fn the_journal_survives_power_cuts() {
    holds_in(Setting::Cuts);
}

#[test]
fn the_journal_survives_torn_sectors() {
    holds_in(Setting::TornSectors);
    holds_in(Setting::Garbage);
    holds_in(Setting::KeptDiscards);
}

#[test]
fn the_journal_survives_errors() {
    holds_in(Setting::Errors);
    holds_in(Setting::ErrorsAndCuts);
    holds_in(Setting::Refusals);
}

#[test]
fn the_journal_survives_flushes_that_fail() {
    holds_in(Setting::FlushErrors);
}

#[test]
fn the_journal_survives_on_two_disks_and_on_large_sectors() {
    holds_in(Setting::TwoDisks);
    holds_in(Setting::LargeSectors);
}

#[test]
fn two_clients_share_the_journal() {
    holds_in(Setting::TwoClients);
}

#[test]
fn the_journal_survives_a_cut_at_every_moment() {
    for check in correct(Setting::Calm) {
        let check = check.operations(8).power_cut_everywhere(1_000).seeds(0..10);
        holds(&check, 500);
    }
}

#[test]
fn without_a_bug_the_gallery_is_the_journal() {
    for setting in Setting::ALL {
        let [journal, _] = correct(setting);
        let gallery = setting.of(Bug::None.check());
        let hash = |check: Check| check.seeds(0..100).try_run().ok().map(|it| it.hash);
        assert_eq!(hash(journal), hash(gallery), "{setting:?}");
    }
}

/// Those with these places among all bugs.
fn are_found(places: impl Iterator<Item = usize>) {
    let mut wrong = Vec::new();
    for bug in places.map(|place| Bug::ALL[1 + place]) {
        match bug.campaign(0).try_run() {
            Ok(_) => wrong.push(format!("{bug:?} is not found")),
            Err(report) => {
                if report.runs > RUNS_MAX || report.operations > 8 {
                    wrong.push(format!("{bug:?} is found late or not made small\n{report}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Two tests, for two cores.
#[test]
fn every_other_bug_is_found_and_made_small() {
    are_found((0..Bug::ALL.len() - 1).step_by(2));
}

#[test]
fn the_other_bugs_are_found_and_made_small() {
    are_found((1..Bug::ALL.len() - 1).step_by(2));
}

#[test]
fn the_journal_runs_in_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("disk");
    let options = Options { log_sectors: 16, data_sectors: 16, order: Order::Flush };
    let disk = FileDisk::create(&path, 512, 64).expect("a file");
    let mut journal = Journal::open(disk, None, options).expect("a new journal");
    for round in 0..20_u8 {
        journal.put(round % 4, vec![round; 700]);
        journal.commit().expect("there is room");
    }
    journal.put(9, b"staged".to_vec());
    assert_eq!(journal.get(9), Some(&b"staged"[..]));
    drop(journal);

    let disk = FileDisk::open(&path, 512).expect("the file");
    let mut journal = Journal::open(disk, None, options).expect("the journal");
    assert_eq!(journal.get(9), None);
    for key in 0..4 {
        assert_eq!(journal.get(key), Some(&[16 + key; 700][..]));
    }
    journal.put(9, vec![0; 16 * 512]);
    let full = journal.commit().expect_err("it is longer than the log");
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    drop(journal);

    let disk = FileDisk::open(&path, 512).expect("the file");
    let other = Options { log_sectors: 8, ..options };
    let error = Journal::open(disk, None, other).expect_err("it is laid out otherwise");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}
