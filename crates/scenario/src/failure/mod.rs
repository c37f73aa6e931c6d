//! A run that did not come out as expected, with all that repeats it.

mod command;
mod key;
mod replay;

use std::hash::Hasher;

use headcrash_engine::StableHasher;
use headcrash_sim::{Choice, Key, Point, PointKind, SEEDED_VERSION, Schedule};
use serde::{Deserialize, Serialize};

pub use command::{command_line, repeat_command, replay_command};
use key::KeyNames;
pub use replay::{Lenient, Replayed};

use crate::run::{Run, labels};
use crate::scenario::{Failing, Scenario, Search};
use crate::source::{Diagnostic, Source, Span};

/// The version of the failure file's format. Version 1, whose choices have no labels, is read as
/// well.
pub const FAILURE_VERSION: u32 = 2;

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
    /// `crash_sector`, `tear`, `data`, `code`.
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
    /// What was going on, for people: the line and the step of the client it was about. Nothing
    /// follows from it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub label: String,
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
    #[error("it is of format {found}, and this is headcrash {}, which reads formats 1 to {FAILURE_VERSION}", env!("CARGO_PKG_VERSION"))]
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
    /// What was made to fail is not there, or nothing is made to fail any more.
    #[error(
        "it was recorded with an access of `{name}` failing, which the scenario does not ask for any more"
    )]
    Fails {
        /// The disk or file system.
        name: String,
    },
}

impl FailureError {
    /// What is wrong with the failure file called `name` that has this text, underlined where that
    /// can be.
    #[must_use]
    pub fn render(&self, name: &str, text: &str, colour: bool) -> String {
        let Self::Unreadable { line, column, message } = self else {
            return format!("error: {name}: {self}");
        };
        let source = Source::new(name, text);
        let at = source.offset(*line, *column);
        source.render(&Diagnostic::new(Span::new(at, at), message), colour)
    }
}

impl Failure {
    /// What there is to say if its seed is of another scheme than this headcrash's: its choices
    /// are what they were, and the seed alone gives others.
    #[must_use]
    pub fn other_seeds(&self) -> Option<String> {
        let (seed, found) = (self.seed?, self.seeds);
        (found != SEEDED_VERSION).then(|| {
            format!(
                "its seed, {seed}, is of scheme {found}, and this headcrash's are of scheme \
                 {SEEDED_VERSION}: its choices are replayed, and `--seed {seed}` is another run"
            )
        })
    }

    /// What repeats `run` of `scenario`; `seed` is what its choices followed from.
    #[must_use]
    pub fn of(scenario: &Scenario, run: &Run, seed: Option<u64>) -> Self {
        let names = KeyNames::of(scenario, &run.schedule);
        let labels = labels(scenario, run);
        let recorded = |(choice, label): (&Choice, String)| RecordedChoice {
            kind: choice.point.kind.name().to_owned(),
            about: names.name(choice.point.key),
            of: choice.n,
            answer: choice.answer,
            picked: choice.picked.map(|key| names.name(key)),
            label,
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
            schedule: run.schedule.choices.iter().zip(labels).map(recorded).collect(),
        }
    }

    /// Reads a failure file.
    ///
    /// # Errors
    ///
    /// When it is not one, is damaged, or of another format.
    pub fn parse(text: &str) -> Result<Self, FailureError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Versioned {
            failure: u32,
        }
        let options = ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME);
        // First of all, because another version may have other fields.
        let unreadable = |error: ron::error::SpannedError| {
            let message = error.code.to_string();
            let mut letters = message.chars();
            let first = letters.next().map(|letter| letter.to_ascii_lowercase());
            FailureError::Unreadable {
                line: error.span.start.line,
                column: error.span.start.col,
                message: first.into_iter().chain(letters).collect(),
            }
        };
        match options.from_str(text) {
            Ok(Versioned { failure }) if !(1..=FAILURE_VERSION).contains(&failure) => {
                return Err(FailureError::Format { found: failure });
            }
            Ok(Versioned { .. }) => {}
            // It can be read, and is something else.
            Err(error) if matches!(error.code, ron::Error::MissingStructField { .. }) => {
                let message = match crate::file::read("", text.as_bytes()) {
                    Ok(_) => "this is a scenario, and no recorded failure; `headcrash run` runs it",
                    Err(_) => "this is no recorded failure, which says `failure: 2`, its format",
                };
                let (line, column) = (1, 1);
                return Err(FailureError::Unreadable { line, column, message: message.to_owned() });
            }
            Err(error) => return Err(unreadable(error)),
        }
        let failure: Self = options.from_str(text).map_err(unreadable)?;
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
}

/// Whose these keys are, in the words of a failure file.
pub(crate) fn key_names(scenario: &Scenario, keys: &[Key]) -> Vec<String> {
    let about = |key: &Key| Choice {
        point: Point::new(PointKind::Schedule, *key),
        n: 1,
        answer: 0,
        picked: None,
    };
    let names = KeyNames::of(scenario, &Schedule { choices: keys.iter().map(about).collect() });
    keys.iter().map(|key| names.name(*key)).collect()
}

/// The hash of a scenario's text, and of what its disks were loaded with, in hexadecimal.
pub(crate) fn text_hash(scenario: &Scenario) -> String {
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
    use super::*;
    use crate::run::Keep;

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
        assert_eq!(error.to_string(), "2:13: expected string");
        let mut newer = failure(&scenario(TWO));
        newer.failure = 3;
        let text = newer.to_ron().replace("outcome:", "news: 7, outcome:");
        assert_eq!(Failure::parse(&text), Err(FailureError::Format { found: 3 }));
        newer.failure = 0;
        assert_eq!(Failure::parse(&newer.to_ron()), Err(FailureError::Format { found: 0 }));
    }

    #[test]
    fn a_file_of_the_first_version_is_read_and_replayed() {
        let scenario = scenario(TWO);
        let mut old = failure(&scenario);
        old.failure = 1;
        old.schedule.iter_mut().for_each(|choice| choice.label.clear());
        let text = old.to_ron();
        assert!(!text.contains("label"), "{text}");
        assert!(Failure::parse(&text).unwrap().replay(&scenario).unwrap().is_same);
    }

    #[test]
    fn a_choice_says_what_was_going_on() {
        let failure = failure(&scenario(TWO));
        let labels: Vec<_> = failure.schedule.iter().map(|choice| &*choice.label).collect();
        assert!(labels.contains(&"4: write(at: 0, len: 512, fill: 1)"), "{labels:?}");
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
