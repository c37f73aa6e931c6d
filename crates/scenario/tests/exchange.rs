//! Scenarios from blkdebug's files, and back.

use std::io;

use headcrash_engine::Dialect;
use headcrash_scenario::blkdebug::rule::{Rule, RuleKind};
use headcrash_scenario::blkdebug::spec::{ImageSpec, Limits, Node, Spec};
use headcrash_scenario::blkdebug::{conf, filename, options, print};
use headcrash_scenario::conformance::{
    Case, Done, ImageKind, Recorded, Request, Rule as CaseRule, Seen,
};
use headcrash_scenario::{
    Commands, ExportOptions, Exported, Gets, ImportError, ImportOptions, Imported, Keep,
    NotCarried, Outcome, Scenario, StepKind, export_blkdebug, import_blkdebug, parse, run_seed,
};

const OPTIONS: ImportOptions<'static> = ImportOptions {
    name: "rules.conf",
    dialect: Dialect::Qemu10,
    commands: None,
    size: 65_536,
    contents: None,
};

fn spec(config: bool) -> Spec {
    let node = Node { config: config.then(|| "rules.conf".to_owned()), ..Node::default() };
    let image = ImageSpec::File(String::new());
    Spec { raw: true, nodes: vec![node], image, left_out: Vec::new() }
}

fn import(conf: &str, commands: &str) -> Imported {
    let commands = Some(Commands { name: "commands", text: commands });
    let options = ImportOptions { commands, ..OPTIONS };
    import_blkdebug(&spec(true), &options, |_| Ok(conf.as_bytes().to_vec())).unwrap()
}

fn read(ron: &str) -> Scenario {
    match parse("scenario.ron", ron.as_bytes()) {
        Ok(scenario) => scenario,
        Err(errors) => panic!("{}\n{ron}", errors.render(false)),
    }
}

fn export(scenario: &Scenario) -> Exported {
    export_blkdebug(scenario, &ExportOptions { image: "disk.img", stem: None })
}

/// The steps that a script becomes, and what is said of it.
#[track_caller]
fn check(conf: &str, commands: &str, steps: &[&str], notes: &[&str]) {
    let imported = import(conf, commands);
    let scenario = read(&imported.ron);
    assert_eq!(run_seed(&scenario, 0, Keep::Hash).outcome, Outcome::Held, "{}", imported.ron);
    let text = imported.ron.split_once("steps: [").expect("there are steps").1;
    let text = text.rsplit_once(']').expect("the steps end").0;
    let actual: Vec<_> = if text.contains('\n') {
        text.lines().map(|line| line.trim().trim_end_matches(',')).collect()
    } else {
        vec![text]
    };
    let actual: Vec<_> = actual.into_iter().filter(|line| !line.is_empty()).collect();
    assert_eq!(actual, steps, "{}", imported.ron);
    let actual: Vec<_> = imported.not_carried.iter().map(ToString::to_string).collect();
    assert_eq!(actual, notes);
}

const FAIL_ONCE: &str = "[inject-error]\nevent = \"write_aio\"\nerrno = \"28\"\nonce = \"on\"\n";

