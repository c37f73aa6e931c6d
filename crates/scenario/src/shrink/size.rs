//! How large a failure is.

use std::fmt;

use headcrash_sim::Schedule;

use super::node::Node;
use crate::scenario::Scenario;

/// How large a failure is: what a reader has to go through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Size {
    /// Disks and file systems.
    pub disks: usize,
    /// Rules and faults.
    pub rules: usize,
    /// Clients, a recovery included.
    pub clients: usize,
    /// Steps of all clients; a block counts as one, and what is inside it as well.
    pub steps: usize,
    /// Choices whose answer is not the dullest.
    pub choices: usize,
}

impl Size {
    /// The size of a run of `scenario` with these choices.
    #[must_use]
    pub fn of(scenario: &Scenario, schedule: &Schedule) -> Self {
        let mut size = Self {
            disks: scenario.disks().iter().filter(|disk| !disk.is_unused).count()
                + scenario.file_systems().len(),
            clients: scenario.clients().len() + usize::from(scenario.recover().is_some()),
            choices: unusual(schedule),
            ..Self::default()
        };
        let Some(file) = Node::read(&scenario.to_ron()) else { return size };
        file.visit(&mut |way, node| {
            let parent = way.split_last().and_then(|(_, way)| file.at(way));
            if node.holds_steps(parent) {
                size.steps += node.items().len();
            } else if node.is_list() && matches!(node.name.as_str(), "rules" | "faults") {
                size.rules += node.items().len();
            }
        });
        size
    }

    /// Everything that a reader has to go through.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.disks + self.rules + self.clients + self.steps + self.choices
    }
}

/// How many answers are not the dullest.
pub(super) fn unusual(schedule: &Schedule) -> usize {
    schedule.choices.iter().filter(|choice| choice.answer != 0).count()
}

/// `1 disk, 2 rules, 2 clients, 5 steps, 3 choices`
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.disks, "disk"),
            (self.rules, "rule"),
            (self.clients, "client"),
            (self.steps, "step"),
            (self.choices, "choice"),
        ];
        for (index, (count, what)) in counts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(f, "{comma}{count} {what}{plural}")?;
        }
        Ok(())
    }
}
