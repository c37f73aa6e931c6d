//! Scenarios from edited texts.

use headcrash_sim::Image;

use super::node::Node;
use crate::file::{self, File};
use crate::scenario::{CutAt, Scenario, Search, StateOrder};

/// Makes scenarios that are called as the first one and begin with what it was loaded with.
#[derive(Clone, Debug)]
pub(super) struct Maker {
    /// Whose code and name are used.
    like: Scenario,
    /// What disks begin with that no file says, by the disk's name.
    loaded: Vec<(String, Image)>,
}

impl Maker {
    pub(super) fn of(scenario: &Scenario) -> Self {
        let loaded = |disk: &crate::scenario::Disk| Some((disk.name.clone(), disk.loaded.clone()?));
        Self {
            like: scenario.clone(),
            loaded: scenario.disks().iter().filter_map(loaded).collect(),
        }
    }

    /// The scenario that this is the text of, if it is one.
    pub(super) fn make(&self, node: &Node) -> Option<Scenario> {
        self.parse(&node.print())
    }

    /// The same from a text.
    pub(super) fn parse(&self, text: &str) -> Option<Scenario> {
        let mut scenario = self.like.parse_like(self.like.source().name(), text).ok()?;
        for (disk, image) in &self.loaded {
            if let Ok(index) = scenario.disk_named(Some(disk)) {
                scenario.load(index, disk, image.clone()).ok()?;
            }
        }
        Some(scenario)
    }
}

/// What a scenario is as a file, with what was changed since it was read, and with a name for
/// everybody who has one by position: who comes first must not change who the others are.
pub(super) fn mirror(scenario: &Scenario) -> File {
    let mut file = scenario.file.clone();
    if let (Some(cut), None) = (scenario.power_cut(), &file.power_cut)
        && cut.at == CutAt::Everywhere
    {
        file.power_cut = Some(file::PowerCut::default());
        (file.expect, file.fail_each) = (file::Expect::Held, None);
    }
    if let Some(search) = scenario.search().filter(|search| *search != Search::USUAL) {
        file.search = Some(match search {
            Search::CrashStates { depth, runs, order } => {
                let order = match order {
                    StateOrder::Limited => file::crash::StateOrder::Limited,
                    StateOrder::DepthFirst => file::crash::StateOrder::DepthFirst,
                };
                file::Search::CrashStates { depth, runs, order }
            }
            Search::Eager { k, runs } => file::Search::Eager { k, runs },
            Search::Sampled { runs } => file::Search::Sampled { runs },
        });
    }
    if file.clients.len() > 1 {
        for (client, lowered) in file.clients.iter_mut().zip(scenario.clients()) {
            client.name.get_or_insert_with(|| lowered.name.clone());
        }
    }
    if file.disks.len() > 1 {
        for (disk, lowered) in file.disks.iter_mut().zip(scenario.disks()) {
            disk.name.get_or_insert_with(|| lowered.name.clone());
        }
    }
    file
}
