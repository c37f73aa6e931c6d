//! Bytes answer the choices of scenarios, and what they find is kept.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use headcrash_scenario::{Expect, Keep, Outcome, Scenario, Seeds, parse, run};
use headcrash_search::Bytes;

use crate::finding;

/// The scenarios: those of `HEADCRASH_CORPUS`, a folder, or else the project's own that are said to
/// hold for every seed of several.
static CORPUS: LazyLock<Vec<Scenario>> = LazyLock::new(|| {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let folder = std::env::var_os("HEADCRASH_CORPUS");
    let is_own = folder.is_none();
    let mut files = Vec::new();
    collect(&folder.map_or(own, PathBuf::from), &mut files);
    files.sort();
    let scenarios = files.iter().filter_map(|file| {
        let text = std::fs::read(file).ok()?;
        let scenario = parse(&file.display().to_string(), &text).ok()?;
        let holds = *scenario.expect() == Expect::Held;
        let several = !is_own || !matches!(scenario.seeds(), Seeds::One(_));
        // What a search makes many runs of is no run.
        let single = scenario.search().is_none() && scenario.fail_each().is_none();
        (holds && several && single).then_some(scenario)
    });
    scenarios.collect()
});

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_scenario = path.extension().is_some_and(|end| end == "ron")
            && !path.to_string_lossy().ends_with(".failure.ron");
        if path.is_dir() {
            collect(&path, files);
        } else if is_scenario {
            files.push(path);
        }
    }
}

/// Whatever the answers: a scenario that is said to hold holds.
///
/// The first byte says which scenario, the rest are the answers of
/// [`Bytes`](headcrash_search::Bytes).
///
/// # Errors
///
/// When there is no byte.
///
/// # Panics
///
/// When one does not hold: with the command that repeats it, from a failure file that was made small
/// and kept in `fuzz/findings/`.
pub fn schedule(u: &mut Unstructured<'_>) -> Result<()> {
    assert!(!CORPUS.is_empty(), "there are scenarios in the corpus");
    let which = u.choose_index(CORPUS.len())?;
    let scenario = &CORPUS[which];
    let (run, _) = run(scenario, Bytes::new(u.peek_bytes(u.len()).unwrap_or(&[])), Keep::Hash);
    // What is to be so sometimes need not be so in each run.
    let is_fine = matches!(run.outcome, Outcome::NotMeasured(_)) || run.is_expected(scenario);
    if !is_fine {
        finding::keep("schedule", scenario, &run);
    }
    Ok(())
}
