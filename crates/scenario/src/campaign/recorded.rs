//! What a results file says.

use std::collections::BTreeMap;

use super::finding::{Finding, FindingKind};
use super::lines::{End, FORMAT, Header, HeaderScenario, Line, Progress, Told};
use super::plan::Part;
use super::reached::Reached;
use super::tally::Campaign;
use super::vacuous::Vacuous;
use crate::scenario::Scenario;

/// What a results file says, as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What it is about.
    pub header: Header,
    /// One for each of the header's scenarios.
    pub scenarios: Vec<RecordedScenario>,
    /// How many bytes are whole lines: what follows was being written when its writer ended.
    pub whole: usize,
}

/// What a results file says of a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordedScenario {
    campaign: Campaign,
    /// What was found after the last line about progress.
    since: BTreeMap<FindingKind, Finding>,
    /// What its runs reached.
    pub reached: Reached,
    /// What it says and no run came to; nothing is known before the first runs.
    pub vacuous: Option<Vec<Vacuous>>,
    /// How it ended, if it did.
    pub end: Option<End>,
}

/// Why a results file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordedError {
    /// A line is none of ours.
    #[error("line {line}: {message}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else wrote it.
    #[error("it is of format {found}, and this is headcrash {}, which reads format {FORMAT}", env!("CARGO_PKG_VERSION"))]
    Format {
        /// Its format.
        found: u32,
    },
    /// It is about something else.
    #[error("it is about something else: {what} is {recorded} there, and {here} here")]
    Other {
        /// What differs.
        what: String,
        /// What the file says.
        recorded: String,
        /// What is asked for.
        here: String,
    },
}

impl Recorded {
    /// Reads a results file; nothing, if it has no whole line.
    ///
    /// # Errors
    ///
    /// When a whole line is none of ours, or a newer one's.
    pub fn parse(text: &[u8]) -> Result<Option<Self>, RecordedError> {
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let mut recorded: Option<Self> = None;
        let lines = text[..whole].split_inclusive(|byte| *byte == b'\n');
        for (number, line) in (1..).zip(lines) {
            let fail = |message: String| RecordedError::Line { line: number, message };
            let parsed = serde_json::from_slice(line).map_err(|error| {
                // A header of another version may have other fields, and says which it is.
                match format_of(line) {
                    Some(found) if found != FORMAT => RecordedError::Format { found },
                    _ => fail(format!("it is none of a results file's: {error}")),
                }
            })?;
            match (parsed, &mut recorded) {
                (Line::Results(header), None) => {
                    if header.format != FORMAT {
                        return Err(RecordedError::Format { found: header.format });
                    }
                    if header.part == 0 || header.part > header.of {
                        let Header { part, of, .. } = header;
                        return Err(fail(format!("there is no part {part} of {of}")));
                    }
                    let scenarios = vec![RecordedScenario::default(); header.scenarios.len()];
                    recorded = Some(Self { header, scenarios, whole });
                }
                (Line::Results(_), Some(_)) => return Err(fail("a second header".to_owned())),
                (_, None) => return Err(fail("the header is missing".to_owned())),
                (line, Some(recorded)) => recorded.add(line).map_err(fail)?,
            }
        }
        Ok(recorded)
    }

    fn add(&mut self, line: Line) -> Result<(), String> {
        let place = match &line {
            Line::Results(_) => return Err("a second header".to_owned()),
            Line::Progress(progress) => progress.scenario,
            Line::Finding(told) => told.scenario,
            Line::End(end) => end.scenario,
        };
        let of = self.scenarios.len();
        let scenario = self.scenarios.get_mut(place);
        let scenario =
            scenario.ok_or_else(|| format!("there is no scenario {place} among {of}"))?;
        match line {
            Line::Results(_) => {}
            Line::Progress(progress) => scenario.progress(*progress),
            Line::Finding(Told { finding, .. }) => scenario.found(finding),
            Line::End(end) => scenario.end = Some(end),
        }
        Ok(())
    }

    /// Which part of a campaign it is.
    #[must_use]
    pub const fn part(&self) -> Part {
        Part { part: self.header.part, of: self.header.of }
    }

