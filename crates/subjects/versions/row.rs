//! Runs the campaigns of one version of a crate, and prints what came of each: a line of a table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use headcrash::Check;

/// Every campaign gets `seeds` runs, or as many as the environment says (`KNOWN_BUGS_RUNS`). What
/// fails is then made small.
pub fn print(campaigns: Vec<(&'static str, Check)>, seeds: u64) {
    let only = std::env::args().nth(1);
    let seeds = std::env::var("KNOWN_BUGS_RUNS").map_or(seeds, |it| it.parse().expect("a number"));
    for (name, check) in campaigns {
        if only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let check = check.shrink_runs(4_000);
        if std::env::var_os("KNOWN_BUGS_TRACE").is_some() {
            eprintln!("{}", check.trace(3));
            continue;
        }
        let begun = Instant::now();
        let found = catch_unwind(AssertUnwindSafe(|| check.clone().seeds(0..seeds).try_run()));
        let seconds = begun.elapsed().as_secs_f64();
        match found {
            Ok(Ok(campaign)) => {
                eprintln!("{name}: {} facts in {} runs", campaign.facts, campaign.runs);
                println!("{name}\tholds\t{}\t{seconds:.1}\t-", campaign.runs);
            }
            Ok(Err(found)) => {
                // How long that takes without making it small: the same again, and nothing more.
                let begun = Instant::now();
                let again = check.shrink_runs(0).seeds(0..found.seed + 1).try_run();
                let again = again.expect_err("what failed fails again");
                assert_eq!(again.runs, found.runs, "what failed fails again in the same run");
                let seconds = begun.elapsed().as_secs_f64();
                let (outcome, runs, operations) = (&found.outcome, found.runs, found.operations);
                println!("{name}\t{outcome}\t{runs}\t{seconds:.1}\t{operations}");
                eprintln!("{found}");
            }
            Err(_) => println!("{name}\tfails, and cannot be made small\t-\t{seconds:.1}\t-"),
        }
    }
}
