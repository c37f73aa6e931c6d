//! `headcrash crash`, `image` and `export log`, as somebody new would use them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

/// A commit that forgets a flush between data and record.
const BROKEN: &str = r#"(
    summary: "The record may be there without the data.",
    disks: [(size: 8192)],
    steps: [
        write(at: 0, len: 512, fill: 0xDA),
        write(at: 512, len: 512, fill: 0xC0),
        flush(),
    ],
    power_cut: (at: everywhere),
    recover: [
        read(at: 512, len: 512, save: "record"),
        when(saved: "record", holds: fill(0xC0), then: [
            read(at: 0, len: 512, holds: fill(0xDA), or_violates: "committed data is there"),
        ]),
    ],
)"#;

const LOGGED: &str = r#"(
    disks: [(size: 8192)],
    steps: [
        write(at: 0, len: 512, fill: 0x11),
        write(at: 512, len: 1024, fill: 0x22),
        flush(),
        write(at: 0, len: 512, fill: 0x33),
        write_zeroes(at: 512, len: 512),
        discard(at: 1024, len: 512),
    ],
)"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        files.iter().for_each(|(name, text)| fs::write(folder.path(name), text).unwrap());
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        command.current_dir(self.0.path()).args(arguments).output().unwrap()
    }

    /// Exit code, standard output and standard error.
    fn all(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// It is of no use, says so, and writes nothing.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], error: &str) {
        let before = self.names();
        let (code, out, err) = self.all(arguments);
        assert!(err.contains(error), "{err}");
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert_eq!(self.names(), before, "nothing is written");
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The log of [`LOGGED`], with what was never flushed.
    fn with_log() -> Self {
        let folder = Self::with(&[("a.ron", LOGGED)]);
        let (code, _, err) = folder.all(&["export", "log", "a.ron", "--tail", "-o", "a.log"]);
        assert_eq!((code, err.as_str()), (0, ""));
        folder
    }

    /// Writes a log with eight bytes replaced.
    fn spoil(&self, name: &str, at: usize, bytes: &[u8]) {
        let mut log = fs::read(self.path("a.log")).unwrap();
        log[at..at + bytes.len()].copy_from_slice(bytes);
        fs::write(self.path(name), log).unwrap();
    }
}

#[test]
fn a_scenarios_crash_states_are_told_with_the_smallest_of_each() {
    let folder = Folder::with(&[("b.ron", BROKEN)]);
    let (code, out, err) = folder.all(&["crash", "b.ron"]);
    assert_eq!(code, 1, "{err}");
    insta::assert_snapshot!(out);
    insta::assert_snapshot!("crash_errors", err);
}

#[test]
fn the_last_line_repeats_the_exploration_or_the_worst_run() {
    let folder = Folder::with(&[("b.ron", BROKEN)]);
    let last = |err: &str| err.lines().last().unwrap().trim().to_owned();
    let first = folder.all(&["crash", "b.ron", "--eager", "2", "--runs", "500"]);
    assert_eq!(last(&first.2), "headcrash crash b.ron --seed 0 --eager 2 --runs 500");
    let command = last(&first.2);
    let words: Vec<_> = command.split(' ').skip(1).collect();
    assert_eq!(folder.all(&words), first);

    for options in [&["--depth", "3"][..], &["--eager", "1"]] {
        let words = [&["crash", "b.ron", "--failures", "found"], options].concat();
        let (code, _, err) = folder.all(&words);
        assert_eq!((code, last(&err).as_str()), (1, "headcrash replay found/b-0.failure.ron"));
        let (code, _, err) = folder.all(&["replay", "found/b-0.failure.ron"]);
        assert_eq!(code, 1, "{err}");
    }
}

