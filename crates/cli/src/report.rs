//! `headcrash report`: what several explorations found, put together.

use std::path::Path;

use headcrash_scenario::campaign::{Merged, Part, Recorded, merge};
use headcrash_scenario::{counted, replay_command};
use serde_json::{Value, json};

use crate::args::{Deny, Format, ReportArgs};
use crate::explore::show::{distinct, found, outcomes, vacuous_json, vacuous_line, vacuous_place};
use crate::{Exit, files, output};

/// Merges results files.
pub(crate) fn report(args: &ReportArgs) -> Exit {
    let mut files = Vec::new();
    for path in &args.files {
        match read(path) {
            Ok(recorded) => files.push((path.display().to_string(), recorded)),
            Err(error) => {
                output::note(&format!("error: {}: {error}", path.display()));
                return Exit::Unusable;
            }
        }
    }
    let all = match merge(&files) {
        Ok(all) => all,
        Err(error) => {
            output::note(&format!("error: {error}"));
            return Exit::Unusable;
        }
    };
    let denies = args.deny.contains(&Deny::Vacuous);
    let mut exit = Exit::Fine;
    let mut repeat = None;
    for merged in &all {
        let shown = Shown { merged, denies };
        exit = exit.max(shown.exit());
        shown.print(args.format);
        if repeat.is_none() {
            repeat = shown.repeat();
        }
    }
    if let (Format::Text, true) = (args.format, all.len() > 1) {
        let failed = all.iter().filter(|merged| Shown { merged, denies }.exit() != Exit::Fine);
        let runs: u64 = all.iter().map(|merged| merged.runs).sum();
        let findings: usize = all.iter().map(|merged| merged.findings.len()).sum();
        let (scenarios, failed) = (all.len(), failed.count());
        output::line(&format!(
            "\n{scenarios} scenarios, {failed} not as expected; {}, {}",
            counted(runs, "run"),
            counted(findings as u64, "finding")
        ));
    }
    if let Some(command) = repeat {
        let which = if all.len() > 1 { "repeat the first" } else { "repeat" };
        output::note(&format!("\n{which} with\n  {command}"));
    }
    exit
}

fn read(path: &Path) -> Result<Recorded, String> {
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    files::results(&mut file)?.ok_or_else(|| "there is no whole line in it".to_owned())
}

/// What is said of one scenario.
struct Shown<'m> {
    merged: &'m Merged,
    denies: bool,
}

impl Shown<'_> {
    fn is_denied(&self) -> bool {
        self.denies && !self.merged.vacuous.is_empty()
    }

    /// What is missing may have what was found nowhere else: nothing is said to be good then.
    fn exit(&self) -> Exit {
        let Merged { findings, unmet, missing, .. } = self.merged;
        if self.is_denied() {
            Exit::Unusable
        } else if !findings.is_empty() {
            Exit::Unexpected
        } else if !missing.is_empty() {
            Exit::Unusable
        } else if unmet.is_some() {
            Exit::Unexpected
        } else {
            Exit::Fine
        }
    }

    fn verdict(&self) -> &'static str {
        match self.exit() {
            Exit::Fine => "ok",
            Exit::Unexpected => "FAILED",
            Exit::Unusable if self.is_denied() => "VACUOUS",
            Exit::Unusable => "PARTIAL",
        }
    }

    fn repeat(&self) -> Option<String> {
        let first = self.merged.findings.first()?;
        let saved = first.saved.as_ref().filter(|saved| Path::new(saved).is_file());
        Some(match saved {
            Some(saved) => replay_command(saved),
            // Its file may be on another machine.
            None => first.command(&self.merged.name, &self.merged.own_method),
        })
    }

    fn print(&self, format: Format) {
        match format {
            Format::Text => {
                output::line(&self.line());
                output::text(&outcomes(&self.merged.outcomes));
                for finding in &self.merged.findings {
                    let at = finding.kind.at.map(|(line, column)| format!(" at {line}:{column}"));
                    let mut said = format!(
                        "\n{}: {}{} in {} of {}; the smallest is that of seed {}, with {} unusual \
                         of {}",
                        self.merged.name,
                        finding.kind.outcome,
                        at.unwrap_or_default(),
                        finding.runs,
                        counted(self.merged.runs, "run"),
                        finding.seed,
                        finding.unusual,
                        counted(finding.choices, "choice")
                    );
                    if !finding.said.is_empty() {
                        said.push_str(&format!("\n    {}", finding.said));
                    }
                    if let Some(saved) = &finding.saved {
                        said.push_str(&format!("\nrecorded in {saved}"));
                    }
                    output::line(&said);
                }
            }
            Format::Json => output::line(&self.json().to_string()),
        }
        let name = &self.merged.name;
        if let Some(unmet) = &self.merged.unmet {
            output::note(&format!("{name}: {unmet}"));
        }
        for missing in &self.merged.missing {
            output::note(&format!("{name}: {missing}"));
        }
        for item in &self.merged.vacuous {
            if self.is_denied() {
                let place = vacuous_place(name, item);
                output::note(&format!("error: {place}: vacuous: {item}"));
            } else {
                output::note(&vacuous_line(name, item, Part::WHOLE));
            }
        }
    }

    fn line(&self) -> String {
        let Merged { name, runs, digest, findings, reached, .. } = self.merged;
        let (found, states) = (found(findings.len()), distinct(reached.features.len()));
        let runs = counted(*runs, "run");
        format!("{:<8}  {name}  {runs}{found}, {states}, hash {digest:016x}", self.verdict())
    }

    fn json(&self) -> Value {
        let merged = self.merged;
        let missing: Vec<_> = merged.missing.iter().map(ToString::to_string).collect();
        json!({
            "scenario": merged.name,
            "verdict": self.verdict().to_lowercase(),
            "expected": merged.expect,
            "runs": merged.runs,
            "outcomes": merged.outcomes,
            "findings": merged.findings,
            "unmet": merged.unmet,
            "vacuous": vacuous_json(&merged.vacuous),
            "states": merged.reached.features.len(),
            "hash": format!("{:016x}", merged.digest),
            "missing": missing,
            "repeat": self.repeat(),
        })
    }
}
