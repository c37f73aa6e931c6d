//! What is said of campaigns.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use headcrash_scenario::campaign::{Campaign, Counted, Finding, Part, Vacuous, Why};
use headcrash_scenario::{Source, counted};
use serde_json::{Value, json};

use super::search::Ended;
use crate::args::Format;
use crate::{Exit, output};

/// What came of one scenario.
pub(super) struct Report {
    pub(super) name: String,
    pub(super) source: Source,
    pub(super) search: String,
    pub(super) expect: String,
    pub(super) part: Part,
    pub(super) campaign: Campaign,
    pub(super) findings: Vec<Finding>,
    /// What was expected of all runs together.
    pub(super) unmet: Option<String>,
    pub(super) vacuous: Vec<Vacuous>,
    /// What is vacuous is an error.
    pub(super) denies: bool,
    pub(super) ended: Ended,
    pub(super) notes: Vec<String>,
    /// What cannot be trusted, or could not be done.
    pub(super) trouble: Vec<String>,
    pub(super) repeat: Option<String>,
}

impl Report {
    /// One part of several cannot say what all of them have missed.
    fn misses(&self) -> bool {
        self.part == Part::WHOLE && self.unmet.is_some()
    }

    fn is_denied(&self) -> bool {
        self.denies && self.part == Part::WHOLE && !self.vacuous.is_empty()
    }

    pub(super) fn exit(&self) -> Exit {
        if !self.trouble.is_empty() || self.is_denied() {
            Exit::Unusable
        } else if !self.findings.is_empty() || self.misses() {
            Exit::Unexpected
        } else {
            Exit::Fine
        }
    }

    fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Fine => "ok",
            Exit::Unexpected => "FAILED",
            Exit::Unusable if self.trouble.is_empty() => "VACUOUS",
            Exit::Unusable => "BROKEN",
        }
    }

    pub(super) fn print(&self, format: Format) {
        match format {
            Format::Text => {
                output::line(&self.line());
                output::text(&outcomes(self.campaign.outcomes()));
            }
            Format::Json => output::line(&self.json().to_string()),
        }
        for note in &self.notes {
            output::note(note);
        }
        if let Some(unmet) = &self.unmet {
            let which = if self.misses() { "" } else { " of this shard" };
            output::note(&format!("{}: {unmet}{which}", self.name));
        }
        self.print_vacuous();
        for trouble in &self.trouble {
            output::note(trouble);
        }
    }

    fn print_vacuous(&self) {
        if self.campaign.runs() == 0 {
            return;
        }
        for item in &self.vacuous {
            if self.is_denied() {
                output::note(&item.render(&self.source, output::colours()));
            } else {
                output::note(&vacuous_line(&self.name, item, self.part));
            }
        }
    }

    fn line(&self) -> String {
        let runs = self.campaign.runs();
        let what = found(self.findings.len());
        let states = distinct(self.campaign.coverage().features.len());
        let ended = match self.ended.why {
            Why::Stable => format!(", stable for {}", self.campaign.stable_for()),
            Why::Time => ", until the time was over".to_owned(),
            Why::Stopped => ", stopped".to_owned(),
            Why::Complete | Why::Budget => String::new(),
        };
        let note = match &*self.ended.note {
            "" => String::new(),
            note => format!(" ({note})"),
        };
        let part = match self.part {
            Part::WHOLE => String::new(),
            part => format!(", shard {part}"),
        };
        format!(
            "{:<8}  {}  {}, {}{part}{ended}{note}{what}, {states}, hash {:016x}",
            self.verdict(),
            self.name,
            counted(runs, "run"),
            self.search,
            self.campaign.digest()
        )
    }

    fn json(&self) -> Value {
        json!({
            "scenario": self.name,
            "verdict": self.verdict().to_lowercase(),
            "search": self.search,
            "shard": self.part.to_string(),
            "expected": self.expect,
            "runs": self.campaign.runs(),
            "ended": self.ended.why,
            "note": self.ended.note,
            "outcomes": self.campaign.outcomes(),
            "findings": self.findings,
            "unmet": self.unmet,
            "vacuous": vacuous_json(&self.vacuous),
            "states": self.campaign.coverage().features.len(),
            "hash": format!("{:016x}", self.campaign.digest()),
            "trouble": self.trouble,
            "repeat": self.repeat,
        })
    }
}

/// `, 2 findings`, or nothing.
pub(crate) fn found(findings: usize) -> String {
    match findings {
        0 => String::new(),
        1 => ", 1 finding".to_owned(),
        several => format!(", {several} findings"),
    }
}

/// `2 distinct states`.
pub(crate) fn distinct(states: usize) -> String {
    format!("{states} distinct state{}", if states == 1 { "" } else { "s" })
}

/// One line about something that no run came to.
pub(crate) fn vacuous_line(name: &str, item: &Vacuous, part: Part) -> String {
    let which = if part == Part::WHOLE { String::new() } else { format!(" in shard {part}") };
    format!("warning: {}: {item}{which}", vacuous_place(name, item))
}

pub(crate) fn vacuous_place(name: &str, item: &Vacuous) -> String {
    format!("{name}:{}:{}", item.line, item.column)
}

pub(crate) fn vacuous_json(items: &[Vacuous]) -> Vec<Value> {
    let one = |item: &Vacuous| {
        json!({
            "kind": item.kind,
            "name": item.name,
            "line": item.line,
            "column": item.column,
            "said": item.to_string(),
        })
    };
    items.iter().map(one).collect()
}

/// How many runs came to what.
pub(crate) fn outcomes(outcomes: &BTreeMap<String, Counted>) -> String {
    if outcomes.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["outcome", "runs", "smallest seed"]);
    let mut rows: Vec<_> = outcomes.iter().collect();
    rows.sort_by_key(|(_, counted)| std::cmp::Reverse(counted.runs));
    for (outcome, counted) in rows {
        table.add_row([outcome.clone(), counted.runs.to_string(), counted.seed.to_string()]);
    }
    for column in 1..=2 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<_> =
        table.to_string().lines().map(|line| format!("         {}\n", line.trim_end())).collect();
    lines.concat()
}

/// What came of all scenarios.
#[derive(Debug, Default)]
pub(super) struct Totals {
    scenarios: u64,
    failed: u64,
    runs: u64,
    findings: u64,
    vacuous: u64,
}

impl Totals {
    pub(super) fn add(&mut self, report: &Report) {
        self.scenarios += 1;
        self.failed += u64::from(report.exit() != Exit::Fine);
        self.runs += report.campaign.runs();
        self.findings += report.findings.len() as u64;
        self.vacuous += report.vacuous.len() as u64;
    }

    pub(super) fn print(&self, format: Format, many: bool, took: Duration) {
        if !many {
            return;
        }
        let Self { scenarios, failed, runs, findings, vacuous } = self;
        match format {
            // How long it took is of this machine, and goes where the rest can be compared without.
            Format::Text => {
                output::line(&format!(
                    "\n{scenarios} scenarios, {failed} not as expected; {}, {}, {vacuous} vacuous",
                    counted(*runs, "run"),
                    counted(*findings, "finding")
                ));
                let rate = *runs as f64 / took.as_secs_f64().max(0.001);
                output::note(&format!("{:.1} s, {rate:.0} runs/s", took.as_secs_f64()));
            }
            Format::Json => output::line(
                &json!({
                    "scenarios": scenarios,
                    "not": failed,
                    "runs": runs,
                    "findings": findings,
                    "vacuous": vacuous,
                })
                .to_string(),
            ),
        }
    }
}
