//! What a results file says.

use std::collections::BTreeMap;

use super::finding::{Finding, FindingKind};
use super::lines::{End, FORMAT, Header, HeaderScenario, Line, Progress, Told};
use super::plan::Part;
use super::reached::Reached;
use super::tally::Campaign;
use super::vacuous::Vacuous;
use crate::names::counted;
use crate::scenario::Scenario;

/// What a results file says, as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// What it is about.
    pub header: Header,
    /// One for each of the header's scenarios.
    pub scenarios: Vec<RecordedScenario>,
    /// How many whole lines there are.
    pub lines: usize,
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
        let mut lines = RecordedLines::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            lines.add(line)?;
        }
        Ok(lines.finish())
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
            Line::Progress(progress) => scenario.progress(*progress)?,
            Line::Finding(Told { finding, .. }) => scenario.found(finding),
            Line::End(end) => {
                let runs = scenario.campaign.runs;
                if end.runs != runs {
                    let there = counted(end.runs, "run");
                    return Err(format!(
                        "the end is after {there}, and the line before says {runs}"
                    ));
                }
                scenario.end = Some(end);
            }
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

/// A results file that is read line by line: nobody need have all of it at once.
#[derive(Clone, Debug, Default)]
pub struct RecordedLines {
    recorded: Option<Recorded>,
    /// How many lines there were.
    lines: usize,
}

impl RecordedLines {
    /// No line of a results file is longer: 16 MiB.
    pub const LINE_MAX: usize = 16 << 20;

    /// The next line, with its newline; the last one may have none, and is not counted.
    ///
    /// # Errors
    ///
    /// When it is none of ours, too long, or a newer one's.
    pub fn add(&mut self, line: &[u8]) -> Result<(), RecordedError> {
        let number = self.lines + 1;
        let fail = |message: String| RecordedError::Line { line: number, message };
        if line.len() > Self::LINE_MAX {
            return Err(fail("it is longer than 16 MiB".to_owned()));
        }
        if !line.ends_with(b"\n") {
            return Ok(());
        }
        self.lines = number;
        let parsed = serde_json::from_slice(line).map_err(|error| {
            // A header of another version may have other fields, and says which it is.
            match format_of(line) {
                Some(found) if found != FORMAT => RecordedError::Format { found },
                _ => fail(format!("it is none of a results file's: {error}")),
            }
        })?;
        match (parsed, &mut self.recorded) {
            (Line::Results(header), None) => {
                if header.format != FORMAT {
                    return Err(RecordedError::Format { found: header.format });
                }
                if header.part == 0 || header.part > header.of {
                    let Header { part, of, .. } = header;
                    return Err(fail(format!("there is no part {part} of {of}")));
                }
                let scenarios = vec![RecordedScenario::default(); header.scenarios.len()];
                self.recorded = Some(Recorded { header, scenarios, lines: 1, whole: line.len() });
            }
            (Line::Results(_), Some(_)) => return Err(fail("a second header".to_owned())),
            (_, None) => return Err(fail("the header is missing".to_owned())),
            (Line::End(End { line: was, .. }), _) if was != 0 && was != number as u64 => {
                let message = if was > number as u64 {
                    format!("it was line {was}: lines before it are missing")
                } else {
                    format!("it was line {was}: there are lines before it that were not")
                };
                return Err(fail(message));
            }
            (parsed, Some(recorded)) => {
                recorded.add(parsed).map_err(fail)?;
                recorded.lines = number;
                recorded.whole += line.len();
            }
        }
        Ok(())
    }

    /// What they say; nothing, if there was no whole one.
    #[must_use]
    pub fn finish(self) -> Option<Recorded> {
        self.recorded
    }
}

