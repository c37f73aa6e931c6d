//! A search for whole images, where they are too large to be decided beforehand.

use headcrash_scenario::{Keep, UNDECIDED_MAX, parse, run_seed};

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
