//! Measures how soon the planted bugs are found, and lets the correct journal run: two tables.
//!
//! `gallery [CAMPAIGNS [RUNS [BUG..]]]`: so many campaigns for each bug, or those that are named, each
//! with seeds of its own, and so many runs of the correct journal in all.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "that is what it is for")]

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use headcrash::Report;
use headcrash_subjects::journal::Bug;
use headcrash_subjects::journal::gallery::{RUNS_MAX, Setting, correct};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default| match arguments.next() {
        None => default,
        Some(number) => number.parse().expect("the first arguments are numbers"),
    };
    let (campaigns, runs) = (number(100), number(1_000_000));
    let names: Vec<_> = arguments.collect();
    let is_asked = |bug: &&Bug| names.is_empty() || names.contains(&format!("{bug:?}"));
    let bugs: Vec<_> = Bug::ALL[1..].iter().filter(is_asked).collect();
    let rows = in_parallel(&bugs, |bug| row(**bug, campaigns));
    println!("\nOver {campaigns} campaigns for each, no seed in two of them:\n");
    println!(
        "| bug | what it does | world | found | median runs | worst | operations, median | worst \
         | median runs to make it small |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{row}"));

    if runs > 0 {
        correct_journal(runs);
    }
}

/// Lets the correct journal run in every world.
fn correct_journal(runs: u64) {
    let settings: Vec<_> = Setting::ALL.iter().flat_map(|it| [(*it, 0), (*it, 1)]).collect();
    let seeds = runs.div_ceil(settings.len() as u64);
    let begun = Instant::now();
    let rows = in_parallel(&settings, |(setting, order)| {
        let check = &correct(*setting)[*order];
        let accused = check.clone().seeds(0..seeds).try_run().err();
        if let Some(report) = &accused {
            eprintln!("{setting:?}: {report}");
        }
        let runs = accused.as_ref().map_or(seeds, |report| report.runs);
        (runs, u64::from(accused.is_some()))
    });
    let (runs, accused) = rows.iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    println!(
        "\nThe correct journal, in {} worlds and with both kinds of commits: {runs} runs, {accused} \
         accusations, {} s.\n",
        Setting::ALL.len(),
        begun.elapsed().as_secs()
    );
}

/// What comes of each item, in order.
fn in_parallel<I: Sync, T: Send>(items: &[I], work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let place = next.fetch_add(1, Ordering::Relaxed)
                    && let Some(item) = items.get(place)
                {
                    let value = work(item);
                    done.lock().expect("nobody panics with it").push((place, value));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("nobody panics with it");
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, value)| value).collect()
}

fn row(bug: Bug, campaigns: u64) -> String {
    let begun = Instant::now();
    let reports: Vec<Report> = (0..campaigns)
        .filter_map(|number| bug.campaign(number).try_run().err().map(|report| *report))
        .filter(|report| report.runs <= RUNS_MAX)
        .collect();
    eprintln!("{bug:?}: {:?}", begun.elapsed());
    let sorted = |number: fn(&Report) -> u64| {
        let mut numbers: Vec<_> = reports.iter().map(number).collect();
        numbers.sort_unstable();
        let median = numbers.get(numbers.len() / 2).copied().unwrap_or_default();
        (median, numbers.last().copied().unwrap_or_default())
    };
    let (runs, runs_worst) = sorted(|report| report.runs);
    let (operations, operations_worst) = sorted(|report| report.operations as u64);
    let (shrinking, _) = sorted(|report| report.shrink_runs);
    format!(
        "| {} | {} | {:?} | {} of {campaigns} | {runs} | {runs_worst} | {operations} \
         | {operations_worst} | {shrinking} |",
        bug.title(),
        bug.danger(),
        bug.setting(),
        reports.len(),
    )
}