    /// Whether a campaign with this header may go on where this ends.
    ///
    /// # Errors
    ///
    /// When it is about something else.
    pub fn goes_on(&self, header: &Header) -> Result<(), RecordedError> {
        let differs = |what: &str, recorded: &str, here: &str| {
            if recorded == here {
                return Ok(());
            }
            let [what, recorded, here] = [what, recorded, here].map(ToOwned::to_owned);
            Err(RecordedError::Other { what, recorded, here })
        };
        let old = &self.header;
        differs("headcrash's version", &old.headcrash, &header.headcrash)?;
        differs(
            "the scheme of seeds",
            &old.seed_scheme.to_string(),
            &header.seed_scheme.to_string(),
        )?;
        let part = |header: &Header| Part { part: header.part, of: header.of }.to_string();
        differs("the shard", &part(old), &part(header))?;
        let names = |header: &Header| {
            let names: Vec<_> = header.scenarios.iter().map(|scenario| &*scenario.name).collect();
            names.join(", ")
        };
        differs("the list of scenarios", &names(old), &names(header))?;
        for (old, new) in old.scenarios.iter().zip(&header.scenarios) {
            let HeaderScenario { name, hash, method, seeds, until_stable, .. } = old;
            differs(&format!("the hash of {name}"), hash, &new.hash)?;
            differs(&format!("the search of {name}"), method, &new.method)?;
            differs(&format!("the first seed of {name}"), seeds, &new.seeds)?;
            let runs = |runs: Option<u64>| {
                runs.map_or_else(|| "not given".to_owned(), |runs| runs.to_string())
            };
            let what = format!("--until-stable of {name}");
            differs(&what, &runs(*until_stable), &runs(new.until_stable))?;
        }
        Ok(())
    }
}

impl RecordedScenario {
    fn progress(&mut self, progress: Progress) {
        let Progress { runs, digest, last_new, outcomes, findings, reached, vacuous, .. } =
            progress;
        let campaign = &mut self.campaign;
        (campaign.runs, campaign.digest, campaign.last_new) = (runs, digest, last_new);
        campaign.outcomes = outcomes;
        let keyed = |finding: Finding| (finding.kind.clone(), finding);
        campaign.findings = findings.into_iter().map(keyed).collect();
        self.since.clear();
        self.end = None;
        self.reached.add(reached);
        if vacuous.is_some() {
            self.vacuous = vacuous;
        }
    }

    /// What has come of it; its coverage is in [`Self::reached`].
    #[must_use]
    pub const fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    fn found(&mut self, finding: Finding) {
        match self.campaign.findings.get_mut(&finding.kind) {
            // Where it was written to is said last.
            Some(known) if known.size() == finding.size() => known.saved = finding.saved,
            _ => _ = self.since.insert(finding.kind.clone(), finding),
        }
    }

    /// What was found, the smallest first; what nobody has written down how often, included.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = self.campaign.clone();
        for finding in self.since.values() {
            match all.findings.get_mut(&finding.kind) {
                Some(known) => *known = Finding { runs: known.runs, ..finding.clone() },
                None => _ = all.findings.insert(finding.kind.clone(), finding.clone()),
            }
        }
        all.findings()
    }

    /// The campaign, to go on with: what was found after the last line about progress is found
    /// again.
    #[must_use]
    pub fn resume(&self, scenario: &Scenario) -> Campaign {
        Campaign { coverage: self.reached.coverage(scenario), ..self.campaign.clone() }
    }
}

