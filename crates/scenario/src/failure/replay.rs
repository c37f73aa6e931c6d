//! A recorded failure, again: strictly, or as far as an edited scenario goes.

use headcrash_sim::{Choice, Mismatch, Point, Replay, Schedule, Seeded, Strictness};

use super::key::KeyNames;
use super::{Failure, FailureError, RecordedChoice, hex, text_hash};
use crate::names::counted;
use crate::run::{Keep, Run, Variant, run_as};
use crate::scenario::{DiskIndex, Failing, FileSystemIndex, Scenario, Search};

impl Failure {
    /// Runs it again, strictly.
    ///
    /// # Errors
    ///
    /// When `scenario` is not the one it was recorded with, or it is damaged.
    pub fn replay(&self, scenario: &Scenario) -> Result<Replayed, FailureError> {
        let found = text_hash(scenario);
        if found != self.scenario_hash {
            let recorded = self.scenario_hash.clone();
            return Err(FailureError::Scenario { recorded, found });
        }
        let replay = Replay::from_schedule(&self.schedule()?, Strictness::Strict);
        let (run, replay) = self.run(scenario, replay)?;
        let same = replay.is_complete()
            && hex(run.hash) == self.trace_hash
            && run.fact_count == self.facts
            && run.outcome.label() == self.outcome;
        Ok(Replayed {
            run,
            matched: replay.matched(),
            recorded: replay.recorded(),
            mismatch: replay.mismatch().copied(),
            is_same: same,
        })
    }

    /// Runs it again with a scenario that may have been edited since: each kind of question about
    /// each actor is followed on its own. What the recording says nothing about is answered as the
    /// seed `then` does, or calmly.
    ///
    /// # Errors
    ///
    /// When it is damaged, or an access was made to fail that the scenario does not have.
    pub fn replay_leniently(
        &self,
        scenario: &Scenario,
        then: Option<u64>,
    ) -> Result<Lenient, FailureError> {
        let schedule = self.schedule()?;
        let mut replay = Replay::from_schedule(&schedule, Strictness::Lenient);
        if let Some(seed) = then {
            replay = replay.then(Seeded::from_seed(seed));
        }
        let (run, replay) = self.run(scenario, replay)?;
        Ok(Lenient {
            is_same: run.outcome.label() == self.outcome,
            was_edited: text_hash(scenario) != self.scenario_hash,
            matched: replay.matched(),
            recorded: replay.recorded(),
            unused: replay.unused().map(|(place, choice)| (place, *choice)).collect(),
            schedule: self.schedule.clone(),
            unanswered: replay.unanswered(),
            first_unanswered: replay.first_unanswered().to_vec(),
            then,
            run,
        })
    }

    fn run(&self, scenario: &Scenario, replay: Replay) -> Result<(Run, Replay), FailureError> {
        let variant = Variant { fails: self.failing(scenario)? };
        let is_eager = matches!(scenario.search(), Some(Search::Eager { .. }));
        if scenario.search().is_none() || self.whole_images == is_eager {
            return Ok(run_as(scenario, variant, replay, Keep::Trace));
        }
        let mut other = scenario.clone();
        let eager = Search::Eager { k: 1, runs: 1 };
        other.search_instead(if self.whole_images { eager } else { Search::USUAL });
        Ok(run_as(&other, variant, replay, Keep::Trace))
    }

    /// What is made to fail.
    fn failing(&self, scenario: &Scenario) -> Result<Option<(Failing, u64)>, FailureError> {
        let Some((name, nth)) = &self.fails else { return Ok(None) };
        // No file system is called as a disk is.
        let disk = scenario.disks().iter().position(|disk| disk.name == *name);
        let fs = || scenario.file_systems().iter().position(|fs| fs.name == *name);
        let disk = disk.map(|disk| Failing::Disk(DiskIndex(disk)));
        let place = disk.or_else(|| Some(Failing::Files(FileSystemIndex(fs()?))));
        match place.filter(|_| scenario.fail_each().is_some()) {
            // Nothing is the 0th.
            Some(place) if *nth > 0 => Ok(Some((place, *nth))),
            _ => Err(FailureError::Fails { name: name.clone() }),
        }
    }
}

/// A failure, run again.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The run.
    pub run: Run,
    /// How many choices were made again.
    pub matched: usize,
    /// How many were recorded.
    pub recorded: usize,
    /// The first question that was not the recorded one.
    pub mismatch: Option<Mismatch>,
    /// Whether everything is as it was recorded: choices, trace and outcome.
    pub is_same: bool,
}