#[test]
fn an_imported_file_reads_like_one_that_was_written() {
    let conf = "[set-state]\nevent = \"pwritev_done\"\nstate = \"1\"\nnew_state = \"2\"\n\
                [inject-error]\nevent = \"write_aio\"\nstate = \"2\"\nerrno = \"28\"\n\
                sector = \"8\"\n";
    let commands = "# A write is held while another one passes.\nbreak pwritev A\n\
                    aio_write -P 0x11 0 512\nwait_break A\naio_write -P 0x22 4k 512\nresume A\n\
                    aio_flush\nread -P 0x11 0 512\nwrite 4k 512\n";
    insta::assert_snapshot!(import(conf, commands).ron, @r#"
    // Imported from rules.conf and commands: `aio7` is what line 7 of commands submits.
    // The answers are written down as they came; `qemu-io -t writeback -d unmap` gives the same.
    (
        summary: "rules.conf with commands.",
        quirks: qemu,
        disks: [(size: 65_536)],
        rules: [
            (event: "pwritev_done", state: 1, action: set_state(2)),
            (event: "write_aio", state: 2, action: inject_error(errno: "ENOSPC", sector: 8)),
        ],
        steps: [
            set_break(event: "pwritev", tag: "A"),
            submit(id: "aio3", io: write(at: 0, len: 512, fill: 0x11)),
            wait_break("A"),
            submit(id: "aio5", io: write(at: 4096, len: 512, fill: 0x22)),
            wait(id: "aio5"),
            resume("A"),
            wait(id: "aio3"),
            wait_all(),
            read(at: 0, len: 512, holds: fill(0x11)),
            write(at: 4096, len: 512, fill: 0xCD, gets: fails("ENOSPC")),
        ],
    )
    "#);
}

#[test]
fn answers_are_written_down() {
    check(
        FAIL_ONCE,
        "write 0 512\nwrite 0 512\nflush\ndiscard 0 512\nwrite -z -f 0 1k\nlength\ntruncate 4k\n\
         read 4k 1\naio_read 4k 1\nlength\nsleep 3\n",
        &[
            r#"write(at: 0, len: 512, fill: 0xCD, gets: fails("ENOSPC"))"#,
            "write(at: 0, len: 512, fill: 0xCD)",
            "flush()",
            "discard(at: 0, len: 512)",
            "write_zeroes(at: 0, len: 1024, fua: true)",
            "len(is: 65_536)",
            "truncate(len: 4096)",
            r#"read(at: 4096, len: 1, gets: fails("EIO"))"#,
            // A request that is not even begun is waited for.
            r#"read(at: 4096, len: 1, gets: fails("EIO"))"#,
            "len(is: 4096)",
            "sleep(ns: 3_000_000)",
        ],
        &[],
    );
}

#[test]
fn resuming_nobody_is_written_down() {
    check(
        "",
        "resume A\nremove_break A\nbreak pwritev A\nremove_break A\nresume A\n",
        &[
            r#"resume_none("A")"#,
            r#"remove_no_break("A")"#,
            r#"set_break(event: "pwritev", tag: "A")"#,
            r#"remove_break("A")"#,
            r#"resume_none("A")"#,
        ],
        &[],
    );
}

#[test]
fn what_would_hang_qemu_io_is_said() {
    check(
        "",
        "break pwritev A\nwrite 0 512\nwait_break B\naio_flush\nclose\nreopen\nquit\nresume A\n\
         aio_flush\nquit\nlength\n",
        &[
            r#"set_break(event: "pwritev", tag: "A")"#,
            r#"submit(id: "aio2", io: write(at: 0, len: 512, fill: 0xCD))"#,
            r#"wait_break("A")"#,
            r#"resume("A")"#,
            r#"wait(id: "aio2")"#,
            "wait_all()",
        ],
        &[
            "commands:2: write 0 512: qemu-io waits for ever: the request does not end; it is \
             submitted and not waited for",
            "commands:3: wait_break B: qemu-io waits for ever: nobody will be suspended under it",
            "commands:4: aio_flush: qemu-io waits for ever: a request is suspended",
            "commands:5: close: qemu-io waits for ever: a request is suspended",
            "commands:6: reopen: qemu-io waits for ever: a request is suspended",
            "commands:7: quit: qemu-io waits for ever: a request is suspended",
            "commands:11: length: qemu-io has quit before",
        ],
    );
}

#[test]
fn patterns_are_verified() {
    check(
        "",
        "write -P 1 0 512\nread -P 1 0 512\nread -P 2 0 512\nread -P 1 -s 0 -l 512 0 1k\n\
         aio_read -P 0 1k 512\n",
        &[
            "write(at: 0, len: 512, fill: 0x01)",
            "read(at: 0, len: 512, holds: fill(0x01))",
            "read(at: 0, len: 512, holds: fill(0x01))",
            "read(at: 0, len: 1024, holds: runs([(512, 0x01), (512, 0x00)]))",
            r#"submit(id: "aio5", io: read(at: 1024, len: 512))"#,
            r#"wait(id: "aio5", holds: zeroes)"#,
        ],
        &["commands:3: read -P 2 0 512: -P: pattern verification fails: byte 0 is 0x01"],
    );
}

#[test]
fn a_disk_is_closed_and_opened() {
    check(
        FAIL_ONCE,
        "close\nread 0 512\nopen blkdebug:rules.conf:any.img\nopen x\nreopen -r\nclose\nopen x\n\
         read 0 1\n",
        &["close(), open(), flush(), reopen(), close()"],
        &[
            "commands:2: read 0 512: no file open, try 'help open'",
            "commands:4: open x: file open already, try 'help close'",
            "commands:5: reopen -r: -r and -w: a scenario's disk stays as it is",
            "commands:7: open x: another image, and a scenario's disk has one",
            "commands:8: read 0 1: another image was opened before, and a scenario's disk has one",
        ],
    );
}

#[test]
fn lines_that_mean_nothing_here_are_said() {
    let long = "x".repeat(101);
    check(
        "",
        &format!("info\nbreak nowhere A\nwrite -z -u -n 0 512\nbreak pwritev {long}\nread 0 32M\n"),
        &["write_zeroes(at: 0, len: 512)"],
        &[
            "commands:1: info: info is not carried over",
            "commands:2: break nowhere A: Could not set breakpoint: there is no such event",
            "commands:3: write -z -u -n 0 512: -u: what is deallocated is no different here",
            "commands:3: write -z -u -n 0 512: -n: zeroes may be written as data here",
            &format!(
                "commands:4: break pwritev {long}: a scenario's tags have 1 to 100 characters, \
                 none to control anything"
            ),
            "commands:5: read 0 32M: a scenario reads or writes at most 16777216 bytes at once",
        ],
    );
}

#[test]
fn without_commands_there_are_some() {
    let imported = import_blkdebug(&spec(true), &OPTIONS, |_| Ok(FAIL_ONCE.into())).unwrap();
    let steps = "    steps: [\n        \
                 write(at: 0, len: 512, fill: 0x11, gets: fails(\"ENOSPC\")),\n        \
                 read(at: 0, len: 512),\n        flush(),\n    ],\n)\n";
    assert!(imported.ron.ends_with(steps), "{}", imported.ron);
}

#[test]
fn nodes_limits_and_images_become_a_disk() {
    let name = r#"json:{"driver": "blkdebug", "align": 4096, "max-transfer": "8k",
        "node-name": "n", "image": {"driver": "blkdebug", "config": "b",
        "set-state": [{"event": "pwritev", "new_state": 5}],
        "image": {"driver": "null-co", "size": "1M", "read-zeroes": true}}}"#;
    let spec = options::from_json(name, Dialect::Qemu10).unwrap();
    let options = ImportOptions { name: "it", ..OPTIONS };
    let imported = import_blkdebug(&spec, &options, |_| Ok(FAIL_ONCE.into())).unwrap();
    insta::assert_snapshot!(imported.ron, @r#"
    // Imported from it.
    // The answers are written down as they came; `qemu-io -t writeback -d unmap` gives the same.
    (
        summary: "it.",
        quirks: qemu,
        disks: [(
            medium: null,
            top: none,
            align: 4096,
            max_transfer: 8192,
            below: [(
                rules: [
                    (event: "write_aio", action: inject_error(errno: "ENOSPC", once: true)),
                    (event: "pwritev", action: set_state(5)),
                ],
            )],
        )],
        steps: [write(at: 0, len: 512, fill: 0x11), read(at: 0, len: 512), flush()],
    )
    "#);
    let notes: Vec<_> = imported.not_carried.iter().map(ToString::to_string).collect();
    assert_eq!(notes, ["it: node-name: an option that only matters to QEMU"]);
    let again = export(&read(&imported.ron));
    assert_eq!(
        again.name,
        "json:{\"driver\":\"blkdebug\",\"align\":4096,\"max-transfer\":8192,\"image\":\
         {\"driver\":\"blkdebug\",\"inject-error\":[{\"event\":\"write_aio\",\"errno\":28,\
         \"once\":true}],\"set-state\":[{\"event\":\"pwritev\",\"new_state\":5}],\"image\":\
         {\"driver\":\"null-co\",\"size\":1048576,\"read-zeroes\":true}}}"
    );
}

#[test]
fn what_an_image_holds_is_carried_over_if_it_is_little() {
    let mut bytes = vec![0xAA; 1000];
    bytes[..10].fill(1);
    let options = ImportOptions { contents: Some(&bytes), size: 1000, ..OPTIONS };
    let imported = import_blkdebug(&spec(false), &options, |_| unreachable!()).unwrap();
    let disk = "disks: [(size: 1024, fill: 0xAA, contents: [(at: 0, len: 10, data: fill(0x01))])],";
    assert!(imported.ron.contains(disk), "{}", imported.ron);
    let noise: Vec<_> = (0..4096_u32).map(|n| ((n * n) >> 3) as u8).collect();
    let options = ImportOptions { contents: Some(&noise), size: 4096, ..OPTIONS };
    let imported = import_blkdebug(&spec(false), &options, |_| unreachable!()).unwrap();
    assert_eq!(
        imported.not_carried[0].to_string(),
        "rules.conf: the image: what it holds is more than 64 stretches of bytes"
    );
}

/// Writes of zeroes that fail together and fall back to data, where each finds another error.
fn tied(requests: usize) -> Imported {
    let mut conf = "[inject-error]\nevent = \"pwritev_zero\"\nerrno = \"95\"\n\
                    iotype = \"write-zeroes\"\n"
        .to_owned();
    let mut commands = String::new();
    for number in 1..=requests {
        conf.push_str(&format!(
            "[inject-error]\nevent = \"pwritev_zero\"\nerrno = \"{number}\"\n\
             iotype = \"write\"\nonce = \"on\"\n"
        ));
        commands.push_str(&format!("break pwritev_zero A\naio_write -z {}k 4k\n", number * 8));
    }
    import(&conf, &(commands + "remove_break A\n"))
}

#[test]
fn answers_due_together_come_in_qemus_order() {
    let imported = tied(3);
    let scenario = read(&imported.ron);
    let seed = scenario.seeds().iter().next().unwrap();
    assert_eq!(run_seed(&scenario, seed, Keep::Hash).outcome, Outcome::Held, "{}", imported.ron);
    // The newest is resumed first.
    let waits = "        wait(id: \"aio6\", gets: fails(\"EPERM\")),\n        \
                 wait(id: \"aio4\", gets: fails(\"ENOENT\")),\n        \
                 wait(id: \"aio2\", gets: fails(\"ESRCH\")),\n";
    assert!(imported.ron.contains(waits), "{}", imported.ron);
    assert_eq!(imported.not_carried, []);
}

#[test]
fn what_depends_on_chance_is_expected_no_longer() {
    let imported = tied(8);
    let scenario = read(&imported.ron);
    assert_eq!(run_seed(&scenario, 0, Keep::Hash).outcome, Outcome::Held, "{}", imported.ron);
    let depends = "commands:17: remove_break A: what it gets depends on which answer comes first";
    assert!(imported.not_carried.iter().all(|left| left.to_string() == depends));
    assert!(!imported.not_carried.is_empty());
}

#[test]
fn no_script_takes_for_ever() {
    let lines = "write -z -n 0 1E\nwrite -z -n 0 7E\ndiscard 0 2147483136\nread 0 16M\n\
                 aio_write -z 0 8191P\nwrite 7E 512\ntruncate 1E\nwrite -z -n 0 1E\n\
                 truncate 7E\nsleep 9223372036854775807\nbreak none \u{7f}\nresume \r\n";
    let aio = "break pwritev A\naio_write 0 512\n".repeat(5_000);
    let writes = "write 0 16M\n".repeat(20);
    for (name, conf) in [
        ("json:{'driver':'blkdebug','image':{'driver':'null-co','size':1099511627776}}", ""),
        (
            "json:{'driver':'blkdebug','align':1,'max-transfer':1,'image':{'driver':'null-co'}}",
            FAIL_ONCE,
        ),
        (
            "json:{'driver':'blkdebug','max-write-zero':512,'max-discard':512,'config':'c',\
             'image':{'driver':'null-co','size':1099511627776}}",
            "[inject-error]\nevent = \"pwritev_zero\"\nerrno = \"95\"\n",
        ),
    ] {
        for dialect in [Dialect::Qemu10, Dialect::Qemu2_6] {
            // 2.6 has no other limits.
            let name = match dialect {
                Dialect::Qemu10 => name,
                Dialect::Qemu2_6 => "json:{'driver':'blkdebug','image':{'driver':'null-co'}}",
            };
            let spec = options::from_json(name, dialect).unwrap();
            for text in [lines, &aio, &writes] {
                let commands = Some(Commands { name: "commands", text });
                let options = ImportOptions { commands, dialect, ..OPTIONS };
                import_blkdebug(&spec, &options, |_| Ok(conf.into())).unwrap();
            }
        }
    }
}

#[test]
fn what_cannot_be_imported_is_an_error() {
    let told = |spec: &Spec, text: &str, size| {
        let options = ImportOptions { size, ..OPTIONS };
        let read = |_: &str| match text {
            "" => Err(io::ErrorKind::NotFound.into()),
            text => Ok(text.as_bytes().to_vec()),
        };
        import_blkdebug(spec, &options, read).unwrap_err()
    };
    let error = told(&spec(true), "", 512);
    assert!(matches!(error, ImportError::Read { .. }), "{error}");
    let error = told(&spec(true), "[inject-error]\nevent = \"x\"\n", 512);
    assert_eq!(error.to_string(), "rules.conf:1: invalid parameter value: x");
    let mut aligned = spec(true);
    aligned.nodes[0].limits.align = 4096;
    let error = told(&aligned, FAIL_ONCE, 512);
    assert!(matches!(error, ImportError::Size { size: 512, align: 4096 }), "{error}");
    let error = told(&spec(true), FAIL_ONCE, u64::MAX);
    assert!(matches!(error, ImportError::Invalid(_)), "{error}");
    let deep = filename::parse(&("blkdebug::".repeat(20) + "i"), Dialect::Qemu10).unwrap();
    let error = told(&deep, FAIL_ONCE, 512);
    assert!(matches!(error, ImportError::Invalid(_)), "{error}");
    let many = "[inject-error]\nevent = \"cluster_alloc\"\nerrno = \"28\"\n".repeat(20_000);
    let error = told(&spec(true), &many, 512);
    assert!(matches!(error, ImportError::TooLong(_)), "{error}");
}

#[test]
fn a_scenario_becomes_a_configuration_a_script_and_a_name() {
    let scenario = read(
        r#"(
            quirks: qemu,
            rules: [
                (event: "pwritev_done", action: set_state(2)),
                (event: "write_aio", state: 2, action: inject_error(errno: "ENOSPC", once: true)),
            ],
            steps: [
                set_break(event: "pwritev_rmw_after_head", tag: "A"),
                submit(id: "w1", io: write(at: 512, len: 512, fill: 0x11)),
                wait_break("A"),
                submit(id: "w2", io: write(at: 1024, len: 512, fill: 0x22)),
                submit(id: "r", io: read(at: 0, len: 512)),
                wait(id: "r", holds: zeroes),
                resume("A"),
                wait(id: "w1"),
                wait(id: "w2"),
                repeat(times: 2, steps: [discard(at: 0, len: 512), flush()]),
                reopen(),
                write_zeroes(at: 0, len: 4096, fua: true, gets: any),
                sleep(ns: 1),
                truncate(len: 4096),
                len(is: 4096),
                wait_all(),
            ],
        )"#,
    );
    let exported = export(&scenario);
    assert_eq!(exported.name, "blkdebug:scenario.conf:disk.img");
    assert_eq!((exported.size, &*exported.options), (1 << 20, "-f raw -t writeback -d unmap"));
    assert_eq!(exported.configs.len(), 1);
    assert_eq!(exported.configs[0].path, "scenario.conf");
    assert_eq!(
        exported.configs[0].text,
        "[set-state]\nevent = \"pwritev_done\"\nnew_state = \"2\"\n\n[inject-error]\n\
         event = \"write_aio\"\nstate = \"2\"\nerrno = \"28\"\nonce = \"on\"\n"
    );
    assert_eq!(
        exported.commands,
        "break pwritev_rmw_after_head A\naio_write -P 0x11 512 512\nwait_break A\n\
         aio_write -P 0x22 1024 512\naio_read -P 0x0 0 512\nsleep 10\nresume A\naio_flush\n\
         discard 0 512\nflush\ndiscard 0 512\nreopen\nwrite -z -f 0 4096\nsleep 1\n\
         truncate 4096\nlength\naio_flush\n"
    );
    assert_eq!(exported.not_carried, []);
}

