//! The way back: what is printed is read as the same.

use headcrash_engine::{Dialect, IoKind};
use headcrash_scenario::blkdebug::print::{self, PrintError};
use headcrash_scenario::blkdebug::rule::{Rule, RuleKind};
use headcrash_scenario::blkdebug::script::{self, Command, Operation, Verify};
use headcrash_scenario::blkdebug::spec::{ImageSpec, Limits, Node, Spec};
use headcrash_scenario::blkdebug::{conf, filename, options};

const NEW: Dialect = Dialect::Qemu10;
const OLD: Dialect = Dialect::Qemu2_6;

/// Rules with every number at its ends, every switch and every kind of access.
fn rules(dialect: Dialect) -> Vec<Rule> {
    let kinds = match dialect {
        Dialect::Qemu2_6 => vec![None],
        Dialect::Qemu10 => IoKind::ALL.map(Some).into_iter().chain([None]).collect(),
    };
    let mut rules = Vec::new();
    for (i, event) in dialect.events().iter().enumerate() {
        for number in [0, 1, -1, 5, i32::MIN, i32::MAX] {
            let sector = [-1, 0, -2, 7, i64::MIN, i64::MAX][rules.len() % 6];
            let kind = RuleKind::InjectError {
                errno: number,
                sector,
                once: i % 2 == 0,
                immediately: i % 3 == 0,
                iotype: kinds[rules.len() % kinds.len()],
            };
            rules.push(Rule { kind, state: number, ..Rule::inject_error(event) });
        }
    }
    for number in [0, 1, -1, i32::MIN, i32::MAX] {
        rules.push(Rule { state: number, ..Rule::set_state("pwritev", number) });
    }
    rules
}

#[track_caller]
fn check_config(rules: &[Rule], dialect: Dialect) {
    let text = print::config(rules, dialect).unwrap();
    let mut read = conf::parse(text.as_bytes(), dialect).unwrap();
    read.iter_mut().for_each(|rule| rule.line = None);
    assert_eq!(read, rules, "{text}");
}

#[test]
fn configuration_files() {
    for dialect in [NEW, OLD] {
        check_config(&[], dialect);
        check_config(&rules(dialect), dialect);
        let mut mixed = rules(dialect);
        mixed.reverse();
        for (i, rule) in mixed.iter_mut().enumerate().filter(|(i, _)| i % 2 == 0) {
            rule.id = Some(format!("a-{i}.x_"));
        }
        check_config(&mixed, dialect);
    }
}

#[test]
fn a_configuration_file_has_quotes_and_no_defaults() {
    let mut once = Rule::inject_error("write_aio");
    once.id = Some("first".to_owned());
    once.kind = RuleKind::InjectError {
        errno: 28,
        sector: -1,
        once: true,
        immediately: false,
        iotype: Some(IoKind::Write),
    };
    let rules = [once, Rule { state: 1, ..Rule::set_state("write_aio", 2) }];
    let expected = "[inject-error \"first\"]\nevent = \"write_aio\"\n\
                    errno = \"28\"\nonce = \"on\"\n\
                    iotype = \"write\"\n\n\
                    [set-state]\nevent = \"write_aio\"\nstate = \"1\"\nnew_state = \"2\"\n";
    assert_eq!(print::config(&rules, NEW).unwrap(), expected);
    assert_eq!(print::config(&rules, OLD), Err(PrintError::NotIn2_6("iotype")));
}

#[test]
fn a_configuration_file_cannot_say_everything() {
    let with_id = |id: &str| Rule { id: Some(id.to_owned()), ..Rule::set_state("pwritev", 1) };
    for id in ["", "1", "a b", "a\"]\nevent = \"none", "é", &"x".repeat(64)] {
        assert_eq!(print::config(&[with_id(id)], NEW), Err(PrintError::Id(id.to_owned())));
    }
    check_config(&[with_id(&"x".repeat(63))], NEW);
    let twice = print::config(&[with_id("a"), with_id("a")], OLD);
    assert_eq!(twice, Err(PrintError::Id("a".to_owned())));
    for event in ["none", "", "x\"\ny"] {
        let error = print::config(&[Rule::inject_error(event)], OLD).unwrap_err();
        assert_eq!(error, PrintError::Event { event: event.to_owned(), dialect: OLD });
    }
}

