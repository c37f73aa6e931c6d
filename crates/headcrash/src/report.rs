//! What is said of a test that fails: where it is, what happened, and the way back.

use std::fmt;
use std::panic::Location;
use std::path::{Path, PathBuf};

use headcrash_scenario::shrink::Shrunk;
use headcrash_scenario::{Failure, Keep, Run, Scenario, command_line, run_seed, trace};

use crate::check::Campaign;
use crate::workers::{self, Ended};

/// A test, and where its files go.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The file and line that called.
    location: String,
    /// The test's name, if it is known.
    test: Option<String>,
    /// A fuzzer's bytes decide.
    is_fuzzed: bool,
}

/// A failure made small, and everything there is to say of it.
#[derive(Clone, Debug)]
pub struct Report {
    /// What came of the run, in the words of a scenario file: `violated("..")`, `stuck`.
    pub outcome: String,
    /// The seed that failed; 0 where a fuzzer's bytes decided.
    pub seed: u64,
    /// How many runs were made before, this one included.
    pub runs: u64,
    /// How many operations the smallest form has.
    pub operations: usize,
    /// How many runs made it small.
    pub shrink_runs: u64,
    /// The scenario file of the smallest form.
    pub scenario: String,
    /// Everything, as it is printed.
    pub text: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Report {}

impl Report {
    #[track_caller]
    pub(crate) fn panic(&self) -> ! {
        panic!("{}", self.text)
    }
}

impl Place {
    pub(crate) fn unknown() -> Self {
        Self { location: "headcrash".to_owned(), test: None, is_fuzzed: false }
    }

    #[track_caller]
    pub(crate) fn here() -> Self {
        let location = Location::caller();
        let location = format!("{}:{}", location.file(), location.line());
        Self { location, test: test_name(), is_fuzzed: false }
    }

    /// The same, where a fuzzer's bytes decide.
    #[track_caller]
    pub(crate) fn fuzzed() -> Self {
        Self { is_fuzzed: true, ..Self::here() }
    }

    /// What files about it are called.
    pub(crate) fn file_stem(&self) -> String {
        let name = self.test.as_deref().unwrap_or(&self.location);
        let plain = |c: char| if c.is_alphanumeric() || c == '_' { c } else { '-' };
        name.replace("::", "-").chars().map(plain).collect()
    }

    /// What the watchdog says of a run, before its seed and after.
    pub(crate) fn runs(&self) -> [String; 2] {
        let test = self.test.as_deref().unwrap_or("the test");
        let only = format!("\nrepeat with\n  {}", self.command(None));
        [format!("in {test} ({})", self.location), only]
    }

    /// The command that runs this test alone.
    fn command(&self, replay: Option<&Path>) -> String {
        let words = self.words();
        let command = command_line(words.iter().map(String::as_str));
        match replay {
            None => command,
            Some(file) => {
                let file = file.display().to_string();
                format!("HEADCRASH_REPLAY={} {command}", command_line([&*file]))
            }
        }
    }

    fn words(&self) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let program = std::env::current_exe().unwrap_or_default();
        let stem = program.file_stem().unwrap_or_default().to_string_lossy();
        let is_below = |folder: &str| program.parent().is_some_and(|it| it.ends_with(folder));
        let package = std::env::var("CARGO_PKG_NAME").ok();
        let of_package = package.iter().flat_map(|package| owned(&["-p", package]));
        if self.test.is_none() && self.is_fuzzed {
            // Once is enough: the file decides, and no bytes of the fuzzer.
            return owned(&["cargo", "fuzz", "run", &stem, "--", "-runs=1"]);
        }
        if self.test.is_none() && !is_below("deps") {
            let kind = if is_below("examples") { "--example" } else { "--bin" };
            return owned(&["cargo", "run"])
                .into_iter()
                .chain(of_package)
                .chain(owned(&[kind, &stem]))
                .collect();
        }
        let mut words: Vec<_> = owned(&["cargo", "test"]).into_iter().chain(of_package).collect();
        words.extend(package.iter().flat_map(|package| target(package, &stem)));
        words.extend(self.test.iter().flat_map(|test| owned(&[test, "--", "--exact"])));
        words
    }

