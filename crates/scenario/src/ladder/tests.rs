use super::*;

fn ladder_of(name: &str, text: &str) -> Ladder {
    let scenario = crate::parse(name, text.as_bytes());
    let scenario = scenario.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    climb(&scenario, &Options { shrink: 0, ..Options::default() })
}

fn journal(name: &str) -> Ladder {
    let path = format!("../../scenarios/journal/{name}.ron");
    ladder_of(
        name,
        &std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}")),
    )
}

#[test]
fn a_ladder_is_printed_as_its_table() {
    let steps = "(steps: [write(at: 0, len: 512, fill: 1), flush()], power_cut: (at: everywhere))";
    let ladder = ladder_of("printed", steps);
    assert_eq!(ladder.to_string(), text(&ladder));
}

/// The first rung that breaks each scripted journal, and why it must be that one.
const JOURNALS: &[(&str, &str, &str)] = &[
    (
        "correct",
        "flush-lies",
        "data before record before acknowledgement, a checksum over the record, and data that \
         nobody looks at without it: all it needs are flushes that flush",
    ),
    ("header_checksummed", "flush-lies", "a copy that is not being written is always whole"),
    (
        "checkpoint_correct",
        "flush-lies",
        "each step is flushed before the next one undoes its need",
    ),
    ("stale_record_noticed", "flush-lies", "what is not of this round is not believed"),
    ("two_disks_in_turn", "flush-lies", "one flush waits for the other, whichever disk dies first"),
    (
        "recovery_uninterrupted",
        "flush-lies",
        "its recovery does not flush, and nobody interrupts it",
    ),
    (
        "lying_disk",
        "flush-lies",
        "the writer is the correct one; that its own disk lies is what the ladder varies",
    ),
    (
        "no_flush_after_record",
        "volatile-cache",
        "it acknowledges what a cache holds; an order among lost writes is no help",
    ),
    (
        "acknowledged_at_submit",
        "volatile-cache",
        "the same: the flush was submitted, and covers nothing yet",
    ),
    (
        "fua_record_alone",
        "volatile-cache",
        "FUA keeps the record and says nothing of the data, not even on a disk that keeps order",
    ),
    (
        "data_after_flush",
        "volatile-cache",
        "the flush was submitted before the data completed, and the record is durable by FUA",
    ),
    (
        "flush_error_ignored",
        "volatile-cache",
        "its first flush drops the data; without a cache there would be nothing to drop",
    ),
    ("no_flush_before_record", "order-any", "on a disk that keeps order the data comes first"),
    (
        "ordered_without_flush",
        "order-any",
        "the same, and its author said so: what it needs is the order and nothing else",
    ),
    (
        "checkpoint_unflushed",
        "order-any",
        "the block at home was written before its record was removed, but not flushed",
    ),
    (
        "recovery_unflushed",
        "order-any",
        "the same in the recovery, when a second cut interrupts that",
    ),
    (
        "header_in_place",
        "atomic-sector",
        "two sectors in one write: whole as long as the device keeps writes whole",
    ),
    ("header_torn", "atomic-sector", "the same, and believed without a checksum"),
    (
        "flush_error_noticed",
        "unflushed-prefix",
        "nothing is committed, but its recovery looks at bytes that were never flushed, and \
         knows no torn ones",
    ),
    ("record_before_data", "all-kept", "a cut between two writes is enough, whatever they promise"),
    ("slot_reused", "all-kept", "the same, between the new block and its record"),
    ("stale_record", "all-kept", "the records of the last round lie there before anything is cut"),
    (
        "two_disks_parallel",
        "volatile-cache",
        "nobody waits between the two disks: only where completion is enough it cannot show",
    ),
    ("two_disks_parallel_at_once", "volatile-cache", "the same without a skew"),
];

#[test]
fn a_journal_stops_at_the_rung_it_should() {
    let stops = |(name, ..): &(&str, _, _)| journal(name).first_broken().map(|rung| rung.id);
    let found: Vec<_> = JOURNALS.iter().map(|row| (row.0, stops(row))).collect();
    let wanted: Vec<_> = JOURNALS.iter().map(|row| (row.0, Some(row.1))).collect();
    assert_eq!(found, wanted);
}

#[test]
fn what_was_survived_is_broken_further_and_what_was_not_is_kept() {
    let ladder = journal("header_in_place");
    let contracts = crate::trace::contracts(ladder.weakest.as_deref().unwrap());
    // Everything but the whole write was given up.
    assert_eq!(
        contracts,
        "d0: sectors of 512 in units of 4096, lying cache, any order, FUA ignored, nothing torn\n"
    );
    let of = |id: &str| ladder.rungs.iter().find(|rung| rung.id == id).unwrap().verdict;
    assert_eq!(of("torn-garbage"), Verdict::Implied("atomic-sector"));
}