#[test]
fn what_qemu_cannot_do_is_said_with_its_line() {
    let scenario = read(
        r#"(
    events: ["commit"],
    disks: [(name: "a", fill: 0xAA, latency: any), (name: "b")],
    rules: [
        (event: "pwritev", disk: "a", action: suspend("S"), once: true),
        (event: "pwritev", disk: "a", action: suspend("T")),
        (event: "commit", disk: "a", action: set_state(2)),
        (event: "pwritev", action: inject_error(sectors: 0..8)),
    ],
    clients: [(name: "x", steps: [
        announce(disk: "a", event: "commit"),
        set_break(disk: "a", event: "commit", tag: "two words"),
        set_break(disk: "a", event: "pwritev", tag: "two words"),
        read(disk: "b", at: 0, len: 512),
        read(disk: "a", at: 0, len: 512, holds: runs([(256, 1), (256, 2)]), save: "r", gets: any),
        when(saved: "r", holds: zeroes, then: [flush(disk: "a")], otherwise: [flush(disk: "a")]),
        write(disk: "a", at: 0, data: text("hello")),
        submit(id: "f", io: flush(disk: "a")),
        wait(id: "f", or_violates: "it flushes"),
        reopen(disk: "a"),
        expect(state_of(disk: "a", is: 1)),
    ]), (name: "y", steps: [flush(disk: "a")])],
    properties: [never(name: "no error", that: failed("EIO"))],
)"#,
    );
    let exported = export(&scenario);
    let notes: Vec<_> = exported.not_carried.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @r#"
    scenario.ron:1: quirks: safe: QEMU has its defects
    scenario.ron:3: (name: "a", fill: 0xAA, latency: any): `latency`: how long an image takes is the host's affair
    scenario.ron:3: (name: "a", fill: 0xAA, latency: any): the image is to be filled before: `qemu-io -f raw -c 'write -P 0xaa 0 1048576' disk.img`
    scenario.ron:3: (name: "b"): qemu-io has one disk, and it is the first
    scenario.ron:6: (event: "pwritev", disk: "a", action: suspend("T")): QEMU suspends by breakpoints alone, and these are for any state and once
    scenario.ron:7: (event: "commit", disk: "a", action: set_state(2)): dialect qemu_10_0_2 has no event `commit`
    scenario.ron:8: (event: "pwritev", action: inject_error(sectors: 0..8)): QEMU's rules are for one sector, or for any
    scenario.ron:11: announce(disk: "a", event: "commit"): qemu-io has no command that announces an event
    scenario.ron:12: set_break(disk: "a", event: "commit", tag: "two words"): dialect qemu_10_0_2 has no event `commit`
    scenario.ron:13: set_break(disk: "a", event: "pwritev", tag: "two words"): qemu-io's words are separated by spaces
    scenario.ron:14: read(disk: "b", at: 0, len: 512): qemu-io has one disk, and it is the first
    scenario.ron:15: read(disk: "a", at: 0, len: 512, holds: runs([(256, 1), (256, 2)]), save: "r", gets: any): qemu-io compares with one byte value only
    scenario.ron:15: read(disk: "a", at: 0, len: 512, holds: runs([(256, 1), (256, 2)]), save: "r", gets: any): qemu-io saves nothing
    scenario.ron:16: when(saved: "r", holds: zeroes, then: [flush(disk: "a")], otherwise: [flush(disk: "a")]): qemu-io decides nothing
    scenario.ron:17: write(disk: "a", at: 0, data: text("hello")): qemu-io writes one byte value at a time
    scenario.ron:18: submit(id: "f", io: flush(disk: "a")): qemu-io waits for a flush or a discard
    scenario.ron:19: wait(id: "f", or_violates: "it flushes"): qemu-io watches over no property
    scenario.ron:21: expect(state_of(disk: "a", is: 1)): qemu-io expects nothing
    scenario.ron:22: (name: "y", steps: [flush(disk: "a")]): qemu-io is one client, and it is the first
    scenario.ron:23: never(name: "no error", that: failed("EIO")): qemu-io watches over no property
    "#);
    assert_eq!(exported.commands, "break pwritev S\nread 0 512\naio_flush\nreopen\n");
    assert_eq!(exported.name, "blkdebug::disk.img");
}

