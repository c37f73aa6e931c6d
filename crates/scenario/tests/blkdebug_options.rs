//! Options, as JSON and with commas: what they ask for. What is said of bad ones was seen on
//! `qemu-io` 10.0.2.

use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::options;
use headcrash_scenario::blkdebug::rule::RuleKind;
use headcrash_scenario::blkdebug::spec::{ImageSpec, Spec};

const NEW: Dialect = Dialect::Qemu10;
const OLD: Dialect = Dialect::Qemu2_6;

fn show(spec: Spec) -> String {
    let mut out = if spec.raw { "raw".to_owned() } else { "-".to_owned() };
    for node in spec.nodes {
        out += " {";
        out += node.config.as_deref().unwrap_or_default();
        for rule in &node.rules {
            assert_eq!((rule.line, &rule.id), (None, &None));
            out += &match rule.kind {
                RuleKind::InjectError { errno, sector, once, immediately, iotype } => {
                    let (once, immediately) = (once as u8, immediately as u8);
                    let kind = iotype.map_or("any", |kind| kind.name());
                    format!(
                        " {}/{}:{errno},{sector},{once},{immediately},{kind}",
                        rule.event, rule.state
                    )
                }
                RuleKind::SetState { new_state } => {
                    format!(" {}/{}->{new_state}", rule.event, rule.state)
                }
            };
        }
        for (name, value) in node.limits.named() {
            if value != 0 {
                out += &format!(" {name}={value}");
            }
        }
        out += "}";
    }
    out += &match spec.image {
        ImageSpec::File(name) => format!(" file {name}"),
        ImageSpec::NullCo { size, read_zeroes } => format!(" null {size} {read_zeroes}"),
        ImageSpec::Other(text) => format!(" other {text}"),
    };
    for name in spec.left_out {
        out += &format!(" -{name}");
    }
    out
}

#[track_caller]
fn check_in(dialect: Dialect, text: &str, expected: &str) {
    let outcome = options::from_json(text, dialect);
    assert_eq!(outcome.map_or_else(|error| error.to_string(), show), expected, "{text}");
}

#[track_caller]
fn check(text: &str, expected: &str) {
    check_in(NEW, text, expected);
}

/// Of a blkdebug node upon `null-co`.
#[track_caller]
fn check_node(options: &str, expected: &str) {
    check(&format!(r#"{{"driver": "blkdebug", "image.driver": "null-co", {options}}}"#), expected);
}

#[test]
fn names_are_nested_or_dotted() {
    let expected = "- {c.conf read_aio/1:28,8,1,0,any} file disk.img";
    check(
        r#"json:{"driver": "blkdebug", "config": "c.conf",
            "image": {"driver": "file", "filename": "disk.img"},
            "inject-error": [
                {"event": "read_aio", "state": 1, "errno": 28, "sector": 8, "once": true}]}"#,
        expected,
    );
    check(
        r#"{'driver': 'blkdebug', 'config': 'c.conf', 'image.filename': 'disk.img',
            'inject-error.0': {'event': 'read_aio'}, 'inject-error.0.state': '1',
            'inject-error.0.errno': '0x1c', 'inject-error.0.sector': 8.0,
            'inject-error.0.once': 'on'}"#,
        expected,
    );
}

