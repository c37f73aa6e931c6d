//! A run that did not come out as expected, with all that repeats it.

mod key;

use std::fmt;
use std::hash::Hasher;

use headcrash_engine::StableHasher;
use headcrash_sim::{
    Choice, Mismatch, Point, PointKind, Replay, SEEDED_VERSION, Schedule, Strictness,
};
use serde::{Deserialize, Serialize};

use crate::run::{Keep, Run, Variant, run_as};
use crate::scenario::{DiskIndex, Failing, FileSystemIndex, Scenario, Search};
use key::KeyNames;

/// The version of the failure file's format.
pub const FAILURE_VERSION: u32 = 1;

/// The largest failure file that is read: 64 MiB.
pub const FAILURE_MAX: u64 = 64 << 20;

/// A failure as a file holds it: `*.failure.ron`.
///
/// It repeats the run by its schedule, whatever becomes of seeds; the seed is there for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// [`FAILURE_VERSION`] of what wrote it.
    pub failure: u32,
    /// The version of headcrash that wrote it.
    pub headcrash: String,
    /// The version of the scheme by which answers follow from the seed.
    pub seeds: u32,
    /// The scenario's file, as it was named.
    pub scenario: String,
    /// The hash of the scenario's text, in hexadecimal.
    pub scenario_hash: String,
    /// The seed the choices followed from, if they followed from one.
    pub seed: Option<u64>,
    /// With `fail_each`: the disk of which an access failed, or the file system of which an
    /// operation did, and which one, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<(String, u64)>,
    /// Whether crash states were whole images, decided before the recovery began.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_images: bool,
    /// What came of the run: `held`, `violated("name")`, `refused`, `stuck`, `not measured`,
    /// `endless`.
    pub outcome: String,
    /// What was expected of it, in the same words.
    pub expected: String,
    /// How many facts its trace has.
    pub facts: u64,
    /// The hash of its trace, in hexadecimal.
    pub trace_hash: String,
    /// Its choices, in order.
    pub schedule: Vec<RecordedChoice>,
}

/// A choice as a failure file holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedChoice {
    /// What kind of question it was: `schedule`, `completion`, `resume`, `latency`, `fault`, `cut`,
    /// `crash_sector`, `tear`, `data`.
    pub kind: String,
    /// Whom it was about: `world`, `nobody`, `client NAME`, `disk NAME`, `rule NAME`, `request N of
    /// client NAME`, `byte N of disk NAME`.
    pub about: String,
    /// How many answers there were.
    pub of: u64,
    /// The answer.
    pub answer: u64,
    /// Who was picked, if it was a question of who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picked: Option<String>,
}

/// Why a failure file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailureError {
    /// It cannot be read.
    #[error("{line}:{column}: {message}")]
    Unreadable {
        /// The line, from 1.
        line: usize,
        /// The column, in characters, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Something else wrote it.
    #[error("it is of format {found}, and this is headcrash {}, which reads format {FAILURE_VERSION}", env!("CARGO_PKG_VERSION"))]
    Format {
        /// Its format.
        found: u32,
    },
    /// A choice is none that a run could make.
    #[error("choice {place} is damaged: {message}")]
    Choice {
        /// Which, from 1.
        place: usize,
        /// What is wrong.
        message: String,
    },
    /// It is of another scenario, or of this one before it was edited.
    #[error(
        "it was recorded with a scenario whose text has hash {recorded}, and this one's has {found}"
    )]
    Scenario {
        /// The recorded hash.
        recorded: String,
        /// The hash of the text at hand.
        found: String,
    },
}

impl Failure {
    /// What repeats `run` of `scenario`; `seed` is what its choices followed from.
    #[must_use]
    pub fn of(scenario: &Scenario, run: &Run, seed: Option<u64>) -> Self {
        let names = KeyNames::of(scenario, &run.schedule);
        let recorded = |choice: &Choice| RecordedChoice {
            kind: choice.point.kind.name().to_owned(),
            about: names.name(choice.point.key),
            of: choice.n,
            answer: choice.answer,
            picked: choice.picked.map(|key| names.name(key)),
        };
        Self {
            failure: FAILURE_VERSION,
            headcrash: env!("CARGO_PKG_VERSION").to_owned(),
            seeds: SEEDED_VERSION,
            scenario: scenario.source().name().to_owned(),
            scenario_hash: text_hash(scenario),
            seed,
            fails: run.variant.fails.map(|(place, nth)| match place {
                Failing::Disk(disk) => (scenario.disks()[disk.0].name.clone(), nth),
                Failing::Files(fs) => (scenario.file_systems()[fs.0].name.clone(), nth),
            }),
            whole_images: matches!(scenario.search(), Some(Search::Eager { .. })),
            outcome: run.outcome.label(),
            expected: scenario.expect().to_string(),
            facts: run.fact_count,
            trace_hash: hex(run.hash),
            schedule: run.schedule.choices.iter().map(recorded).collect(),
        }
    }

