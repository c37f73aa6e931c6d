//! The format for people.

use std::fmt::Write;

use headcrash_engine::{Dialect, Errno};
use headcrash_sim::{Discarded, Latency, Preset};

use crate::file::reference::{Definition, Doc, Field, Reference, Shape, Takes, Type, words};

/// The reference of scenario files: every field and every word with what it takes, what it is when
/// it is left out, what it is for, and an example.
#[must_use]
pub fn explain() -> String {
    let mut text = INTRODUCTION.to_owned();
    for definition in order(Reference::get()) {
        section(definition, &mut text);
    }
    events(&mut text);
    errors(&mut text);
    text
}

/// The devices that have names: what each is, what it promises and how long it takes.
#[must_use]
pub fn explain_presets() -> String {
    let mut text = PRESETS.to_owned();
    for preset in Preset::ALL {
        let latencies = preset.latencies();
        // A String takes all that is written to it.
        _ = write!(
            text,
            "\n## {}\n\nIt is {}.\n\n    promises:  {}\n    discarded: {}\n",
            preset.name(),
            preset.summary(),
            preset.device(),
            match preset.device().discarded {
                Discarded::Zeroes => "zeroes",
                Discarded::Old => "what was there",
                Discarded::Undefined => "anything",
            },
        );
        if let Some(depth) = preset.device().queue_depth {
            _ = writeln!(text, "    at once:   {depth}");
        }
        let names = ["read", "write", "flush"];
        let all = [latencies.read, latencies.write, latencies.flush];
        let all: Vec<_> =
            names.iter().zip(all).map(|(name, takes)| format!("{name} {}", span(takes))).collect();
        _ = writeln!(text, "    takes:     {}\n    source:    {}", all.join(", "), preset.source());
    }
    text
}

const PRESETS: &str = "\
# Presets

What a standard promises is promised here; what it leaves open is set to what is typical. Latencies
are always typical: they give runs a sense of proportion, no more. What is given beside a preset is
meant instead: `disks: [(preset: consumer_ssd, size: 65_536, discarded: zeroes)]`.
";

/// How long something takes, in words.
fn span(latency: Latency) -> String {
    let ns = |ns: u64| match ns {
        ns if ns >= 1_000_000 && ns.is_multiple_of(1_000_000) => format!("{} ms", ns / 1_000_000),
        ns if ns >= 1_000 && ns.is_multiple_of(1_000) => format!("{} us", ns / 1_000),
        ns => format!("{ns} ns"),
    };
    match latency {
        Latency::Zero => "no time".to_owned(),
        Latency::Any => "any time".to_owned(),
        Latency::Constant(takes) => ns(takes),
        Latency::Uniform { min, max } => format!("{} to {}", ns(min), ns(max)),
        Latency::Exponential { mean } => format!("{} on average", ns(mean)),
    }
}

/// Which events there are, and who announces those of the block layer.
fn events(text: &mut String) {
    text.push_str(EVENTS);
    let names = Dialect::Qemu10.events();
    let (old, new) = names.split_at(Dialect::Qemu2_6.events().len());
    text.push_str("\nBoth dialects have these events:\n\n");
    list(old.iter().copied(), text);
    text.push_str("\nand qemu_10_0_2 has these as well:\n\n");
    list(new.iter().copied(), text);
}

/// Which errors have names.
fn errors(text: &mut String) {
    text.push_str("\n# Errors\n\nThese have names; others are given by number.\n\n");
    list(Errno::NAMED.iter().map(|(name, ..)| *name), text);
}

/// Names in lines of at most 100 columns.
fn list<'a>(names: impl Iterator<Item = &'a str>, text: &mut String) {
    let mut width = 0;
    for name in names {
        if width > 0 && width + name.len() > 94 {
            text.push('\n');
            width = 0;
        }
        let indent = if width == 0 { "    " } else { " " };
        text.push_str(indent);
        text.push_str(name);
        width += indent.len() + name.len();
    }
    text.push('\n');
}

/// Source: what real blkdebugs announced; qcow2's own events are announced by nobody here but a
/// step of the scenario.
const EVENTS: &str = "
# Events

With `top: raw`, as is the default, a disk announces these to its first node:

    read                 read_aio
    write                write_aio pwritev pwritev_done
    write_zeroes         pwritev_zero pwritev_done
    flush                flush_to_os, and flush_to_disk if anything was written since the last
    open                 none (qemu_10_0_2)
    discard, truncate    nothing

With `top: none` there is no read_aio, write_aio or flush_to_*. A write or write_zeroes that is not
aligned to `align` reads the rest of its blocks first and announces pwritev_rmw_head,
pwritev_rmw_after_head, pwritev_rmw_tail and pwritev_rmw_after_tail around that. Other events are
announced by steps: `announce(event: \"l2_load\")`.
";

