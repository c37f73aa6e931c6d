//! Campaigns in processes of their own: code that can end its process is a finding there, not the
//! end of the campaign.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::check::Campaign;

/// So many seeds are run by one process.
const SEEDS: u64 = 250;

/// The file in which a worker says how far it is.
const PROGRESS: &str = "HEADCRASH_WORKER";

/// The seeds that are a worker's.
const PART: &str = "HEADCRASH_SEEDS";

/// What a worker is told to do.
#[derive(Debug)]
pub(crate) struct Part {
    progress: PathBuf,
    pub(crate) seeds: Range<u64>,
}

/// How a worker ended.
pub(crate) enum Ended {
    /// All of its seeds held: what it counted.
    Well(Campaign),
    /// A run failed, as runs do.
    Failed { seed: u64 },
    /// It did not come to its end: a signal, or an exit.
    Lost { seed: u64, how: String, said: String },
}

impl Part {
    /// What this process is told to do, if it is a worker.
    pub(crate) fn of_this_process() -> Option<Self> {
        let progress = PathBuf::from(std::env::var_os(PROGRESS)?);
        let seeds = std::env::var(PART).ok()?;
        let (start, end) = seeds.split_once("..")?;
        Some(Self { progress, seeds: start.parse().ok()?..end.parse().ok()? })
    }

    /// Says that a seed is begun.
    pub(crate) fn begins(&self, seed: u64) {
        _ = fs::write(&self.progress, format!("seed {seed}"));
    }

    /// Says that everything held.
    pub(crate) fn held(&self, campaign: &Campaign) {
        let Campaign { runs, facts, hash, has_begun } = campaign;
        let begun = u64::from(*has_begun);
        _ = fs::write(&self.progress, format!("held {runs} {facts} {hash} {begun}"));
    }

    /// Says that a run failed.
    pub(crate) fn failed(&self, seed: u64) {
        _ = fs::write(&self.progress, format!("failed {seed}"));
    }
}

/// The seeds in parts.
pub(crate) fn parts(seeds: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    let end = seeds.end;
    seeds.step_by(SEEDS as usize).map(move |start| start..end.min(start + SEEDS))
}

/// Runs a part of this test in another process.
pub(crate) fn run(test: &str, seeds: Range<u64>, folder: &Path) -> std::io::Result<Ended> {
    fs::create_dir_all(folder)?;
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    let who: String = test.chars().map(plain).collect();
    let name = format!("worker-{who}-{}-{}", std::process::id(), seeds.start);
    let progress = folder.join(name);
    fs::write(&progress, format!("seed {}", seeds.start))?;
    let output = Command::new(std::env::current_exe()?)
        .args([test, "--exact", "--nocapture", "--test-threads", "1"])
        .env(PROGRESS, &progress)
        .env(PART, format!("{}..{}", seeds.start, seeds.end))
        .output()?;
    let said = fs::read_to_string(&progress)?;
    _ = fs::remove_file(&progress);
    let words: Vec<_> = said.split(' ').collect();
    let number = |place: usize| words.get(place).and_then(|word| word.parse().ok()).unwrap_or(0);
    Ok(match words.first() {
        Some(&"held") => Ended::Well(Campaign {
            runs: number(1),
            facts: number(2),
            hash: number(3),
            has_begun: number(4) == 1,
        }),
        Some(&"failed") => Ended::Failed { seed: number(1) },
        _ => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Ended::Lost { seed: number(1), how: output.status.to_string(), said }
        }
    })
}
