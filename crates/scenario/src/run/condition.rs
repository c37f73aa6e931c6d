//! Whether a condition holds at one moment of a run.

use headcrash_sim::{DiskId, Life, NodeId, RequestId, Runner, World};

use super::observer::Observer;
use super::player::Player;
use super::script::{disk, outer};
use crate::scenario::{Condition, RequestIndex, Scenario};

/// A run at one moment.
pub(super) struct Moment<'a, 's> {
    pub(super) scenario: &'s Scenario,
    pub(super) runner: &'a Runner<Player<'s>>,
    pub(super) observer: &'a Observer,
}

impl Moment<'_, '_> {
    pub(super) fn holds(&self, condition: &Condition) -> bool {
        let world = self.runner.world();
        match condition {
            Condition::Pending(index) => {
                self.request(*index).is_some_and(|id| world.life(id) != Life::Completed)
            }
            Condition::Done(index) => {
                self.request(*index).is_some_and(|id| world.life(id) == Life::Completed)
            }
            Condition::Suspended(wanted) => {
                let mut wanted: Vec<_> =
                    wanted.iter().map(|tag| self.scenario.tags()[tag.0].tag.as_str()).collect();
                wanted.sort_unstable();
                suspended_tags(world) == wanted
            }
            Condition::State(index, state) => world.engine(outer(*index)).state() == *state,
            Condition::Image { disk: index, at, len, holds } => {
                let mut bytes = vec![0; *len as usize];
                world.image(disk(*index)).read(*at, &mut bytes);
                holds.matches(&bytes)
                    && other_states(world, disk(*index), *at, &bytes)
                        .all(|bytes| holds.matches(&bytes))
            }
            Condition::Len(index, len) => world.image(disk(*index)).len() == *len,
            Condition::Armed(index, count) => {
                world.engine(outer(*index)).armed().count() as u64 == *count
            }
            Condition::Announced(event) => self.observer.seen.announced.contains(event),
            Condition::Fired(rules) => {
                rules.iter().any(|rule| self.observer.seen.fired.contains(rule))
            }
            Condition::Struck(rules) => {
                rules.iter().any(|rule| self.observer.seen.struck.contains(rule))
            }
            Condition::Failed(errno) => self.observer.seen.failed.contains(errno),
            Condition::AcknowledgedKept(index) => match index {
                Some(index) => world.broken_promises(disk(*index)).is_empty(),
                None => (0..world.disk_count() as u32)
                    .all(|index| world.broken_promises(DiskId(index)).is_empty()),
            },
            Condition::ReadsRight { disk, excuse } => {
                !self.observer.misread.iter().any(|(wrong, lies_there)| {
                    disk.is_none_or(|disk| disk == *wrong) && !(*excuse && *lies_there)
                })
            }
            Condition::Readable { disk: index, at, len } => {
                world.is_readable(disk(*index), *at, *len)
            }
            Condition::LiveFaults(index, count) => {
                world.live_faults(disk(*index)).count() as u64 == *count
            }
            Condition::Not(condition) => !self.holds(condition),
            Condition::All(all) => all.iter().all(|condition| self.holds(condition)),
            Condition::Any(any) => any.iter().any(|condition| self.holds(condition)),
        }
    }

    fn request(&self, index: RequestIndex) -> Option<RequestId> {
        self.runner.clients().iter().find_map(|client| client.request(index))
    }

    /// What is there instead, in words; empty where there is nothing short to say.
    pub(super) fn instead(&self, condition: &Condition) -> String {
        let world = self.runner.world();
        match condition {
            Condition::Pending(index) => match self.request(*index) {
                Some(_) => "it is done".to_owned(),
                None => "it was not submitted".to_owned(),
            },
            Condition::Done(index) => match self.request(*index) {
                Some(id) => format!("it is {}", life(world.life(id))),
                None => "it was not submitted".to_owned(),
            },
            Condition::Suspended(_) => format!("suspended are {:?}", suspended_tags(world)),
            Condition::State(index, _) => {
                format!("the state is {}", world.engine(outer(*index)).state())
            }
            Condition::Image { disk: index, at, len, holds } => {
                let mut bytes = vec![0; *len as usize];
                world.image(disk(*index)).read(*at, &mut bytes);
                let first =
                    holds.any_of.iter().filter_map(|content| content.first_difference(&bytes));
                first.max_by_key(|first| first.at).map_or_else(String::new, |first| {
                    let at = at + first.at as u64;
                    format!("byte {at} is {:#04x}, not {:#04x}", first.found, first.wanted)
                })
            }
            Condition::Len(index, _) => {
                format!("it is {} bytes long", world.image(disk(*index)).len())
            }
            Condition::Armed(index, _) => {
                format!("{} are armed", world.engine(outer(*index)).armed().count())
            }
            Condition::Announced(_) => "it was not announced".to_owned(),
            Condition::Struck(_) | Condition::Fired(_) => "it did not fire".to_owned(),
            Condition::Failed(_) => "nothing failed so".to_owned(),
            Condition::AcknowledgedKept(_) => "some of it is lost".to_owned(),
            Condition::ReadsRight { .. } => "a read brought something else".to_owned(),
            Condition::Readable { .. } => "some of it cannot be read".to_owned(),
            Condition::LiveFaults(index, _) => {
                format!("there are {}", world.live_faults(disk(*index)).count())
            }
            Condition::Not(_) => "it holds".to_owned(),
            Condition::All(all) => {
                let broken = all.iter().find(|condition| !self.holds(condition));
                broken.map_or_else(String::new, |condition| self.instead(condition))
            }
            Condition::Any(_) => "none of them holds".to_owned(),
        }
    }
}

/// What else a stretch may hold after a power cut, one undecided unit at a time: patterns look at
/// every byte by itself, so that one that holds for each of these holds for all mixtures.
fn other_states(
    world: &World,
    disk: DiskId,
    at: u64,
    newest: &[u8],
) -> impl Iterator<Item = Vec<u8>> {
    let units = world.undecided(disk, at, newest.len() as u64);
    units.into_iter().flat_map(move |unit| {
        let start = unit.at;
        unit.versions.into_iter().chain(unit.tears).map(move |content| {
            let mut bytes = newest.to_vec();
            for (place, byte) in (start..).zip(content) {
                let inside = place.checked_sub(at).and_then(|place| usize::try_from(place).ok());
                if let Some(slot) = inside.and_then(|place| bytes.get_mut(place)) {
                    *slot = byte;
                }
            }
            bytes
        })
    })
}

/// The tags under which requests are suspended, sorted, on all nodes.
pub(super) fn suspended_tags(world: &World) -> Vec<&str> {
    let disks = (0..world.disk_count() as u32).map(DiskId);
    let nodes =
        disks.flat_map(|disk| (0..world.node_count(disk)).map(move |depth| NodeId { disk, depth }));
    let mut tags: Vec<_> = nodes
        .flat_map(|node| world.engine(node).suspensions().iter().map(|held| held.tag().as_str()))
        .collect();
    tags.sort_unstable();
    tags
}

const fn life(life: Life) -> &'static str {
    match life {
        Life::Running => "running",
        Life::Suspended => "suspended",
        Life::Waiting => "waiting for another request",
        Life::InFlight => "in flight",
        Life::Completed => "done",
        Life::Lost => "lost in a power cut",
    }
}
