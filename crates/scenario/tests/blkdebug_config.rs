//! Configuration files: what each text is taken for, and what is said of those that are refused.

use headcrash_engine::{
    Access, Dialect, Engine, IoKind, Passage, ProgramBuilder, Quirks, Requester, Verdict,
};
use headcrash_scenario::blkdebug::conf;
use headcrash_scenario::blkdebug::error::ConfFault;
use headcrash_scenario::blkdebug::rule::{Rule, RuleKind};
use serde_json::Value;

const NEW: Dialect = Dialect::Qemu10;
const OLD: Dialect = Dialect::Qemu2_6;

/// What two reads of the first sector come to: `ok`, or an error's text.
fn two_reads(rules: &[Rule]) -> [&'static str; 2] {
    let mut program = ProgramBuilder::new(NEW, Quirks::Qemu);
    for rule in rules {
        rule.declare(NEW, &mut program).unwrap();
    }
    let read_aio = program.event("read_aio");
    let mut engine = Engine::new(program.build().unwrap().into());
    [1, 2].map(|request| {
        assert_eq!(engine.announce(read_aio, Requester(request), &mut ()), Passage::Pass);
        match engine.check(Access::new(IoKind::Read, 0, 512), &mut ()) {
            Verdict::Fail { errno, .. } => errno.text().unwrap(),
            _ => "ok",
        }
    })
}

/// `; `-separated rules, or `LINE: MESSAGE`.
#[track_caller]
fn check(dialect: Dialect, text: impl AsRef<[u8]>, expected: &str) {
    let actual = match conf::parse(text.as_ref(), dialect) {
        Ok(rules) => rules.iter().map(show).collect::<Vec<_>>().join("; "),
        Err(error) => {
            let line = error.line.map_or_else(|| "-".to_owned(), |line| line.to_string());
            format!("{line}: {error}")
        }
    };
    assert_eq!(actual, expected);
}

fn show(rule: &Rule) -> String {
    let id = rule.id.as_deref().unwrap_or_default();
    let line = rule.line.unwrap();
    let what = match rule.kind {
        RuleKind::InjectError { errno, sector, once, immediately, iotype } => {
            let once = if once { " once" } else { "" };
            let immediately = if immediately { " immediately" } else { "" };
            let iotype = iotype.map_or_else(String::new, |kind| format!(" {}", kind.name()));
            format!("errno {errno} sector {sector}{once}{immediately}{iotype}")
        }
        RuleKind::SetState { new_state } => format!("to {new_state}"),
    };
    format!("{line}{id} {} in {} {what}", rule.event, rule.state)
}

#[test]
fn every_recorded_text_has_the_recorded_outcome() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("data/blkdebug_config.json")).unwrap();
    assert_eq!(cases.len(), 49);
    for case in &cases {
        let outcome = conf::parse(case["config"].as_str().unwrap().as_bytes(), NEW);
        match (outcome, case["error"].as_str()) {
            (Ok(rules), None) => {
                assert_eq!(serde_json::json!(two_reads(&rules)), case["reads"], "{case}");
            }
            (Err(error), Some(expected)) => {
                assert_eq!(error.to_string(), expected, "{case}");
                assert_eq!(error.reported(NEW), expected, "{case}");
            }
            (outcome, _) => panic!("{case}: {outcome:?}"),
        }
    }
}

#[test]
fn every_option_has_its_default() {
    for dialect in [NEW, OLD] {
        check(dialect, "", "");
        check(
            dialect,
            "[inject-error]\nevent = \"read_aio\"\n\n[set-state]\nevent = \"read_aio\"\n",
            "1 read_aio in 0 errno 5 sector -1; 4 read_aio in 0 to 0",
        );
        check(
            dialect,
            "# all of them\n[inject-error \"a\"]\nevent = \"write_aio\"\nstate = \"2\"\n\
             errno = \"0x1c\"\nsector = \"010\"\nonce = \"on\"\nimmediately = \"on\"\n\
             [set-state \"a\"]\nevent = \"write_aio\"\nstate = \"2\"\nnew_state = \"-1\"\n",
            "2a write_aio in 2 errno 28 sector 8 once immediately; 9a write_aio in 2 to -1",
        );
    }
    check(
        NEW,
        "[inject-error]\nevent = \"none\"\niotype = \"write-zeroes\"\n",
        "1 none in 0 errno 5 sector -1 write-zeroes",
    );
    check(
        OLD,
        "[inject-error]\nevent = \"read_aio\"\niotype = \"write\"\n",
        "3: Invalid parameter 'iotype'",
    );
}