fn node(config: Option<&str>) -> Node {
    Node { config: config.map(str::to_owned), ..Node::default() }
}

fn spec(raw: bool, nodes: Vec<Node>, image: ImageSpec) -> Spec {
    Spec { raw, nodes, image, left_out: Vec::new() }
}

fn images() -> Vec<ImageSpec> {
    let names =
        ["i", "/a/b:c", "./x:y", "with space, comma", "a:b", "file:x", "json:{", "-", "é\""];
    let others = ["nbd://h/x", r#"json:{"driver":"nbd","server.host":"h"}"#];
    let null = |size, read_zeroes| ImageSpec::NullCo { size, read_zeroes };
    let files = names.map(|name| ImageSpec::File(name.to_owned()));
    let others = others.map(|text| ImageSpec::Other(text.to_owned()));
    let nulls = [null(ImageSpec::NULL_SIZE, false), null(0, true), null(1 << 40, false)];
    files.into_iter().chain(others).chain(nulls).collect()
}

fn nodes(dialect: Dialect) -> Vec<Vec<Node>> {
    let mut full = node(Some("a:b,\"c\""));
    full.rules = rules(dialect).into_iter().step_by(7).collect();
    full.limits.align = 4096;
    if dialect == NEW {
        full.limits = Limits {
            align: 512,
            max_transfer: 1024,
            opt_write_zero: 1536,
            max_write_zero: 3072,
            opt_discard: 512,
            max_discard: 2048,
        };
    }
    let mut lower = node(None);
    lower.limits.align = 512;
    vec![
        vec![node(None)],
        vec![node(Some("c"))],
        vec![node(Some("a")), node(None), node(Some("b/c.conf"))],
        vec![full.clone()],
        vec![node(Some("c")), full, lower],
    ]
}

#[test]
fn options_say_everything() {
    for (dialect, raw) in [(NEW, true), (NEW, false), (OLD, true), (OLD, false)] {
        for image in images() {
            for nodes in nodes(dialect) {
                let spec = spec(raw, nodes, image.clone());
                let text = print::json(&spec, dialect).unwrap();
                assert_eq!(options::from_json(&text, dialect).as_ref(), Ok(&spec), "{text}");
            }
        }
    }
}

#[test]
fn a_file_name_says_what_it_can() {
    let check = |spec: &Spec, expected: Option<&str>| {
        let text = print::filename(spec);
        assert_eq!(text.as_deref(), expected);
        if let Some(text) = text {
            assert_eq!(filename::parse(&text, OLD).as_ref(), Ok(spec));
        }
    };
    let file = |name: &str| ImageSpec::File(name.to_owned());
    let null = ImageSpec::NullCo { size: ImageSpec::NULL_SIZE, read_zeroes: false };
    check(&spec(true, vec![node(Some("c"))], file("i")), Some("blkdebug:c:i"));
    check(&spec(true, vec![node(None)], null), Some("blkdebug::null-co://"));
    let two = vec![node(Some("a")), node(Some("b"))];
    check(&spec(true, two, file("x/y:z")), Some("blkdebug:a:blkdebug:b:x/y:z"));
    check(&spec(true, Vec::new(), file("i")), Some("i"));
    let other = ImageSpec::Other("nbd://h".to_owned());
    check(&spec(true, vec![node(None)], other), Some("blkdebug::nbd://h"));

    check(&spec(false, vec![node(None)], file("i")), None);
    check(&spec(true, vec![node(Some("a:b"))], file("i")), None);
    check(&spec(true, vec![node(Some(""))], file("i")), None);
    check(&spec(true, vec![node(None)], file("a:b")), None);
    check(&spec(true, vec![node(None)], file("")), None);
    let size = ImageSpec::NullCo { size: 512, read_zeroes: false };
    check(&spec(true, vec![node(None)], size), None);
    let mut limited = node(None);
    limited.limits.align = 512;
    check(&spec(true, vec![limited], file("i")), None);
    let ruled = Node { rules: vec![Rule::inject_error("read_aio")], ..node(None) };
    check(&spec(true, vec![ruled], file("i")), None);
}

#[test]
fn options_cannot_name_an_image_that_is_not_one() {
    for text in ["json:{", "json:[]", "json:{\"driver\":\"blkdebug\"}", "i", "a:b"] {
        let other = spec(true, vec![node(None)], ImageSpec::Other(text.to_owned()));
        assert_eq!(print::json(&other, NEW), Err(PrintError::Image(text.to_owned())));
        assert_eq!(print::filename(&other), None);
    }
    let mut limited = node(None);
    limited.limits.max_discard = 512;
    let limited = spec(true, vec![limited], ImageSpec::File("i".to_owned()));
    assert_eq!(print::json(&limited, OLD), Err(PrintError::NotIn2_6("limits but align")));
}

fn word(text: &str) -> String {
    text.to_owned()
}

#[test]
fn scripts() {
    let mut operations = vec![
        Operation::Discard { at: 1, len: 2 },
        Operation::Flush,
        Operation::Drain,
        Operation::Break { event: word("pwritev"), tag: word("A") },
        Operation::RemoveBreak { tag: word("-x#") },
        Operation::Resume { tag: word("é") },
        Operation::WaitBreak { tag: word("A") },
        Operation::Sleep { ms: 0 },
        Operation::Sleep { ms: i64::MAX as u64 },
        Operation::Truncate { len: i64::MAX as u64 },
        Operation::Length,
        Operation::Open { path: word("-disk.img") },
        Operation::Close,
        Operation::Reopen { read_only: None },
        Operation::Reopen { read_only: Some(true) },
        Operation::Reopen { read_only: Some(false) },
        Operation::Quit,
    ];
    for background in [false, true] {
        let (at, len) = (i64::MAX as u64, 2_147_483_136);
        let all = Verify { pattern: 0, from: 0, len };
        for verify in [None, Some(all)] {
            operations.push(Operation::Read { at, len, verify, background });
        }
        for (pattern, fua) in [(0, false), (0xcd, false), (255, true)] {
            operations.push(Operation::Write { at, len, pattern, fua, background });
        }
        for bits in 0..8 {
            let [fua, unmap, no_fallback] = [1, 2, 4].map(|bit| bits & bit != 0);
            if !(background && no_fallback) {
                operations.push(Operation::WriteZeroes {
                    at: 0,
                    len: 0,
                    fua,
                    unmap,
                    no_fallback,
                    background,
                });
            }
        }
    }
    let part = Some(Verify { pattern: 1, from: 2, len: 3 });
    operations.push(Operation::Read { at: 0, len: 5, verify: part, background: false });
    let commands: Vec<_> =
        (1..).zip(operations).map(|(line, operation)| Command { line, operation }).collect();
    let text = print::script(&commands).unwrap();
    let read = script::parse(&text).unwrap();
    assert_eq!(read.not_carried, []);
    assert_eq!(read.commands, commands);
}

#[test]
fn a_script_cannot_say_everything() {
    let part = Some(Verify { pattern: 1, from: 2, len: 3 });
    let beyond = Some(Verify { pattern: 1, from: 2, len: 4 });
    let impossible = [
        Operation::Read { at: 0, len: 5, verify: part, background: true },
        Operation::Read { at: 0, len: 5, verify: beyond, background: false },
        Operation::Read { at: 0, len: 1 << 31, verify: None, background: false },
        Operation::Read { at: 1 << 63, len: 1, verify: None, background: false },
        Operation::WriteZeroes {
            at: 0,
            len: 1,
            fua: false,
            unmap: false,
            no_fallback: true,
            background: true,
        },
        Operation::Resume { tag: word("") },
        Operation::Resume { tag: word("a b") },
        Operation::Resume { tag: word("a\nquit") },
        Operation::Break { event: word("a"), tag: word(" ") },
        Operation::Open { path: word("a b") },
        Operation::Sleep { ms: u64::MAX },
    ];
    for operation in impossible {
        let command = Command { line: 1, operation: operation.clone() };
        assert_eq!(print::script(&[command]), Err(PrintError::Operation(operation)));
    }
}
