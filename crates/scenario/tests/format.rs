//! The format as a whole: what is valid, and what stays the same when it is printed.

use headcrash_scenario::{Scenario, explain, json_schema, parse};

const VALID: [(&str, &str); 6] = [
    ("disks.ron", include_str!("valid/disks.ron")),
    ("everything.ron", include_str!("valid/everything.ron")),
    ("files.ron", include_str!("valid/files.ron")),
    ("held_rmw.ron", include_str!("valid/held_rmw.ron")),
    ("one_disk.ron", include_str!("valid/one_disk.ron")),
    ("two_lines.ron", include_str!("valid/two_lines.ron")),
];

fn valid(name: &str, text: &str) -> Scenario {
    parse(name, text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

#[test]
fn a_scenario_printed_and_parsed_again_is_the_same() {
    for (name, text) in VALID {
        let scenario = valid(name, text);
        let printed = scenario.to_ron();
        let again = valid("printed.ron", &printed);
        assert!(scenario == again, "{name}\n{printed}");
        assert_eq!(again.to_ron(), printed, "{name}");
    }
}

#[test]
fn what_is_default_is_not_printed() {
    let scenario = valid(
        "d.ron",
        "(seed: 7, disks: [(size: 1_048_576, top: raw)], quirks: safe, steps: [flush(gets: ok)])",
    );
    assert_eq!(scenario.to_ron(), "(disks: [()], steps: [flush()], seed: 7)\n");
}

#[test]
fn a_printed_scenario_reads_as_if_written() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("printed", valid("everything.ron", VALID[1].1).to_ron());
    });
}

#[test]
fn a_program_is_flat() {
    let scenario = valid(
        "flat.ron",
        r#"(steps: [
            read(at: 0, len: 512, save: "r"),
            repeat(times: 2, steps: [
                when(saved: "r", holds: zeroes, then: [sleep(ns: 1)], otherwise: [sleep(ns: 2)]),
                when(saved: "r", holds: zeroes, then: [sleep(ns: 3)]),
            ]),
        ])"#,
    );
    let client = &scenario.clients()[0];
    let steps: Vec<_> =
        client.steps[1..].iter().map(|step| format!("{} {:?}", step.location, step.kind)).collect();
    let holds = "Pattern { any_of: [Fill(0)] }";
    assert_eq!(client.depth, 1);
    assert_eq!(
        steps,
        [
            "3:13 Repeat { times: 2, end: StepIndex(9) }",
            &format!(
                "4:17 When {{ saved: SavedIndex(0), holds: {holds}, otherwise: StepIndex(5) }}"
            ),
            "4:56 Sleep { ns: 1 }",
            "4:17 Jump(StepIndex(6))",
            "4:83 Sleep { ns: 2 }",
            &format!(
                "5:17 When {{ saved: SavedIndex(0), holds: {holds}, otherwise: StepIndex(8) }}"
            ),
            "5:56 Sleep { ns: 3 }",
            "3:13 Again { repeat: StepIndex(1) }",
        ]
    );
}

#[test]
fn an_event_is_the_same_number_in_every_program() {
    let scenario = valid("everything.ron", VALID[1].1);
    let nodes = scenario.disks().iter().flat_map(|disk| &disk.nodes);
    let ids: Vec<_> = nodes.map(|node| node.program.event("checkpoint")).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn the_rules_of_the_file_come_before_those_of_the_disk() {
    let scenario = valid(
        "rules.ron",
        r#"(
            disks: [(rules: [(name: "own", event: "read_aio", action: set_state(3))])],
            rules: [(name: "shared", event: "read_aio", action: set_state(2))],
            steps: [flush()],
        )"#,
    );
    let node = &scenario.disks()[0].nodes[0];
    let names: Vec<_> = node.rules.iter().map(|rule| rule.name.as_deref()).collect();
    assert_eq!(names, [Some("shared"), Some("own")]);
    assert_eq!(node.program.rules().len(), 2);
}

#[test]
fn a_compact_error_is_one_line() {
    let Err(errors) = parse("a/b.ron", b"(\n  stps: [],\n  seed: true,\n)") else { panic!() };
    assert_eq!(
        errors.to_string(),
        "a/b.ron:2:3: unknown field `stps` in a scenario\n\
         a/b.ron:3:9: `seed`: expected a number, found `true`"
    );
}

#[test]
fn colours_are_asked_for() {
    let Err(errors) = parse("a.ron", b"(stps: [])") else { panic!() };
    assert!(!errors.render(false).contains('\x1b'));
    assert!(errors.render(true).contains('\x1b'));
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let Err(errors) = parse("long.ron", &vec![b' '; (1 << 20) + 1]) else { panic!() };
    let message = "long.ron:1:1: the file has 1048577 bytes, and at most 1048576 are read";
    assert_eq!(errors.to_string(), message);
}

#[test]
fn the_schema_and_the_reference_speak_of_every_step() {
    let (schema, reference) = (json_schema().to_string(), explain());
    for step in ["write_zeroes", "remove_no_break", "when", "truncate", "suspensions", "seed_list"]
    {
        assert!(schema.contains(&format!("\"{step}\"")) && reference.contains(step), "{step}");
    }
}