    /// Writes the failure down, and says everything.
    pub(crate) fn failed(
        &self,
        seed: Option<u64>,
        runs: u64,
        scenario: &Scenario,
        shrunk: &Shrunk,
    ) -> Box<Report> {
        let operations =
            shrunk.scenario.clients().iter().map(|client| client.operations.len()).sum();
        let before: usize = scenario.clients().iter().map(|client| client.operations.len()).sum();
        let (small, run) = (&shrunk.scenario, &shrunk.run);
        let (scenario_file, failure_file) = self.write(small, run, shrunk.seed);
        let test = self.test.as_deref().unwrap_or("headcrash");
        let mut text = format!("{test}: {}\n", run.outcome.label());
        text.push_str(&run.outcome.render(small.source(), false));
        let found = match seed {
            Some(seed) => format!("with seed {seed}, in run {runs}"),
            None => "with a fuzzer's input".to_owned(),
        };
        // A free-form test has none.
        let fewer = match before {
            0 => String::new(),
            _ => format!(": {before} operations, now {operations}"),
        };
        let small_now = match shrunk.runs_used {
            0 => "not made small".to_owned(),
            used => format!("made small with {used} runs{fewer}"),
        };
        text.push_str(&format!("\n\nfound {found}; {small_now}\n\n"));
        text.push_str(&shortened(&trace::text(small, run)));
        match (&scenario_file, &failure_file) {
            (Ok(scenario), Ok(failure)) => {
                text.push_str(&format!(
                    "\nas a scenario: {}\nas a failure, choice by choice: {}\n",
                    scenario.display(),
                    failure.display()
                ));
                text.push_str(&format!("\nrepeat with\n  {}", self.command(Some(failure))));
            }
            (Err(error), _) | (_, Err(error)) => {
                text.push_str(&format!("\nit could not be written down: {error}\n"));
                text.push_str(&small.to_ron());
                text.push_str(&format!("\nrepeat with\n  {}", self.command(None)));
            }
        }
        Box::new(Report {
            outcome: run.outcome.label(),
            seed: seed.unwrap_or(0),
            runs,
            operations,
            shrink_runs: shrunk.runs_used,
            scenario: small.to_ron(),
            text,
        })
    }

    fn write(
        &self,
        scenario: &Scenario,
        run: &Run,
        seed: Option<u64>,
    ) -> (std::io::Result<PathBuf>, std::io::Result<PathBuf>) {
        let folder = folder();
        let stem = folder.join(self.file_stem());
        let (text, failure) = (stem.with_extension("ron"), stem.with_extension("failure.ron"));
        let write = |path: &Path, text: &str| {
            std::fs::create_dir_all(&folder)?;
            std::fs::write(path, text).map(|()| path.to_owned())
        };
        let mut recorded = Failure::of(scenario, run, seed);
        // Beside the failure, wherever that is moved to.
        recorded.scenario = text.file_name().unwrap_or_default().display().to_string();
        (write(&text, scenario.source().text()), write(&failure, &recorded.to_ron()))
    }

    /// Runs a part of this test in another process.
    pub(crate) fn work(&self, seeds: std::ops::Range<u64>) -> Result<Ended, String> {
        let test = self.test.as_deref().ok_or("only a test can be started again by its name")?;
        workers::run(test, seeds, &folder()).map_err(|error| error.to_string())
    }

    /// Something that is about no run.
    pub(crate) fn says(&self, message: String) -> Box<Report> {
        Box::new(Report {
            outcome: "not run".to_owned(),
            seed: 0,
            runs: 0,
            operations: 0,
            shrink_runs: 0,
            scenario: String::new(),
            text: format!("{}: {message}", self.location),
        })
    }