#[test]
fn what_is_exported_and_imported_again_stays_as_it_is() {
    let conf = "[inject-error]\nevent = \"pwritev\"\nerrno = \"-5\"\nsector = \"-2\"\n\
                iotype = \"write\"\n\n[set-state]\nevent = \"none\"\nnew_state = \"-1\"\n";
    let commands = "break pwritev A\naio_write 0 512\nbreak pwritev_done B\naio_write 4k 512\n\
                    resume A\nresume A\nremove_break B\naio_flush\nread -P 0xcd 0 512\nflush\n";
    let first = read(&import(conf, commands).ron);
    let once = export(&first);
    assert_eq!(once.not_carried, []);
    assert_eq!(once.configs[0].text, conf);
    let second = import(&once.configs[0].text, &once.commands);
    assert_eq!(second.not_carried, []);
    let twice = export(&read(&second.ron));
    assert_eq!(once.commands, twice.commands);
    assert_eq!(once.configs, twice.configs);
    let third = import(&twice.configs[0].text, &twice.commands);
    assert_eq!(second.ron, third.ron);
}

// Every recorded case, as a configuration file and a script.

fn rule(rule: &CaseRule) -> Rule {
    match rule {
        CaseRule::InjectError { event, state, errno, sector, once, immediately, iotype } => Rule {
            kind: RuleKind::InjectError {
                errno: *errno,
                sector: *sector,
                once: *once,
                immediately: *immediately,
                iotype: iotype.map(Into::into),
            },
            state: *state,
            ..Rule::inject_error(event)
        },
        CaseRule::SetState { event, state, new_state } => {
            Rule { state: *state, ..Rule::set_state(event, *new_state) }
        }
    }
}

