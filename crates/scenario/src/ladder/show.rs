//! How a ladder looks.

use serde_json::{Value, json as value};

use super::{Ladder, Rung, Verdict};
use crate::scenario::Scenario;
use crate::trace::contracts;

/// A table with a line for each rung, and the weakest device that was survived.
#[must_use]
pub fn text(ladder: &Ladder) -> String {
    let header = ["rung", "what may happen", "verdict", "runs"];
    let rows: Vec<_> = ladder.rungs.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let mut text = String::new();
    for cells in std::iter::once(&header.map(str::to_owned)).chain(&rows) {
        let padded: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}", width = *width))
            .collect();
        text.push_str(padded.join("  ").trim_end());
        text.push('\n');
    }
    if ladder.rungs.iter().any(|rung| rung.is_cut_off) {
        text.push_str(&format!(
            "+: not everything was tried: {} runs a rung, or what the search allows itself\n",
            ladder.runs
        ));
    }
    text.push('\n');
    text.push_str(&summary(ladder));
    text
}

fn row(rung: &Rung) -> [String; 4] {
    let mut words = rung.words.to_owned();
    if let Some(struck) = &rung.struck {
        words.push_str(&format!(" ({struck})"));
    }
    let verdict = match rung.verdict {
        Verdict::Implied(by) => format!("no, as {by}"),
        other => other.word().to_owned(),
    };
    let more = if rung.is_cut_off { "+" } else { "" };
    [rung.id.to_owned(), words, verdict, format!("{}{more}", rung.tried)]
}

fn summary(ladder: &Ladder) -> String {
    let mut text = String::new();
    let stopped =
        if ladder.is_stopped { "stopped: what is not in the table was not tried\n" } else { "" };
    if ladder.is_stopped && ladder.rungs.is_empty() {
        return stopped.to_owned();
    }
    let Some(weakest) = &ladder.weakest else {
        return "it survives no device: it breaks where every promise is kept\n".to_owned();
    };
    if ladder.has_cut {
        let cut_off = ladder
            .rungs
            .iter()
            .any(|rung| rung.is_cut_off && matches!(rung.verdict, Verdict::Holds | Verdict::Loud));
        let as_far = if cut_off || ladder.is_stopped { ", as far as it was tried" } else { "" };
        text.push_str(&format!("the weakest device it survives{as_far}:\n"));
        for line in contracts(weakest).lines() {
            text.push_str(&format!("    {line}\n"));
        }
    } else {
        text.push_str("the power never goes: what a device promises about that was not tried\n");
    }
    if let Some(rung) = ladder.first_broken() {
        let how = if rung.verdict == Verdict::Loud { "ends with an error" } else { "breaks" };
        text.push_str(&format!("it {how} first when {}\n", row(rung)[1]));
    }
    text.push_str(stopped);
    text
}

/// The same for programs.
#[must_use]
pub fn json(ladder: &Ladder, scenario: &Scenario) -> Value {
    let rung = |rung: &Rung| {
        value!({
            "rung": rung.id,
            "what": rung.words,
            "verdict": rung.verdict.word().to_lowercase(),
            "implied_by": match rung.verdict {
                Verdict::Implied(by) => Some(by),
                _ => None,
            },
            "runs": rung.tried,
            "is_cut_off": rung.is_cut_off,
            "struck": rung.struck,
            "outcome": rung.found.as_ref().map(|found| found.run.outcome.label()),
            "seed": rung.found.as_ref().map(|found| found.seed),
        })
    };
    let weakest = ladder.weakest.as_deref().map(contracts);
    value!({
        "scenario": scenario.source().name(),
        "budget": ladder.runs,
        "is_stopped": ladder.is_stopped,
        "rungs": ladder.rungs.iter().map(rung).collect::<Vec<_>>(),
        "weakest": weakest.map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()),
        "first_broken": ladder.first_broken().map(|rung| rung.id),
    })
}
