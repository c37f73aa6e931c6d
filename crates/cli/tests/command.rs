//! The command as a user meets it: what it prints, how it ends, and the way back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;

const HELD: &str = "(steps: [write(at: 0, len: 512, fill: 0x11), flush()])";
const VIOLATED: &str = r#"(
    disks: [(latency: uniform(min_ns: 1, max_ns: 50))],
    clients: [
        (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
        (name: "b", steps: [write(at: 0, len: 512, fill: 2), read(at: 0, len: 512, holds: fill(9))]),
    ],
)"#;
const INVALID: &str = "(steps: [wirte(at: 0, len: 512, fill: 0x11)])";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a file can be written");
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::cargo_bin("headcrash").expect("the command was built");
        command.current_dir(self.0.path()).args(arguments).output().expect("it can be run")
    }
}

fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("it prints text")
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("it ends by itself")
}

#[test]
fn exit_codes_tell_expected_unexpected_and_unusable() {
    let folder = Folder::with(&[("a.ron", HELD), ("b.ron", VIOLATED), ("c.ron", INVALID)]);
    assert_eq!(code(&folder.run(&["run", "a.ron"])), 0);
    assert_eq!(code(&folder.run(&["run", "a.ron", "b.ron"])), 1);
    assert_eq!(code(&folder.run(&["run", "a.ron", "b.ron", "c.ron"])), 2);
    assert_eq!(code(&folder.run(&["run", "nowhere.ron"])), 2);
    assert_eq!(code(&folder.run(&["run"])), 2);
    assert_eq!(code(&folder.run(&["fly"])), 2);
}

#[test]
fn a_folder_gives_a_line_each_and_a_table() {
    let folder = Folder::with(&[("a.ron", HELD), ("b.ron", VIOLATED), ("c.ron", INVALID)]);
    let output = folder.run(&["run", "."]);
    let lines: Vec<_> = text(&output.stdout).lines().map(str::trim_end).collect();
    let begin = |index: usize, with: &str| assert!(lines[index].starts_with(with), "{lines:#?}");
    begin(0, "ok        ./a.ron  held, ");
    begin(1, "FAILED    ./b.ron  violated(\"expectation\"), ");
    begin(2, "invalid   ./c.ron");
    assert_eq!(lines[4], " scenarios  as expected  not  unusable  runs  warnings");
    assert_eq!(lines[5], " 3          1            1    1         2     1");
}

#[test]
fn the_last_line_of_a_failure_is_a_command_that_repeats_it() {
    let folder = Folder::with(&[("b.ron", VIOLATED)]);
    let first = folder.run(&["run", "b.ron"]);
    let command = text(&first.stderr).lines().last().expect("a failure says something").trim();
    let arguments: Vec<_> = command.split(' ').skip(1).collect();
    assert_eq!(command, "headcrash run b.ron --seed 0");
    let again = folder.run(&arguments);
    assert_eq!(again.stdout, first.stdout, "the same bytes");
    assert_eq!(again.stderr, first.stderr, "the same bytes");
}

#[test]
fn a_recorded_failure_is_replayed_to_the_byte() {
    let folder = Folder::with(&[("b.ron", VIOLATED)]);
    let first = folder.run(&["run", "b.ron", "--seed", "3", "--failures", "found"]);
    let command = text(&first.stderr).lines().last().expect("a failure says something").trim();
    assert_eq!(command, "headcrash replay found/b-3.failure.ron");
    let again = folder.run(&["replay", "found/b-3.failure.ron"]);
    assert_eq!(code(&again), 1);
    let said = text(&again.stderr);
    let (matched, of) = said
        .lines()
        .find_map(|line| {
            line.strip_prefix("matched ")?.strip_suffix(" choices")?.split_once(" of ")
        })
        .expect("it says how much matched");
    assert_eq!(matched, of);
    let trace = text(&again.stdout);
    assert!(text(&first.stdout).starts_with(trace), "the trace of the first run, then a line");
    assert_eq!(said.lines().last(), Some("  headcrash replay found/b-3.failure.ron"));
}

#[test]
fn every_unexpected_run_is_recorded_under_a_name_of_its_own() {
    let folder = Folder::with(&[]);
    for topic in ["x", "y"] {
        fs::create_dir(folder.path(topic)).expect("a folder can be made");
        let text = VIOLATED.replacen('(', "(seeds: 0..3,", 1);
        fs::write(folder.path(topic).join("b.ron"), text).expect("a file can be written");
    }
    let output = folder.run(&["run", "x", "y", "--failures", "found"]);
    assert_eq!(code(&output), 1);
    let names = fs::read_dir(folder.path("found")).expect("failures were recorded");
    let name = |entry: std::io::Result<fs::DirEntry>| {
        entry.expect("the folder can be read").file_name().into_string().expect("names are text")
    };
    let mut names: Vec<_> = names.map(name).collect();
    names.sort();
    let expected = ["x__b-0", "x__b-1", "x__b-2", "y__b-0", "y__b-1", "y__b-2"];
    assert_eq!(names, expected.map(|name| format!("{name}.failure.ron")));
}

