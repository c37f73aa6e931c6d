//! Crash states the slow way: a plain list of effects, every subset of them that the contract
//! allows, and each subset done again from the start. It shares nothing with what it judges.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::script::Op;
use super::state::{Name, State, UNIT, What};

/// The contracts, by what they say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules {
    /// Metadata in one order; data too.
    pub journal: bool,
    pub journals_data: bool,
    pub length_after_data: bool,
    pub flushes: bool,
    /// A sync commits everything, rather than up to the last change of what is synced.
    pub commits_all: bool,
    pub fsync_covers_entry: bool,
}

#[derive(Clone, Debug)]
struct Effect {
    what: What,
    is_durable: bool,
    in_journal: bool,
    /// All data of this file comes first.
    flushes: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Brute {
    rules: Rules,
    base: State,
    live: State,
    effects: Vec<Effect>,
    open: BTreeMap<String, u32>,
    truncated: BTreeSet<u32>,
}

impl Brute {
    pub(super) fn new(rules: Rules, base: State) -> Self {
        let (live, effects) = (base.clone(), Vec::new());
        let (open, truncated) = (BTreeMap::new(), BTreeSet::new());
        Self { rules, base, live, effects, open, truncated }
    }

    fn push(&mut self, what: What, in_journal: bool, flushes: Option<u32>) {
        self.live.apply(&what);
        let in_journal = in_journal && self.rules.journal;
        self.effects.push(Effect { what, is_durable: false, in_journal, flushes });
    }

    fn make(&mut self, name: Name) -> u32 {
        self.live.last += 1;
        let inode = self.live.last;
        self.push(What::Names(vec![(name, Some(inode))]), true, None);
        inode
    }

    /// Does one operation; whether it succeeded.
    pub(super) fn run(&mut self, op: &Op) -> bool {
        self.try_run(op).is_some()
    }

    fn try_run(&mut self, Op { verb, path, other, number }: &Op) -> Option<()> {
        let found = self.live.find(path);
        let is_directory = found.is_some_and(|inode| self.live.directories.contains(&inode));
        let open = self.open.get(path).copied();
        match verb.as_str() {
            "create" | "open" => {
                let file = match found {
                    Some(inode) => (!is_directory).then_some(inode)?,
                    None if verb == "create" => self.make(self.live.name(path)?),
                    None => return None,
                };
                self.live.lengths.entry(file).or_insert(0);
                self.open.insert(path.clone(), file);
            }
            "mkdir" => {
                let name = self.live.name(path)?;
                found.is_none().then_some(())?;
                let inode = self.make(name);
                self.live.directories.insert(inode);
            }
            "write" => self.write(open?, *number, other.as_bytes()),
            "len" => self.set_len(open?, *number),
            "close" => {
                self.open.remove(path);
                if self.truncated.remove(&open?) {
                    self.push(What::Names(vec![]), true, open);
                }
            }
            "fsync" | "fdatasync" => self.sync(open?, verb == "fsync"),
            "unlink" => {
                (found.is_some() && !is_directory).then_some(())?;
                self.push(What::Names(vec![(self.live.name(path)?, None)]), true, None);
            }
            "rmdir" => {
                (is_directory && self.live.is_empty(found?)).then_some(())?;
                self.push(What::Names(vec![(self.live.name(path)?, None)]), true, None);
            }
            "rename" => {
                let (from, to) = (self.live.name(path)?, self.live.name(other)?);
                let replaced = self.live.find(other);
                if replaced == Some(found?) {
                    return Some(());
                }
                if let Some(replaced) = replaced {
                    let replaces = self.live.directories.contains(&replaced);
                    (replaces == is_directory && self.live.is_empty(replaced)).then_some(())?;
                }
                let into_itself = is_directory && other.starts_with(&(path.clone() + "/"));
                (!into_itself).then_some(())?;
                let flushes = found.filter(|_| self.rules.flushes && replaced.is_some());
                self.push(What::Names(vec![(from, None), (to, found)]), true, flushes);
            }
            "fsyncdir" => {
                let directory = found.filter(|inode| *inode == 0 || is_directory)?;
                let is_in = |names: &[(Name, Option<u32>)]| {
                    names.iter().any(|((of, _), inode)| {
                        *of == directory
                            || directory != 0 && self.rules.journal && *inode == Some(directory)
                    })
                };
                let covered = |effect: &Effect| match &effect.what {
                    What::Names(names) => is_in(names),
                    _ => false,
                };
                let last = self.effects.iter().rposition(covered);
                if self.rules.journal {
                    self.commit(last);
                } else {
                    let is_covered: Vec<bool> = self.effects.iter().map(covered).collect();
                    for (effect, is_covered) in self.effects.iter_mut().zip(is_covered) {
                        effect.is_durable |= is_covered;
                    }
                }
            }
            "sync" => {
                self.effects.iter_mut().for_each(|effect| effect.is_durable = true);
                for (file, len) in self.live.lengths.clone() {
                    self.settled(file, len);
                }
            }
            verb => panic!("no such verb: {verb}"),
        }
        Some(())
    }