#[test]
fn rules_are_a_list_or_alone() {
    check_node(
        r#""inject-error": [{"event": "read_aio"},
               {"event": "none", "iotype": "flush", "immediately": "y"}],
           "set-state": {"event": "pwritev", "state": -1, "new_state": 2}"#,
        "- { read_aio/0:5,-1,0,0,any none/0:5,-1,0,1,flush pwritev/-1->2} null 1073741824 false",
    );
    check_node(
        r#""inject-error.event": "none", "inject-error.0.event": "none""#,
        "Unknown option '0.event' for [inject-error]",
    );
    check_node(
        r#""inject-error.event": "none", "inject-error.id": "x""#,
        "Unknown option 'id' for [inject-error]",
    );
    check_node(r#""set-state.bogus": 1"#, "Unused option 'bogus' for [set-state]");
    check_node(r#""inject-error.1.event": "none""#, "Unused option '1.event' for [inject-error]");
    check_node(
        r#""inject-error.0.event": "none", "inject-error.00.event": "none""#,
        "Unused option '00.event' for [inject-error]",
    );
    check_node(
        r#""inject-error": [1]"#,
        "[inject-error] section (index 0) does not consist of keys",
    );
    check_node(
        r#""inject-error": [{"event": "none", "id": "x"}]"#,
        "[inject-error] section doesn't support the option 'id'",
    );
}

#[test]
fn what_is_empty_is_an_error_in_10_and_nothing_in_2_6() {
    let list = r#"{"driver": "blkdebug", "x-image": "null-co://", "inject-error": []}"#;
    check(list, "Block protocol 'blkdebug' doesn't support the option 'inject-error'");
    check_in(OLD, list, "- {} null 1073741824 false");
    let element = r#"{"driver": "blkdebug", "x-image": "null-co://", "inject-error": [{}]}"#;
    check(element, "Missing event name for rule");
    check_in(OLD, element, "- {} null 1073741824 false");
}

#[test]
fn rules_are_checked_as_in_a_file() {
    check_node(r#""inject-error.event": "nope""#, "invalid parameter value: nope");
    check_node(r#""inject-error.errno": 2.5"#, "Parameter 'errno' expects a number");
    check_node(
        r#""inject-error.event": "none", "inject-error.once": 1"#,
        "Parameter 'once' expects 'on' or 'off'",
    );
    check_node(
        r#""set-state.state": 1, "inject-error.state": 1, "inject-error.event": "none""#,
        "Missing event name for rule",
    );
    // What is no scalar is dropped.
    check_node(
        r#""inject-error.event": "none", "inject-error.errno": null, "config": []"#,
        "- { none/0:5,-1,0,0,any} null 1073741824 false",
    );
    check_in(
        OLD,
        r#"{"driver": "blkdebug", "x-image": "i", "inject-error.event": "none"}"#,
        "Invalid event name \"none\"",
    );
}

#[test]
fn limits_go_together_or_are_refused() {
    check_node(
        r#""align": "1k", "max-transfer": 4096, "opt-write-zero": 3072, "max-write-zero": "6k""#,
        "- { align=1024 max-transfer=4096 opt-write-zero=3072 max-write-zero=6144} \
         null 1073741824 false",
    );
    let cannot = |what: &str| format!("Cannot meet constraints with {what}");
    check_node(r#""align": 3"#, &cannot("align 3"));
    check_node(r#""align": "2G""#, &cannot("align 2147483648"));
    check_node(r#""align": 1024, "max-transfer": "1.5k""#, &cannot("max-transfer 1536"));
    check_node(r#""opt-write-zero": 3, "max-write-zero": 4"#, &cannot("max-write-zero 4"));
    check_node(r#""opt-discard": 3, "max-discard": 7"#, &cannot("max-discard 7"));
    check_node(r#""align": 0, "max-discard": 0"#, "- {} null 1073741824 false");
    check_node(r#""align": -1"#, "Value '-1' is out of range for parameter 'align'");
    check_node(
        r#""align": "3x""#,
        "Parameter 'align' expects a non-negative number below 2^64\n\
         Optional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\n\
         and exabytes, respectively.",
    );
    // The image's alignment counts too.
    check(
        r#"{"driver": "blkdebug", "max-transfer": 512,
            "image": {"driver": "blkdebug", "align": 1024, "image.driver": "null-co"}}"#,
        &cannot("max-transfer 512"),
    );
}

#[test]
fn align_is_all_that_2_6_has() {
    let node = |options: &str| format!(r#"{{"driver": "blkdebug", "x-image": "i", {options}}}"#);
    check_in(OLD, &node(r#""align": "4k""#), "- { align=4096} file i");
    check_in(OLD, &node(r#""align": 0"#), "Invalid alignment");
    check_in(OLD, &node(r#""align": 3"#), "Invalid alignment");
    check_in(
        OLD,
        &node(r#""max-transfer": 512"#),
        "Block protocol 'blkdebug' doesn't support the option 'max-transfer'",
    );
}

#[test]
fn there_must_be_an_image() {
    let none = "A block device must be specified for \"image\"";
    check(r#"{"driver": "blkdebug"}"#, none);
    check(r#"{"driver": "blkdebug", "image": {}}"#, none);
    check(r#"{"driver": "blkdebug", "image": 42}"#, none);
    check(
        r#"{"driver": "blkdebug", "image": "nope"}"#,
        "Cannot find device='nope' nor node-name='nope'",
    );
    check(
        r#"{"driver": "blkdebug", "x-image": "i", "image": "nope"}"#,
        "Cannot reference an existing block device with additional options or a new filename",
    );
    check(
        r#"{"driver": "blkdebug", "x-image": "i", "image.filename": "i"}"#,
        "Can't specify 'file' and 'filename' options at the same time",
    );
    check(
        r#"{"driver": "blkdebug", "image.driver": "file"}"#,
        "The 'file' block driver requires a file name",
    );
    check(r#"{"driver": "raw", "filename": "i"}"#, "A block device must be specified for \"file\"");
    check("{}", "Must specify either driver or file");
    check("[]", "Invalid JSON object given");
    check(
        r#"{"driver": "blkdebug", "driver": "raw"}"#,
        "Could not parse the JSON options: JSON parse error, duplicate key",
    );
}

#[test]
fn the_image_is_a_file_null_or_somebody_elses() {
    let upon = |image: &str| format!(r#"{{"driver": "blkdebug", "image": {image}}}"#);
    // A name among options has no prefix.
    check(&upon(r#"{"filename": "blkdebug:a:b"}"#), "- {} file blkdebug:a:b");
    check(
        &upon(r#"{"driver": "null-co", "size": "1M", "read-zeroes": true}"#),
        "- {} null 1048576 true",
    );
    check(
        &upon(r#"{"driver": "null-co", "filename": "x"}"#),
        "Block protocol 'null-co' doesn't support the option 'filename'",
    );
    check(
        &upon(r#"{"driver": "nbd", "server": {"host": "h"}}"#),
        r#"- {} other json:{"driver":"nbd","server.host":"h"}"#,
    );
    check(r#"{"driver": "blkdebug", "x-image": "nbd://h"}"#, "- {} other nbd://h");
    check(r#"{"driver": "blkdebug", "x-image": "blkdebug:c:i"}"#, "- {} {c} file i");
    check(
        &upon(r#"{"driver": "blkdebug", "config": "c", "image.filename": "i"}"#),
        "- {} {c} file i",
    );
    check(&upon(r#"{"driver": "raw", "file.filename": "i"}"#), "- {} file i -image.driver");
    check(
        &upon(r#"{"driver": "raw", "file": {"driver": "blkdebug", "x-image": "i"}}"#),
        "not carried over: a raw node between blkdebug nodes",
    );
}

#[test]
fn a_raw_node_may_be_on_top() {
    let expected = "raw { read_aio/0:5,-1,0,0,any} file i";
    check(
        r#"{"driver": "raw", "file": {"driver": "blkdebug", "image.filename": "i",
            "inject-error": [{"event": "read_aio"}]}}"#,
        expected,
    );
    // Its format is probed, and is raw.
    check(
        r#"{"file": {"driver": "blkdebug", "image.filename": "i",
            "inject-error": [{"event": "read_aio"}]}}"#,
        expected,
    );
    check(
        r#"{"driver": "raw", "bogus": 1, "file": {"driver": "blkdebug", "x-image": "i"}}"#,
        "Block format 'raw' does not support the option 'bogus'",
    );
    check(
        r#"{"driver": "qcow2", "file": {"driver": "blkdebug", "x-image": "i"}}"#,
        "not carried over: driver qcow2 above blkdebug",
    );
}

#[test]
fn qemus_own_business_is_named_and_left_out() {
    check(
        r#"{"driver": "blkdebug", "node-name": "n", "cache": {"direct": true},
            "take-child-perms": ["write"],
            "image": {"driver": "file", "filename": "i", "locking": "off", "read-only": true}}"#,
        "- {} file i -node-name -cache.direct -take-child-perms.0 -image.read-only -image.locking",
    );
    check_node(
        r#""bogus": 1, "foo": 1"#,
        "Block protocol 'blkdebug' doesn't support the option 'bogus'",
    );
}

#[test]
fn with_commas() {
    let check = |text: &str, expected: &str| {
        let outcome = options::from_image_opts(text, NEW);
        assert_eq!(outcome.map_or_else(|error| error.to_string(), show), expected, "{text}");
    };
    check(
        "driver=blkdebug,image.driver=file,image.filename=a,,b=c,inject-error.0.event=read_aio",
        "- { read_aio/0:5,-1,0,0,any} file a,b=c",
    );
    check(
        "driver=raw,file.driver=blkdebug,file.x-image=i,file.align=512,file.align=4k,id=x,",
        "raw { align=4096} file i",
    );
    check(
        "driver=blkdebug,x-image=i,inject-error.event=none,inject-error.once",
        "- { none/0:5,-1,1,0,any} file i",
    );
    check(
        "driver=blkdebug,x-image=i,noread",
        "Block protocol 'blkdebug' doesn't support the option 'read'",
    );
    check("driver=blkdebug,x-image=i,,", "- {} file i,");
    check("", "Must specify either driver or file");
    check("i", "Must specify either driver or file");
}

#[test]
fn inputs_are_bounded() {
    let long = "x".repeat(1 << 20);
    check(&long, "the options are larger than 1 MiB");
    let deep = "[".repeat(100_000);
    assert!(options::from_json(&deep, NEW).is_err());
    let files = format!("{}filename=i", "file.".repeat(200));
    assert!(options::from_image_opts(&files, NEW).is_err());
    let raws: String =
        (0..100).map(|depth| format!("{}driver=raw,", "file.".repeat(depth))).collect();
    let raws = format!("{raws}{}filename=i", "file.".repeat(100));
    let error = options::from_image_opts(&raws, NEW).unwrap_err();
    assert_eq!(error.to_string(), "more than 64 nodes are stacked upon each other");
}