impl Replayed {
    /// How it went: `matched 12 of 12 choices`, and the first question that differed.
    #[must_use]
    pub fn report(&self, scenario: &Scenario) -> String {
        let mut report = format!("matched {} of {}", self.matched, choices(self.recorded));
        if let Some(mismatch) = &self.mismatch {
            let names = KeyNames::of(scenario, &self.run.schedule);
            let asked = question(&names, mismatch.asked, mismatch.n);
            let recorded = match mismatch.recorded {
                Some(choice) => answered(&names, choice),
                None => "no more choices".to_owned(),
            };
            let place = mismatch.place + 1;
            report.push_str(&format!(
                "\nchoice {place} differs\n    recorded: {recorded}\n    asked:    {asked}"
            ));
        }
        report
    }
}

/// A failure, run again as far as the scenario is what it was.
#[derive(Clone, Debug)]
pub struct Lenient {
    /// The run.
    pub run: Run,
    /// Whether the same came of it: the same outcome, with the same property.
    pub is_same: bool,
    /// Whether the scenario's text is another one.
    pub was_edited: bool,
    /// How many choices were made again.
    pub matched: usize,
    /// How many were recorded.
    pub recorded: usize,
    /// The recorded choices that nothing was asked for, with their places from zero.
    pub unused: Vec<(usize, Choice)>,
    /// How many questions nothing was recorded for.
    pub unanswered: usize,
    /// With the names that were recorded: whoever it was about may be gone.
    schedule: Vec<RecordedChoice>,
    first_unanswered: Vec<(Point, u64)>,
    then: Option<u64>,
}

impl Lenient {
    /// How it went: `matched 10 of 12 choices`, what was not asked for again, and what was asked
    /// that the recording says nothing about; the first few of each.
    #[must_use]
    pub fn report(&self, scenario: &Scenario) -> String {
        const MOST: usize = 5;
        let Self { matched, recorded, unused, unanswered, .. } = self;
        let mut report = format!("matched {matched} of {}", choices(*recorded));
        if self.was_edited {
            report.push_str("; the scenario was edited since");
        }
        let asked =
            |(point, n): &(Point, u64)| Choice { point: *point, n: *n, answer: 0, picked: None };
        let choices = self.first_unanswered.iter().map(asked).collect();
        let names = KeyNames::of(scenario, &Schedule { choices });
        let bent = recorded - unused.len() - matched;
        if bent > 0 {
            report.push_str(&format!("\n{bent} had to be fitted to another number of answers"));
        }
        if !unused.is_empty() {
            report.push_str(&format!("\n{} not asked for again", unused.len()));
        }
        for (place, _) in unused.iter().take(MOST) {
            let RecordedChoice { kind, about, of, picked, label, .. } = &self.schedule[*place];
            report.push_str(&format!(
                "\n    choice {}: {kind} about {about}, with {of} answers",
                place + 1
            ));
            if let Some(picked) = picked {
                report.push_str(&format!(", picked {picked}"));
            }
            if !label.is_empty() {
                report.push_str(&format!(", at {label}"));
            }
        }
        if unused.len() > MOST {
            report.push_str("\n    ..");
        }
        if *unanswered > 0 {
            let how = self
                .then
                .map_or_else(|| "calmly".to_owned(), |seed| format!("as seed {seed} does"));
            report
                .push_str(&format!("\n{unanswered} answered {how}: nothing was recorded for them"));
        }
        for (point, n) in self.first_unanswered.iter().take(MOST) {
            report.push_str(&format!("\n    {}", question(&names, *point, *n)));
        }
        if *unanswered > MOST {
            report.push_str("\n    ..");
        }
        report
    }
}

fn choices(count: usize) -> String {
    counted(count as u64, "choice")
}

fn question(names: &KeyNames, point: Point, n: u64) -> String {
    format!("{} about {}, with {n} answers", point.kind.name(), names.name(point.key))
}

