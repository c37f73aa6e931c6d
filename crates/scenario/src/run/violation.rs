//! What a run finds.

use headcrash_sim::Instant;

use crate::scenario::Condition;
use crate::source::{Diagnostic, Location, Source};

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Its name; [`EXPECTATION`](crate::EXPECTATION) for a step's own.
    pub property: String,
    /// What was seen.
    pub message: String,
    /// Where the file says it.
    pub location: Location,
    /// When it was seen.
    pub at: Instant,
}

impl Violation {
    /// As rustc would show it.
    #[must_use]
    pub fn render(&self, source: &Source, colour: bool) -> String {
        let message = format!("violated: {}", self.property);
        let diagnostic = Diagnostic::new(self.location.span, message).label(&self.message);
        source.render(&diagnostic, colour)
    }
}

/// What a step says must be so.
#[derive(Clone, Debug)]
pub(crate) enum Claim<'s> {
    /// It is not.
    Violated(Violation),
    /// A recovery refuses, and this is why.
    Refused(Violation),
    /// It holds now, if the run finds so.
    Holds(&'s Condition, Location),
}

/// A client that waits for what cannot come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Who.
    pub client: String,
    /// For what, in words.
    pub waits_for: String,
    /// In which step.
    pub location: Location,
}

/// A client that has not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Busy {
    /// Who.
    pub client: String,
    /// Where its code was last seen, if it is code.
    pub place: Option<String>,
    /// In which step or operation.
    pub location: Location,
}

/// A run that was given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endless {
    /// How many steps it might have taken.
    pub most_steps: u64,
    /// Who was still busy then.
    pub busy: Vec<Busy>,
}

impl Endless {
    /// In words.
    pub(crate) fn said(&self) -> String {
        format!("it has not ended after {} steps", self.most_steps)
    }
}

impl Busy {
    /// In words.
    pub(crate) fn said(&self) -> String {
        let place = self.place.as_ref().map(|at| format!(", at {at}")).unwrap_or_default();
        format!("client `{}` is here{place}", self.client)
    }
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything that should hold held.
    Held,
    /// Something does not hold.
    Violated(Violation),
    /// These clients wait, and nothing will ever happen that they could go on after.
    Stuck(Vec<Waiter>),
    /// Everything held, but these `sometimes` properties were never true: what was to be tested
    /// did not happen.
    NotMeasured(Vec<String>),
    /// The recovery refused with an error: it noticed that something is wrong.
    Refused(Violation),
    /// It did not end within [`Scenario::most_steps`](crate::Scenario::most_steps) steps, or five
    /// times as many steps of its requests.
    Endless(Endless),
}

impl Outcome {
    /// In one word, or two with the property: `held`, `violated("name")`, `stuck`,
    /// `not measured`, `endless`.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Held => "held".to_owned(),
            Self::Violated(violation) => format!("violated({:?})", violation.property),
            Self::Stuck(_) => "stuck".to_owned(),
            Self::Refused(_) => "refused".to_owned(),
            Self::NotMeasured(_) => "not measured".to_owned(),
            Self::Endless(_) => "endless".to_owned(),
        }
    }

    /// What there is to say of it beyond its label, pointing at the file; empty if nothing.
    #[must_use]
    pub fn render(&self, source: &Source, colour: bool) -> String {
        match self {
            Self::Held => String::new(),
            Self::Endless(endless) => {
                let mut busy = endless.busy.iter();
                let message = format!("endless: {}", endless.said());
                let Some(first) = busy.next() else { return message };
                let mut diagnostic =
                    Diagnostic::new(first.location.span, message).label(first.said());
                for busy in busy {
                    diagnostic = diagnostic.also(busy.location.span, busy.said());
                }
                diagnostic.help.push("`most_steps` says when a run is given up".to_owned());
                source.render(&diagnostic, colour)
            }
            Self::Violated(violation) | Self::Refused(violation) => {
                violation.render(source, colour)
            }
            Self::Stuck(waiters) => {
                let mut waiters = waiters.iter();
                let Some(first) = waiters.next() else { return String::new() };
                let label = |waiter: &Waiter| {
                    format!("client `{}` waits here {}", waiter.client, waiter.waits_for)
                };
                let message = "stuck: every client waits, and nothing else will happen";
                let mut diagnostic =
                    Diagnostic::new(first.location.span, message).label(label(first));
                for waiter in waiters {
                    diagnostic = diagnostic.also(waiter.location.span, label(waiter));
                }
                source.render(&diagnostic, colour)
            }
            Self::NotMeasured(properties) => {
                let names: Vec<_> = properties.iter().map(|name| format!("`{name}`")).collect();
                format!("not measured: never true: {}", names.join(", "))
            }
        }
    }
}
