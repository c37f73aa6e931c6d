//! Recorded answers of real blkdebugs: ours are the same.
//!
//! `conformance-2.6.jsonl` and `conformance-10.0.2.jsonl` are what was given;
//! `conformance-regressions.jsonl` is what `headcrash conformance --live` found since, and cases
//! of kinds the others have few of.

use headcrash_scenario::conformance::{Recorded, Request, check, generate, live, play};

fn all_agree(text: &str, count: usize) {
    let mut different = String::new();
    for (index, line) in text.lines().enumerate() {
        let recorded = Recorded::parse(line).unwrap_or_else(|why| panic!("line {index}: {why}"));
        if let Err(failure) = check(&recorded) {
            different += &format!("{}: {failure}\n", recorded.case.id);
        }
    }
    assert!(different.is_empty(), "{different}");
    assert_eq!(text.lines().count(), count, "no case was lost");
}

#[test]
fn qemu_2_6() {
    all_agree(include_str!("data/conformance-2.6.jsonl"), 400);
}

#[test]
fn qemu_10_0_2() {
    all_agree(include_str!("data/conformance-10.0.2.jsonl"), 496);
}

#[test]
fn what_ever_differed() {
    all_agree(include_str!("data/conformance-regressions.jsonl"), 45);
}

#[test]
fn a_damaged_line_is_an_error_or_another_case() {
    let text = include_str!("data/conformance-regressions.jsonl");
    let mut read = 0;
    for (number, line) in text.lines().enumerate() {
        // A walk over the line with steps that differ from line to line.
        let mut at = number * 7;
        while at < line.len() {
            let mut damaged = line.as_bytes().to_vec();
            match at % 4 {
                0 => damaged.truncate(at),
                1 => _ = damaged.remove(at),
                2 => damaged[at] = b"0-9e\"{[\\"[at % 8],
                _ => damaged.insert(at, b'9'),
            }
            if let Ok(recorded) = Recorded::parse(&String::from_utf8_lossy(&damaged)) {
                // Whatever it means now, it is played to an end.
                _ = play(&recorded.case);
                read += 1;
            }
            at += 97 + number % 13;
        }
    }
    assert!(read > 100, "many of them are still cases: {read}");
}

#[test]
fn a_line_no_machine_could_hold_is_an_error() {
    for (request, limit) in [
        (r#"{"op":"write","off":0,"len":18446744073709551615}"#, ""),
        (r#"{"op":"read","off":0,"len":67108865}"#, ""),
        (r#"{"op":"write_zeroes","off":0,"len":1048577}"#, r#""max-write-zero":1"#),
        (r#"{"op":"discard","off":0,"len":17179869184}"#, r#""max-discard":512"#),
    ] {
        let line = format!(
            r#"{{"case":{{"id":"c","dialect":"qemu-10.0.2","options":{{{limit}}},"requests":[{request}]}},"outcome":{{"steps":[]}}}}"#
        );
        assert!(Recorded::parse(&line).is_err(), "{line}");
    }
}

#[test]
fn generated_cases_are_always_the_same_and_can_be_played() {
    let text = |case| serde_json::to_string(&case).expect("a case can be written");
    let mut held = 0;
    for index in 0..200 {
        let case = generate(3, index);
        assert_eq!(text(generate(3, index)), text(case.clone()), "case {index}");
        let outcome = play(&case).unwrap_or_else(|why| panic!("case {index}: {why}"));
        held += usize::from(!outcome.tail.is_empty());
        let script = live::script(&case, 1).expect("what can be played can be asked");
        let commands = script.lines().filter(|line| line.starts_with("step-")).count();
        assert_eq!(commands, case.requests.len(), "case {index}");
    }
    assert!(held > 10, "some cases leave requests suspended: {held}");
    assert_ne!(text(generate(3, 0)), text(generate(4, 0)), "seeds differ");
    assert_ne!(text(generate(3, 0)), text(generate(3, 1)), "indices differ");
}

#[test]
fn generated_cases_hold_no_command_that_qemu_io_would_wait_for_in_vain() {
    for index in 0..200 {
        let case = generate(5, index);
        let outcome = play(&case).unwrap_or_else(|why| panic!("case {index}: {why}"));
        for (request, seen) in case.requests.iter().zip(&outcome.steps) {
            if matches!(request, Request::Flush { .. } | Request::Discard { .. }) {
                assert!(!seen.is_empty(), "case {index}: {request:?} has its answer");
            }
        }
    }
}