/// Line 1 is the first request.
fn script(case: &Case) -> String {
    let fua = |fua: &bool| if *fua { "-f " } else { "" };
    let line = |request: &Request| match request {
        Request::Read { off, len, .. } => format!("aio_read {off} {len}\n"),
        Request::Write { off, len, pat, fua: f, .. } => {
            format!("aio_write {}-P {pat} {off} {len}\n", fua(f))
        }
        Request::WriteZeroes { off, len, fua: f, .. } => {
            format!("aio_write -z {}{off} {len}\n", fua(f))
        }
        Request::Discard { off, len, .. } => format!("discard {off} {len}\n"),
        Request::Flush { .. } => "flush\n".to_owned(),
        Request::Break { event, tag } => format!("break {event} {tag}\n"),
        Request::Resume { tag } => format!("resume {tag}\n"),
        Request::RemoveBreak { tag } => format!("remove_break {tag}\n"),
    };
    case.requests.iter().map(line).collect()
}

fn disk(case: &Case) -> Spec {
    let limit = |limit: Option<u64>| limit.unwrap_or(0);
    let limits = Limits {
        align: limit(case.options.align),
        max_transfer: limit(case.options.max_transfer),
        opt_write_zero: limit(case.options.opt_write_zero),
        max_write_zero: limit(case.options.max_write_zero),
        opt_discard: limit(case.options.opt_discard),
        max_discard: limit(case.options.max_discard),
    };
    let image = match case.image {
        Some(ImageKind::NullCo) => {
            ImageSpec::NullCo { size: case.image_size.unwrap_or(1 << 20), read_zeroes: true }
        }
        Some(ImageKind::File) | None => ImageSpec::File(String::new()),
    };
    let node = Node { config: Some("c".to_owned()), rules: Vec::new(), limits };
    Spec { raw: case.top.is_some(), nodes: vec![node], image, left_out: Vec::new() }
}