#[test]
fn a_recovery_that_cannot_read_is_loud_and_a_lie_is_not() {
    let ladder = journal("correct");
    let of = |id: &str| ladder.rungs.iter().find(|rung| rung.id == id).unwrap();
    assert_eq!(of("unflushed-unreadable").verdict, Verdict::Loud);
    // Who gets an error and was not prepared for one has stopped.
    assert_eq!(of("flush-fails").verdict, Verdict::Loud);
    assert_eq!(of("flush-fails").struck.as_deref(), Some("flush 1 of main to d0"));
    assert_eq!(of("flush-lies-once").verdict, Verdict::Breaks);
    // The second read says itself what another answer violates.
    assert_eq!(of("short-read").struck.as_deref(), Some("read 2 of recover to d0"));
}

#[test]
fn a_rung_is_a_scenario_of_its_own() {
    let ladder = journal("header_in_place");
    let found = ladder.first_broken().unwrap().found.as_deref().unwrap();
    let text = found.scenario.source().text();
    let again = crate::parse("again", text.as_bytes()).unwrap();
    assert!(again == found.scenario);
    let run = crate::run_seed(&again, found.seed, crate::Keep::Hash);
    assert_eq!(run.hash, found.run.hash);
    assert_eq!(run.outcome.label(), "violated(\"a header is whole\")");
}

#[test]
fn without_a_power_cut_only_single_faults_are_tried() {
    let ladder = ladder_of(
        "no_cut.ron",
        "(steps: [write(at: 0, len: 512, fill: 1, gets: any), read(at: 0, len: 512, holds: any_of([fill(1), zeroes]))])",
    );
    let verdicts: Vec<_> = ladder.rungs.iter().map(|rung| (rung.id, rung.verdict)).collect();
    assert_eq!(verdicts[0], ("all-kept", Verdict::Holds));
    assert_eq!(verdicts[1], ("flush-fails", Verdict::Never));
    assert!(verdicts.contains(&("write-fails", Verdict::Holds)));
    assert!(verdicts.contains(&("read-fails", Verdict::Loud)));
    assert!(verdicts.contains(&("corrupt-read", Verdict::Breaks)));
}

#[test]
fn files_have_a_ladder_of_contracts() {
    let text = std::fs::read_to_string("../../scenarios/files/replace_unsynced_ext4.ron").unwrap();
    let ladder = ladder_of("replace_unsynced_ext4.ron", &text);
    let first = ladder.first_broken().unwrap();
    // ext4 writes a file's data before it replaces another; XFS does not.
    assert_eq!((first.id, first.verdict), ("files-xfs", Verdict::Breaks));
}

#[test]
fn operations_on_files_go_wrong_one_at_a_time() {
    let text = "(
        file_systems: [(contract: posix_strict)],
        steps: [
            create_file(path: \"a\", as: \"f\"),
            write_file(file: \"f\", data: text(\"new\")),
            sync_file(file: \"f\"),
            sync_dir(),
            mark(\"there\"),
        ],
        power_cut: (at: everywhere),
        recover: [when_marked(mark: \"there\", then: [
            open_file(path: \"a\", as: \"f\", or_violates: \"it is there\"),
            read_file(file: \"f\", holds: text(\"new\"), or_violates: \"it is whole\"),
        ])],
    )";
    let ladder = ladder_of("synced.ron", text);
    let of = |id: &str| ladder.rungs.iter().find(|rung| rung.id == id).map(|rung| rung.verdict);
    // Nobody uses the disk that is there without being named.
    assert_eq!((of("volatile-cache"), of("write-fails")), (None, None));
    assert_eq!(of("files-posix"), Some(Verdict::Holds));
    // Who gets an error and was not prepared for one has stopped; a lie is believed.
    assert_eq!(of("sync-fails"), Some(Verdict::Loud));
    assert_eq!(of("file-write-fails"), Some(Verdict::Loud));
    assert_eq!(of("names-fail"), Some(Verdict::Loud));
    assert_eq!(of("set-len-fails"), Some(Verdict::Never));
    assert_eq!(of("sync-lies-once"), Some(Verdict::Breaks));
    assert_eq!(
        ladder.first_broken().and_then(|rung| rung.struck.as_deref()),
        Some("sync 1 of main to fs0")
    );
}