fn answered(names: &KeyNames, choice: Choice) -> String {
    let picked = choice.picked.map(|key| format!(", picked {}", names.name(key)));
    question(names, choice.point, choice.n) + &picked.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::run_seed;

    const COUNTER: &str = r#"(
        disks: [(size: 4096, latency: uniform(min_ns: 1, max_ns: 900))],
        rules: [],
        clients: [
            (name: "a", steps: [
                read(at: 0, len: 1, save: "n"),
                when(saved: "n", holds: bytes([0]), then: [write(at: 0, data: bytes([1]))],
                    otherwise: [write(at: 0, data: bytes([2]))]),
            ]),
            (name: "b", steps: [
                read(at: 0, len: 1, save: "n"),
                when(saved: "n", holds: bytes([0]), then: [write(at: 0, data: bytes([1]))],
                    otherwise: [write(at: 0, data: bytes([2]))]),
            ]),
            (name: "c", steps: [flush()]),
        ],
        properties: [finally(name: "counted", that: image(at: 0, holds: bytes([2])))],
    )"#;

    fn scenario(text: &str) -> Scenario {
        crate::parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// Every failure of the first seeds, replayed with the scenario edited.
    fn edited(from: &str, to: &str) -> (Scenario, Vec<Lenient>) {
        let (before, after) = (scenario(COUNTER), scenario(&COUNTER.replacen(from, to, 1)));
        assert_ne!(before, after);
        let runs = (0..64).map(|seed| run_seed(&before, seed, Keep::Hash));
        let failures = runs.filter(|run| !run.is_expected(&before));
        let replays = failures.map(|run| {
            let failure = Failure::of(&before, &run, None);
            assert!(matches!(failure.replay(&after), Err(FailureError::Scenario { .. })));
            failure.replay_leniently(&after, None).expect("nothing was made to fail")
        });
        let replays: Vec<_> = replays.collect();
        assert!(replays.len() > 8, "{} failures", replays.len());
        (after, replays)
    }

    #[test]
    fn a_failure_survives_a_client_that_was_added() {
        let client = r#"(name: "first", steps: [read(at: 512, len: 512), flush()]), (name: "a","#;
        let (scenario, replays) = edited(r#"(name: "a","#, client);
        for replay in replays {
            assert!(replay.is_same, "{}", replay.report(&scenario));
            assert_eq!(replay.matched, replay.recorded);
            let report = replay.report(&scenario);
            assert!(report.starts_with("matched "), "{report}");
            assert!(report.contains("; the scenario was edited since"), "{report}");
            assert!(report.contains("latency about client first, with"), "{report}");
        }
    }

    #[test]
    fn a_failure_survives_a_read_that_was_inserted_elsewhere() {
        let (scenario, replays) =
            edited("steps: [flush()]", "steps: [read(at: 512, len: 512), flush()]");
        for replay in replays {
            assert!(replay.is_same, "{}", replay.report(&scenario));
        }
    }

    #[test]
    fn a_failure_survives_a_rule_that_was_added() {
        let rule =
            r#"rules: [(name: "odd", action: delay(ns: 10), on: [discard], chance: (1, 2))]"#;
        let (scenario, replays) = edited("rules: []", rule);
        for replay in replays {
            assert!(replay.is_same, "{}", replay.report(&scenario));
        }
    }

    #[test]
    fn what_is_gone_is_told_with_its_names() {
        let (scenario, replays) = edited(r#"(name: "c", steps: [flush()]),"#, "");
        let report = replays[0].report(&scenario);
        assert!(report.contains(" not asked for again\n    choice "), "{report}");
        assert!(report.contains("client c"), "{report}");
        assert!(report.contains("at 15: flush()"), "{report}");
    }

    #[test]
    fn a_repaired_scenario_comes_out_as_expected() {
        let (scenario, replays) =
            edited("holds: bytes([2])", "holds: any_of([bytes([1]), bytes([2])])");
        for replay in replays {
            assert!(!replay.is_same && replay.run.is_expected(&scenario));
        }
    }

    #[test]
    fn an_access_that_cannot_be_made_to_fail_is_named() {
        let text = r#"(fail_each: (), steps: [write(at: 0, len: 512, fill: 1)])"#;
        let before = scenario(text);
        let run = run_seed(&before, 0, Keep::Hash);
        assert!(run.variant.fails.is_some(), "the first access fails, and that is not expected");
        let failure = Failure::of(&before, &run, None);
        let after = scenario(&text.replace("fail_each: (), ", ""));
        let error = failure.replay_leniently(&after, None).unwrap_err();
        assert_eq!(error, FailureError::Fails { name: "d0".to_owned() });
    }
}
