//! No text breaks a reader, and what can be read can be written.

use std::ops::Range;

use arbitrary::{Result, Unstructured};
use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::{conf, filename, options, print, script};
use headcrash_scenario::conformance::Recorded;
use headcrash_scenario::{Failure, parse};

/// A scenario is read or refused, and one that is read says the same after it was written and read
/// again.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn scenario_text(u: &mut Unstructured<'_>) -> Result<()> {
    let text = mutated(u, SCENARIOS)?;
    let scenario = match parse("law.ron", &text) {
        Ok(scenario) => scenario,
        Err(errors) => {
            assert!(!errors.render(false).is_empty(), "a refusal says why");
            assert!(!errors.to_string().is_empty(), "a refusal says why");
            return Ok(());
        }
    };
    let written = scenario.to_ron();
    let again = parse("law.ron", written.as_bytes())
        .unwrap_or_else(|errors| panic!("what was written is refused: {errors}\n{written}"));
    assert!(again == scenario, "what was written says something else\n{written}");
    assert_eq!(again.to_ron(), written, "what was written twice differs");
    Ok(())
}

/// Readers of other formats read or refuse: configuration files, options, names, command scripts,
/// conformance cases, failure files. Rules that are read say the same when written and read again.
///
/// # Errors
///
/// When the input is too short.
///
/// # Panics
///
/// When the law is broken.
pub fn formats(u: &mut Unstructured<'_>) -> Result<()> {
    let dialect = *u.choose(&[Dialect::Qemu10, Dialect::Qemu2_6])?;
    let bytes = mutated(u, FORMATS)?;
    if let Ok(rules) = conf::parse(&bytes, dialect)
        && let Ok(written) = print::config(&rules, dialect)
    {
        let again = conf::parse(written.as_bytes(), dialect);
        let again = again.unwrap_or_else(|error| panic!("refused: {error}\n{written}"));
        let plain = |rules: &[headcrash_scenario::blkdebug::rule::Rule]| -> Vec<_> {
            let bare = |rule: &headcrash_scenario::blkdebug::rule::Rule| {
                (rule.kind, rule.event.clone(), rule.state)
            };
            rules.iter().map(bare).collect()
        };
        assert_eq!(plain(&again), plain(&rules), "rules changed on the way\n{written}");
    }
    let text = String::from_utf8_lossy(&bytes);
    for spec in [
        options::from_json(&text, dialect),
        options::from_image_opts(&text, dialect),
        filename::parse(&text, dialect),
    ]
    .into_iter()
    .flatten()
    {
        if let Ok(written) = print::json(&spec, dialect) {
            let again = options::from_json(&written, dialect);
            assert!(again.is_ok(), "what was written is refused: {again:?}\n{written}");
        }
    }
    if let Ok(script) = script::parse(&text)
        && let Ok(written) = print::script(&script.commands)
    {
        let again = script::parse(&written).expect("what was written can be read");
        let plain = |script: &script::Script| -> Vec<_> {
            script.commands.iter().map(|command| command.operation.clone()).collect()
        };
        assert_eq!(plain(&again), plain(&script), "commands changed on the way\n{written}");
    }
    _ = Recorded::parse(&text);
    _ = Failure::parse(&text);
    Ok(())
}

/// One of `bases` with a few edits, or bytes out of nothing.
pub(super) fn mutated(u: &mut Unstructured<'_>, bases: &[&str]) -> Result<Vec<u8>> {
    if u.ratio(1, 8)? {
        return Ok(u.bytes(u.len())?.to_vec());
    }
    let mut text = u.choose(bases)?.as_bytes().to_vec();
    for _ in 0..u.int_in_range(0..=6)? {
        let range = range(u, text.len())?;
        match u.int_in_range(0..=3)? {
            0 => drop(text.drain(range)),
            1 => {
                let word = *u.choose(WORDS)?;
                text.splice(range, word.bytes());
            }
            2 => {
                let copy = text[range.clone()].to_vec();
                text.splice(range.start..range.start, copy);
            }
            _ => {
                let byte = u.arbitrary()?;
                text.splice(range, [byte]);
            }
        }
    }
    Ok(text)
}

/// A short stretch of `len` bytes.
fn range(u: &mut Unstructured<'_>, len: usize) -> Result<Range<usize>> {
    let start = u.int_in_range(0..=len)?;
    let end = start + u.int_in_range(0..=(len - start).min(12))?;
    Ok(start..end)
}

