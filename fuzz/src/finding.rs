//! What a fuzzer found, kept so that it can be had again without it.

use std::path::Path;

use headcrash_scenario::shrink::shrink;
use headcrash_scenario::{Run, Scenario, replay_command};

/// As many runs make a finding smaller.
const RUNS: u64 = 2_000;

/// Makes it small, and writes a failure file and its scenario into `fuzz/findings/`, and panics with the command that
/// repeats the run.
///
/// # Panics
///
/// Always: that is how libFuzzer, and a test, hear of it.
pub(crate) fn keep(law: &str, scenario: &Scenario, run: &Run) -> ! {
    let small = shrink(scenario, run, RUNS);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    let name = format!("{law}-{:016x}", run.hash);
    let (text, failure) = small.files(&format!("fuzz/findings/{name}.ron"));
    let run = &small.run;
    let said = run.outcome.render(small.scenario.source(), false);
    let kept = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(format!("{name}.ron")), &text))
        .and_then(|()| {
            std::fs::write(folder.join(format!("{name}.failure.ron")), failure.to_ron())
        });
    let way_back = match kept {
        Ok(()) => format!(
            "repeat with\n  {}",
            replay_command(&format!("fuzz/findings/{name}.failure.ron"))
        ),
        // What cannot be kept is told instead.
        Err(error) => format!("it could not be kept: {error}\n\n{}", failure.to_ron()),
    };
    panic!("{}\n{said}\n{text}\n{way_back}", run.outcome.label());
}
