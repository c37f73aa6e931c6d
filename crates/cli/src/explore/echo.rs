//! Every run again in another process.
//!
//! The other process is asked for the hashes of the same runs while they are made here. Only where
//! one differs is that run made once more in both, and compared event by event.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use headcrash_scenario::campaign::Plan;
use headcrash_scenario::{Exhaustion, Keep, Method, Run, trace};

use crate::args::{Echo, ExploreArgs};
use crate::{Exit, determinism, files, output};

/// Answers a [`Twin`].
pub(super) fn echo(args: &ExploreArgs, what: Echo) -> Exit {
    let [path] = &args.paths[..] else { return Exit::Unusable };
    let Some(scenario) = files::scenario(path) else { return Exit::Unusable };
    let plan = Plan::new(&scenario, args.search.unwrap_or_else(|| scenario.method()));
    match what {
        Echo::Trace => {
            let seed = args.seeds.as_ref().map(|seeds| seeds.start).or(args.runs);
            let Some(run) = nth_run(&plan, seed.unwrap_or_default(), Keep::Trace) else {
                return Exit::Unusable;
            };
            output::text(&trace::json_lines(&scenario, &run, None));
        }
        Echo::Hashes => {
            let mut runs = Exhaustion::new(&scenario);
            for line in io::stdin().lines().map_while(Result::ok) {
                let hash = |seed: &str| match plan.method() {
                    Method::Exhaustive { .. } => runs.next().map(|tried| tried.hash),
                    _ => Some(plan.run(seed.parse().ok()?, Keep::Hash).all_hash),
                };
                let hashes: Vec<_> = line.split(' ').map_while(hash).collect();
                let hashes: Vec<_> = hashes.iter().map(|hash| format!("{hash:016x}")).collect();
                output::line(&hashes.join(" "));
            }
        }
    }
    Exit::Fine
}

/// The run that follows from a seed; of an exhaustive search, the run with this number.
pub(super) fn nth_run(plan: &Plan<'_>, seed: u64, keep: Keep) -> Option<Run> {
    if !matches!(plan.method(), Method::Exhaustive { .. }) {
        return Some(plan.run(seed, keep));
    }
    let mut runs = Exhaustion::new(plan.scenario());
    loop {
        let tried = runs.next()?;
        if runs.begun() >= seed {
            return Some(runs.again(&tried, keep));
        }
    }
}

/// Another process that makes the same runs.
pub(super) struct Twin {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
    file: PathBuf,
    asked: bool,
}

/// That the other process does not agree.
#[derive(Debug)]
pub(super) struct Different {
    pub(super) text: String,
    pub(super) repeat: Option<String>,
}

impl Twin {
    /// So many runs are asked for at once: questions and answers fit into a pipe, so that nobody
    /// waits for the other to read.
    pub(super) const BATCH: u64 = 512;

    /// Starts it.
    pub(super) fn start(file: &Path, method: Method) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("explore").arg(file).args([
            "--search",
            &method.to_string(),
            "--echo",
            "hashes",
        ]);
        Self::spawn(command, file)
    }

    fn spawn(mut command: Command, file: &Path) -> io::Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let ends = child.stdin.take().zip(child.stdout.take());
        let (questions, answers) = ends.ok_or_else(|| io::Error::other("it has no pipes"))?;
        let answers = BufReader::new(answers);
        Ok(Self { child, questions, answers, file: file.to_owned(), asked: false })
    }

    /// Asks for runs, at most [`Self::BATCH`], and does not wait.
    pub(super) fn ask(&mut self, seeds: &[u64]) {
        let words: Vec<_> = seeds.iter().map(u64::to_string).collect();
        let line = words.join(" ") + "\n";
        // If it is not there any more, there will be no answer.
        self.asked = self.questions.write_all(line.as_bytes()).is_ok();
    }

    /// Compares what was asked for with what was made here, as far as that goes.
    pub(super) fn compare(
        &mut self,
        plan: &Plan<'_>,
        made: impl Iterator<Item = (u64, u64)>,
    ) -> Result<(), Different> {
        let mut line = String::new();
        let answer = if self.asked { self.answers.read_line(&mut line) } else { Ok(0) };
        let mut theirs = line.split_ascii_whitespace();
        for (seed, hash) in made {
            let ours = format!("{hash:016x}");
            match theirs.next() {
                Some(theirs) if theirs == ours => {}
                Some(theirs) => return Err(self.locate(plan, seed, &ours, theirs)),
                None => {
                    let why = answer.err().map(|error| format!(": {error}")).unwrap_or_default();
                    let text = format!("error: the other process says nothing of seed {seed}{why}");
                    return Err(Different { text, repeat: None });
                }
            }
        }
        Ok(())
    }

    /// The first event that differs in a run.
    fn locate(&self, plan: &Plan<'_>, seed: u64, ours: &str, theirs: &str) -> Different {
        let scenario = plan.scenario();
        let method = plan.method().to_string();
        let (option, value) = match plan.method() {
            Method::Exhaustive { .. } => ("--runs", seed.to_string()),
            _ => ("--seeds", format!("{seed}..{}", seed.saturating_add(1))),
        };
        let command = ["explore", "--search", &method, option, &value, "--echo", "trace"];
        let run = nth_run(plan, seed, Keep::Trace);
        let json = run.map(|run| trace::json_lines(scenario, &run, None)).unwrap_or_default();
        let text = match determinism::compare(&json, &command, &self.file, None, &[]) {
            Ok(Some(difference)) => difference.to_string(),
            Ok(None) => format!(
                "not deterministic: the hash over all events is {ours} here and {theirs} in another \
                 process; made once more, the run is the same in both"
            ),
            Err(error) => format!("error: the other process: {error}"),
        };
        let name = scenario.source().name();
        let words = ["headcrash", "explore", name, "--search", &method, option, &value];
        let repeat = headcrash_scenario::command_line(words) + " --check-determinism";
        Different { text: format!("{name}: seed {seed}: {text}"), repeat: Some(repeat) }
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        // It ends by itself when nobody asks any more; who has been told enough does not wait.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_answer_is_a_difference_and_none_is_an_error() {
        let scenario = headcrash_scenario::parse("a.ron", b"(steps: [flush()])").unwrap();
        let plan = Plan::new(&scenario, Method::Seeded);
        let twin = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Twin::spawn(command, Path::new("a.ron")).unwrap()
        };
        let hash = plan.run(0, Keep::Hash).all_hash;
        let mut same = twin(&format!("read line; echo {hash:016x}"));
        same.ask(&[0]);
        assert!(same.compare(&plan, [(0, hash)].into_iter()).is_ok());
        let mut other = twin("read line; echo 0123456789abcdef");
        other.ask(&[0]);
        let different = other.compare(&plan, [(0, hash)].into_iter()).unwrap_err();
        assert!(different.text.contains("a.ron: seed 0: "), "{different:?}");
        assert!(different.repeat.is_some());
        let mut gone = twin("exit 1");
        gone.ask(&[0]);
        let different = gone.compare(&plan, [(0, hash)].into_iter()).unwrap_err();
        assert!(different.text.contains("says nothing of seed 0"), "{different:?}");
    }
}
