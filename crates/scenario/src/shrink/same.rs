//! When two failures are one.

use std::collections::BTreeSet;

use headcrash_sim::{Calm, Choices, Key, Point, PointKind, Replay, Strictness};

use super::make::Maker;
use super::node::{Node, Value};
use crate::run::{Keep, Outcome, Run, Variant, explore_variant, run};
use crate::scenario::{CutAt, EXPECTATION, Scenario};

/// The most moments at which a control cuts the power.
const MOMENTS_MAX: u64 = 200;

/// The most recoveries with which a scenario is explored.
pub(super) const EXPLORED_MAX: u64 = 2_000;

/// What makes another failure the same as one that is known.
///
/// See [`is_same`](super::is_same).
#[derive(Clone, Debug)]
pub(super) struct Same {
    label: String,
    /// The step, for a property without a name.
    step: Option<String>,
    /// For what clients wait.
    waits: BTreeSet<String>,
    /// Where code under test panicked.
    panicked_at: Option<String>,
    controls: Vec<Control>,
}

/// The scenario with less that could go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    /// Every answer is the dullest.
    Calm,
    /// No rule, no fault, no power cut either.
    Faultless,
    /// And nobody is suspended.
    Undisturbed,
    /// The power goes, at each moment, and nothing that was written is lost.
    NothingLost,
    /// Every crash state is tried: what is found first is this failure and no other. Without it
    /// the scenario would fail by itself in another way.
    Found,
}

impl Control {
    /// The cheap ones first.
    const ALL: [Self; 5] =
        [Self::Calm, Self::Faultless, Self::Undisturbed, Self::NothingLost, Self::Found];
}

impl Same {
    /// What makes a failure the same as this one; `used` counts the runs that it took to know.
    pub(super) fn of(maker: &Maker, scenario: &Scenario, run: &Run, used: &mut u64) -> Self {
        let mut same = Self {
            label: run.outcome.label(),
            step: step(scenario, &run.outcome),
            waits: waits(&run.outcome),
            panicked_at: panicked_at(&run.outcome).map(str::to_owned),
            controls: Vec::new(),
        };
        let holds = |control: &Control| same.control(*control, maker, (scenario, run), used);
        same.controls = Control::ALL.into_iter().filter(holds).collect();
        same
    }

    /// Whether what came of a run is the same, whatever controls say.
    pub(super) fn looks(&self, scenario: &Scenario, outcome: &Outcome) -> bool {
        outcome.label() == self.label
            && (self.step.is_none() || step(scenario, outcome) == self.step)
            && (self.waits.is_empty() || waits(outcome).is_subset(&self.waits))
            && panicked_at(outcome) == self.panicked_at.as_deref()
    }

    /// Whether every control that held still does, where this run fails.
    pub(super) fn is_controlled(
        &self,
        maker: &Maker,
        failing: (&Scenario, &Run),
        used: &mut u64,
    ) -> bool {
        self.controls.iter().all(|control| self.control(*control, maker, failing, used))
    }

    /// Whether a failure of another kind depends on what could have gone another way: one that a
    /// mutilated scenario has in any case is none.
    pub(super) fn is_another(&self, scenario: &Scenario, used: &mut u64) -> bool {
        *used += 1;
        is_fine(scenario, &run(scenario, Calm, Keep::Hash).0.outcome)
    }

    /// The step that must not be edited, printed.
    pub(super) fn step(&self) -> Option<&str> {
        self.step.as_deref()
    }

    /// The same with another text for the step.
    pub(super) fn with_step(&self, step: Option<String>) -> Self {
        Self { step, ..self.clone() }
    }

    fn control(
        &self,
        control: Control,
        maker: &Maker,
        (scenario, failing): (&Scenario, &Run),
        used: &mut u64,
    ) -> bool {
        let calm = |scenario: &Scenario, used: &mut u64| {
            *used += 1;
            is_fine(scenario, &run(scenario, Calm, Keep::Hash).0.outcome)
        };
        match control {
            Control::Calm => calm(scenario, used),
            Control::Faultless | Control::Undisturbed => {
                let Some(node) = Node::read(scenario.source().text()) else { return true };
                let tame = self.tame(node, control == Control::Undisturbed);
                // What names a rule that is gone says nothing without it.
                maker.make(&tame).is_none_or(|tame| calm(&tame, used))
            }
            Control::NothingLost => {
                if scenario.power_cut().is_none_or(|cut| cut.at != CutAt::Everywhere) {
                    return true;
                }
                for moment in 0..MOMENTS_MAX {
                    *used += 1;
                    let (run, kept) = run(scenario, Kept { moment, asked: 0 }, Keep::Hash);
                    if !is_fine(scenario, &run.outcome) {
                        return false;
                    }
                    if kept.asked <= moment {
                        break;
                    }
                }
                true
            }
            Control::Found => {
                let Some(search) = scenario.search() else { return true };
                let mut less = scenario.clone();
                less.search_instead(search.with_runs(search.runs().min(EXPLORED_MAX)));
                let workload = Replay::from_schedule(&failing.schedule, Strictness::Lenient);
                let found = explore_variant(&less, &failing.variant, Box::new(workload));
                *used += found.tried();
                found.worst().is_some_and(|worst| self.looks(scenario, &worst.outcome))
            }
        }
    }

