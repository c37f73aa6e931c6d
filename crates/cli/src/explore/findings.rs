//! What is told of findings: made small, written to files, and how to have them again.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use headcrash_scenario::campaign::{Campaign, Finding, Plan};
use headcrash_scenario::shrink::{Shrunk, shrink};
use headcrash_scenario::{FAILURE_MAX, Failure, Keep, Run, counted, replay_command};

use super::echo::nth_run;
use crate::args::ExploreArgs;
use crate::{files, output};

/// What is told of a scenario's findings.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// To people.
    pub(super) notes: Vec<String>,
    /// What could not be done.
    pub(super) trouble: Vec<String>,
    /// The command that shows the first again.
    pub(super) repeat: Option<String>,
}

/// Makes findings small and writes them down; `record` is told where.
pub(super) fn tell(
    args: &ExploreArgs,
    plan: &Plan<'_>,
    campaign: &mut Campaign,
    record: &mut dyn FnMut(&Finding),
) -> Told {
    let mut told = Told::default();
    let mut known: HashSet<_> =
        campaign.findings().into_iter().map(|finding| finding.kind.outcome).collect();
    for mut finding in campaign.findings() {
        told.notes.push(headline(plan, campaign, &finding));
        let Some(run) = nth_run(plan, finding.seed, Keep::Hash) else {
            told.trouble.push(format!("error: run {} is not there any more", finding.seed));
            continue;
        };
        let source = plan.scenario().source();
        told.notes.push(run.outcome.render(source, output::colours()));
        let is_there = |saved: &String| Path::new(saved).is_file();
        if !finding.saved.as_ref().is_some_and(is_there) {
            finding.saved = one(args, plan, &finding, &run, &mut known, &mut told);
            if let Some(file) = &finding.saved {
                campaign.saved(&finding.kind, file.clone());
                record(&finding);
            }
        }
        if let Some(file) = &finding.saved {
            told.notes.push(format!("recorded in {file}"));
        }
        if told.repeat.is_none() {
            let own = plan.scenario().method().to_string();
            told.repeat = Some(match &finding.saved {
                Some(file) => replay_command(file),
                None => finding.command(source.name(), &own),
            });
        }
    }
    told.notes.retain(|note| !note.is_empty());
    told
}

fn headline(plan: &Plan<'_>, campaign: &Campaign, finding: &Finding) -> String {
    let name = plan.scenario().source().name();
    let Finding { kind, runs, seed, unusual, choices, .. } = finding;
    let at = kind.at.map(|(line, column)| format!(" at {line}:{column}")).unwrap_or_default();
    format!(
        "\n{name}: {}{at} in {runs} of {}; the smallest is that of seed {seed}, with {unusual} \
         unusual of {}",
        kind.outcome,
        counted(campaign.runs(), "run"),
        counted(*choices, "choice")
    )
}

/// Makes one finding small, and writes it down if there is a folder for it.
fn one(
    args: &ExploreArgs,
    plan: &Plan<'_>,
    finding: &Finding,
    run: &Run,
    known: &mut HashSet<String>,
    told: &mut Told,
) -> Option<String> {
    let base = base(plan.scenario().source().name(), finding.seed);
    let mut write = |files: &[(PathBuf, &str)]| -> Option<String> {
        let folder = args.failures.as_ref()?;
        match save(folder, files) {
            Ok(last) => Some(last.display().to_string()),
            Err(error) => {
                told.trouble.push(format!("error: {}: {error}", folder.display()));
                None
            }
        }
    };
    if args.shrink == 0 {
        let failure = Failure::of(plan.scenario(), run, Some(finding.seed)).to_ron();
        return write(&[(format!("{base}.failure.ron").into(), &failure)]);
    }
    let mut shrunk = shrink(plan.scenario(), run, args.shrink);
    let others = std::mem::take(&mut shrunk.others);
    let mut write_small = |shrunk: &Shrunk, base: &str| {
        let folder = args.failures.as_ref()?;
        let name: PathBuf = format!("{base}.ron").into();
        let (text, failure) = shrunk.files(&folder.join(&name).display().to_string());
        write(&[(name, &text), (format!("{base}.failure.ron").into(), &failure.to_ron())])
    };
    let saved = write_small(&shrunk, &base);
    let budget = if shrunk.is_minimal { "" } else { "; the number of runs ended it" };
    told.notes.push(format!(
        "made small: {}, with {}{budget}",
        shrunk.size(),
        counted(shrunk.runs_used, "run")
    ));
    if saved.is_none() {
        told.notes.push(small_text(&shrunk));
    }
    for (place, (scenario, run)) in (1..).zip(others) {
        // What the campaign has found itself is told of there.
        if !known.insert(run.outcome.label()) {
            continue;
        }
        told.notes.push(format!("met on the way there: {}", run.outcome.label()));
        let Some(folder) = &args.failures else { continue };
        let name = format!("{base}-other-{place}");
        let file = folder.join(format!("{name}.ron")).display().to_string();
        let mut failure = Failure::of(&scenario, &run, None);
        failure.scenario = file;
        let files: [(PathBuf, &str); 2] = [
            (format!("{name}.ron").into(), scenario.source().text()),
            (format!("{name}.failure.ron").into(), &failure.to_ron()),
        ];
        match save(folder, &files) {
            Ok(file) => told.notes.push(format!("recorded in {}", file.display())),
            Err(error) => told.trouble.push(format!("error: {}: {error}", folder.display())),
        }
    }
    saved
}

/// The smallest scenario, where nobody has asked for a file.
fn small_text(shrunk: &Shrunk) -> String {
    const LINES: usize = 60;
    let text = shrunk.scenario.source().text();
    let lines: Vec<_> = text.trim_end().lines().map(|line| format!("    {line}")).collect();
    if lines.len() > LINES { String::new() } else { lines.join("\n") }
}

/// `TOPIC__NAME-SEED`: the whole path is in the name, so that no two scenarios share one.
fn base(name: &str, seed: u64) -> String {
    let name = name.trim_end_matches(".ron");
    let parts: Vec<_> =
        name.split(['/', '\\']).filter(|part| !matches!(*part, "" | "." | "..")).collect();
    format!("{}-{seed}", parts.join("__"))
}

/// Writes files into a folder; where the last one is.
fn save(folder: &Path, files: &[(PathBuf, &str)]) -> io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    let mut last = PathBuf::new();
    for (name, text) in files {
        if text.len() as u64 > FAILURE_MAX {
            let message = "the run made more choices than a failure file may hold";
            return Err(io::Error::other(message));
        }
        last = folder.join(name);
        files::write_new(&last, text)?;
    }
    Ok(last)
}
