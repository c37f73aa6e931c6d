//! `headcrash step`, over a pipe.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;

/// A commit that forgets a flush between data and record.
const BROKEN: &str = r#"(
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

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path("s.ron"), BROKEN).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Exit code, standard output and standard error.
    fn all(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        let command = command.current_dir(self.0.path()).args(arguments).write_stdin(input);
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn a_run_is_walked_over_a_pipe() {
    let folder = Folder::new();
    let (code, out, err) = folder.all(
        &["step", "s.ron", "--seed", "3"],
        "next cut\n# what the cut left\ndisks\nnext decision\nback cut\nend\n",
    );
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("s.ron: seed 3\nstep 0 of "), "{out}");
    assert!(out.contains("\n  0+1024: undecided since a power cut\n"), "{out}");
    assert!(out.contains("byte 512 holds #2: one of 2"), "{out}");
    assert!(out.ends_with("the end: violated(\"committed data is there\")\n"), "{out}");
}

#[test]
fn another_answer_is_taken_and_saved_and_replays() {
    let folder = Folder::new();
    // The data survives after all.
    let (code, out, err) = folder.all(
        &["step", "s.ron"],
        "next decision\nnext choice\nchoices\ntake 0\nsave other.failure.ron\n",
    );
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("the run now comes to: held"), "{out}");
    assert!(out.ends_with("repeat with\n  headcrash replay other.failure.ron\n"), "{out}");
    let (code, _, err) = folder.all(&["replay", "other.failure.ron"], "");
    assert_eq!(code, 0, "{err}");
    // And it can be walked itself.
    let (code, out, _) = folder.all(&["step", "other.failure.ron"], "end\nundo\n");
    assert_eq!(code, 2, "nothing is there to be undone");
    assert!(out.contains("other.failure.ron: of s.ron\n"), "{out}");
    assert!(out.ends_with("the end: held\n"), "{out}");
}

#[test]
fn what_is_not_understood_is_told_and_the_walk_goes_on() {
    let folder = Folder::new();
    let (code, out, err) = folder.all(&["step", "s.ron"], "jump\nnext 2\nhelp take\n");
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: there is no command `jump`, there are next, back, go,"),
        "{err}"
    );
    assert!(out.contains("step 2 of "), "{out}");
    assert!(out.contains("take [K] ANSWER [calm]"), "{out}");
    let (code, _, err) = folder.all(&["step", "nowhere.ron"], "");
    assert_eq!(code, 2);
    assert!(err.starts_with("error: nowhere.ron: "), "{err}");
}

#[test]
fn what_is_saved_overwrites_nothing() {
    let folder = Folder::new();
    let (code, _, err) = folder.all(&["step", "s.ron"], "save s.ron\n");
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("s.ron is there already, and says something else"), "{err}");
    assert_eq!(fs::read_to_string(folder.path("s.ron")).unwrap(), BROKEN);
}