#[test]
fn numbers_lose_what_does_not_fit() {
    for dialect in [NEW, OLD] {
        check(
            dialect,
            "[inject-error]\nevent = \"read_aio\"\nerrno = \"4294967301\"\n\
             state = \"0x100000002\"\nsector = \"18446744073709551614\"\n",
            "1 read_aio in 2 errno 5 sector -2",
        );
    }
}

#[test]
fn without_quotes_a_value_is_empty() {
    let text = "[inject-error]\nevent = \"read_aio\"\nerrno = 28\n";
    check(NEW, text, "3: Parameter 'errno' expects a number");
    // A rule that hides the others, which nobody can have meant.
    check(OLD, text, "1 read_aio in 0 errno 0 sector -1");
    check(OLD, "[inject-error]\nevent = read_aio\n", "1: Invalid event name \"\"");
}

#[test]
fn the_last_value_counts_but_2_6_looks_at_every_one() {
    let text = "[inject-error]\nevent = \"read_aio\"\nerrno = \"x\"\nerrno = \"28\"\n";
    check(NEW, text, "1 read_aio in 0 errno 28 sector -1");
    check(OLD, text, "3: Parameter 'errno' expects a number");
}

#[test]
fn of_several_mistakes_2_6_reports_the_first_line_and_10_what_its_hashes_say() {
    let text = "[inject-error]\nevent = \"read_aio\"\nerrno = \"x\"\nsector = \"x\"\n";
    check(OLD, text, "3: Parameter 'errno' expects a number");
    check(NEW, text, "4: Parameter 'sector' expects a number");
    let text = "[inject-error]\nsector = \"x\"\nbogus = \"x\"\nstate = \"x\"\nonce = \"x\"\n\
                immediately = \"x\"\n";
    check(OLD, text, "2: Parameter 'sector' expects a number");
    check(NEW, text, "6: Parameter 'immediately' expects 'on' or 'off'");
    // Its section is not over yet.
    let text = "[inject-error]\nbogus = \"1\"\n \n";
    check(OLD, text, "2: Invalid parameter 'bogus'");
    check(NEW, text, "3: parse error");
}

#[test]
fn rules_are_made_when_all_is_read_and_injections_come_first() {
    for dialect in [NEW, OLD] {
        check(
            dialect,
            "[inject-error]\nerrno = \"5\"\n[set-state]\nbogus = \"1\"\n",
            "4: Invalid parameter 'bogus'",
        );
        check(
            dialect,
            "[set-state]\nevent = \"nope\"\n[inject-error]\nevent = \"read_aio\"\n\
             [inject-error]\n",
            "5: Missing event name for rule",
        );
    }
    let text = "[inject-error]\nevent = \"nope\"\niotype = \"foo\"\n";
    check(NEW, text, "1: invalid parameter value: nope");
    let text = "[inject-error]\nevent = \"none\"\niotype = \"foo\"\n";
    check(NEW, text, "1: invalid parameter value: foo");
}

#[test]
fn a_refused_id_is_an_error_in_10_and_no_section_in_2_6() {
    let bad = "Parameter 'id' expects an identifier\n\
               Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.";
    let text = "[inject-error \"1a\"]\nevent = \"read_aio\"\n";
    check(NEW, text, &format!("1: {bad}"));
    check(OLD, text, "2: no group defined");
    check(OLD, "[inject-error \"1a\"]\n", "");
    check(
        OLD,
        "[inject-error \"a\"]\nevent = \"pwritev\"\n[inject-error \"a\"]\n\
         [set-state \"b\"]\nevent = \"pwritev\"\n",
        "1a pwritev in 0 errno 5 sector -1; 4b pwritev in 0 to 0",
    );

    let text = "[inject-error]\nevent = \"read_aio\"\nid = \"zz\"\n";
    check(NEW, text, "1zz read_aio in 0 errno 5 sector -1");
    check(OLD, text, "3: Invalid parameter 'id'");
    check(NEW, "[inject-error]\nbogus = \"1\"\nid = bare\n", &format!("3: {bad}"));
    let text = "[inject-error \"a\"]\nevent = \"read_aio\"\nid = \"b\"\n\
                [inject-error \"a\"]\nevent = \"read_aio\"\n";
    check(NEW, text, "1b read_aio in 0 errno 5 sector -1; 4a read_aio in 0 errno 5 sector -1");
}