    /// Runs that tested nothing are no success.
    pub(crate) fn vacuous(&self, scenario: &Scenario, seed: u64, runs: u64) -> Box<Report> {
        if runs == 0 {
            return self.says("nothing was tested: there is no seed to run with".to_owned());
        }
        let mut report = self.says(format!(
            "nothing was tested: in none of {runs} runs did the code under test get as far as an \
             operation\n\n{}\nrepeat with\n  {}",
            shortened(&trace::text(scenario, &run_seed(scenario, seed, Keep::Trace))),
            self.command(None)
        ));
        report.outcome = "vacuous".to_owned();
        report.runs = runs;
        report
    }

    /// A process did not come to its end.
    pub(crate) fn lost(
        &self,
        scenario: &Scenario,
        seed: u64,
        how: &str,
        said: &str,
    ) -> Box<Report> {
        let test = self.test.as_deref().unwrap_or("headcrash");
        let last: Vec<_> = said.lines().rev().take(20).collect();
        let mut text = format!("{test}: the process was ended with seed {seed}: {how}\n");
        for line in last.iter().rev() {
            text.push_str(&format!("  {line}\n"));
        }
        text.push_str(&format!("\nwhat was run\n{}", scenario.to_ron()));
        let only = format!("HEADCRASH_WORKER=progress HEADCRASH_SEEDS={seed}..{}", seed + 1);
        text.push_str(&format!("\nrepeat with\n  {only} {}", self.command(None)));
        Box::new(Report {
            outcome: "the process was ended".to_owned(),
            seed,
            runs: 1,
            operations: 0,
            shrink_runs: 0,
            scenario: scenario.to_ron(),
            text,
        })
    }

    /// Two runs of one seed differ.
    pub(crate) fn nondeterministic(&self, scenario: &Scenario, seed: u64) -> Box<Report> {
        let one = trace::text(scenario, &run_seed(scenario, seed, Keep::Trace));
        let other = trace::text(scenario, &run_seed(scenario, seed, Keep::Trace));
        let place = one.lines().zip(other.lines()).position(|(a, b)| a != b);
        let place = place.unwrap_or_else(|| one.lines().count().min(other.lines().count()));
        let mut text = format!(
            "{}: two runs with seed {seed} differ: the code under test is not deterministic\n",
            self.test.as_deref().unwrap_or("headcrash")
        );
        for line in one.lines().skip(place.saturating_sub(5)).take(place.min(5)) {
            text.push_str(&format!("    {line}\n"));
        }
        let end = "(the end)";
        text.push_str(&format!("  - {}\n", one.lines().nth(place).unwrap_or(end)));
        text.push_str(&format!("  + {}\n", other.lines().nth(place).unwrap_or(end)));
        text.push_str(
            "suspects: the wall clock, a hash map's order (`HashMap` is seeded anew in every \
             process and map), an address, a thread, uninitialised memory, a static that outlives \
             a run, `futures::select!`\n",
        );
        text.push_str(&format!("\nrepeat with\n  {}", self.command(None)));
        Box::new(Report {
            outcome: "not deterministic".to_owned(),
            seed,
            runs: 1,
            operations: 0,
            shrink_runs: 0,
            scenario: scenario.to_ron(),
            text,
        })
    }