const INTRODUCTION: &str = "\
# Scenario files

A scenario is one value in RON (https://docs.rs/ron). A small one:

    (steps: [write(at: 0, len: 512, fill: 0x11), flush(), read(at: 0, len: 512, holds: fill(0x11))])

Names of errors and events are texts in quotes. Lengths and places are in bytes, except that rules
count in sectors of 512 bytes, as blkdebug does. Numbers may be hexadecimal and have underscores.
A step, a condition or a pattern has either named fields or one value: `sleep(ns: 10)`,
`resume(\"A\")`. Brackets are nested at most 16 deep, and a file has at most 1 MiB.
";

/// The scenario first, then each type after the first that speaks of it.
fn order(reference: &Reference) -> Vec<&Definition> {
    let mut found: Vec<&Definition> = vec![&reference.definitions[0]];
    let mut next = 0;
    while let Some(definition) = found.get(next) {
        let mut named = Vec::new();
        match &definition.shape {
            Shape::Fields(fields) => named.extend(fields.iter().map(|field| &field.takes)),
            Shape::Same(takes) => named.push(takes),
            Shape::Variants(variants) => {
                for variant in variants {
                    match &variant.takes {
                        Takes::Nothing => {}
                        Takes::Value(takes) => named.push(takes),
                        Takes::Fields(fields) => {
                            named.extend(fields.iter().map(|field| &field.takes));
                        }
                    }
                }
            }
        }
        for name in named.into_iter().flat_map(names) {
            let definition = reference.find(name);
            if !found.iter().any(|known| known.name == definition.name) {
                found.push(definition);
            }
        }
        next += 1;
    }
    found
}

fn names(takes: &Type) -> Vec<&str> {
    match takes {
        Type::Named(name) => vec![name],
        Type::List(items) => names(items),
        Type::Tuple(items) => items.iter().flat_map(names).collect(),
        Type::Text | Type::Flag | Type::Number { .. } | Type::Errno | Type::Range | Type::Any => {
            Vec::new()
        }
    }
}

// A String takes all that is written to it, here and below.
fn section(definition: &Definition, text: &mut String) {
    _ = write!(text, "\n## {}\n\n{}\n", words(&definition.name), definition.doc.text);
    match &definition.shape {
        Shape::Same(takes) => _ = writeln!(text, "\nIt is {takes}."),
        Shape::Fields(fields) => fields.iter().for_each(|field| explain_field(field, "", text)),
        Shape::Variants(variants) => {
            for variant in variants {
                let takes = match &variant.takes {
                    Takes::Nothing => String::new(),
                    Takes::Value(takes) => format!("({})", briefly(takes)),
                    Takes::Fields(_) => "(..)".to_owned(),
                };
                _ = writeln!(text, "\n{}{takes}", variant.name);
                explain_doc(&variant.doc, "", text);
                if let Takes::Fields(fields) = &variant.takes {
                    fields.iter().for_each(|field| explain_field(field, "    ", text));
                }
            }
        }
    }
}

fn explain_field(field: &Field, indent: &str, text: &mut String) {
    let default = match (&field.doc.default, field.required) {
        (_, true) => "; needed".to_owned(),
        (Some(default), false) if default != "nothing" => format!("; default `{default}`"),
        (_, false) => "; may be left out".to_owned(),
    };
    _ = writeln!(text, "\n{indent}{}: {}{default}", field.name, briefly(&field.takes));
    explain_doc(&field.doc, indent, text);
}

fn explain_doc(doc: &Doc, indent: &str, text: &mut String) {
    _ = writeln!(text, "{indent}    {}", doc.text);
    if let Some(example) = &doc.example {
        _ = writeln!(text, "{indent}        {example}");
    }
}

fn briefly(takes: &Type) -> String {
    match takes {
        Type::List(items) => format!("list of {}", briefly(items)),
        Type::Tuple(items) => {
            format!("({})", items.iter().map(briefly).collect::<Vec<_>>().join(", "))
        }
        Type::Named(name) => words(name),
        Type::Text => "text".to_owned(),
        Type::Number { least: 0, most: 255 } => "byte".to_owned(),
        Type::Number { least: 0, .. } => "number".to_owned(),
        Type::Number { .. } => "number, maybe negative".to_owned(),
        Type::Errno => "error".to_owned(),
        Type::Range => "range A..B".to_owned(),
        Type::Any => "a value".to_owned(),
        Type::Flag => takes.to_string().replace('`', ""),
    }
}

#[cfg(test)]
mod tests;
