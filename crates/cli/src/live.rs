//! Random cases, asked of the `qemu-io` that is installed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use headcrash_scenario::conformance::{
    Case, Failure, ImageKind, Recorded, Request, Rule, check, generate, live, play,
};

/// How many agreed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Ours was the same.
    pub passed: u64,
    /// Ours was not, or there was no answer.
    pub failed: u64,
}

/// Why nothing can be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LiveError {
    /// There is none to start.
    #[error("`qemu-io` cannot be started ({0}); Debian and Ubuntu have it in package qemu-utils")]
    Missing(io::Error),
    /// One whose answers are not the dialect's.
    #[error(
        "`qemu-io` says it is {0}; live cases need one of 10.0 from 10.0.2 on, whose answers are \
         those of dialect qemu_10_0_2"
    )]
    Version(String),
    /// Files or processes could not be made.
    #[error("a live case could not be run: {0}")]
    Io(#[from] io::Error),
}

/// Makes `n` random cases from `seed`, asks the real `qemu-io`, and reports, in order, whether we
/// answer alike.
///
/// # Errors
///
/// When there is no `qemu-io` of a known version, or it cannot be run.
pub(crate) fn run(
    n: u64,
    seed: u64,
    report: &mut dyn FnMut(&Recorded, Result<(), Failure>),
) -> Result<Summary, LiveError> {
    let version = Version::installed()?;
    let (next, stopped) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sender, receiver) = mpsc::channel();
    let mut summary = Summary::default();
    thread::scope(|scope| {
        for _ in 0..PROCESSES {
            let (sender, next, stopped) = (sender.clone(), &next, &stopped);
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= n {
                        break;
                    }
                    let mut case = generate(seed, index);
                    version.adapt(&mut case);
                    if sender.send((index, compare_one(case))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut early = BTreeMap::new();
        let mut reported = 0;
        for (index, compared) in receiver {
            early.insert(index, compared);
            while let Some(compared) = early.remove(&reported) {
                reported += 1;
                let (recorded, verdict) =
                    compared.inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
                match verdict {
                    Ok(()) => summary.passed += 1,
                    Err(_) => summary.failed += 1,
                }
                report(&recorded, verdict);
            }
        }
        Ok(summary)
    })
}

/// So many at a time.
const PROCESSES: usize = 2;

/// How long, in milliseconds, each request is given to settle. What differs is asked again with
/// more time: on a busy machine a transfer may have been late.
const SETTLE: [u32; 3] = [1, 20, 200];

type Compared = Result<(Recorded, Result<(), Failure>), LiveError>;

fn compare_one(case: Case) -> Compared {
    let mut last = None;
    for settle in SETTLE {
        let (recorded, verdict) = match ask(&case, settle)? {
            Ok(recorded) => {
                let verdict = check(&recorded);
                (recorded, verdict)
            }
            Err(why) => {
                let recorded = Recorded { case: case.clone(), outcome: Default::default() };
                (recorded, Err(Failure::Refused(why)))
            }
        };
        let passed = verdict.is_ok();
        last = Some((recorded, verdict));
        if passed {
            break;
        }
    }
    Ok(last.expect("it was asked at least once"))
}

/// What the real one answers, or why it has no answer.
fn ask(case: &Case, settle: u32) -> Result<Result<Recorded, String>, LiveError> {
    let script = match live::script(case, settle) {
        Ok(script) => script,
        Err(refused) => return Ok(Err(refused)),
    };
    let dir = tempfile::tempdir()?;
    let image = dir.path().join("image");
    if case.image != Some(ImageKind::NullCo) {
        std::fs::write(&image, vec![case.init.unwrap_or(0); live::size(case) as usize])?;
    }
    let mut input = tempfile::tempfile()?;
    input.write_all(script.as_bytes())?;
    input.rewind()?;
    let mut output = tempfile::tempfile()?;
    let path = image.to_str().ok_or_else(|| io::Error::other("the path is not UTF-8"))?;
    let process = Command::new(PROGRAM)
        .args(live::arguments(case, path))
        .stdin(input)
        .stdout(output.try_clone()?)
        .stderr(output.try_clone()?)
        .spawn()
        .map_err(LiveError::Missing)?;
    let ended = wait(process, Duration::from_millis(u64::from(settle) * 100 + 10_000))?;
    let printed = text(&mut output)?;
    let mut outcome = match live::outcome(case, &printed) {
        Ok(outcome) => outcome,
        Err(why) => return Ok(Err(format!("no answer ({ended}): {why}"))),
    };
    if case.image != Some(ImageKind::NullCo) {
        outcome.image = Some(live::image(&std::fs::read(&image)?));
    }
    // Only our own world knows whether what is left in the image is nobody's bytes (quirk Q1).
    outcome.undefined_bytes = play(case).is_ok_and(|ours| ours.undefined_bytes);
    Ok(Ok(Recorded { case: case.clone(), outcome }))
}

const PROGRAM: &str = "qemu-io";

fn text(file: &mut File) -> io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Waits for a process, and ends it when it takes longer than `limit`.
fn wait(mut process: Child, limit: Duration) -> io::Result<String> {
    let begun = Instant::now();
    loop {
        if let Some(status) = process.try_wait()? {
            return Ok(status.to_string());
        }
        if begun.elapsed() > limit {
            process.kill()?;
            process.wait()?;
            return Ok("it hung".to_owned());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// A version of `qemu-io` whose answers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    patch: u32,
}

impl Version {
    fn installed() -> Result<Self, LiveError> {
        let output = Command::new(PROGRAM)
            .arg("--version")
            .stdin(Stdio::null())
            .output()
            .map_err(LiveError::Missing)?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().next().unwrap_or_default();
        Self::parse(line).ok_or_else(|| LiveError::Version(format!("`{line}`")))
    }

    fn parse(line: &str) -> Option<Self> {
        let version = line.strip_prefix("qemu-io version ")?.split(' ').next()?;
        let patch = version.strip_prefix("10.0.")?.parse().ok()?;
        (patch >= 2).then_some(Self { patch })
    }

    /// Leaves out of a case what versions after 10.0.2 changed: there, somewhere up to 10.0.13, a
    /// rule with errno 0 is used up by `once` and takes a turn, and a discard whose unaligned end
    /// is rejected with `EINVAL` goes on.
    fn adapt(self, case: &mut Case) {
        if self.patch == 2 {
            return;
        }
        let discards = case.requests.iter().any(|it| matches!(it, Request::Discard { .. }));
        for rule in &mut case.rules {
            if let Rule::InjectError { errno, .. } = rule
                && (*errno == 0 || (*errno == 22 && discards))
            {
                *errno = 5;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_versions_are_asked() {
        let patch = |line| Version::parse(line).map(|version| version.patch);
        assert_eq!(patch("qemu-io version 10.0.2 (Debian 1:10.0.2+ds-2)"), Some(2));
        assert_eq!(patch("qemu-io version 10.0.13"), Some(13));
        for other in
            ["qemu-io version 10.0.1", "qemu-io version 10.1.0", "qemu-io version 9.2.4", ""]
        {
            assert_eq!(patch(other), None, "{other}");
        }
    }

    #[test]
    fn later_versions_are_not_asked_what_they_changed() {
        let zero = |case: &Case| {
            let zero = |rule: &&Rule| matches!(rule, Rule::InjectError { errno: 0, .. });
            case.rules.iter().filter(zero).count()
        };
        let mut seen = 0;
        for index in 0..50 {
            let case = generate(1, index);
            seen += zero(&case);
            let mut same = case.clone();
            Version { patch: 2 }.adapt(&mut same);
            assert_eq!(zero(&same), zero(&case));
            Version { patch: 13 }.adapt(&mut same);
            assert_eq!(zero(&same), 0);
        }
        assert!(seen > 0, "some cases have such rules");
    }
}