/// What each line got, if it got anything.
fn answers(scenario: &Scenario) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for step in &scenario.clients()[0].steps {
        let (who, gets) = match &step.kind {
            StepKind::Wait(id, wanted) => (scenario.requests()[id.0].clone(), wanted.gets),
            StepKind::Io(_, wanted) => (String::new(), wanted.gets),
            StepKind::Resume { finds, .. } | StepKind::RemoveBreak { finds, .. } => {
                answers.push((String::new(), if *finds { "OK" } else { "ENOENT" }.to_owned()));
                continue;
            }
            _ => continue,
        };
        let got = match gets {
            Gets::Ok => "OK".to_owned(),
            Gets::Any => "any".to_owned(),
            Gets::Short(bytes) => format!("{bytes} bytes"),
            Gets::Fails(errno) => {
                errno.name().map_or_else(|| errno.number().to_string(), str::to_owned)
            }
        };
        answers.push((who, got));
    }
    in_any_order(answers)
}

/// What is in the background may end in another order: several transfers at once are the host's
/// affair.
fn in_any_order(mut answers: Vec<(String, String)>) -> Vec<(String, String)> {
    answers.sort_by(|a, b| a.0.cmp(&b.0));
    answers
}

/// The same of a recorded outcome; `None` where it does not know itself.
fn recorded(recorded: &Recorded) -> Option<Vec<(String, String)>> {
    let mut answers = Vec::new();
    let (case, outcome) = (&recorded.case, &recorded.outcome);
    for (request, step) in case.requests.iter().zip(&outcome.steps) {
        // The answer of a command comes first here, whenever it came there.
        for seen in step {
            if let (Seen::Cmd { ret } | Seen::Flush { ret }, false) =
                (seen, matches!(request, Request::Break { .. }))
            {
                answers.push((String::new(), ret.clone()));
            }
        }
        for seen in step {
            let Seen::Done(Done { req, ret, .. }) = seen else { continue };
            let number = req.as_ref()?;
            let line = case.requests.iter().position(|request| number_of(request) == Some(*number));
            let line = line.unwrap_or(*number as usize);
            let waits =
                matches!(case.requests[line], Request::Flush { .. } | Request::Discard { .. })
                    && std::ptr::eq(&raw const case.requests[line], request);
            let who = if waits { String::new() } else { format!("aio{}", line + 1) };
            answers.push((who, ret.clone()));
        }
    }
    Some(in_any_order(answers))
}

