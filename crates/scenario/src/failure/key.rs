//! Keys in words: what they were made from.

use std::collections::{BTreeMap, BTreeSet};

use headcrash_sim::{Choice, Key, Schedule};

use crate::scenario::Scenario;

/// Finds the words for keys of one run.
#[derive(Clone, Debug)]
pub(super) struct KeyNames {
    names: BTreeMap<Key, String>,
}

/// No client is looked through for more requests than this.
const REQUESTS_MAX: u64 = 1_000_000;

impl KeyNames {
    pub(super) fn of(scenario: &Scenario, schedule: &Schedule) -> Self {
        let mut names =
            BTreeMap::from([(Key::NOBODY, "nobody".to_owned()), (Key::WORLD, "world".to_owned())]);
        for disk in scenario.disks() {
            names.insert(Key::disk(&disk.name), format!("disk {}", disk.name));
        }
        let clients = || scenario.clients().iter().chain(scenario.recover());
        for client in clients() {
            names.insert(Key::client(&client.name), format!("client {}", client.name));
        }
        for info in scenario.disks().iter().flat_map(|disk| &disk.fault_infos) {
            if let Some(name) = &info.name {
                names.insert(Key::rule(name), format!("rule {name}"));
            }
        }
        // What is left are requests, whose keys are counted out as they were made.
        let keys = |choice: &Choice| [Some(choice.point.key), choice.picked];
        let mut missing: BTreeSet<_> = schedule.choices.iter().flat_map(keys).flatten().collect();
        missing.retain(|key| !names.contains_key(key));
        // A request is picked among others at most a few times, so numbers stay near their count.
        let bound = REQUESTS_MAX.min(1_000 + 4 * schedule.choices.len() as u64);
        for client in clients() {
            let key = Key::client(&client.name);
            for n in 1..=bound {
                if missing.is_empty() {
                    break;
                }
                if missing.remove(&key.nth(n)) {
                    names.insert(key.nth(n), format!("request {n} of client {}", client.name));
                }
            }
        }
        // Or the units of a disk that a power cut left undecided.
        for disk in scenario.disks() {
            let key = Key::disk(&disk.name);
            let units = (0..disk.size).step_by(512).take(REQUESTS_MAX as usize);
            for at in units {
                if missing.is_empty() {
                    break;
                }
                if missing.remove(&key.nth(at)) {
                    names.insert(key.nth(at), format!("byte {at} of disk {}", disk.name));
                }
            }
        }
        Self { names }
    }

    pub(super) fn name(&self, key: Key) -> String {
        match self.names.get(&key) {
            Some(name) => name.clone(),
            None => format!("key {:016x}", key.number()),
        }
    }
}

/// The key with this name.
pub(super) fn parse(name: &str) -> Option<Key> {
    match name {
        "nobody" => return Some(Key::NOBODY),
        "world" => return Some(Key::WORLD),
        _ => {}
    }
    if let Some(number) = name.strip_prefix("key ") {
        return u64::from_str_radix(number, 16).ok().map(Key::from_number);
    }
    if let Some(disk) = name.strip_prefix("disk ") {
        return Some(Key::disk(disk));
    }
    if let Some(client) = name.strip_prefix("client ") {
        return Some(Key::client(client));
    }
    if let Some(rule) = name.strip_prefix("rule ") {
        return Some(Key::rule(rule));
    }
    if let Some((at, disk)) =
        name.strip_prefix("byte ").and_then(|rest| rest.split_once(" of disk "))
    {
        return Some(Key::disk(disk).nth(at.parse().ok()?));
    }
    // The number comes first: whatever follows is the client's name, however odd.
    let (n, client) = name.strip_prefix("request ")?.split_once(" of client ")?;
    Some(Key::client(client).nth(n.parse().ok()?))
}
