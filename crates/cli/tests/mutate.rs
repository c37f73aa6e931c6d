//! `headcrash explore --mutate`, as somebody new would use it.

use std::fs;

use assert_cmd::Command;

/// The second flush keeps nothing that the first has not kept.
const TWICE: &str = r#"(
    rules: [
        (name: "late", event: "read_aio", action: delay(ns: 5)),
    ],
    steps: [
        write(at: 0, len: 512, fill: 0x11),
        flush(),
        flush(),
        mark("kept"),
    ],
    power_cut: (at: step(client: "main", step: 5)),
    recover: [read(at: 0, len: 512, holds: fill(0x11), or_violates: "what was flushed is kept")],
)"#;

/// Without the second flush.
const ONCE: &str = r#"(
    steps: [write(at: 0, len: 512, fill: 0x11), flush()],
    power_cut: (at: step(client: "main", step: 3)),
    recover: [read(at: 0, len: 512, holds: fill(0x11))],
)"#;

const BROKEN: &str =
    r#"(steps: [write(at: 0, len: 512, fill: 1), flush(), read(at: 0, len: 512, holds: fill(2))])"#;

/// Exit code, standard output and standard error of leaving `what` out of `text`.
fn mutate(text: &str, what: &str, more: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.ron"), text).unwrap();
    let mut command = Command::cargo_bin("headcrash").unwrap();
    command.current_dir(folder.path()).args(["explore", "s.ron", "--mutate", what]).args(more);
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn a_flush_that_nothing_misses_is_underlined() {
    let (code, out, err) = mutate(TWICE, "flushes", &[]);
    assert_eq!(code, 1);
    // Either may go, as long as the other stays.
    assert_eq!(
        out,
        "s.ron: \n\
         7:9  flush  NOT NOTICED in 1 run\n\
         8:9  flush  NOT NOTICED in 1 run\n\
         2 flushes left out, one at a time: 0 noticed, 2 not; noticed is what does not come out as held\n"
    );
    assert!(err.contains("this flush is not load-bearing"), "{err}");
    assert!(err.contains("--> s.ron:8:9"), "{err}");
    let (code, out, err) = mutate(ONCE, "flushes", &[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
}

#[test]
fn a_rule_that_nothing_misses_is_told_to_programs_as_well() {
    let (code, out, _) = mutate(TWICE, "rules", &["--format", "json"]);
    assert_eq!(code, 1);
    let line: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(line["left_out"][0]["what"], "rule `late`");
    assert_eq!(line["left_out"][0]["noticed"], false);
    assert_eq!(line["left_out"][0]["is_reached"], true);
}

#[test]
fn a_control_that_does_not_hold_is_broken() {
    let (code, out, err) = mutate(BROKEN, "flushes", &[]);
    assert_eq!(code, 2);
    assert!(out.contains("broken: with everything in its place"), "{out}");
    assert!(err.ends_with("repeat with\n  headcrash run s.ron --seed 0\n"), "{err}");
}