#[test]
fn a_header_is_what_one_of_two_patterns_takes() {
    let rest = "event = \"read_aio\"\n";
    let rule = "1 read_aio in 0 errno 5 sector -1";
    let with_id = "1a read_aio in 0 errno 5 sector -1";
    let none = |group: &str| format!("1: There is no option group '{group}'");
    for dialect in [NEW, OLD] {
        check(dialect, format!("[inject-error] junk\n{rest}"), rule);
        check(dialect, format!("[inject-error \"a\" junk\n{rest}"), with_id);
        check(dialect, format!("[ \t inject-error  \"a\"]\n{rest}"), with_id);
        check(dialect, format!("[ inject-error]\n{rest}"), &none(" inject-error"));
        check(dialect, format!("[inject-error\n{rest}"), &none("inject-error\n"));
        check(dialect, format!("[inject-error\"a\"]\n{rest}"), &none("inject-error\"a\""));
        check(dialect, format!("[inject-error \"\"]\n{rest}"), &none("inject-error \"\""));
        check(dialect, format!("[{}]\n", "g".repeat(70)), &none(&"g".repeat(63)));
        check(dialect, "[\n", &none("\n"));
        check(dialect, "[]\n", "1: no group defined");
        check(dialect, "  [inject-error]\n", "1: no group defined");
        check(dialect, "\u{feff}[inject-error]\n", "1: no group defined");
    }
}

#[test]
fn a_failed_header_renames_the_last_section_in_10() {
    let text = "[inject-error]\nevent = \"read_aio\"\n[]\n";
    check(OLD, text, "3: Invalid parameter '[]'");
    check(NEW, text, "1: There is no option group ']'");
    let text = "[inject-error]\nevent = \"read_aio\"\n[]x\n[set-state]\nevent = \"read_aio\"\n";
    check(NEW, text, "3: Invalid parameter '[]x'");
}

#[test]
fn lines_are_read_1023_bytes_at_a_time() {
    let header = "[inject-error]\nevent = \"read_aio\"\n";
    for dialect in [NEW, OLD] {
        // The comment ends where the piece does.
        let comment = format!("#{}", "c".repeat(1022));
        let errno = "errno = \"28\"\n";
        check(dialect, format!("{header}{comment}{errno}"), "1 read_aio in 0 errno 28 sector -1");
        let spaces = " ".repeat(1023);
        check(dialect, format!("{header}{spaces}{errno}"), "3: parse error");
        let split = format!("{header}{}errno = \"{}", " ".repeat(1014), "2\"\n");
        check(dialect, split, "4: Invalid parameter '2\"'");
        let word = "k".repeat(70);
        let parameter = format!("3: Invalid parameter '{}'", &word[..63]);
        check(dialect, format!("{header}{word} = \"1\"\n"), &parameter);
        check(dialect, format!("{header}{}= \"1\"\n", &word[..63]), &parameter);
    }
}

#[test]
fn any_bytes_are_a_configuration_file() {
    let header = "[inject-error]\nevent = \"read_aio\"\n";
    for dialect in [NEW, OLD] {
        check(
            dialect,
            [header.as_bytes(), b"errno = \"28\0 junk\"\n"].concat(),
            "1 read_aio in 0 errno 28 sector -1",
        );
        check(dialect, [header.as_bytes(), b"\0\n"].concat(), "3: parse error");
        check(
            dialect,
            [header.as_bytes(), b"\xff\xfe = \"1\"\n"].concat(),
            "3: Invalid parameter '\u{fffd}\u{fffd}'",
        );
        check(dialect, format!("{header}\r\n"), "3: parse error");
        check(dialect, format!("{header}\té = \"1\"\n"), "3: Invalid parameter 'é'");
        check(dialect, vec![b'#'; 1 << 20], "");
        check(dialect, vec![b'#'; (1 << 20) + 1], "-: the configuration file is larger than 1 MiB");
    }
    let big = "[set-state]\nevent = \"read_aio\"\n".repeat(33_000);
    assert_eq!(conf::parse(big.as_bytes(), NEW).unwrap().len(), 33_000);
}

#[test]
fn the_open_in_2_6_says_no_more_than_that_it_failed() {
    let reported = |text: &str, dialect| {
        let error = conf::parse(text.as_bytes(), dialect).unwrap_err();
        (matches!(error.fault, ConfFault::Rule(_)), error.reported(dialect))
    };
    let summary = "Could not parse blkdebug config file";
    assert_eq!(reported("x\n", OLD), (false, summary.to_owned()));
    assert_eq!(reported("x\n", NEW), (false, "no group defined".to_owned()));
    let missing = (true, "Missing event name for rule".to_owned());
    assert_eq!(reported("[set-state]\n", OLD), missing);
}
