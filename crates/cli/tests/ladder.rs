//! `headcrash explore --ladder`, as somebody new would use it.

use std::fs;
use std::path::PathBuf;

use assert_cmd::Command;

/// A commit that relies on the order of its disk.
const ORDERED: &str = r#"(
    summary: "No flush between data and record.",
    disks: [(size: 65_536)],
    steps: [
        write(at: 4096, len: 512, fill: 0xDA),
        write(at: 0, len: 512, fill: 0xC0),
        flush(),
    ],
    power_cut: (at: everywhere),
    recover: [
        read(at: 0, len: 512, save: "record"),
        when(saved: "record", holds: fill(0xC0), then: [
            read(at: 4096, len: 512, holds: fill(0xDA), or_violates: "committed data is there"),
        ]),
    ],
    expect: violated("committed data is there"),
)"#;

/// Writes the record first: no device helps.
const BACKWARD: &str = r#"(
    steps: [write(at: 0, len: 512, fill: 0xC0), flush(), write(at: 512, len: 512, fill: 0xDA), flush()],
    power_cut: (at: everywhere),
    recover: [
        read(at: 0, len: 512, save: "record"),
        when(saved: "record", holds: fill(0xC0), then: [read(at: 512, len: 512, holds: fill(0xDA))]),
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

    /// Exit code, standard output and standard error.
    fn all(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("headcrash").unwrap();
        let output = command.current_dir(self.0.path()).args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn the_weakest_device_is_told_with_the_smallest_failure_below_it() {
    let folder = Folder::with(&[("ordered.ron", ORDERED)]);
    let (code, out, err) =
        folder.all(&["explore", "ordered.ron", "--ladder", "--failures", "found"]);
    assert_eq!(code, 0, "{err}");
    let line = |id: &str| out.lines().find(|line| line.starts_with(id)).unwrap().to_owned();
    assert!(line("order-per-queue").contains("holds"), "{out}");
    assert!(line("order-any").contains("BREAKS"), "{out}");
    // Nobody is told that anything is kept, so not even flushes have to do anything.
    assert!(
        out.ends_with(
            "the weakest device it survives:\n    \
             d0: sectors of 512 in units of 4096, lying cache, order per client, FUA ignored, \
             unflushed may be garbage\n\
             it breaks first when any unflushed write may survive without the others\n"
        ),
        "{out}"
    );
    assert!(
        err.ends_with("see it with\n  headcrash replay found/ordered-order-any.failure.ron\n"),
        "{err}"
    );
    // What is written is a scenario that expects what the code should do, on the rung's device.
    let scenario = fs::read_to_string(folder.path("found/ordered-order-any.ron")).unwrap();
    assert!(scenario.contains("order: any") && scenario.contains("cache: volatile"), "{scenario}");
    assert!(!scenario.contains("expect:"), "{scenario}");
    let (code, _, err) = folder.all(&["replay", "found/ordered-order-any.failure.ron"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("violated: committed data is there"), "{err}");
    let (code, ..) = folder.all(&["run", "found/ordered-order-any.ron"]);
    assert_eq!(code, 1);
}

#[test]
fn code_that_no_device_helps_is_an_error() {
    let folder = Folder::with(&[("backward.ron", BACKWARD)]);
    let (code, out, err) = folder.all(&["explore", "backward.ron", "--ladder", "--shrink", "0"]);
    assert_eq!(code, 1);
    assert!(
        out.ends_with("it survives no device: it breaks where every promise is kept\n"),
        "{out}"
    );
    assert!(
        err.ends_with(
            "see it with\n  headcrash explore backward.ron --ladder --failures failures\n"
        ),
        "{err}"
    );
}

#[test]
fn programs_read_a_line_for_each_scenario() {
    let folder = Folder::with(&[("ordered.ron", ORDERED), ("backward.ron", BACKWARD)]);
    let (code, out, _) =
        folder.all(&["explore", ".", "--ladder", "--shrink", "0", "--format", "json"]);
    assert_eq!(code, 1);
    let lines: Vec<serde_json::Value> =
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let first: Vec<_> = lines.iter().map(|line| line["first_broken"].as_str().unwrap()).collect();
    assert_eq!(first, ["all-kept", "order-any"]);
    assert_eq!(lines[1]["rungs"][1]["verdict"], "holds");
}