    /// Reads a failure file.
    ///
    /// # Errors
    ///
    /// When it is not one, is damaged, or of another format.
    pub fn parse(text: &str) -> Result<Self, FailureError> {
        let failure: Self = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
            .from_str(text)
            .map_err(|error| FailureError::Unreadable {
                line: error.span.start.line,
                column: error.span.start.col,
                message: error.code.to_string(),
            })?;
        if failure.failure != FAILURE_VERSION {
            return Err(FailureError::Format { found: failure.failure });
        }
        failure.schedule()?;
        Ok(failure)
    }

    /// The file's text.
    #[must_use]
    pub fn to_ron(&self) -> String {
        let pretty = ron::ser::PrettyConfig::new()
            .depth_limit(2)
            .extensions(ron::extensions::Extensions::IMPLICIT_SOME);
        let text = ron::ser::to_string_pretty(self, pretty);
        // The extension is on when it is read: the file need not say so.
        let text = text.expect("a failure is made of text and numbers");
        text.trim_start_matches("#![enable(implicit_some)]").trim_start().to_owned() + "\n"
    }

    /// Its choices.
    ///
    /// # Errors
    ///
    /// When one is none that a run could make.
    pub fn schedule(&self) -> Result<Schedule, FailureError> {
        let choice = |(index, recorded): (usize, &RecordedChoice)| {
            let damaged = |message| FailureError::Choice { place: index + 1, message };
            let kind = PointKind::from_name(&recorded.kind)
                .ok_or_else(|| damaged(format!("there is no kind `{}`", recorded.kind)))?;
            let key = |text: &str| {
                key::parse(text).ok_or_else(|| damaged(format!("there is nobody like `{text}`")))
            };
            if recorded.answer >= recorded.of {
                let message = format!("answer {} is not below {}", recorded.answer, recorded.of);
                return Err(damaged(message));
            }
            Ok(Choice {
                point: Point::new(kind, key(&recorded.about)?),
                n: recorded.of,
                answer: recorded.answer,
                picked: recorded.picked.as_deref().map(key).transpose()?,
            })
        };
        let choices = self.schedule.iter().enumerate().map(choice).collect::<Result<_, _>>()?;
        Ok(Schedule { choices })
    }

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
        // No file system is called as a disk is.
        let place = |name: &str| {
            let disk = scenario.disks().iter().position(|disk| disk.name == name);
            let fs = || scenario.file_systems().iter().position(|fs| fs.name == name);
            let disk = disk.map(|disk| Failing::Disk(DiskIndex(disk)));
            disk.or_else(|| Some(Failing::Files(FileSystemIndex(fs()?))))
        };
        let fails = self.fails.as_ref().and_then(|(name, nth)| Some((place(name)?, *nth)));
        let mut other;
        let is_eager = matches!(scenario.search(), Some(Search::Eager { .. }));
        let scenario = if scenario.search().is_some() && self.whole_images != is_eager {
            other = scenario.clone();
            let search = Search::Eager { k: 1, runs: 1 };
            other.search_instead(if self.whole_images { search } else { Search::USUAL });
            &other
        } else {
            scenario
        };
        let (run, replay) = run_as(scenario, Variant { fails }, replay, Keep::Trace);
        let same = replay.is_complete()
            && hex(run.hash) == self.trace_hash
            && run.outcome.label() == self.outcome;
        Ok(Replayed {
            run,
            matched: replay.matched(),
            recorded: replay.recorded(),
            mismatch: replay.mismatch().copied(),
            is_same: same,
        })
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
        let mut report = format!("matched {} of {} choices", self.matched, self.recorded);
        if let Some(mismatch) = &self.mismatch {
            let names = KeyNames::of(scenario, &self.run.schedule);
            let question = |point: Point, n: u64| {
                format!("{} about {}, with {n} answers", point.kind.name(), names.name(point.key))
            };
            let asked = question(mismatch.asked, mismatch.n);
            let recorded = match mismatch.recorded {
                Some(choice) => {
                    let picked = choice.picked.map(|key| format!(", picked {}", names.name(key)));
                    question(choice.point, choice.n) + &picked.unwrap_or_default()
                }
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

/// The command that repeats a run.
///
/// ```
/// use headcrash_scenario::repeat_command;
/// assert_eq!(repeat_command("a.ron", 7), "headcrash run a.ron --seed 7");
/// assert_eq!(repeat_command("it's.ron", 0), r"headcrash run 'it'\''s.ron' --seed 0");
/// ```
#[must_use]
pub fn repeat_command(scenario: &str, seed: u64) -> String {
    format!("headcrash run {} --seed {seed}", Quoted(&operand(scenario)))
}

/// The command that repeats a recorded failure.
#[must_use]
pub fn replay_command(file: &str) -> String {
    format!("headcrash replay {}", Quoted(&operand(file)))
}

/// A file name that is not taken for an option.
fn operand(file: &str) -> String {
    if file.starts_with('-') { format!("./{file}") } else { file.to_owned() }
}

/// A command of these words, as a shell takes it.
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| Quoted(word).to_string()).collect();
    words.join(" ")
}

/// A word for a shell.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+:,@%".contains(c);
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            write!(f, "'{}'", self.0.replace('\'', r"'\''"))
        }
    }
}

