//! How it looks.

use serde_json::{Value, json as value};

use super::{Fate, Mutation, Mutations, What};
use crate::scenario::Scenario;

/// A line for each thing that was left out, and a last one that counts them.
#[must_use]
pub fn text(mutations: &Mutations, scenario: &Scenario) -> String {
    if let Some((seed, outcome)) = &mutations.broken {
        return format!(
            "broken: with everything in its place seed {seed} is {}, and {} was expected: nothing \
             was left out\n",
            outcome.label(),
            scenario.expect()
        );
    }
    let what = match mutations.what {
        What::Rules => ("rule", "rules"),
        What::Flushes => ("flush", "flushes"),
    };
    let all = mutations.all.len();
    if all == 0 && mutations.is_stopped {
        return "stopped: nothing was left out yet\n".to_owned();
    }
    if all == 0 {
        return format!("there are no {} to leave out\n", what.1);
    }
    let places: Vec<_> = mutations.all.iter().map(|one| one.location.to_string()).collect();
    let place = places.iter().map(String::len).max().unwrap_or(0);
    let name = mutations.all.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (one, at) in mutations.all.iter().zip(&places) {
        text.push_str(&format!("{at:<place$}  {:<name$}  {}\n", one.name, fate(one)));
    }
    let unnoticed = mutations.unnoticed().count();
    let of = if all == 1 { what.0 } else { what.1 };
    text.push_str(&format!(
        "{all} {of} left out, one at a time: {} noticed, {unnoticed} not; noticed is what does not \
         come out as {}\n",
        all - unnoticed,
        scenario.expect()
    ));
    if mutations.is_stopped {
        text.push_str("stopped: what comes after these was not left out\n");
    }
    text
}

fn fate(one: &Mutation) -> String {
    match &one.fate {
        Fate::Noticed { seed, outcome } => format!("noticed: {outcome} with seed {seed}"),
        Fate::Needed(error) => format!("noticed: the file is not valid without it: {error}"),
        Fate::Unnoticed { is_reached: false, .. } => "NOT NOTICED: never reached".to_owned(),
        Fate::Unnoticed { tried, is_cut_off, .. } => {
            let more = if *is_cut_off { ", ended by a budget" } else { "" };
            let runs = if *tried == 1 { "run" } else { "runs" };
            format!("NOT NOTICED in {tried} {runs}{more}")
        }
    }
}

/// The same for programs.
#[must_use]
pub fn json(mutations: &Mutations, scenario: &Scenario) -> Value {
    let one = |one: &Mutation| {
        let mut value = value!({
            "what": one.name,
            "line": one.location.line,
            "column": one.location.column,
            "noticed": !matches!(one.fate, Fate::Unnoticed { .. }),
        });
        match &one.fate {
            Fate::Noticed { seed, outcome } => {
                value["seed"] = value!(seed);
                value["outcome"] = value!(outcome);
            }
            Fate::Needed(error) => value["not_valid_without"] = value!(error),
            Fate::Unnoticed { tried, is_cut_off, is_reached } => {
                value["runs"] = value!(tried);
                value["is_cut_off"] = value!(is_cut_off);
                value["is_reached"] = value!(is_reached);
            }
        }
        value
    };
    value!({
        "scenario": scenario.source().name(),
        "expected": scenario.expect().to_string(),
        "broken": mutations.broken.as_ref().map(|(seed, outcome)| {
            value!({ "seed": seed, "outcome": outcome.label() })
        }),
        "is_stopped": mutations.is_stopped,
        "left_out": mutations.all.iter().map(one).collect::<Vec<_>>(),
    })
}