    fn settled(&mut self, file: u32, len: u64) {
        let what = What::Settled(file, len);
        self.effects.push(Effect { what, is_durable: true, in_journal: false, flushes: None });
    }

    fn write(&mut self, file: u32, at: u64, bytes: &[u8]) {
        let end = at + bytes.len() as u64;
        for unit in at / UNIT..end.div_ceil(UNIT) {
            let start = unit * UNIT;
            let mut content = self.live.unit(file, unit);
            for place in at.max(start)..end.min(start + UNIT) {
                content[(place - start) as usize] = bytes[(place - at) as usize];
            }
            let len = self.live.lengths[&file];
            let grown = len.max(end.min(start + UNIT));
            if self.rules.journals_data {
                self.push(What::Both(file, grown, vec![(unit, content)]), true, None);
            } else {
                self.push(What::Unit(file, unit, content), false, None);
                if grown > len {
                    self.push(What::Length(file, grown), false, None);
                }
            }
        }
    }

    fn set_len(&mut self, file: u32, len: u64) {
        let was = self.live.lengths[&file];
        if len == was {
            return;
        }
        let mut zeroed = Vec::new();
        for unit in len / UNIT..was.div_ceil(UNIT) {
            let mut content = self.live.unit(file, unit);
            let held = len.saturating_sub(unit * UNIT).min(UNIT);
            content[held as usize..].fill(0);
            let is_edge = held > 0;
            if self.rules.journals_data || self.rules.journal && !is_edge {
                zeroed.push((unit, content));
            } else {
                self.push(What::Unit(file, unit, content), false, None);
            }
        }
        if self.rules.journal {
            self.push(What::Both(file, len, zeroed), true, None);
        } else {
            self.push(What::Length(file, len), false, None);
        }
        if len == 0 && self.rules.flushes {
            self.truncated.insert(file);
        }
    }

    fn sync(&mut self, file: u32, is_full: bool) {
        let mut last = None;
        let mut links = false;
        let is_set = |effect: &Effect| matches!(effect.what, What::Both(of, ..) if of == file);
        let set = self.effects.iter().rposition(|effect| effect.is_durable && is_set(effect));
        let grew = self.effects.iter().skip(set.unwrap_or(0)).any(|effect| {
            !effect.is_durable && matches!(effect.what, What::Length(of, _) if of == file)
        });
        for (index, effect) in self.effects.iter_mut().enumerate() {
            match &effect.what {
                What::Names(names) => {
                    // The first that gave it a name is the one that made it.
                    let names_it = names.iter().any(|(_, inode)| *inode == Some(file));
                    let took = names.iter().any(|(name, inode)| {
                        *inode != Some(file) && self.base.names.get(name) == Some(&file)
                    });
                    if names_it && (is_full || !links && !self.base.lengths.contains_key(&file)) {
                        last = Some(index);
                    }
                    if took && is_full {
                        last = Some(index);
                    }
                    links |= names_it;
                }
                What::Both(of, ..) if *of == file => last = Some(index),
                What::Length(of, _) | What::Unit(of, ..) if *of == file => {
                    effect.is_durable = true;
                }
                _ => {}
            }
        }
        // What unlinked or replaced it in this run, too: names that stood for it.
        if is_full {
            let mut names = self.base.names.clone();
            for (index, effect) in self.effects.iter().enumerate() {
                let What::Names(changes) = &effect.what else { continue };
                for (name, inode) in changes {
                    if names.get(name) == Some(&file) {
                        last = last.max(Some(index));
                    }
                    match inode {
                        Some(inode) => names.insert(name.clone(), *inode),
                        None => names.remove(name),
                    };
                }
            }
        }
        let covers = self.rules.fsync_covers_entry && is_full;
        let name = self.live.names.iter().find(|(_, inode)| **inode == file).map(|(name, _)| name);
        if let Some(name) = name.filter(|_| covers) {
            let changes = |effect: &Effect| match &effect.what {
                What::Names(names) => names.iter().any(|(other, _)| other == name),
                _ => false,
            };
            if let Some(effect) = self.effects.iter_mut().rfind(|effect| changes(effect)) {
                effect.is_durable = true;
            }
        }
        if self.rules.journal {
            self.commit(if grew { Some(self.effects.len()) } else { last });
        }
        self.settled(file, self.live.lengths[&file]);
    }