fn number_of(request: &Request) -> Option<u64> {
    match request {
        Request::Read { req, .. }
        | Request::Write { req, .. }
        | Request::WriteZeroes { req, .. }
        | Request::Discard { req, .. }
        | Request::Flush { req } => *req,
        Request::Break { .. } | Request::Resume { .. } | Request::RemoveBreak { .. } => None,
    }
}

fn cases() -> impl Iterator<Item = Recorded> {
    let files =
        [include_str!("data/conformance-2.6.jsonl"), include_str!("data/conformance-10.0.2.jsonl")];
    files.into_iter().flat_map(str::lines).map(|line| Recorded::parse(line).unwrap())
}

fn import_case(case: &Case) -> Imported {
    let dialect = Dialect::from(case.dialect);
    let rules: Vec<_> = case.rules.iter().map(rule).collect();
    let config = print::config(&rules, dialect).unwrap();
    let size = case.image_size.unwrap_or(1 << 20);
    let contents = vec![case.init.unwrap_or(0); size as usize];
    let text = script(case);
    let options = ImportOptions {
        name: &case.id,
        dialect,
        commands: Some(Commands { name: "script", text: &text }),
        size,
        contents: Some(&contents),
    };
    import_blkdebug(&disk(case), &options, |_| Ok(config.clone().into_bytes()))
        .unwrap_or_else(|error| panic!("{}: {error}", case.id))
}

