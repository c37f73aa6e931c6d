//! `headcrash shrink` and `headcrash replay --lenient`, as somebody new would use them.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;

/// One of two additions is lost, in some orders.
const COUNTER: &str = r#"(
    disks: [(size: 65536), (name: "spare", size: 65536)],
    clients: [
        (name: "a", steps: [
            write(disk: "spare", at: 0, len: 512, fill: 1),
            read(disk: "d0", at: 0, len: 1, save: "n"),
            when(saved: "n", holds: bytes([0]), then: [write(disk: "d0", at: 0, data: bytes([1]))],
                otherwise: [write(disk: "d0", at: 0, data: bytes([2]))]),
        ]),
        (name: "b", steps: [
            read(disk: "d0", at: 0, len: 1, save: "n"),
            when(saved: "n", holds: bytes([0]), then: [write(disk: "d0", at: 0, data: bytes([1]))],
                otherwise: [write(disk: "d0", at: 0, data: bytes([2]))]),
        ]),
        (name: "c", steps: [repeat(times: 5, steps: [write(disk: "spare", at: 4096, len: 512, fill: 7)])]),
    ],
    properties: [finally(name: "counted", that: image(disk: "d0", at: 0, holds: bytes([2])))],
    seeds: 0..8,
)"#;

struct Folder(tempfile::TempDir);

impl Folder {
    /// A folder with the counter, and the failure of its first seed that fails.
    fn with_failure() -> (Self, String) {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("counter.ron"), COUNTER).unwrap();
        let (code, ..) = folder.run(&["run", "counter.ron", "--failures", "found"]);
        assert_eq!(code, 1);
        let names = fs::read_dir(folder.path("found")).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        (folder, format!("found/{}", names[0]))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, standard output and standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        let output = command.current_dir(self.0.path()).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// The command on the last line.
    fn repeat(&self, said: &str) -> (i32, String, String) {
        let last = said.lines().last().unwrap();
        let words: Vec<_> = last.split_whitespace().collect();
        assert_eq!(words[0], "headcrash", "{said}");
        self.run(&words[1..])
    }

    fn edit(&self, from: &str, to: &str) {
        assert!(COUNTER.contains(from));
        fs::write(self.path("counter.ron"), COUNTER.replace(from, to)).unwrap();
    }
}

#[test]
fn a_shrunk_failure_fails_by_the_command_that_is_printed_and_by_itself() {
    let (folder, failure) = Folder::with_failure();
    let (code, out, err) = folder.run(&["shrink", &failure]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("\nbefore  2 disks, 0 rules, 3 clients, 11 steps, "), "{out}");
    assert!(out.contains("\nafter   1 disk, 0 rules, 2 clients, 2 steps, 1 choice\n"), "{out}");
    assert!(out.contains(" runs; nothing more can be taken away\n"), "{out}");
    let (code, _, said) = folder.repeat(&err);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("violated: counted"), "{said}");
    let small = failure.replace(".failure.ron", ".min.ron");
    assert_eq!(folder.run(&["run", &small]).0, 1, "it fails by itself");
}

#[test]
fn shrinking_again_writes_the_same_and_never_over_something_else() {
    let (folder, failure) = Folder::with_failure();
    let first = folder.run(&["shrink", &failure]);
    assert_eq!(folder.run(&["shrink", &failure]), first);
    let small = failure.replace(".failure.ron", ".min.ron");
    fs::write(folder.path(&small), "(steps: [flush()])").unwrap();
    let (code, _, err) = folder.run(&["shrink", &failure]);
    assert_eq!(code, 2);
    assert!(err.contains("is there already, and says something else"), "{err}");
    assert_eq!(fs::read_to_string(folder.path(&small)).unwrap(), "(steps: [flush()])");
    assert_eq!(folder.run(&["shrink", &failure, "--output", "elsewhere"]).0, 0);
}

#[test]
fn what_cannot_be_shrunk_is_said() {
    let (folder, failure) = Folder::with_failure();
    let text = fs::read_to_string(folder.path(&failure)).unwrap();
    let check = |text: &str, said: &str| {
        fs::write(folder.path("x.failure.ron"), text).unwrap();
        for command in ["shrink", "replay"] {
            let (code, _, err) = folder.run(&[command, "x.failure.ron"]);
            assert_eq!(code, 2, "{err}");
            assert!(err.contains(said), "{command}: {err}");
        }
    };
    check(&text.replace("failure: 2", "failure: 9"), "it is of format 9, and this is headcrash");
    check(&text[..text.len() / 2], " --> x.failure.ron:");
    check(&text.replace("counter.ron", "gone.ron"), "is neither there nor beside it");
    check(&text.replacen("\"schedule\"", "\"fate\"", 1), "is damaged: there is no kind `fate`");
    folder.edit("times: 5", "times: 6");
    check(&text, "it was recorded with a scenario whose text has hash");
    let (_, _, err) = folder.run(&["replay", "x.failure.ron"]);
    assert!(err.contains("`--lenient` replays as much as still fits"), "{err}");
}

#[test]
fn a_failure_survives_edits_when_it_is_replayed_leniently() {
    let (folder, failure) = Folder::with_failure();
    folder.edit(r#"(name: "c","#, r#"(name: "new", steps: [flush(disk: "d0")]), (name: "c","#);
    assert_eq!(folder.run(&["replay", &failure]).0, 2, "strictly it is another scenario");
    let (code, _, err) = folder.run(&["replay", &failure, "--lenient"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("; the scenario was edited since"), "{err}");
    assert_eq!(folder.repeat(&err).0, 1);
    let more = ["replay", &failure, "--lenient", "--then", "3", "--check-determinism"];
    let (_, _, err) = folder.run(&more);
    assert!(!err.contains("difference"), "{err}");
}

#[test]
fn leniently_a_repaired_scenario_is_fine_and_another_failure_is_not() {
    let (folder, failure) = Folder::with_failure();
    folder.edit("holds: bytes([2])))", "holds: any_of([bytes([1]), bytes([2])])))");
    let (code, _, err) = folder.run(&["replay", &failure, "--lenient"]);
    assert_eq!(code, 0, "{err}");
    assert!(err.contains("it comes out as expected: held"), "{err}");
    folder.edit(r#"name: "counted""#, r#"name: "both are counted""#);
    let (code, _, err) = folder.run(&["replay", &failure, "--lenient"]);
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("it fails in another way"), "{err}");
}