    /// Replays the failure that `HEADCRASH_REPLAY` names, if that is of this test.
    pub(crate) fn replay(&self, scenario: &Scenario) -> Result<Option<Campaign>, Box<Report>> {
        let Some(path) = std::env::var_os("HEADCRASH_REPLAY") else { return Ok(None) };
        let path = PathBuf::from(path);
        let says = |message: String| {
            Box::new(Report {
                outcome: "not replayed".to_owned(),
                seed: 0,
                runs: 0,
                operations: 0,
                shrink_runs: 0,
                scenario: String::new(),
                text: format!("{}: {message}", path.display()),
            })
        };
        let text = std::fs::read_to_string(&path).map_err(|error| says(error.to_string()))?;
        let failure = Failure::parse(&text).map_err(|error| says(error.to_string()))?;
        let file = &path.with_file_name(&failure.scenario);
        if file.file_stem().is_none_or(|stem| stem.to_string_lossy() != self.file_stem()) {
            return Err(says(format!(
                "it is of another test, {}; run that one alone",
                file.file_stem().unwrap_or_default().display()
            )));
        }
        let recorded = std::fs::read_to_string(file)
            .map_err(|error| says(format!("{}: {error}", file.display())))?;
        let small = scenario.parse_like(&failure.scenario, &recorded);
        let small = small.map_err(|errors| says(format!("\n{errors}")))?;
        let replayed = failure.replay(&small).map_err(|error| says(error.to_string()))?;
        if !replayed.is_same {
            return Err(says(format!(
                "the run is another one now: the code under test was changed\n{}\n\n\
                 whether the failure is gone is said by the whole test\n  {}",
                replayed.report(&small),
                self.command(None)
            )));
        }
        let run = &replayed.run;
        if run.is_expected(&small) {
            let mut campaign = Campaign::default();
            campaign.add(run);
            return Ok(Some(campaign));
        }
        let mut said = format!("replayed: {}\n", run.outcome.label());
        said.push_str(&run.outcome.render(small.source(), false));
        said.push_str("\n\n");
        said.push_str(&trace::text(&small, run));
        said.push_str(&format!("\nrepeat with\n  {}", self.command(Some(&path))));
        Err(says(said))
    }
}

/// The command that runs one test of this target alone.
pub(crate) fn test_command(name: &str) -> String {
    Place { location: String::new(), test: Some(name.to_owned()), is_fuzzed: false }.command(None)
}

/// The first and last lines of a long trace.
pub(crate) fn shortened(text: &str) -> String {
    const LINES: usize = 120;
    let lines: Vec<_> = text.lines().collect();
    if lines.len() <= LINES {
        return text.to_owned();
    }
    let (first, last) = (&lines[..LINES / 4], &lines[lines.len() - 3 * LINES / 4..]);
    let left_out = lines.len() - LINES;
    format!("{}\n  .. {left_out} lines\n{}\n", first.join("\n"), last.join("\n"))
}

/// The name of the test that runs on this thread.
fn test_name() -> Option<String> {
    let thread = std::thread::current();
    match thread.name() {
        Some("main") | None => {
            // One test alone runs on the main thread: `NAME --exact`, as cargo-nextest starts it.
            let arguments: Vec<_> = std::env::args().skip(1).collect();
            let exact = arguments.iter().any(|argument| argument == "--exact");
            arguments.into_iter().find(|argument| exact && !argument.starts_with('-'))
        }
        Some(name) => Some(name.to_owned()),
    }
}

/// Which of a package's test targets a program is, as cargo's arguments say it.
fn target(package: &str, stem: &str) -> Vec<String> {
    // `journal-0123456789abcdef`
    let name = stem.rsplit_once('-').map_or(stem, |(name, _)| name);
    if name == package.replace('-', "_") {
        vec!["--lib".to_owned()]
    } else {
        vec!["--test".to_owned(), name.to_owned()]
    }
}

/// Where failures are written: beside what was built.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("HEADCRASH_FAILURES") {
        return folder.into();
    }
    let program = std::env::current_exe().unwrap_or_default();
    let built = program.ancestors().find(|folder| folder.ends_with("deps"));
    let target = built.and_then(|deps| deps.parent()?.parent());
    target.map_or_else(std::env::temp_dir, Path::to_owned).join("headcrash")
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_fuzz_target_is_run_by_cargo_fuzz() {
        let place = Place { is_fuzzed: true, ..Place::unknown() };
        let words = place.words();
        assert_eq!(words[..3], ["cargo", "fuzz", "run"]);
        assert_eq!(words[4..], ["--", "-runs=1"]);
        let command = place.command(Some("a b.failure.ron".as_ref()));
        assert!(command.starts_with("HEADCRASH_REPLAY='a b.failure.ron' cargo "), "{command}");
    }
}
