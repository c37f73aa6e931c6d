//! What a fuzzer found, kept so that it can be had again without it.

use std::path::Path;

use headcrash_scenario::{Failure, Keep, Run, Scenario, replay_command, run_as};
use headcrash_sim::{Replay, Strictness};

/// Writes a failure file and its scenario into `fuzz/findings/`, and panics with the command that
/// repeats the run.
///
/// # Panics
///
/// Always: that is how libFuzzer, and a test, hear of it.
pub(crate) fn keep(law: &str, scenario: &Scenario, run: &Run) -> ! {
    let replay = Replay::from_schedule(&run.schedule, Strictness::Strict);
    let (run, _) = run_as(scenario, run.variant, replay, Keep::Hash);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    let name = format!("{law}-{:016x}", run.hash);
    let mut failure = Failure::of(scenario, &run, None);
    failure.scenario = format!("fuzz/findings/{name}.ron");
    let said = run.outcome.render(scenario.source(), false);
    let kept = std::fs::create_dir_all(&folder)
        .and_then(|()| std::fs::write(folder.join(format!("{name}.ron")), scenario.source().text()))
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
    panic!("{}\n{said}\n{}\n{way_back}", run.outcome.label(), scenario.to_ron());
}