    fn commit(&mut self, last: Option<usize>) {
        let last = if self.rules.commits_all { Some(self.effects.len()) } else { last };
        let Some(last) = last else { return };
        for effect in self.effects.iter_mut().take(last + 1) {
            effect.is_durable |= effect.in_journal;
        }
        // Data that had to come first did.
        for index in 0..self.effects.len() {
            let Some(file) = self.effects[index].flushes else { continue };
            if self.effects[index].is_durable {
                for earlier in &mut self.effects[..index] {
                    let (What::Length(of, _) | What::Unit(of, ..)) = earlier.what else { continue };
                    earlier.is_durable |= of == file;
                }
            }
        }
    }

    /// How many effects can be lost.
    pub(super) fn free(&self) -> usize {
        self.effects.iter().filter(|effect| !effect.is_durable).count()
    }

    /// Every state that the contract allows after a cut now.
    pub(super) fn states(&self) -> BTreeSet<State> {
        let free: Vec<usize> =
            (0..self.effects.len()).filter(|index| !self.effects[*index].is_durable).collect();
        let mut states = BTreeSet::new();
        for subset in 0_u64..1 << free.len() {
            let mut kept = vec![true; self.effects.len()];
            for (bit, index) in free.iter().enumerate() {
                kept[*index] = subset >> bit & 1 == 1;
            }
            if self.is_legal(&kept) {
                let mut state = self.base.clone();
                // Numbers are never used twice, and what is a directory stays one.
                (state.last, state.directories) = (self.live.last, self.live.directories.clone());
                let survived = self.effects.iter().zip(&kept).filter(|(_, kept)| **kept);
                survived.for_each(|(effect, _)| state.apply(&effect.what));
                for file in self.live.lengths.keys() {
                    state.lengths.entry(*file).or_insert(0);
                }
                states.insert(state.seen());
            }
        }
        states
    }

    fn is_legal(&self, kept: &[bool]) -> bool {
        let all_before = |index: usize, needed: &dyn Fn(&Effect) -> bool| {
            (0..index).all(|earlier| kept[earlier] || !needed(&self.effects[earlier]))
        };
        (0..self.effects.len()).filter(|index| kept[*index]).all(|index| {
            let effect = &self.effects[index];
            let in_order = match &effect.what {
                _ if effect.in_journal => all_before(index, &|earlier| earlier.in_journal),
                // A length that grew by writing enters the journal after what was there then.
                What::Length(..) => all_before(index, &|earlier| earlier.in_journal),
                // Blocks that a truncation freed are not written before it is done.
                What::Unit(file, unit, _) => all_before(index, &|earlier| match &earlier.what {
                    What::Both(of, _, units) => {
                        of == file && units.iter().any(|(other, _)| other == unit)
                    }
                    _ => false,
                }),
                _ => true,
            };
            let has_data = match &effect.what {
                What::Length(file, len) | What::Both(file, len, _)
                    if self.rules.length_after_data =>
                {
                    let from = self.known(*file, index);
                    self.has_data(kept, *file, index, from, *len)
                }
                _ => true,
            };
            let flushed = effect.flushes.is_none_or(|file| {
                let is_length = |what: &What| {
                    matches!(what, What::Length(of, _) | What::Both(of, ..) if *of == file)
                };
                let last = self.effects[..index].iter().rposition(|e| is_length(&e.what));
                let has_length = last.is_none_or(|last| {
                    (last..kept.len()).any(|at| kept[at] && is_length(&self.effects[at].what))
                });
                has_length && self.has_data(kept, file, index, 0, u64::MAX)
            });
            in_order && has_data && flushed
        })
    }

    /// Up to where the file was known to have its data before this effect.
    fn known(&self, file: u32, index: usize) -> u64 {
        let mut known = self.base.lengths.get(&file).copied().unwrap_or(0);
        let mut len = known;
        for effect in &self.effects[..=index] {
            match &effect.what {
                What::Length(of, new) | What::Both(of, new, _) if *of == file => {
                    len = *new;
                    known = if self.rules.journals_data { len } else { known.min(len) };
                }
                What::Settled(of, settled) if *of == file => known = *settled,
                _ if effect.flushes == Some(file) && effect.is_durable => known = len,
                _ => {}
            }
        }
        known
    }

    /// Whether all units between these bytes are as new as they were at `index`.
    fn has_data(&self, kept: &[bool], file: u32, index: usize, from: u64, until: u64) -> bool {
        let units = |what: &What| match what {
            What::Unit(of, unit, _) if *of == file => vec![*unit],
            What::Both(of, _, units) if *of == file => {
                units.iter().map(|(unit, _)| *unit).collect()
            }
            _ => vec![],
        };
        let mut newest = BTreeMap::new();
        for (at, effect) in self.effects[..=index].iter().enumerate() {
            newest.extend(units(&effect.what).into_iter().map(|unit| (unit, at)));
        }
        newest.into_iter().all(|(unit, at)| {
            let is_between = (unit + 1) * UNIT > from && unit * UNIT < until;
            let is_there = |at: usize| kept[at] && units(&self.effects[at].what).contains(&unit);
            !is_between || (at..kept.len()).any(is_there)
        })
    }
}
