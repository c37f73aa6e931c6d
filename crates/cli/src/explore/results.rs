//! The results file: every line is written at once, and what is there is gone on from.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use headcrash_scenario::Scenario;
use headcrash_scenario::campaign::{
    Campaign, End, Finding, Header, Line, Progress, Recorded, RecordedScenario, Told, Vacuous,
};

use crate::files;

/// How often progress is written down.
const EVERY: Duration = Duration::from_millis(500);

/// What every results file begins with.
const BEGINS: &[u8] = b"{\"results\":";

/// A results file, if there is one.
pub(super) struct Results {
    name: String,
    file: Option<File>,
    recorded: Option<Recorded>,
    /// How many lines are in the file.
    lines: u64,
    /// What was written last, of the scenario under way.
    last: Option<Written>,
    /// Why nothing is written any more.
    broken: Option<String>,
}

struct Written {
    place: usize,
    at: Instant,
    campaign: Campaign,
    vacuous: Option<Vec<Vacuous>>,
}

impl Results {
    /// Opens a results file, and reads what is there.
    pub(super) fn open(path: Option<&Path>, header: Header) -> Result<Self, String> {
        let mut results = Self {
            name: String::new(),
            file: None,
            recorded: None,
            lines: 0,
            last: None,
            broken: None,
        };
        let Some(path) = path else { return Ok(results) };
        results.name = path.display().to_string();
        let fail = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let options =
            || OpenOptions::new().read(true).write(true).create(true).truncate(false).to_owned();
        let mut file = options().open(path).map_err(|error| fail(&error))?;
        if file.metadata().map_err(|error| fail(&error))?.is_file() {
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => {
                    return Err(fail(&"another campaign is writing to it"));
                }
                // A file system without locks.
                Err(TryLockError::Error(_)) => {}
            }
            let mut begins = Vec::new();
            let most = BEGINS.len() as u64;
            (&mut file).take(most).read_to_end(&mut begins).map_err(|error| fail(&error))?;
            file.rewind().map_err(|error| fail(&error))?;
            results.recorded = files::results(&mut file).map_err(|error| fail(&error))?;
            results.lines = results.recorded.as_ref().map_or(0, |recorded| recorded.lines as u64);
            if let Some(recorded) = &results.recorded {
                recorded.goes_on(&header).map_err(|error| fail(&error))?;
            } else if !BEGINS.starts_with(&begins) {
                return Err(fail(&"it is no results file, and is left as it is"));
            }
            // A line that was being written when its writer ended is written over.
            let whole = results.recorded.as_ref().map_or(0, |recorded| recorded.whole as u64);
            file.set_len(whole).map_err(|error| fail(&error))?;
            file.seek(SeekFrom::Start(whole)).map_err(|error| fail(&error))?;
        }
        results.file = Some(file);
        if results.recorded.is_none() {
            results.write(&Line::Results(header));
        }
        Ok(results)
    }

    /// What was recorded of a scenario.
    pub(super) fn recorded(&self, place: usize) -> Option<&RecordedScenario> {
        self.recorded.as_ref()?.scenarios.get(place)
    }

    /// Why not everything was written.
    pub(super) fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    /// Writes down how far a scenario has come, now or when it is time.
    pub(super) fn progress(
        &mut self,
        place: usize,
        scenario: &Scenario,
        campaign: &Campaign,
        now: bool,
    ) {
        if self.file.is_none() {
            return;
        }
        let last = self.last.take().filter(|last| last.place == place);
        let last = last.unwrap_or_else(|| {
            let recorded = self.recorded(place);
            let vacuous = recorded.and_then(|recorded| recorded.vacuous.clone());
            let campaign = recorded.map(|recorded| recorded.resume(scenario)).unwrap_or_default();
            Written { place, at: Instant::now(), campaign, vacuous }
        });
        let is_due = now || last.at.elapsed() >= EVERY;
        if !is_due || (last.campaign == *campaign && last.vacuous.is_some()) {
            self.last = Some(last);
            return;
        }
        let known = last.campaign.coverage();
        let progress = Progress::of(place, scenario, campaign, known, last.vacuous.as_deref());
        let vacuous = progress.vacuous.clone().or(last.vacuous);
        self.write(&Line::Progress(Box::new(progress)));
        self.last =
            Some(Written { place, at: Instant::now(), campaign: campaign.clone(), vacuous });
    }

    /// Writes down what was found.
    pub(super) fn found(&mut self, scenario: usize, finding: &Finding) {
        self.write(&Line::Finding(Told { scenario, finding: finding.clone() }));
    }

    /// Writes down that a scenario's runs are over.
    pub(super) fn end(&mut self, end: End) {
        let recorded = self.recorded(end.scenario).and_then(|recorded| recorded.end.as_ref());
        let is_known =
            recorded.is_some_and(|known| *known == End { line: known.line, ..end.clone() });
        if !is_known {
            self.write(&Line::End(End { line: self.lines + 1, ..end }));
        }
    }

    fn write(&mut self, line: &Line) {
        let Some(file) = &mut self.file else { return };
        // In one piece, so that a line is torn only if it is the last.
        let text = line.to_json() + "\n";
        if let Err(error) = file.write_all(text.as_bytes()).and_then(|()| file.flush()) {
            self.give_up(&error);
        }
        self.lines += 1;
    }

    /// What follows on a line that was not written would say too little: nothing more is.
    fn give_up(&mut self, error: &io::Error) {
        self.file = None;
        let message = format!("{}: {error}; what follows is not written to it", self.name);
        crate::output::note(&format!("error: {message}"));
        self.broken = Some(message);
    }
}
