//! Operations that a power cut interrupted, as far as their outcome is still open.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::cells::{self, Alternative, Contents, Pattern};
use super::count::Count;
use super::op::FlashOp;
use super::spec::Interrupted;

/// How far operations came, one pair each: those units that lie below k were done, for some k from
/// the first number to the second, both included.
pub(super) type World = Vec<(u64, u64)>;

/// One interrupted operation.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) op: FlashOp,
    /// The units it was about.
    pub(super) units: Range<u64>,
    /// Those among them whose block is worn and does nothing.
    pub(super) inert: Vec<Range<u64>>,
    pub(super) interrupted: Interrupted,
    pub(super) residue: u32,
}

impl Cut {
    fn touches(&self, unit: u64) -> bool {
        self.units.contains(&unit) && !self.inert.iter().any(|inert| inert.contains(&unit))
    }

    /// The part of what is programmed that goes to `unit`, which has `len` bytes.
    fn data(&self, unit: u64, len: usize) -> &[u8] {
        match &self.op {
            FlashOp::Program { bytes, .. } => {
                &bytes[(unit - self.units.start) as usize * len..][..len]
            }
            FlashOp::Erase { .. } => &[],
        }
    }

    fn completed(&self, unit: u64, old: &Pattern, len: usize) -> Pattern {
        match self.op {
            FlashOp::Program { .. } => old.programmed(self.data(unit, len)),
            FlashOp::Erase { .. } => old.erased(self.residue),
        }
    }

    fn partly(&self, unit: u64, old: &Pattern, len: usize, leaves_unstable: bool) -> Pattern {
        match self.op {
            FlashOp::Program { .. } => old.partly_programmed(self.data(unit, len), leaves_unstable),
            FlashOp::Erase { .. } => old.partly_erased(leaves_unstable),
        }
    }
}

/// Interrupted operations whose outcomes are known together: what was read of one says something
/// about the others, because they met in a unit.
#[derive(Clone, Debug)]
struct Knot {
    /// Their places among the cuts.
    cuts: Vec<usize>,
    /// How far they may have come: the union of these, a pair per cut in each.
    worlds: Vec<World>,
}

impl Knot {
    /// Of no operations.
    fn none() -> Self {
        Self { cuts: Vec::new(), worlds: vec![World::new()] }
    }

    /// Both, each in any of its worlds.
    fn join(&self, other: &Self) -> Self {
        let cuts = [&self.cuts[..], &other.cuts].concat();
        let pairs = self.worlds.iter().flat_map(|a| other.worlds.iter().map(move |b| (a, b)));
        Self { cuts, worlds: pairs.map(|(a, b)| [&a[..], b].concat()).collect() }
    }
}

/// A unit that is still open: which, since which cut, and what it held before that.
pub(super) struct Open {
    pub(super) unit: u64,
    pub(super) since: usize,
    pub(super) old: Pattern,
}

/// All interrupted operations with an open outcome, in the order of the cuts.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts {
    cuts: Vec<Arc<Cut>>,
    /// Only those that go by prefixes are in one, each in exactly one.
    knots: Vec<Arc<Knot>>,
}

impl Cuts {
    /// How many there are, which is the place of the next one.
    pub(super) fn len(&self) -> usize {
        self.cuts.len()
    }

    pub(super) fn push(&mut self, cut: Cut) {
        if cut.interrupted == Interrupted::PrefixOfUnits {
            let any = (cut.units.start, cut.units.end);
            let knot = Knot { cuts: vec![self.cuts.len()], worlds: vec![vec![any]] };
            self.knots.push(Arc::new(knot));
        }
        self.cuts.push(Arc::new(cut));
    }

    /// The units that cuts were about; some more than once.
    pub(super) fn units(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.cuts.iter().map(|cut| cut.units.clone())
    }

    /// Decides what a unit holds. Whatever else it says, about how far operations came, is kept.
    pub(super) fn settle(&mut self, open: &Open, ask: impl FnMut(u64) -> u64) -> Contents {
        let knot = self.tied(open).fold(Knot::none(), |all, knot| all.join(knot));
        let mut contents = cells::choose(self.alternatives(open, &knot), ask);
        let Knot { cuts, .. } = knot;
        if cuts.is_empty() {
            return contents;
        }
        self.knots.retain(|knot| !cuts.contains(&knot.cuts[0]));
        let mut worlds = core::mem::take(&mut contents.worlds);
        worlds.sort_unstable();
        worlds.dedup();
        if let [world] = &worlds[..] {
            // Nothing ties them any more.
            let single = |(&cut, &reach)| Knot { cuts: vec![cut], worlds: vec![vec![reach]] };
            self.knots.extend(cuts.iter().zip(world).map(single).map(Arc::new));
        } else {
            self.knots.push(Arc::new(Knot { cuts, worlds }));
        }
        contents
    }

