//! Conditions.

use headcrash_engine::State;

use super::{Lower, MAX_BYTES};
use crate::file;
use crate::scenario::{Condition, DiskIndex};
use crate::source::Place;

impl Lower<'_> {
    /// The condition at `place`.
    pub(super) fn condition(
        &mut self,
        condition: &file::Condition,
        place: Place<'_>,
    ) -> Option<Condition> {
        let inside = place.item(0);
        Some(match condition {
            file::Condition::Pending(id) => Condition::Pending(self.id(id, inside)?),
            file::Condition::Done(id) => Condition::Done(self.id(id, inside)?),
            file::Condition::Suspended(tags) => {
                let tags = tags.iter().zip(inside.items());
                let tags: Vec<_> = tags.map(|(tag, place)| self.tag(tag, place)).collect();
                let mut tags = tags.into_iter().collect::<Option<Vec<_>>>()?;
                tags.sort_unstable();
                Condition::Suspended(tags)
            }
            file::Condition::State(state) => {
                if self.disks.iter().len() > 1 {
                    let told = self.say(place.span(), "it is not clear which disk is meant");
                    told.help.push(format!("`state_of(disk: \"..\", is: {state})`"));
                    return None;
                }
                self.needs_disks = true;
                Condition::State(DiskIndex(0), State(*state))
            }
            file::Condition::StateOf(state) => {
                Condition::State(self.disk(Some(&state.disk), place)?, State(state.is))
            }
            file::Condition::Image(image) => return self.image(image, place),
            file::Condition::LenIs(len) => {
                Condition::Len(self.disk(len.disk.as_deref(), place)?, len.bytes)
            }
            file::Condition::Armed(armed) => {
                Condition::Armed(self.disk(armed.disk.as_deref(), place)?, armed.count)
            }
            file::Condition::Announced(event) => Condition::Announced(self.event(event, inside)?),
            file::Condition::Fired(rule) => {
                if let Some(faults) = self.rule_names.faults(rule) {
                    return Some(Condition::Struck(faults.to_vec()));
                }
                let places = self.rule_names.places(rule).map(<[_]>::to_vec);
                // A rule that is wrong is on no node, and was said to be wrong.
                if places.is_none() && self.rule_names.table.find(rule).is_none() {
                    let names = self.rule_names.table.names().iter().map(|name| &**name);
                    let near = self.near(rule, names);
                    let told = self.say(inside.span(), format!("no rule is called `{rule}`"));
                    told.help.extend(near);
                    told.help.push("a rule gets a name by `name: \"..\"`".to_owned());
                }
                Condition::Fired(places?)
            }
            file::Condition::Failed(errno) => Condition::Failed(self.failure(errno, inside)?),
            file::Condition::AcknowledgedKept(kept) => {
                Condition::AcknowledgedKept(self.any_disk(kept.disk.as_deref(), place)?)
            }
            file::Condition::ReadsRight(reads) => {
                let disk = self.any_disk(reads.disk.as_deref(), place)?;
                Condition::ReadsRight { disk, excuse: reads.excuse }
            }
            file::Condition::Readable(readable) => {
                let disk = self.disk(readable.disk.as_deref(), place)?;
                let (at, len) = (readable.at, readable.len);
                self.check_extent(disk, at, len, place, None)?;
                Condition::Readable { disk, at, len }
            }
            file::Condition::LiveFaults(faults) => {
                Condition::LiveFaults(self.disk(faults.disk.as_deref(), place)?, faults.is)
            }
            file::Condition::Not(condition) => {
                Condition::Not(Box::new(self.condition(condition, inside)?))
            }
            file::Condition::All(conditions) => {
                Condition::All(self.conditions(conditions, inside)?)
            }
            file::Condition::Any(conditions) => {
                Condition::Any(self.conditions(conditions, inside)?)
            }
        })
    }

    /// The disk of this name, or all without one; outside, if there is none of the name.
    fn any_disk(&mut self, name: Option<&str>, place: Place<'_>) -> Option<Option<DiskIndex>> {
        match name {
            Some(name) => self.disk_in(name, place.field("disk")).map(Some),
            None => Some(None),
        }
    }

    fn conditions(
        &mut self,
        conditions: &[file::Condition],
        place: Place<'_>,
    ) -> Option<Vec<Condition>> {
        if conditions.is_empty() {
            self.say(place.span(), "there is no condition in this list");
        }
        let each = conditions.iter().zip(place.items());
        let each: Vec<_> =
            each.map(|(condition, place)| self.condition(condition, place)).collect();
        each.into_iter().collect()
    }

    fn image(&mut self, image: &file::ImageIs, place: Place<'_>) -> Option<Condition> {
        let disk = self.disk(image.disk.as_deref(), place);
        let at = place.field("holds");
        let holds = self.pattern(&image.holds, at, image.len)?;
        let own = holds.any_of.iter().find_map(crate::scenario::Content::own_len);
        let Some(len) = image.len.or(own) else {
            let told = self.say(place.head(), "missing field `len`");
            told.help.push("the pattern given here has no length of its own".to_owned());
            return None;
        };
        // Without `len`, the first that has a length says how long the others must be.
        self.pattern(&image.holds, at, Some(len))?;
        if len > MAX_BYTES {
            let message = format!("{len} bytes are too many to compare");
            self.say(place.span(), message).help.push(format!("at most {MAX_BYTES} can be"));
            return None;
        }
        let disk = disk?;
        self.check_extent(disk, image.at, len, place, None)?;
        Some(Condition::Image { disk, at: image.at, len, holds })
    }
}
