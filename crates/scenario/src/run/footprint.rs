//! What a step of a scenario touches.

use std::sync::Arc;

use headcrash_sim::{DiskId, Fact, Footprint, Verb, What};

use crate::scenario::{Medium, OnMisuse, PropertyKind, Scenario};

/// What of a scenario's world makes steps meet that touch different bytes.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// For each disk: how coarse its accesses are, in bytes; 0 if whoever accesses it meets
    /// everybody else who does, as where rules count accesses or breakpoints hold them.
    disks: Arc<[u64]>,
    /// Every step meets every other.
    everything: bool,
}

impl Watch {
    /// Nothing commutes.
    pub(super) fn everything() -> Self {
        Self { disks: Arc::from([]), everything: true }
    }

    pub(super) fn of(scenario: &Scenario) -> Self {
        // What is asked of every moment, and a cut at any moment, can tell orders apart.
        let any_moment = scenario.properties().iter().any(|property| match property.kind {
            PropertyKind::Always | PropertyKind::Never | PropertyKind::Sometimes => true,
            PropertyKind::Finally => false,
        });
        // There is a search wherever the power can go.
        let cuts = scenario.power_cut().is_some() || scenario.search().is_some();
        // Misuse is told of in the order in which it was seen.
        let told = scenario.on_misuse() == OnMisuse::Error;
        // What code shares without any disk, nobody sees.
        let is_code = scenario.subject().is_some();
        if any_moment || cuts || told || is_code || !scenario.file_systems().is_empty() {
            return Self::everything();
        }
        let held: Vec<_> = scenario.tags().iter().map(|tag| tag.disk).collect();
        let coarse = |(index, disk): (usize, &crate::scenario::Disk)| {
            let ruled = disk.nodes.iter().any(|node| !node.program.rules().is_empty());
            let held = held.iter().any(|disk| disk.0 == index);
            let device = &disk.device;
            // Who is first gets the room, the queue's place, or the time.
            let shared = device.capacity.is_some()
                || device.queue_depth.is_some()
                || device.bytes_per_second.is_some()
                || device.iops.is_some();
            let is_plain = disk.medium == Medium::Stored;
            if ruled || held || shared || !is_plain || !disk.faults.is_empty() {
                return 0;
            }
            let align = disk.nodes.iter().map(|node| node.limits.align()).max();
            align.unwrap_or(1).max(disk.device.unit()).max(4096)
        };
        Self { disks: scenario.disks().iter().enumerate().map(coarse).collect(), everything: false }
    }

    /// Adds what a fact tells.
    pub(super) fn see(&self, fact: &Fact, touched: &mut Footprint) {
        if self.everything {
            touched.touch_everything();
            return;
        }
        match &fact.what {
            What::Submitted { disk, shape, .. } => {
                let (bytes, writes) = match shape.verb {
                    Verb::Read => (self.stretch(*disk, shape.at, shape.len), false),
                    Verb::Write | Verb::WriteZeroes | Verb::Discard | Verb::Erase => {
                        (self.stretch(*disk, shape.at, shape.len), true)
                    }
                    // A flush covers whatever was written; an event is for whoever watches.
                    Verb::Flush | Verb::Announce(_) => (0..u64::MAX, true),
                };
                let coarse = self.disks[disk.index()] == 0;
                touched.touch(*disk, bytes, writes || coarse);
            }
            What::Announced { .. }
            | What::InFlight { .. }
            | What::Completed { .. }
            | What::ContentsHold { .. }
            | What::ContentsDiffer { .. }
            | What::Decided { .. }
            | What::Finished { .. }
            | What::Sleeps { .. }
            | What::Noted { .. } => {}
            _ => touched.touch_everything(),
        }
    }

    fn stretch(&self, disk: DiskId, at: u64, len: u64) -> std::ops::Range<u64> {
        match self.disks[disk.index()] {
            0 => 0..u64::MAX,
            coarse => at / coarse * coarse..at.saturating_add(len).next_multiple_of(coarse),
        }
    }
}