#[test]
fn points_are_listed_without_exploring_them() {
    let folder = Folder::with(&[("b.ron", BROKEN)]);
    let (code, out, err) = folder.all(&["crash", "b.ron", "--points"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("d0: sectors of 512, volatile cache"), "{out}");
    let header: Vec<_> = out.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(header, ["step", "ns", "unflushed", "states", "log2"]);
    let row: Vec<_> = out.lines().nth(4).unwrap().split_whitespace().collect();
    assert_eq!(row, ["2", "0", "2", "4", "2.000"], "before the flush");
    let (_, json, _) = folder.all(&["crash", "b.ron", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["crash_states"]["ended_by_a_budget"], false);
    assert!(json["smallest"]["silent"]["trace"].is_array());
}

#[test]
fn a_scenario_without_cuts_is_cut_everywhere_and_it_is_said() {
    let folder = Folder::with(&[("a.ron", LOGGED)]);
    let (code, out, err) = folder.all(&["crash", "a.ron"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("the power never goes there"), "{err}");
    assert!(out.contains("possible (log2"), "{out}");
    folder.refuses(&["crash", "a.ron", "--check", "true {}"], "--check is about logs of writes");
}

#[test]
fn a_log_is_explored_with_a_command_that_looks_at_each_image() {
    let folder = Folder::with_log();
    let (code, out, err) = folder.all(&["crash", "a.log", "--size", "8192"]);
    assert_eq!((code, err.as_str()), (0, ""));
    insta::assert_snapshot!("log_unchecked", out);
    // The second epoch's first write without its others.
    let check = "od -An -tx1 -N 1 {} | grep -vq 33 || { echo it is 33; exit 3; }";
    let words = ["crash", "a.log", "--size", "8192", "--check", check, "--keep", "kept"];
    let (code, out, err) = folder.all(&words);
    assert_eq!(code, 1, "{err}");
    insta::assert_snapshot!("log_checked", out);
    insta::assert_snapshot!("log_errors", err);
    let kept = fs::read(folder.path("kept/a-4.raw")).unwrap();
    assert_eq!((kept.len(), kept[0]), (8192, 0x33));
}

#[test]
fn a_check_leaves_nothing_behind_and_is_told_apart_from_none() {
    let folder = Folder::with_log();
    fs::create_dir(folder.path("tmp")).unwrap();
    let mut command = Command::cargo_bin("headcrash").unwrap();
    let check = "touch {}-journal && test -s {}";
    command.current_dir(folder.0.path()).env("TMPDIR", folder.path("tmp"));
    let output = command.args(["crash", "a.log", "--check", check]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(fs::read_dir(folder.path("tmp")).unwrap().count(), 0);
    folder.refuses(&["crash", "a.log", "--check", "true"], "has no `{}`");
    folder.refuses(&["crash", "a.log", "--check", "no-such-tool {}"], "exit status 127");
}

/// As with a qcow2, which grows as it is written, and whose length is no whole number of sectors.
#[test]
fn an_image_shorter_than_its_device_has_zeroes_behind_it() {
    let folder = Folder::with_log();
    fs::write(folder.path("short.raw"), [0xaa; 700]).unwrap();
    let zeroes = "od -An -v -tx1 -j 4000 -N 96 {} | grep -q '[1-9a-f]' && exit 3; test -s {}";
    let words = ["crash", "a.log", "--image", "short.raw", "--size", "8192", "--check", zeroes];
    let (code, out, err) = folder.all(&words);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let first = "test `wc -c < {}` = 8192 && od -An -tx1 -j 699 -N 1 {} | grep -q aa";
    let words = ["crash", "a.log", "--image", "short.raw", "--size", "8192", "--check", first];
    let (code, out, _) = folder.all(&words);
    assert_eq!(code, 1, "some images have 699 overwritten");
    assert!(out.contains("clean") && out.contains("loud"), "{out}");
    let (code, _, err) = folder.all(&["crash", "a.log", "--image", "short.raw"]);
    assert_eq!(code, 0);
    assert!(err.contains("bytes, as far as the log reaches"), "{err}");
    let words = ["crash", "a.log", "--image", "short.raw", "--size", "512"];
    folder.refuses(&words, "--size: the image has 700 bytes; accepted is 700 or more");
}

#[test]
fn a_check_that_gives_no_answer_is_ended_and_its_image_is_loud() {
    let folder = Folder::with_log();
    let begin = std::time::Instant::now();
    // What it has started goes with it.
    let check = "echo looking; (sleep 20; echo late >late) & sleep 20; true {}";
    let words = ["crash", "a.log", "--size", "8192", "--runs", "1", "--check", check];
    let (code, out, err) = folder.all(&[&words[..], &["--check-timeout", "1"]].concat());
    assert!(begin.elapsed().as_secs() < 15, "nobody waits for it");
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("clean 0, loud 1"), "{out}");
    assert!(out.contains("    timed out: no answer within 1 s, and ended\n    looking\n"), "{out}");
    assert!(err.contains("1 of the loud ones: the check gave no answer within 1 s"), "{err}");
    assert!(err.contains("--check-timeout 1 --check"), "the command says it again: {err}");
    assert!(!folder.path("late").exists());
    folder.refuses(&["crash", "a.log", "--check-timeout", "5"], "--check <COMMAND>");
    folder.refuses(
        &["crash", "a.log", "--check", "true {}", "--check-timeout", "0"],
        "a number from 1 to 86400",
    );
}

#[test]
fn a_log_that_is_none_is_told_with_its_place() {
    let folder = Folder::with_log();
    let log = fs::read(folder.path("a.log")).unwrap();
    fs::write(folder.path("cut.log"), &log[..1600]).unwrap();
    folder.refuses(&["crash", "cut.log"], "cut.log: byte ");
    folder.refuses(&["crash", "cut.log"], "cut off: ");
    folder.spoil("magic.log", 0, &[7]);
    folder.refuses(&["crash", "magic.log"], "magic.log: byte 0, super block: the magic is");
    folder.spoil("long.log", 520, &u64::MAX.to_le_bytes());
    folder.refuses(&["crash", "long.log"], "long.log: byte 512, entry 0: 18446744073709551615 sec");
    folder.spoil("flags.log", 528, &5_u64.to_le_bytes());
    folder.refuses(&["crash", "flags.log"], "contradict each other");
    let fail =
        |words: &[&str], error| folder.refuses(&[&["crash", "a.log"], words].concat(), error);
    fail(&["--size", "512"], "a.log: entry 1: 2 sectors of 512 from 1 end at byte 1536");
    fail(
        &["--size", "700"],
        "no device is so: `sector`: a disk of 700 bytes is no multiple of 512",
    );
    fail(&["--size", "8192", "--sector", "4096"], "are no whole sectors of 4096");
    fail(&["--sector", "100", "--size", "8192"], "100 is no power of two");
    fail(&["--device", "ssd"], "one of consumer_ssd, enterprise_ssd_plp");
    fail(&["--points"], "--points is about scenarios");
    fail(&["--image", "none.raw"], "none.raw: No such file or directory");
    fail(&["--eager", "2", "--prefixes"], "cannot be used with");
    folder.refuses(&["crash", "none.log"], "none.log: No such file or directory");
}

#[test]
fn a_budget_ends_it_and_says_so() {
    let folder = Folder::with_log();
    let (code, out, _) = folder.all(&["crash", "a.log", "--size", "8192", "--runs", "2"]);
    assert_eq!(code, 0);
    assert!(out.contains("2 images tried, no two alike: ended by a budget"), "{out}");
    let (_, out, _) = folder.all(&["crash", "a.log", "--device", "enterprise_ssd_plp"]);
    assert!(out.contains("protected cache"), "{out}");
}

/// Every image of a log's end is a crash state of the scenario's own disk, and the other way round.
#[test]
fn a_log_and_its_scenario_leave_the_same_images() {
    let folder = Folder::with_log();
    let words = ["crash", "a.log", "--size", "8192", "--check", "exit 1; {}", "--keep", "kept"];
    assert_eq!(folder.run(&words).status.code(), Some(1));
    let mut logged: Vec<_> = fs::read_dir(folder.path("kept"))
        .unwrap()
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect();
    let mut own = Vec::new();
    // Before the flush, as `crash --points` counts, and when all is done.
    for at in ["2", "end"] {
        for state in 0.. {
            let state = state.to_string();
            let words = ["image", "a.ron", "--at", at, "--state", &state, "-o", "state.raw"];
            let (code, _, err) = folder.all(&words);
            if code != 0 {
                assert!(err.contains("there are states 0 to"), "{err}");
                break;
            }
            own.push(fs::read(folder.path("state.raw")).unwrap());
        }
    }
    logged.sort();
    own.sort();
    own.dedup();
    assert_eq!(logged.len(), own.len());
    assert!(logged == own, "the same images");
}

#[test]
fn an_image_is_dumped_and_loaded_again() {
    let folder = Folder::with(&[("a.ron", LOGGED)]);
    let dump = |state: &str| {
        let words = ["image", "a.ron", "--state", state, "-o", "out.raw"];
        assert_eq!(folder.all(&words), (0, String::new(), String::new()));
        fs::read(folder.path("out.raw")).unwrap()
    };
    let durable = dump("durable");
    assert_eq!((durable.len(), durable[0], durable[512]), (8192, 0x11, 0x22));
    let newest = dump("newest");
    assert_eq!((newest[0], newest[512], newest[1024]), (0x33, 0, 0));
    assert_eq!(dump("0"), newest, "everything kept");
    let read = "(disks: [(size: 8192)], steps: [read(at: 0, len: 512, holds: fill(0x33))])";
    fs::write(folder.path("read.ron"), read).unwrap();
    let (code, _, err) = folder.all(&["run", "read.ron"]);
    assert_eq!((code, err.lines().last()), (1, Some("  headcrash run read.ron --seed 0")));
    let (code, _, err) = folder.all(&["run", "read.ron", "--image", "d0=out.raw"]);
    assert_eq!(code, 0, "{err}");
    let words = ["run", "read.ron", "--image", "out.raw", "--check-determinism"];
    assert_eq!(folder.all(&words).0, 0);
}

#[test]
fn a_failure_with_a_loaded_image_needs_it_again() {
    let folder = Folder::with(&[("a.ron", LOGGED)]);
    folder.all(&["image", "a.ron", "-o", "out.raw"]);
    let read = "(disks: [(size: 8192)], steps: [read(at: 0, len: 512, holds: fill(0))])";
    fs::write(folder.path("read.ron"), read).unwrap();
    let words = ["run", "read.ron", "--image", "out.raw", "--failures", "f"];
    let (code, _, err) = folder.all(&words);
    let last = "headcrash replay f/read-0.failure.ron --image out.raw";
    assert_eq!((code, err.lines().last().map(str::trim)), (1, Some(last)));
    let words: Vec<_> = last.split(' ').skip(1).collect();
    assert_eq!(folder.all(&words).0, 1);
    assert_eq!(folder.all(&words[..2]).0, 2, "it is another scenario without the image");
}

#[test]
fn what_is_wrong_with_an_image_is_told() {
    let folder = Folder::with(&[("a.ron", LOGGED), ("short.raw", "short")]);
    let refuses = |words: &[&str], error| folder.refuses(words, error);
    refuses(&["crash", "a.ron", "--image", "short.raw"], "has 8192 bytes, and short.raw has 5");
    refuses(&["crash", "a.ron", "--image", "short.raw"], "a.ron:2:");
    refuses(&["crash", "a.ron", "--image", "d1=short.raw"], "there is no disk `d1`");
    refuses(&["image", "a.ron", "--disk", "e0", "-o", "x"], "there is no disk `e0`");
    refuses(&["image", "a.ron", "--at", "cut", "-o", "x"], "the power never goes in this run");
    refuses(&["image", "a.ron", "--at", "999", "-o", "x"], "the run has steps 0 to");
    refuses(&["image", "a.ron", "--state", "999", "-o", "x"], "there are states 0 to");
    refuses(&["image", "a.ron", "-o", "no/x"], "no/x: No such file");
}

#[test]
fn what_was_never_flushed_is_in_a_log_if_it_is_asked_for() {
    let folder = Folder::with(&[("a.ron", LOGGED)]);
    let (code, _, err) = folder.all(&["export", "log", "a.ron", "-o", "short.log"]);
    let note = "a.ron: 3 writes were never flushed, and are not in the log: `--tail`\n";
    assert_eq!((code, err.as_str()), (0, note));
    let log = fs::read(folder.path("short.log")).unwrap();
    // A super block, two writes with their data, a flush.
    assert_eq!(log.len(), 512 * (1 + 2 + 3 + 1));
    let flash = "(disks: [(medium: nor_flash())], steps: [discard(at: 0, len: 4096)])";
    fs::write(folder.path("flash.ron"), flash).unwrap();
    folder.refuses(&["export", "log", "flash.ron", "-o", "x"], "disk `d0` is NOR flash");
}

#[test]
fn misuse_is_warned_of() {
    let reads = "(steps: [repeat(times: 9, steps: [read(at: 0, len: 512)])])";
    let folder = Folder::with(&[("a.ron", reads), ("b.ron", LOGGED)]);
    let (code, _, err) = folder.all(&["run", "a.ron"]);
    assert_eq!(code, 0);
    assert_eq!(err.lines().next(), Some("warning: request #1 reads what was never written"));
    assert_eq!(err.lines().last(), Some("warning: and 1 more such requests"));
    assert_eq!(err.lines().count(), 9);
    let (_, json, _) = folder.all(&["run", "a.ron", "--format", "json"]);
    let end: serde_json::Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    assert_eq!(end["misuses"][0], "request #1 reads what was never written");
    let (_, out, err) = folder.all(&["run", "."]);
    assert!(out.ends_with("2          2            0    0         2     9\n"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn presets_are_explained() {
    let folder = Folder::with(&[]);
    let (code, out, _) = folder.all(&["explain", "presets"]);
    assert_eq!(code, 0);
    for word in ["## consumer_ssd", "## lying", "promises:  sectors of 512", "source:", "60 us"] {
        assert!(out.contains(word), "{word}");
    }
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).is_dir());
}