    /// In how many ways reads could find these units, which are in order.
    pub(super) fn count(&self, open: &[Open]) -> Count {
        let mut all = Count::ONE;
        let mut groups: Vec<(Knot, Vec<&Open>)> = Vec::new();
        for one in open {
            let mut group = (Knot::none(), vec![one]);
            for knot in self.tied(one) {
                // A knot is in no group yet, or in one that was taken over just now, or in another.
                if knot.cuts.iter().any(|cut| group.0.cuts.contains(cut)) {
                    continue;
                }
                let place = groups.iter().position(|(other, _)| other.cuts.contains(&knot.cuts[0]));
                match place {
                    None => group.0 = group.0.join(knot),
                    Some(place) => {
                        let (other, units) = groups.swap_remove(place);
                        group.0 = group.0.join(&other);
                        group.1.extend(units);
                    }
                }
            }
            if group.0.cuts.is_empty() {
                all = all * self.count_tied(&group.0, &group.1);
            } else {
                groups.push(group);
            }
        }
        for (knot, mut units) in groups {
            units.sort_unstable_by_key(|open| open.unit);
            all = all * self.count_tied(&knot, &units);
        }
        all
    }

    /// A walk over all contents at once: how many there are of the units up to this one, by how
    /// far operations may have come when these are found.
    fn count_tied(&self, knot: &Knot, units: &[&Open]) -> Count {
        let mut counts = BTreeMap::from([(knot.worlds.clone(), Count::ONE)]);
        for open in units {
            let mut longer = BTreeMap::new();
            for (worlds, count) in counts {
                let knot = Knot { cuts: knot.cuts.clone(), worlds };
                let alternatives = self.alternatives(open, &knot);
                for (among, contents) in cells::count(&alternatives) {
                    let mut worlds: Vec<World> = among
                        .into_iter()
                        .flat_map(|index| &alternatives[index].worlds)
                        .map(|world| beyond(world, open.unit))
                        .collect();
                    worlds.sort_unstable();
                    worlds.dedup();
                    cells::add(&mut longer, worlds, count * contents);
                }
            }
            counts = longer;
        }
        counts.into_values().reduce(|a, b| a + b).expect("there is always a content")
    }

    /// The knots of operations that go by prefixes and matter to a unit.
    fn tied<'a>(&'a self, open: &'a Open) -> impl Iterator<Item = &'a Knot> {
        let matters = |cut: &usize| *cut >= open.since && self.cuts[*cut].touches(open.unit);
        self.knots.iter().filter(move |knot| knot.cuts.iter().any(matters)).map(|knot| &**knot)
    }

    /// What a unit may hold, newest first: whatever had completed comes before what had not, and
    /// a later operation weighs more than those before it.
    fn alternatives(&self, open: &Open, knot: &Knot) -> Vec<Alternative> {
        let Open { unit, since, ref old } = *open;
        let len = old.len();
        let mut alternatives =
            vec![Alternative { pattern: old.clone(), worlds: knot.worlds.clone() }];
        for (index, cut) in self.cuts.iter().enumerate().skip(since) {
            if !cut.touches(unit) {
                continue;
            }
            let mut not = Vec::new();
            for one in &mut alternatives {
                let leaves_unstable = match cut.interrupted {
                    Interrupted::AnyBits => false,
                    Interrupted::AnyBitsUnstable => true,
                    Interrupted::OldOrNew | Interrupted::PrefixOfUnits => {
                        let place = knot.cuts.iter().position(|tied| *tied == index);
                        let completed = cut.completed(unit, &one.pattern, len);
                        if completed != one.pattern {
                            let worlds = split(&mut one.worlds, place, unit);
                            let pattern = core::mem::replace(&mut one.pattern, completed);
                            not.push(Alternative { pattern, worlds });
                        }
                        // Otherwise nobody can tell, and nothing follows about how far it came.
                        continue;
                    }
                };
                one.pattern = cut.partly(unit, &one.pattern, len, leaves_unstable);
            }
            alternatives.append(&mut not);
            alternatives = merged(alternatives);
        }
        alternatives
    }
}

/// Leaves those worlds in which the operation with this place came beyond `unit`, and returns those
/// in which it did not. An operation without a place does as it likes with each unit.
fn split(worlds: &mut Vec<World>, place: Option<usize>, unit: u64) -> Vec<World> {
    let Some(place) = place else { return worlds.clone() };
    let mut not = Vec::new();
    worlds.retain_mut(|world| {
        let (least, most) = world[place];
        if least <= unit {
            let mut short = world.clone();
            short[place] = (least, most.min(unit));
            not.push(short);
        }
        world[place] = (least.max(unit + 1), most);
        most > unit
    });
    not
}

/// Each pattern once, where it was first, in all of its worlds; none that is in no world.
fn merged(alternatives: Vec<Alternative>) -> Vec<Alternative> {
    let mut merged: Vec<Alternative> = Vec::with_capacity(alternatives.len());
    for Alternative { pattern, worlds } in alternatives {
        if worlds.is_empty() {
            continue;
        }
        match merged.iter_mut().find(|one| one.pattern == pattern) {
            Some(one) => {
                one.worlds.extend(worlds);
                one.worlds.sort_unstable();
                one.worlds.dedup();
            }
            None => merged.push(Alternative { pattern, worlds }),
        }
    }
    merged
}

/// What is left to know of a world when all units up to this one are known.
fn beyond(world: &World, unit: u64) -> World {
    world.iter().map(|(least, most)| (*least.max(&(unit + 1)), *most.max(&(unit + 1)))).collect()
}
