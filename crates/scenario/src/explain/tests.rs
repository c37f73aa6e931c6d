//! What the reference says is tried: every example, and every default.

use std::rc::Rc;
use std::sync::Arc;

use super::*;
use crate::scenario::{BadOperation, Code, Company, Operation, Stage};
use crate::{parse, parse_with};

/// Code that examples can name, and that takes any operation.
struct Anything;

impl Code for Anything {
    fn name(&self) -> &str {
        "journal"
    }

    fn read(&self, text: &str) -> Result<Operation, BadOperation> {
        Ok(Operation { text: text.into(), value: Arc::new(()) })
    }

    fn draw(&self, _: u64, _: &str, _: u64) -> Vec<Operation> {
        Vec::new()
    }

    fn begin(&self, _: Stage) -> Rc<dyn Company> {
        unreachable!("examples are read, not run")
    }
}

/// A scenario in which the field of a type can be given, with `fields` in place of all of it.
fn around_fields(owner: &str, fields: &str) -> String {
    let step = |step: &str| format!("(steps: [{step}])");
    let disk = |disk: &str| format!("(disks: [({disk})], steps: [sleep(ns: 1)])");
    match owner {
        "Scenario" if fields.contains("steps:") && !fields.contains("most_steps") => {
            format!("({fields})")
        }
        // Nobody recovers if the power never goes.
        "Scenario" if fields.contains("recover: [read") || fields.contains("search:") => {
            format!("({fields}, steps: [power_cut()])")
        }
        "Scenario" => format!("({fields}, steps: [sleep(ns: 1)])"),
        "Client" if fields.contains("steps: [w") => format!("(clients: [({fields})])"),
        "Client" => format!(r#"(subject: (name: "journal"), clients: [({fields})])"#),
        // Whoever calls it has no steps.
        "Subject" => {
            let files = r#"file_systems: [(name: "home", contract: xfs)]"#;
            format!(r#"(subject: ({fields}), disks: [(name: "d0", size: 65_536)], {files})"#)
        }
        // A group is of several.
        "Disk" if fields.contains("group:") => {
            format!("(disks: [({fields}), (group: \"shelf\")], steps: [sleep(ns: 1)])")
        }
        "Disk" => disk(fields),
        "OnTear.prefix" => disk(&format!("on_tear: prefix({fields})")),
        "OnTear.mixed" => disk(&format!("on_tear: mixed({fields})")),
        "NorFlash" => disk(&format!("medium: nor_flash({fields})")),
        "Rate" => disk(&format!("faults: [({fields})]")),
        "Below" => disk(&format!("below: [({fields})]")),
        "Contents" => disk(&format!("contents: [({fields})]")),
        "Latency.constant" => disk(&format!("latency: constant({fields})")),
        "Latency.uniform" => disk(&format!("latency: uniform({fields})")),
        "Latency.exponential" => disk(&format!("latency: exponential({fields})")),
        "Latency.by_kind" => disk(&format!("latency: by_kind({fields})")),
        "LatencyOfKind.constant" => disk(&format!("latency: by_kind(read: constant({fields}))")),
        "LatencyOfKind.uniform" => disk(&format!("latency: by_kind(read: uniform({fields}))")),
        "LatencyOfKind.exponential" => {
            disk(&format!("latency: by_kind(read: exponential({fields}))"))
        }
        // Blkdebug's own rules have an event, and nothing that is beyond them.
        "Rule" if fields.contains("event:") || !fields.contains("suspend") => {
            format!("(rules: [({fields})], steps: [sleep(ns: 1)])")
        }
        "Rule" => around_fields(owner, &fields.replace(r#"suspend("A")"#, "hang")),
        owner if faults().any(|fault| fault == owner) => {
            let word = faults_word(owner);
            disk(&format!("faults: [(what: {word}({fields}))]"))
        }
        "FileSystem" => format!("(file_systems: [({fields})], steps: [sleep(ns: 1)])"),
        "FileFault" => around_fields("FileSystem", &format!("contract: xfs, faults: [({fields})]")),
        // What is written is given by one of two fields.
        "WriteFile" if !fields.contains("data:") && !fields.contains("fill:") => {
            around_fields(owner, &format!("{fields}, fill: 0x11"))
        }
        "WriteFile" if !fields.contains("data:") && !fields.contains("len:") => {
            around_fields(owner, &format!("{fields}, len: 512"))
        }
        // As is what a length is of.
        "FileLen" if !fields.contains("path:") && !fields.contains("file:") => {
            around_fields(owner, &format!(r#"{fields}, path: "a""#))
        }
        "CreateFile" | "OpenFile" | "ReadFile" | "WriteFile" | "SetLen" | "SyncFile"
        | "SyncData" | "CloseFile" | "FileLen" | "Rename" | "Unlink" | "Mkdir" | "Rmdir"
        | "SyncDir" | "List" | "Exists" | "WhenExists" => {
            let step = words(owner).replace(' ', "_");
            format!(
                r#"(
                    file_systems: [(contract: xfs)],
                    steps: [create_file(path: "a", as: "f"), {step}({fields})],
                )"#
            )
        }
        "InjectError" => {
            around_fields("Rule", &format!(r#"event: "pwritev", action: inject_error({fields})"#))
        }
        "Claim" => format!("(properties: [never({fields})], steps: [sleep(ns: 1)])"),
        "StateOf" => step(&format!("expect(state_of({fields}))")),
        "ImageIs" => step(&format!("expect(image({fields}))")),
        "LenIs" => step(&format!("expect(len_is({fields}))")),
        "Armed" => step(&format!("expect(armed({fields}))")),
        "AcknowledgedKept" => step(&format!("expect(acknowledged_kept({fields}))")),
        "ReadsRight" => step(&format!("expect(reads_right({fields}))")),
        "Readable" => step(&format!("expect(readable({fields}))")),
        "LiveFaults" => step(&format!("expect(live_faults({fields}))")),
        "WithCrc32" => step(&format!("read(at: 0, len: 512, holds: with_crc32({fields}))")),
        "Crc32" => step(&format!("read(at: 0, len: 512, holds: crc32({fields}))")),
        "CutPower" => step(&format!("power_cut({fields})")),
        "PowerCut" => format!(
            r#"(
                disks: [(name: "data"), (name: "journal")],
                power_cut: ({fields}),
                recover: [sleep(ns: 1)],
                steps: [sleep(ns: 1)],
            )"#
        ),
        "Skew" => around_fields("PowerCut", &format!("skew: [({fields})]")),
        "Moment.step" => around_fields("PowerCut", &format!("at: step({fields})")),
        "Search.crash_states" => {
            around_fields("Scenario", &format!("search: crash_states({fields})"))
        }
        "Search.eager" => around_fields("Scenario", &format!("search: eager({fields})")),
        "Search.sampled" => around_fields("Scenario", &format!("search: sampled({fields})")),
        "Choices.pct" => around_fields("Scenario", &format!("choices: pct({fields})")),
        "Choices.exhaustive" => {
            around_fields("Scenario", &format!("choices: exhaustive({fields})"))
        }
        "FailEach" => {
            let files = "file_systems: [(contract: xfs)]";
            around_fields("Scenario", &format!("{files}, fail_each: ({fields})"))
        }
        "Copies" => around_fields("Scenario", &format!("copies: [({fields})]")),
        "Region" => {
            around_fields("Copies", &format!("of: [({fields}), (at: 65_536, {})]", len_of(fields)))
        }
        // What is written is given by one of two fields.
        "Write" if fields.contains("data:") => step(&format!("write({fields})")),
        "Write" => {
            let more = ["fill: 0x11", "len: 512"].into_iter();
            let more = more.filter(|field| !fields.contains(&field[..4]));
            step(&format!("write({fields}, {})", more.collect::<Vec<_>>().join(", ")))
        }
        "Wait" => step(&format!(r#"submit(id: "w1", io: read(at: 0, len: 512)), wait({fields})"#)),
        "WhenMarked" => step(&format!(r#"mark("committed"), when_marked({fields})"#)),
        "When" => step(&format!(r#"read(at: 0, len: 512, save: "r"), when({fields})"#)),
        owner => step(&format!("{}({fields})", words(owner).replace(' ', "_"))),
    }
}

/// A scenario in which the example of a word of a type can be given.
fn around_example(owner: &str, example: &str) -> String {
    match owner {
        "Step" if example.starts_with("refuse") => {
            format!("(recover: [{example}], steps: [power_cut()])")
        }
        "Step" | "Request" | "Condition" => {
            let submitted = example.contains("\"w1\"") && !example.starts_with("submit");
            let submit = if submitted { r#"submit(id: "w1", io: flush()),"# } else { "" };
            format!(
                r#"(
                    rules: [(name: "full", event: "write_aio", action: set_state(2))],
                    file_systems: [(contract: xfs)],
                    steps: [
                        create_file(path: "a", as: "f"),
                        set_break(event: "pwritev", tag: "A"),
                        read(at: 0, len: 512, save: "r"),
                        mark("committed"),
                        {submit}
                        {example},
                    ],
                )"#
            )
        }
        "Answer" => around_fields("Read", &format!("at: 0, len: 512, {example}")),
        "Pattern" if example.contains("crc32") => {
            around_fields("Read", &format!("at: 0, len: 512, {example}"))
        }
        "Pattern" if example.contains("fill") || example.contains("zeroes") => {
            around_fields("ImageIs", &format!("at: 0, len: 512, {example}"))
        }
        "Pattern" => around_fields("ImageIs", &format!("at: 0, {example}")),
        // It happens when a disk is opened, before any event.
        "Action" if example.starts_with("resized") => {
            around_fields("Rule", &format!("action: {example}"))
        }
        "Action" => around_fields("Rule", &format!(r#"event: "pwritev", action: {example}"#)),
        "Fault" => around_fields("Rate", &format!("what: {example}")),
        "OnTear" => around_fields("Disk", example),
        "Applied" => around_fields("Rule", &format!("action: fail({example})")),
        "Latency" => around_fields("Disk", example),
        "LatencyOfKind" => around_fields("Latency.by_kind", example),
        "Outcome" => {
            let properties = r#"properties: [never(name: "no error", that: failed("EIO"))]"#;
            around_fields("Scenario", &format!("{properties}, {example}"))
        }
        "Medium" => around_fields("Disk", example),
        "Moment" => around_fields("PowerCut", example),
        "Property" | "Search" | "Suspensions" | "Choices" => around_fields("Scenario", example),
        owner => panic!("where is the example of a {owner}: {example}?"),
    }
}

/// The field `len` among these, or one.
fn len_of(fields: &str) -> &str {
    fields.split(", ").find(|field| field.starts_with("len:")).unwrap_or("len: 4_096")
}

/// The types that faults have their fields in.
fn faults() -> impl Iterator<Item = &'static str> {
    let Shape::Variants(variants) = &Reference::get().find("Fault").shape else {
        panic!("faults are words")
    };
    variants.iter().filter_map(|variant| match &variant.takes {
        Takes::Value(Type::Named(name)) => Some(&**name),
        _ => None,
    })
}

/// The word of the fault that has its fields in this type.
fn faults_word(owner: &str) -> String {
    words(owner.trim_end_matches("Fault")).replace(' ', "_")
}

fn check(text: &str) -> crate::Scenario {
    // Without a field there is a comma too many.
    let text = &text.replace("(, ", "(");
    let parsed = match text.contains("subject:") {
        true => parse_with("example.ron", text.as_bytes(), &(Arc::new(Anything) as _)),
        false => parse("example.ron", text.as_bytes()),
    };
    match parsed {
        Ok(scenario) => scenario,
        Err(errors) => panic!("{text}\n{}", errors.render(false)),
    }
}

/// Every struct of the format, and every variant with fields: what it is called here, its fields.
fn structs() -> Vec<(String, &'static [Field])> {
    let mut structs = Vec::new();
    for definition in &Reference::get().definitions {
        match &definition.shape {
            Shape::Same(_) => {}
            Shape::Fields(fields) => structs.push((definition.name.clone(), &fields[..])),
            Shape::Variants(variants) => structs.extend(variants.iter().filter_map(|variant| {
                let Takes::Fields(fields) = &variant.takes else { return None };
                Some((format!("{}.{}", definition.name, variant.name), &fields[..]))
            })),
        }
    }
    structs
}

/// `given`, and the examples of the other fields that are needed.
fn with_needed(fields: &[Field], but: &str, given: Option<String>) -> String {
    let needed = fields.iter().filter(|field| field.required && field.name != but);
    let needed = needed.map(|field| field.doc.example.clone().expect("every field has one"));
    needed.chain(given).collect::<Vec<_>>().join(", ")
}

#[test]
fn every_field_has_an_example_that_is_valid() {
    for (owner, fields) in structs() {
        for field in fields {
            let Some(example) = &field.doc.example else {
                panic!("`{}` of {owner} has no example", field.name)
            };
            assert!(example.starts_with(&format!("{}: ", field.name)), "{owner}: {example}");
            let fields = with_needed(fields, &field.name, Some(example.clone()));
            check(&around_fields(&owner, &fields));
        }
    }
}

#[test]
fn every_word_that_takes_something_has_an_example_that_is_valid() {
    for definition in &Reference::get().definitions {
        let Shape::Variants(variants) = &definition.shape else { continue };
        for variant in variants {
            match (&variant.takes, &variant.doc.example) {
                (_, Some(example)) => {
                    assert!(example.contains(&variant.name), "{}: {example}", variant.name);
                    check(&around_example(&definition.name, example));
                }
                (Takes::Nothing, None) => {}
                (..) => panic!("`{}` of {} has no example", variant.name, definition.name),
            }
        }
    }
}

#[test]
fn every_default_is_what_leaving_it_out_means() {
    for (owner, fields) in structs() {
        for field in fields.iter().filter(|field| !field.required) {
            let Some(default) = &field.doc.default else {
                panic!("`{}` of {owner} may be left out, but has no default", field.name)
            };
            // Where leaving it out means something no value says, there is nothing to compare.
            // Nor is there where something has to be there: the steps.
            if default == "nothing" || (owner == "Scenario" && field.name == "steps") {
                continue;
            }
            let given = Some(format!("{}: {default}", field.name));
            let given = around_fields(&owner, &with_needed(fields, &field.name, given));
            let left_out = around_fields(&owner, &with_needed(fields, &field.name, None));
            assert_eq!(check(&given).to_ron(), check(&left_out).to_ron(), "{owner}: {given}");
        }
    }
}

#[test]
fn the_example_at_the_top_is_valid() {
    let example =
        INTRODUCTION.lines().find(|line| line.starts_with("    (")).expect("there is one");
    check(example.trim());
}