fn format_of(line: &[u8]) -> Option<u32> {
    let value: serde_json::Value = serde_json::from_slice(line).ok()?;
    value.get("results")?.get("format")?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Chunk, Plan, Why};
    use super::*;
    use crate::run::{Coverage, Method};

    const TEXT: &str = r#"(
        disks: [(latency: uniform(min_ns: 1, max_ns: 50))],
        events: ["nobody"],
        clients: [
            (name: "a", steps: [write(at: 0, len: 512, fill: 1)]),
            (name: "b", steps: [write(at: 0, len: 512, fill: 2), read(at: 0, len: 512, holds: fill(1))]),
        ],
    )"#;

    fn scenario() -> Scenario {
        crate::parse("s.ron", TEXT.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn header(scenario: &Scenario, part: Part) -> Header {
        let seeds = crate::scenario::Seeds::Range(0..100);
        let method = Method::Seeded;
        Header::new(part, vec![HeaderScenario::new(scenario, method, &seeds, None)])
    }

    /// A part's results, with a line about progress for each of these numbers of runs.
    fn results(scenario: &Scenario, part: Part, progress: &[u64]) -> (String, Campaign) {
        let plan = Plan::new(scenario, Method::Seeded);
        let mut text = Line::Results(header(scenario, part)).to_json() + "\n";
        let mut campaign = Campaign::default();
        let mut known = Coverage::default();
        for runs in progress {
            let mut chunk = Chunk::default();
            for own in campaign.runs()..*runs {
                chunk.run(&plan, part.place(own).unwrap(), campaign.coverage());
            }
            for finding in campaign.merge(chunk, None) {
                text += &(Line::Finding(Told { scenario: 0, finding }).to_json() + "\n");
            }
            let progress = Progress::of(0, scenario, &campaign, &known, None);
            text += &(Line::Progress(Box::new(progress)).to_json() + "\n");
            known = campaign.coverage().clone();
        }
        let (why, runs, note) = (Why::Complete, campaign.runs(), String::new());
        text += &(Line::End(End { scenario: 0, why, runs, note }).to_json() + "\n");
        (text, campaign)
    }

    fn parsed(text: &str) -> Recorded {
        Recorded::parse(text.as_bytes()).unwrap().expect("there is a whole line")
    }

    #[test]
    fn what_was_written_is_read_wherever_the_file_is_cut_off() {
        let scenario = scenario();
        let (text, campaign) = results(&scenario, Part::WHOLE, &[10, 50, 100]);
        let recorded = parsed(&text);
        assert_eq!(recorded.scenarios[0].resume(&scenario), campaign);
        assert_eq!(recorded.scenarios[0].findings(), campaign.findings());
        for cut in 0..text.len() {
            let Some(part) = Recorded::parse(&text.as_bytes()[..cut]).unwrap() else { continue };
            let runs = part.scenarios[0].resume(&scenario).runs();
            assert!([0, 10, 50, 100].contains(&runs), "{runs} runs in {cut} bytes");
            assert!(text[..part.whole].ends_with('\n'));
        }
    }

    #[test]
    fn parts_together_are_the_whole() {
        let scenario = scenario();
        let name = |name: &str, (text, _): (String, Campaign)| (name.to_owned(), parsed(&text));
        let part = |part: u64, runs: &[u64]| results(&scenario, Part { part, of: 2 }, runs);
        let whole =
            super::super::merge(&[name("w", results(&scenario, Part::WHOLE, &[100]))]).unwrap();
        let parts = [name("1", part(1, &[20, 50])), name("2", part(2, &[50]))];
        assert_eq!(super::super::merge(&parts).unwrap(), whole);
        assert_eq!(whole[0].runs, 100);
        assert_eq!(whole[0].vacuous.len(), 1, "{:?}", whole[0].vacuous);
        let first = super::super::merge(&parts[..1]).unwrap();
        let missing: Vec<_> = first[0].missing.iter().map(ToString::to_string).collect();
        assert_eq!(missing, ["shard 2/2 of seeded is missing"]);
    }

    #[test]
    fn another_campaign_does_not_go_on_here() {
        let scenario = scenario();
        let recorded = parsed(&results(&scenario, Part::WHOLE, &[10]).0);
        let here = header(&scenario, Part::WHOLE);
        assert_eq!(recorded.goes_on(&here), Ok(()));
        let mut other = here.clone();
        other.scenarios[0].hash = "0123".to_owned();
        let error = recorded.goes_on(&other).unwrap_err().to_string();
        assert!(error.starts_with("it is about something else: the hash of s.ron is "), "{error}");
        other = Header { headcrash: "9.9".to_owned(), ..here };
        assert!(recorded.goes_on(&other).is_err());
    }
}
