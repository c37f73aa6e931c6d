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
    let first = "s.ron: seed 3, its smallest silent example (";
    assert!(out.starts_with(first) && out.contains(" silent)\nstep 0 of "), "{out}");
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
fn what_is_walked_of_a_scenario_that_holds_is_said() {
    let folder = Folder::new();
    let held = BROKEN.replace("fill: 0xDA),", "fill: 0xDA),\n        flush(),");
    fs::write(folder.path("held.ron"), held).unwrap();
    let (code, out, _) = folder.all(&["step", "held.ron"], "");
    assert_eq!(code, 0);
    let first = out.lines().next().unwrap();
    assert!(first.starts_with("held.ron: seed 0, its smallest clean example ("), "{first}");
    assert!(first.ends_with(" clean, 0 loud, 0 silent)"), "{first}");
    fs::write(folder.path("one.ron"), "(steps: [flush()])").unwrap();
    let (_, out, _) = folder.all(&["step", "one.ron"], "");
    assert!(out.starts_with("one.ron: seed 0\nstep 0 of "), "{out}");
    fs::write(
        folder.path("each.ron"),
        "(fail_each: (), steps: [write(at: 0, len: 512, fill: 1, gets: any)])",
    )
    .unwrap();
    let (_, out, _) = folder.all(&["step", "each.ron"], "");
    let first = "each.ron: seed 0, in which nothing fails (1 run hold";
    assert!(out.starts_with(first), "{out}");
}

#[test]
fn a_walk_of_a_failure_whose_scenario_was_edited_is_not_to_be_trusted() {
    let folder = Folder::new();
    let (code, ..) = folder.all(&["run", "s.ron", "--failures", "found"], "");
    assert_eq!(code, 1);
    let walk = || folder.all(&["step", "found/s-0.failure.ron"], "end\n");
    assert_eq!(walk().0, 0);
    fs::write(folder.path("s.ron"), format!("{BROKEN}// edited\n")).unwrap();
    let (code, out, err) = walk();
    assert_eq!(code, 2);
    assert!(err.contains("the scenario was edited since; the run is what it was"), "{err}");
    assert!(out.ends_with("the end: violated(\"committed data is there\")\n"), "{out}");
    let fixed = BROKEN.replace("fill: 0xDA),", "fill: 0xDA),\n        flush(),");
    fs::write(folder.path("s.ron"), fixed).unwrap();
    let (code, _, err) = walk();
    assert_eq!(code, 2);
    assert!(
        err.contains("the scenario was edited since: this run comes to held, and viol"),
        "{err}"
    );
}

#[test]
fn what_is_no_failure_is_pointed_at() {
    let folder = Folder::new();
    let replay = |name: &str, text: &str| {
        fs::write(folder.path(name), text).unwrap();
        let (code, _, err) = folder.all(&["replay", name], "");
        assert_eq!(code, 2);
        err
    };
    let scenario = replay("a.ron", BROKEN);
    assert!(
        scenario.starts_with(
            "error: this is a scenario, and no recorded failure; `headcrash run` runs it\n \
             --> a.ron:1:1\n"
        ),
        "{scenario}"
    );
    let other = replay("b.ron", "(answer: 42)");
    assert!(other.starts_with("error: this is no recorded failure, which says"), "{other}");
    let (code, ..) = folder.all(&["run", "s.ron", "--failures", "found"], "");
    assert_eq!(code, 1);
    let good = fs::read_to_string(folder.path("found/s-0.failure.ron")).unwrap();
    let bad = replay("c.failure.ron", &good.replace("facts: ", "fats: "));
    assert!(bad.contains("error: unexpected field named `fats`"), "{bad}");
    assert!(bad.contains(" --> c.failure.ron:"), "{bad}");
    let cut = replay("d.failure.ron", &good[..good.len() / 2]);
    assert!(cut.contains(" --> d.failure.ron:"), "{cut}");
    // Of another scheme of seeds: the choices are what they were.
    fs::write(folder.path("e.failure.ron"), good.replace("seeds: 1,", "seeds: 9,")).unwrap();
    let (code, _, err) = folder.all(&["replay", "e.failure.ron"], "");
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("its seed, 0, is of scheme 9, and this headcrash's are of"), "{err}");
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