impl RecordedScenario {
    fn progress(&mut self, progress: Progress) -> Result<(), String> {
        let sum =
            |mut runs: Box<dyn Iterator<Item = u64> + '_>| runs.try_fold(0_u64, u64::checked_add);
        let counts = sum(Box::new(progress.outcomes.values().map(|counted| counted.runs)));
        if counts != Some(progress.runs) || progress.last_new > progress.runs {
            return Err(format!("its numbers do not add up to {}", counted(progress.runs, "run")));
        }
        // What is unexpected is a finding, or says nothing in a run of its own.
        for (outcome, counted) in progress.outcomes.iter().filter(|(_, all)| !all.expected) {
            let found = progress.findings.iter().filter(|finding| finding.kind.outcome == *outcome);
            let found = sum(Box::new(found.map(|finding| finding.runs)));
            if found != Some(counted.runs) && found != Some(0) {
                return Err(format!("the findings of {outcome} do not add up to its runs"));
            }
            if found == Some(0) && outcome.starts_with("violated(") {
                return Err(format!("there is no finding for {outcome}"));
            }
        }
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
        Ok(())
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
        text += &(Line::End(End {
            scenario: 0,
            why,
            runs,
            line: text.lines().count() as u64 + 1,
            note,
        })
        .to_json()
            + "\n");
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
    fn a_line_that_is_gone_is_missed() {
        let scenario = scenario();
        let (text, campaign) = results(&scenario, Part::WHOLE, &[10, 50, 100]);
        assert!(campaign.finding_count() > 0);
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        for gone in 1..lines.len() - 1 {
            let rest: String = lines[..gone].iter().chain(&lines[gone + 1..]).copied().collect();
            let error = Recorded::parse(rest.as_bytes()).unwrap_err().to_string();
            let (now, was) = (lines.len() - 1, lines.len());
            let wanted = format!("line {now}: it was line {was}: lines before it are missing");
            assert_eq!(error, wanted);
        }
        let twice: String = [&lines[..2], &lines[1..]].concat().concat();
        let error = Recorded::parse(twice.as_bytes()).unwrap_err().to_string();
        assert!(error.ends_with("there are lines before it that were not"), "{error}");
        // Files that do not say are read.
        let silent = text.replace(&format!(",\"line\":{}", lines.len()), "");
        assert_ne!(silent, text);
        assert!(Recorded::parse(silent.as_bytes()).is_ok());
    }

    #[test]
    fn numbers_that_do_not_add_up_are_an_error() {
        let scenario = scenario();
        let (text, campaign) = results(&scenario, Part::WHOLE, &[10]);
        let error = |from: &str, to: &str| {
            let wrong = text.replacen(from, to, 1);
            assert_ne!(wrong, text, "{from}");
            Recorded::parse(wrong.as_bytes()).unwrap_err().to_string()
        };
        let progress = text.lines().position(|line| line.starts_with("{\"progress\"")).unwrap() + 1;
        let wanted = format!("line {progress}: its numbers do not add up to 11 runs");
        assert_eq!(error("\"scenario\":0,\"runs\":10,", "\"scenario\":0,\"runs\":11,"), wanted);
        let wanted = format!("line {progress}: its numbers do not add up to 10 runs");
        assert_eq!(error("\"last_new\":", "\"last_new\":9"), wanted);
        let most = format!("\"runs\":{}", u64::MAX);
        let first = campaign.outcomes().values().next().unwrap().runs;
        assert_eq!(error(&format!("{{\"runs\":{first}"), &format!("{{{most}")), wanted);
        let last = progress + 1;
        let wanted = format!("line {last}: the end is after 11 runs, and the line before says 10");
        assert_eq!(error("\"runs\":10,\"line\"", "\"runs\":11,\"line\""), wanted);
        // What is wrong was found, and somebody took that out.
        let whole = &campaign.findings()[0];
        let finding = serde_json::to_string(&campaign.findings()).unwrap();
        let label = &whole.kind.outcome;
        let from = format!("\"findings\":{finding},");
        let wanted = format!("line {progress}: there is no finding for {label}");
        assert_eq!(error(&from, ""), wanted);
    }

    #[test]
    fn a_line_without_end_is_an_error() {
        let text = vec![b' '; RecordedLines::LINE_MAX + 1];
        let error = Recorded::parse(&text).unwrap_err().to_string();
        assert_eq!(error, "line 1: it is longer than 16 MiB");
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
