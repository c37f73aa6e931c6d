//! What was going on when a run made its choices.

use headcrash_sim::{Choice, Client, Key, Recorder, Replay, Strictness};

use super::Run;
use super::observer::Observer;
use super::session::{Session, Step};
use crate::scenario::Scenario;

/// The choices of longer runs are not looked at one by one.
const CHOICES_MAX: usize = 100_000;

/// The longest text of a step.
const STEP_MAX: usize = 60;

/// For each choice of a run the line and the step at which the client was that it was about, or
/// that was picked; empty where it was about no client.
pub(crate) fn labels(scenario: &Scenario, run: &Run) -> Vec<String> {
    let choices = &run.schedule.choices;
    let mut labels = vec![String::new(); choices.len()];
    if choices.len() > CHOICES_MAX {
        return labels;
    }
    let replay = Replay::from_schedule(&run.schedule, Strictness::Strict);
    let mut recorder = Recorder::new(replay);
    let mut session = Session::new(scenario, &run.variant, Observer::default(), &mut recorder);
    loop {
        let from = recorder.schedule().choices.len();
        let steps: Vec<_> = session
            .runner
            .numbered()
            .map(|(id, player)| (Key::client(player.name()), session.location_of(id)))
            .collect();
        let step = session.advance(&mut recorder);
        let to = recorder.schedule().choices.len();
        for (choice, label) in choices.iter().zip(&mut labels).take(to).skip(from) {
            let is_about = |choice: &Choice, key: &Key| {
                choice.picked == Some(*key) || choice.point.key == *key
            };
            if let Some((_, location)) = steps.iter().find(|(key, _)| is_about(choice, key)) {
                let text = scenario.source().text().get(location.span.range()).unwrap_or_default();
                *label = format!("{}: {}", location.line, short(text));
            }
        }
        if let Step::Over(_) = step {
            return labels;
        }
        // A run that differs goes on for as long as it likes, and says nothing about this one.
        if to > choices.len() {
            return labels;
        }
    }
}

/// On one line, and not too long.
fn short(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(STEP_MAX) {
        None => line,
        Some((end, _)) => format!("{}..", &line[..end]),
    }
}
