//! A search for whole images, where they are too large to be decided beforehand.

use std::fs;
use std::path::{Path, PathBuf};

use headcrash_scenario::{Exploration, Keep, Scenario, UNDECIDED_MAX, parse, run_seed};

/// Two writes of which a power cut may lose either, the first of so many bytes.
fn tried(len: u64) -> (String, u64) {
    let text = format!(
        r#"(
            disks: [(size: 1_073_741_824, top: none, fill: 0x11)],
            steps: [
                write_zeroes(at: 0, len: {len}),
                write(at: 536_870_912, len: 512, fill: 0xC0),
                power_cut(),
            ],
            recover: [
                read(at: 536_870_912, len: 512, save: "commit"),
                when(saved: "commit", holds: fill(0xC0), then: [
                    read(at: 0, len: 512, holds: fill(0), or_violates: "it names data"),
                ]),
            ],
            search: eager(k: 1),
        )"#
    );
    let scenario = parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
    let run = run_seed(&scenario, 0, Keep::Hash);
    let found = run.exploration.as_ref().expect("it is explored");
    (run.outcome.label(), found.verdicts.silent)
}

#[test]
fn what_is_too_much_to_decide_beforehand_is_tried_in_every_image_all_the_same() {
    let (outcome, silent) = tried(65_536);
    assert_eq!((outcome.as_str(), silent), (r#"violated("it names data")"#, 1));
    // Images that are the same are not known to be: two of seven keep the second write alone.
    let (outcome, silent) = tried(UNDECIDED_MAX + 65_536);
    assert_eq!((outcome.as_str(), silent), (r#"violated("it names data")"#, 2));
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("it can be read").map(|entry| entry.expect("one")) {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|it| it == "ron") {
            found.push(path);
        }
    }
}

fn explored(scenario: &Scenario) -> Option<Exploration> {
    let seed = scenario.seeds().iter().next()?;
    run_seed(scenario, seed, Keep::Hash).exploration
}

/// What came of the states: whether some are clean, loud and silent.
fn kinds(found: &Exploration) -> [bool; 3] {
    let all = found.verdicts;
    [all.clean, all.loud, all.silent].map(|count| count > 0)
}

#[test]
fn whole_images_and_what_recoveries_tell_apart_come_to_the_same() {
    let mut paths = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios"), &mut paths);
    let mut compared = 0;
    for path in paths {
        let text = fs::read_to_string(&path).expect("a scenario");
        // Code under test is not known here, and failure files are no scenarios.
        let Ok(lazy) = parse("s.ron", text.as_bytes()) else { continue };
        let Some(found) = explored(&lazy).filter(|_| !text.contains("search:")) else { continue };
        let few = found.possible.exact.is_some_and(|possible| possible <= 4_096);
        if !few || found.is_cut_off || !lazy.file_systems().is_empty() {
            continue;
        }
        let end = text.trim_end().strip_suffix(')').expect("it ends with a bracket").trim_end();
        let comma = if end.ends_with(',') { "" } else { "," };
        let eager = format!("{end}{comma} search: eager(k: 12, runs: 10_000))");
        let eager = parse("s.ron", eager.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let whole = explored(&eager).expect("it is explored");
        let name = path.display();
        let (lazily, eagerly) = (kinds(&found), kinds(&whole));
        if whole.is_cut_off {
            let is_new = |(eagerly, lazily): (bool, bool)| eagerly && !lazily;
            assert!(!eagerly.into_iter().zip(lazily).any(is_new), "{name}: {whole:?} {found:?}");
            continue;
        }
        assert_eq!(eagerly, lazily, "{name}: all images come to something else");
        assert!(whole.tried() >= found.tried(), "{name}: fewer images than are told apart");
        compared += 1;
    }
    assert!(compared >= 80, "only {compared} were compared");
}