#[test]
fn an_odd_name_of_a_client_survives_its_failure_file() {
    let text = VIOLATED.replace("name: \"a\"", "name: \"a request 1\"");
    let folder = Folder::with(&[("b.ron", text.as_str())]);
    folder.run(&["run", "b.ron", "--failures", "found"]);
    let output = folder.run(&["replay", "found/b-0.failure.ron"]);
    assert_eq!(code(&output), 1, "{}", text_of(&output));
}

fn text_of(output: &Output) -> String {
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_failure_of_an_edited_scenario_is_refused() {
    let folder = Folder::with(&[("b.ron", VIOLATED)]);
    folder.run(&["run", "b.ron", "--failures", "found"]);
    fs::write(folder.path("b.ron"), VIOLATED.replace("fill(9)", "fill(8)")).expect("an edit");
    let output = folder.run(&["replay", "found/b-0.failure.ron"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).contains("it was recorded with a scenario whose text has hash"));
}

#[test]
fn a_damaged_failure_file_is_refused_with_its_place() {
    let folder = Folder::with(&[("x.failure.ron", "(failure: 1,\n  headcrash: 3)")]);
    let output = folder.run(&["replay", "x.failure.ron"]);
    assert_eq!(code(&output), 2);
    let said = text(&output.stderr);
    assert!(said.starts_with("error: expected string\n --> x.failure.ron:2:13\n"), "{said}");
}

#[test]
fn json_lines_begin_with_a_version_and_end_with_the_outcome() {
    let folder = Folder::with(&[("a.ron", HELD)]);
    let output = folder.run(&["run", "a.ron", "--format", "json"]);
    let lines: Vec<serde_json::Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(lines[0]["format"], 1);
    assert_eq!(lines[0]["scenario"], "a.ron");
    assert!(lines[1..lines.len() - 1].iter().all(|line| line["what"].is_string()));
    assert_eq!(lines[lines.len() - 1]["outcome"], "held");
}

#[test]
fn every_run_is_the_same_in_another_process() {
    let folder = Folder::with(&[("a.ron", HELD)]);
    let output = folder.run(&["run", "a.ron", "--check-determinism"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
}

#[test]
fn nothing_is_written_that_was_not_asked_for() {
    let folder = Folder::with(&[("b.ron", VIOLATED)]);
    folder.run(&["run", "b.ron"]);
    let names = fs::read_dir(folder.0.path()).expect("the folder is there").count();
    assert_eq!(names, 1);
}

#[test]
fn the_schema_is_json_and_the_reference_names_every_step() {
    let folder = Folder::with(&[]);
    let schema = folder.run(&["schema"]);
    let schema: serde_json::Value = serde_json::from_slice(&schema.stdout).expect("JSON");
    assert!(schema["properties"]["steps"].is_object());
    let explained = folder.run(&["explain"]);
    for step in ["write_zeroes", "wait_break", "parallel", "repeat", "truncate", "reopen"] {
        assert!(text(&explained.stdout).contains(step), "{step} is explained");
    }
}

#[test]
fn recorded_cases_of_both_dialects_agree() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenario/tests/data");
    let folder = Folder::with(&[]);
    for (dialect, file, count) in [
        ("qemu_2_6", "conformance-2.6.jsonl", 400),
        ("qemu_10_0_2", "conformance-10.0.2.jsonl", 496),
    ] {
        let file = data.join(file).display().to_string();
        let output = folder.run(&["conformance", &file]);
        assert_eq!(code(&output), 0);
        let last = text(&output.stdout).lines().last();
        assert_eq!(last, Some(format!("{count} passed, 0 failed").as_str()));
        let only = folder.run(&["conformance", &file, "--dialect", dialect, "--format", "json"]);
        assert_eq!(text(&only.stdout).lines().count(), count + 1);
    }
}

#[test]
fn a_case_that_differs_is_shown_at_its_first_step() {
    let case = r#"{"case":{"id":"wrong","dialect":"qemu-10.0.2","top":"raw","image":"file","image_size":65536,"options":{},"rules":[],"requests":[{"op":"read","off":0,"len":512}]},"outcome":{"steps":[[{"t":"done","req":0,"ret":"EIO"}]],"tail":[],"final":null}}"#;
    let folder = Folder::with(&[("x.jsonl", case), ("y.jsonl", "{}")]);
    let output = folder.run(&["conformance", "x.jsonl"]);
    assert_eq!(code(&output), 1);
    let said = text(&output.stdout);
    assert!(said.starts_with("wrong: step 0 differs\n    ours:   "), "{said}");
    assert!(said.ends_with("0 passed, 1 failed\n"), "{said}");
    let output = folder.run(&["conformance", "y.jsonl"]);
    assert_eq!(code(&output), 2);
    assert!(text(&output.stderr).starts_with("error: y.jsonl: line 1: not a conformance case"));
}