fn text_hash(scenario: &Scenario) -> String {
    let mut hasher = StableHasher::default();
    hasher.write(scenario.source().text().as_bytes());
    // What a disk was loaded with belongs to the scenario as if it were written there.
    for (place, disk) in (1..).zip(scenario.disks()) {
        let Some(image) = &disk.loaded else { continue };
        hasher.write_u64(place);
        let mut bytes = vec![0; 4096];
        for (at, len) in image.stretches() {
            hasher.write_u64(at);
            for page in (at..at + len).step_by(bytes.len()) {
                image.read(page, &mut bytes);
                hasher.write(&bytes);
            }
        }
    }
    hex(hasher.finish())
}

fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use headcrash_sim::Key;

    use super::*;

    /// A key that nobody has.
    const STRANGER: Key = Key::from_number(0xdead);

    fn scenario(text: &str) -> Scenario {
        crate::parse("s.ron", text.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"))
    }

    const TWO: &str = r#"(
        disks: [(latency: uniform(min_ns: 1, max_ns: 9))],
        clients: [
            (name: "a", steps: [write(at: 0, len: 512, fill: 1), flush()]),
            (name: "b", steps: [write(at: 0, len: 512, fill: 2), read(at: 0, len: 512, holds: fill(1))]),
        ],
        seed: 1,
    )"#;

    fn failure(scenario: &Scenario) -> Failure {
        let seed = (0..100)
            .find(|seed| !crate::run_seed(scenario, *seed, Keep::Hash).is_expected(scenario));
        let seed = seed.expect("some order of two writes is not the expected one");
        Failure::of(scenario, &crate::run_seed(scenario, seed, Keep::Hash), Some(seed))
    }

    #[test]
    fn a_failure_survives_its_file_and_fails_again() {
        let scenario = scenario(TWO);
        let failure = failure(&scenario);
        assert!(!failure.schedule.is_empty());
        let read = Failure::parse(&failure.to_ron()).unwrap();
        assert_eq!(read, failure);
        let replayed = read.replay(&scenario).unwrap();
        assert!(replayed.is_same, "{}", replayed.report(&scenario));
        let n = failure.schedule.len();
        assert_eq!(replayed.report(&scenario), format!("matched {n} of {n} choices"));
    }

    #[test]
    fn another_scenario_is_refused() {
        let failure = failure(&scenario(TWO));
        let edited = scenario(&TWO.replace("seed: 1", "seed: 2"));
        assert!(matches!(failure.replay(&edited), Err(FailureError::Scenario { .. })));
    }

    #[test]
    fn damage_is_located() {
        let mut damaged = failure(&scenario(TWO));
        damaged.schedule[0].kind = "fate".to_owned();
        let error = Failure::parse(&damaged.to_ron()).unwrap_err();
        assert_eq!(error.to_string(), "choice 1 is damaged: there is no kind `fate`");
        let error = Failure::parse("(failure: 1,\n  headcrash: 3)").unwrap_err();
        assert_eq!(error.to_string(), "2:13: Expected string");
        let mut newer = failure(&scenario(TWO));
        newer.failure = 2;
        assert!(matches!(Failure::parse(&newer.to_ron()), Err(FailureError::Format { found: 2 })));
    }

    #[test]
    fn a_missing_choice_is_named() {
        let scenario = scenario(TWO);
        let mut shorter = failure(&scenario);
        shorter.schedule.pop();
        let replayed = shorter.replay(&scenario).unwrap();
        assert!(!replayed.is_same);
        assert!(replayed.report(&scenario).contains("recorded: no more choices"));
    }

    #[test]
    fn a_key_without_a_name_is_a_number() {
        let scenario = scenario(TWO);
        let names = KeyNames::of(&scenario, &Schedule::default());
        assert_eq!(names.name(STRANGER), "key 000000000000dead");
        assert_eq!(key::parse("key 000000000000dead"), Some(STRANGER));
    }
}