    /// The scenario without rules, faults and power cuts; perhaps also without suspensions.
    fn tame(&self, mut node: Node, undisturbed: bool) -> Node {
        const FIELDS: [&str; 8] =
            ["rules", "faults", "below", "copies", "power_cut", "recover", "fail_each", "search"];
        const STEPS: [&str; 3] = ["damage", "heal", "power_cut"];
        const SUSPENSIONS: [&str; 6] =
            ["set_break", "remove_break", "remove_no_break", "resume", "resume_none", "wait_break"];
        node.change(&mut |node| {
            let Some(items) = node.items_mut() else { return };
            items.retain(|item| {
                let word = if item.name.is_empty() { item.word() } else { "" };
                !(FIELDS.contains(&item.name.as_str())
                    || STEPS.contains(&word)
                    || undisturbed && SUSPENSIONS.contains(&word))
            });
        });
        node.change(&mut |node| {
            // A step that waits for an error would wait in vain.
            if self.step.as_deref() != Some(&node.print())
                && let Some(items) = node.items_mut()
            {
                for item in items.iter_mut().filter(|item| item.name == "gets") {
                    item.value = Value::Atom("any".to_owned());
                }
            }
        });
        node
    }
}

/// Whether nothing is wrong; what did not happen at all is not wrong.
fn is_fine(scenario: &Scenario, outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Held | Outcome::NotMeasured(_) => true,
        Outcome::Refused(_) => scenario.power_cut().is_some_and(|cut| cut.may_refuse),
        Outcome::Violated(_) | Outcome::Stuck(_) | Outcome::Endless(_) => false,
    }
}

/// The step at which a property without a name was violated.
fn step(scenario: &Scenario, outcome: &Outcome) -> Option<String> {
    let Outcome::Violated(violation) = outcome else { return None };
    if violation.property != EXPECTATION {
        return None;
    }
    let text = scenario.source().text();
    Some(Node::step_at(text, violation.location.span.start).unwrap_or_default())
}

/// For what clients wait, without numbers and names.
fn waits(outcome: &Outcome) -> BTreeSet<String> {
    let Outcome::Stuck(waiters) = outcome else { return BTreeSet::new() };
    let kind = |text: &str| {
        let words = text.split(' ').map(|word| word.trim_end_matches(','));
        let words = words.filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        words.collect::<Vec<_>>().join(" ")
    };
    waiters.iter().map(|waiter| kind(&waiter.waits_for)).collect()
}

/// Where code under test panicked: two panics are not the same failure for being panics.
fn panicked_at(outcome: &Outcome) -> Option<&str> {
    let Outcome::Violated(violation) = outcome else { return None };
    let (place, _) = violation.message.strip_prefix("panicked at ")?.split_once(": ")?;
    Some(place)
}

/// Calm, but for the power, which goes at the n-th moment.
#[derive(Clone, Debug)]
struct Kept {
    moment: u64,
    asked: u64,
}

impl Choices for Kept {
    fn choose(&mut self, point: Point, _: u64) -> u64 {
        if point.kind != PointKind::Cut {
            return 0;
        }
        self.asked += 1;
        u64::from(self.asked == self.moment + 1)
    }

    fn pick(&mut self, _: Point, _: &[Key]) -> usize {
        0
    }
}

/// The variant of a candidate that is `variant` of the scenario it was made from, with another
/// number: disks may have moved.
pub(super) fn moved(
    from: &Scenario,
    to: &Scenario,
    variant: Variant,
    number: u64,
) -> Option<Variant> {
    use crate::scenario::{DiskIndex, Failing, FileSystemIndex};
    let Some((place, _)) = variant.fails else { return Some(Variant::default()) };
    to.fail_each()?;
    let place = match place {
        Failing::Disk(disk) => {
            let name = &from.disks()[disk.0].name;
            let found = to.disks().iter().position(|disk| disk.name == *name)?;
            Failing::Disk(DiskIndex(found))
        }
        Failing::Files(fs) => {
            let name = &from.file_systems()[fs.0].name;
            let found = to.file_systems().iter().position(|fs| fs.name == *name)?;
            Failing::Files(FileSystemIndex(found))
        }
    };
    Some(Variant { fails: Some((place, number)) })
}