const WORDS: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    ",",
    ":",
    "..",
    "..=",
    "0",
    "1",
    "-1",
    "512",
    "0x1FF",
    "1_0",
    "18446744073709551616",
    "1e9",
    "r#\"",
    "/*",
    "*/",
    "//",
    "\n",
    "true",
    "None",
    "Some(",
    "fill(0x11)",
    "write(at: 0, len: 512, fill: 1)",
    "resume(\"A\")",
    "qemu_2_6",
    "state: 2",
    "once: true",
    "sector: 8",
    "steps: [",
    "repeat(times: 3, steps: [flush()])",
    "event = \"pwritev\"\n",
    "[inject-error]\n",
    "[set-state \"x\"]\n",
    " = ",
    "errno",
    "\u{feff}",
    "\0",
    "{",
    "}",
    "null",
    "\"op\":\"read\"",
    "aio_write -z -f 0 1k\n",
    "wait_break A\n",
];

const SCENARIOS: &[&str] = &[
    "(steps: [write(at: 0, len: 512, fill: 0x11), flush()])",
    include_str!("../../../scenarios/rmw/overlap_waits.ron"),
    r#"(
    summary: "Everything at once.",
    dialect: qemu_10_0_2,
    quirks: qemu,
    events: ["commit"],
    disks: [
        (name: "a", size: 65_536, fill: 0xAA, latency: uniform(min_ns: 1, max_ns: 9), top: none,
         align: 512, max_transfer: 4096, opt_write_zero: 1024, max_write_zero: 4096,
         below: [(rules: [(event: "pwritev", action: set_state(2))])]),
        (name: "b", size: 65_536, latency: by_kind(read: any, write: exponential(mean_ns: 5)), open: false),
    ],
    rules: [
        (name: "r", event: "commit", state: 2, disk: "a", action: inject_error(errno: 28, sectors: 1..4, iotype: write)),
        (event: "flush_to_os", action: suspend("S"), once: true),
    ],
    clients: [
        (name: "x", steps: [
            submit(id: "w", io: write(disk: "a", at: 512, len: 6, data: bytes([1, 2, 3, 4, 5, 6]), fua: true)),
            announce(event: "commit", disk: "a"),
            wait(id: "w", gets: any),
            read(disk: "a", at: 512, len: 6, save: "s", gets: any),
            when(saved: "s", holds: any_of([fill(1), text("abcdef")]), then: [sleep(ns: 5)], otherwise: [flush(disk: "a", gets: any)]),
        ]),
        (name: "y", steps: [open(disk: "b"), parallel([flush(disk: "b"), discard(disk: "b", at: 0, len: 512)]),
            repeat(times: 2, steps: [truncate(disk: "b", len: 131_072), len(disk: "b", is: 131_072)]), close(disk: "b")]),
    ],
    properties: [never(name: "n", that: all([failed("EPERM"), not(announced("commit"))]))],
    suspensions: after_ns(50),
    seeds: 0..10,
)"#,
];

const FORMATS: &[&str] = &[
    "[inject-error]\nevent = \"read_aio\"\nerrno = \"28\"\nonce = \"on\"\n\n[set-state \"a\"]\nevent = \"pwritev\"\nstate = \"1\"\nnew_state = \"2\"\n",
    r#"json:{"driver":"raw","file":{"driver":"blkdebug","align":4096,"image":{"driver":"null-co","size":"64k"},"inject-error":[{"event":"write_aio","errno":28,"sector":8,"once":true}]}}"#,
    "driver=blkdebug,image.driver=file,image.filename=a,,b,inject-error.0.event=read_aio,max-transfer=64k",
    "blkdebug:rules.conf:blkdebug::disk.img",
    "write -P 0x11 0 64k\naio_write -z -f 4096 512\nbreak pwritev A\naio_read -P 3 1k 0x200\nwait_break A\nresume A\nflush\nsleep 10\n",
    r#"{"case":{"id":"x","dialect":"qemu-10.0.2","top":"raw","image":"file","image_size":65536,"options":{"align":512},"rules":[{"action":"inject-error","event":"read_aio","errno":5}],"requests":[{"op":"read","off":1,"len":100}]},"outcome":{"steps":[[{"t":"done","req":0,"ret":"EIO"}]],"tail":[],"final":null}}"#,
    r#"(failure:1,headcrash:"0.1.0",seeds:1,scenario:"a.ron",scenario_hash:"00",seed:7,outcome:"stuck",expected:"held",facts:3,trace_hash:"00",schedule:[(kind:"schedule",about:"world",of:2,answer:1,picked:"client a")])"#,
];