#[test]
fn every_recorded_case_is_imported_with_the_recorded_answers() {
    let (mut compared, mut different) = (0, Vec::new());
    for recorded_case in cases() {
        let case = &recorded_case.case;
        let imported = import_case(case);
        let scenario = read(&imported.ron);
        let seed = scenario.seeds().iter().next().unwrap();
        let outcome = run_seed(&scenario, seed, Keep::Hash).outcome;
        assert_eq!(outcome, Outcome::Held, "{}\n{}", case.id, imported.ron);
        let Some(theirs) = recorded(&recorded_case) else { continue };
        compared += 1;
        let ours = answers(&scenario);
        let fits = |(ours, theirs): (&(String, String), &(String, String))| {
            ours == theirs || theirs.1 == "?" && ours.0 == theirs.0
        };
        if ours.len() != theirs.len() || !ours.iter().zip(&theirs).all(fits) {
            different.push(format!("{}\n  ours {ours:?}\n  theirs {theirs:?}", case.id));
        }
        // Only what waits for ever is worth a word.
        let hangs = "qemu-io waits for ever: the request does not end; it is submitted and not \
                     waited for";
        let undefined = "QEMU ignores the failed read and writes whatever is in memory";
        let left = imported.not_carried.iter().map(|left| &*left.reason);
        for reason in left {
            assert!(reason == hangs || reason == undefined, "{}: {reason}", case.id);
        }
    }
    assert!(compared > 880, "{compared}");
    assert!(different.is_empty(), "{}: {}", different.len(), different.join("\n"));
}

#[test]
fn the_rules_of_every_recorded_case_come_back() {
    for recorded in cases() {
        let case = &recorded.case;
        let scenario = read(&import_case(case).ron);
        let exported = export(&scenario);
        let rules: Vec<_> = case.rules.iter().map(rule).collect();
        let dialect = Dialect::from(case.dialect);
        let text = exported.configs.first().map_or("", |config| &config.text);
        let mut read = conf::parse(text.as_bytes(), dialect).unwrap();
        read.iter_mut().for_each(|rule| rule.line = None);
        let mut expected = rules;
        // A file is read by kinds.
        expected.sort_by_key(|rule| matches!(rule.kind, RuleKind::SetState { .. }));
        read.sort_by_key(|rule| matches!(rule.kind, RuleKind::SetState { .. }));
        assert_eq!(read, expected, "{}", case.id);
        let spec = filename::parse(&exported.name, dialect).unwrap();
        assert_eq!(spec.raw, case.top.is_some(), "{}", exported.name);
        assert_eq!(spec.nodes[0].limits, disk(case).nodes[0].limits, "{}", exported.name);
        // What qemu-io waits for ever for was submitted.
        let waits = "qemu-io waits for a flush or a discard";
        let filled = "the image is to be filled before: ";
        let is_known = |left: &NotCarried| left.reason == waits || left.reason.starts_with(filled);
        let left = exported.not_carried.iter().all(is_known);
        assert!(left, "{}: {:?}", case.id, exported.not_carried);
    }
}
