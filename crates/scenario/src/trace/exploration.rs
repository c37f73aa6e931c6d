//! What came of all crash states, as text and as JSON.

use headcrash_sim::{FileContract, StateCount};
use serde_json::{Value, json};

use crate::run::{CrashPoint, Exploration};
use crate::scenario::{Medium, Scenario};

/// Of more moments than this the table shows the ones that say something.
const ROWS: usize = 24;

/// The contract of each disk and file system, one per line.
#[must_use]
pub fn contracts(scenario: &Scenario) -> String {
    let mut text = String::new();
    for disk in scenario.disks().iter().filter(|disk| !disk.is_unused) {
        let contract = match &disk.medium {
            Medium::Flash(flash) => format!(
                "NOR flash, programs of {}, erase blocks of {}",
                flash.program_unit, flash.erase_block
            ),
            Medium::Null => "forgets what is written".to_owned(),
            Medium::Stored => disk.device.to_string(),
        };
        text.push_str(&format!("{}: {contract}\n", disk.name));
    }
    for fs in scenario.file_systems() {
        let unit = fs.contract.unit;
        // Scenarios have contracts with names alone.
        let known = fs.contract.with_unit(FileContract::XFS.unit);
        let name = known.name().unwrap_or("a contract of its own");
        text.push_str(&format!("{}: files as {name}, in units of {unit}\n", fs.name));
    }
    text
}

/// How many states, and how that compares to a power of two.
pub(crate) fn states(count: StateCount) -> String {
    let log = format!("2^{}.{}", count.log2_milli / 1000, count.log2_milli % 1000 / 100);
    match count.exact {
        Some(exact) if exact < 1_000_000 => exact.to_string(),
        Some(_) => log,
        None => format!("at most {log}"),
    }
}

/// A summary and a table of moments.
#[must_use]
pub fn exploration(scenario: &Scenario, found: &Exploration) -> String {
    let mut text = contracts(scenario);
    let count = |n: u64, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let moments = found.points.len() as u64;
    text.push_str(&format!(
        "{} to cut the power at, {} that left the same as the one before\n",
        count(moments, "moment"),
        found.same
    ));
    let ended = if found.is_cut_off { "ended by a budget" } else { "all of them" };
    text.push_str(&format!(
        "{} possible (log2 {}.{:03}), {} tried: {ended}\n",
        states(found.possible),
        found.possible.log2_milli / 1000,
        found.possible.log2_milli % 1000,
        count(found.tried(), "recovery").replace("recoverys", "recoveries")
    ));
    let verdicts = found.verdicts;
    text.push_str(&format!(
        "clean {}, loud {}, silent {}\n",
        verdicts.clean, verdicts.loud, verdicts.silent
    ));
    if found.points.is_empty() {
        return text;
    }
    let telling = |point: &&CrashPoint| {
        found.points.len() <= ROWS || point.verdicts.loud + point.verdicts.silent > 0
    };
    let rows: Vec<_> = found.points.iter().filter(telling).take(ROWS).map(row).collect();
    if rows.is_empty() {
        return text;
    }
    text.push('\n');
    let rows: Vec<_> = rows.iter().map(|row| &row[..]).collect();
    text.push_str(&table(&HEADER, &rows));
    let left = found.points.len() - rows.len();
    if left > 0 {
        text.push_str(&format!("and {left} more moments\n"));
    }
    text
}

const HEADER: [&str; 7] = ["step", "ns", "unflushed", "states", "clean", "loud", "silent"];

fn row(point: &CrashPoint) -> [String; 7] {
    [
        point.step.to_string(),
        point.at_ns.to_string(),
        point.unflushed.to_string(),
        states(point.possible),
        point.verdicts.clean.to_string(),
        point.verdicts.loud.to_string(),
        point.verdicts.silent.to_string(),
    ]
}

/// A moment by itself: where it is, and what it leaves.
pub(super) fn point_cells(point: &CrashPoint) -> [String; 5] {
    let log2 = point.possible.log2_milli;
    [
        point.step.to_string(),
        point.at_ns.to_string(),
        point.unflushed.to_string(),
        states(point.possible),
        format!("{}.{:03}", log2 / 1000, log2 % 1000),
    ]
}

/// Right under one another.
pub(crate) fn table(header: &[&str], rows: &[&[String]]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(header[column].len())
    };
    let line = |cells: &[&str]| {
        let cells = cells.iter().enumerate();
        let padded: Vec<_> =
            cells.map(|(column, cell)| format!("{cell:>width$}", width = width(column))).collect();
        padded.join("  ") + "\n"
    };
    let mut text = line(header);
    for row in rows {
        let cells: Vec<_> = row.iter().map(String::as_str).collect();
        text.push_str(&line(&cells));
    }
    text
}

/// The same for programs.
pub(super) fn as_json(found: &Exploration) -> Value {
    let verdicts = |verdicts: &crate::run::Verdicts| json!({"clean": verdicts.clean, "loud": verdicts.loud, "silent": verdicts.silent});
    let possible = |count: StateCount| {
        json!({
            "exact": count.exact.map(|exact| exact.to_string()),
            "log2_milli": count.log2_milli,
        })
    };
    let point = |point: &CrashPoint| {
        json!({
            "step": point.step,
            "at_ns": point.at_ns,
            "unflushed": point.unflushed,
            "possible": possible(point.possible),
            "verdicts": verdicts(&point.verdicts),
        })
    };
    json!({
        "moments": found.points.iter().map(point).collect::<Vec<_>>(),
        "same": found.same,
        "possible": possible(found.possible),
        "tried": found.tried(),
        "verdicts": verdicts(&found.verdicts),
        "ended_by_a_budget": found.is_cut_off,
    })
}
