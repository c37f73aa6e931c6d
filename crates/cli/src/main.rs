//! The command `headcrash`. It reads files, calls the libraries and prints; it decides nothing
//! that changes an outcome.

mod args;
mod check;
mod conformance;
mod crash;
mod crash_log;
mod determinism;
mod explore;
mod export;
mod files;
mod image;
mod import;
mod ladder;
mod live;
mod mutate;
mod output;
mod replay;
mod report;
mod run;
mod shrink;
mod step;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command, Topic};

/// How a command ended. Its number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// Everything came out as expected.
    Fine = 0,
    /// Something did not.
    Unexpected = 1,
    /// A file that cannot be read or is not valid, or a harness that cannot be trusted. Clap uses
    /// the same number for a wrong command line.
    Unusable = 2,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let exit = match args.command {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::replay(&args),
        Command::Explore(args) if args.ladder => ladder::ladder(&args),
        Command::Explore(args) if args.mutate.is_some() => mutate::mutate(&args),
        Command::Explore(args) => explore::explore(&args),
        Command::Report(args) => report::report(&args),
        Command::Shrink(args) => shrink::shrink(&args),
        Command::Step(args) => step::step(&args),
        Command::Crash(args) => crash::crash(&args),
        Command::Image(args) => image::image(&args),
        Command::Schema => output::print(&format!("{:#}", headcrash_scenario::json_schema())),
        Command::Explain(args) => output::print(
            match args.topic {
                Topic::Scenario => headcrash_scenario::explain(),
                Topic::Presets => headcrash_scenario::explain_presets(),
            }
            .trim_end(),
        ),
        Command::Import { what } => import::import(&what),
        Command::Export { what } => export::export(&what),
        Command::Conformance(args) => conformance::conformance(&args),
    };
    ExitCode::from(exit as u8)
}
