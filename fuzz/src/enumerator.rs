//! Every state a power cut may leave, by brute force: the judge of the disk's lazy answers.
//!
//! Written from the description of the model, apart from the simulator, and as plainly as
//! possible: what is kept is enumerated, and whatever was kept is applied to an array of bytes.
//! Nothing here is clever, so all of it is slow.

use std::collections::BTreeSet;
use std::sync::Arc;

use headcrash_sim::{Device, DeviceCache, Fua, OnTear, Order, Tears};

/// What is in a unit, the smallest thing a cut decides about: a physical sector.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// These bytes.
    Bytes(Arc<[u8]>),
    /// Something that nobody wrote.
    Garbage,
    /// Nothing that can be read.
    Unreadable,
}

impl Unit {
    /// Its bytes, if they are known.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Arc<[u8]>> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Garbage | Self::Unreadable => None,
        }
    }
}

/// What is on a disk, unit by unit.
pub type State = Vec<Unit>;

/// A write, a write of zeroes, or a discard: bytes at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Whose.
    pub client: u32,
    /// The first byte.
    pub at: usize,
    /// What is stored there.
    pub bytes: Vec<u8>,
    /// It is to be durable when it completes.
    pub fua: bool,
}

impl Write {
    /// Stores it on a disk with units of so many bytes.
    ///
    /// # Panics
    ///
    /// When it changes a part of a unit that holds garbage, or cannot be read.
    pub fn store(&self, state: &mut State, unit: usize) {
        self.store_part(state, unit, 0, usize::MAX);
    }

    /// Stores what it has for the bytes from `from` to before `to`.
    fn store_part(&self, state: &mut State, unit: usize, from: usize, to: usize) {
        for (place, content) in state.iter_mut().enumerate() {
            let (first, end) = (place * unit, (place + 1) * unit);
            let start = first.max(self.at).max(from);
            let stop = end.min(self.at + self.bytes.len()).min(to);
            if start >= stop {
                continue;
            }
            let mut all = match content {
                Unit::Bytes(old) => old.to_vec(),
                Unit::Garbage | Unit::Unreadable => {
                    assert!(stop - start == unit, "what is not known is written as a whole");
                    vec![0; unit]
                }
            };
            let new = &self.bytes[start - self.at..stop - self.at];
            all[start - first..stop - first].copy_from_slice(new);
            *content = Unit::Bytes(all.into());
        }
    }
}

/// What happened between a disk and its users; numbers name writes and flushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A write was submitted to the disk.
    Submit(usize),
    /// A write completed.
    Complete(usize),
    /// A flush was submitted to the disk.
    FlushSubmit(usize),
    /// A flush completed.
    FlushComplete(usize),
}

/// What happened to a disk from power on to power cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epoch {
    /// The writes, by number.
    pub writes: Vec<Write>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// Every state in which a cut at the end of `epoch` may leave a disk that held `before` when the
/// epoch began. `None` when there are more than `most`, or when it would take too long to tell.
#[must_use]
pub fn states(
    device: &Device,
    before: &State,
    epoch: &Epoch,
    most: usize,
) -> Option<BTreeSet<State>> {
    let cut = Cut { device, before, epoch };
    match device.order {
        Order::Any if device.atomic_unit <= device.unit() => cut.unit_by_unit(most),
        Order::Any => cut.piece_by_piece(most),
        Order::Completion | Order::Submission | Order::PerQueue => cut.chain_by_chain(most),
    }
}

/// The state in which nothing that was submitted is lost.
#[must_use]
pub fn all_kept(device: &Device, before: &State, epoch: &Epoch) -> State {
    let cut = Cut { device, before, epoch };
    let mut state = before.clone();
    for write in cut.apply_order() {
        epoch.writes[write].store(&mut state, cut.unit());
    }
    state
}

/// The state in which everything is lost that can be.
#[must_use]
pub fn all_lost(device: &Device, before: &State, epoch: &Epoch) -> State {
    let cut = Cut { device, before, epoch };
    if device.order == Order::Any && device.atomic_unit <= device.unit() {
        let durable = |unit| cut.versions(unit).swap_remove(0).0;
        (0..before.len()).map(durable).collect()
    } else {
        cut.image(&[])
    }
}

/// A part of a write that is kept or lost as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    write: usize,
    /// From this byte of the disk.
    from: usize,
    /// To before this byte of the disk.
    to: usize,
}

struct Cut<'a> {
    device: &'a Device,
    before: &'a State,
    epoch: &'a Epoch,
}

impl Cut<'_> {
    const fn unit(&self) -> usize {
        self.device.unit() as usize
    }

    fn place(&self, event: Event) -> Option<usize> {
        self.epoch.events.iter().position(|other| *other == event)
    }

    fn completed(&self, write: usize) -> Option<usize> {
        self.place(Event::Complete(write))
    }

    /// Writes that completed, as they completed; then those in flight, as they were submitted.
    fn apply_order(&self) -> Vec<usize> {
        let mut completed = Vec::new();
        let mut in_flight = Vec::new();
        for event in &self.epoch.events {
            match *event {
                Event::Complete(write) => completed.push(write),
                Event::Submit(write) if self.completed(write).is_none() => in_flight.push(write),
                _ => {}
            }
        }
        completed.extend(in_flight);
        completed
    }

    fn is_durable(&self, write: usize) -> bool {
        let Some(completed) = self.completed(write) else { return false };
        match self.device.cache {
            DeviceCache::None | DeviceCache::Protected => return true,
            DeviceCache::Lying => return false,
            DeviceCache::Volatile => {}
        }
        let is_flushed = self.epoch.events.iter().any(|event| match *event {
            Event::FlushComplete(flush) => {
                let submitted = self.place(Event::FlushSubmit(flush));
                completed < submitted.expect("a flush that completed was submitted")
            }
            _ => false,
        });
        let is_forced = match self.device.fua {
            Fua::Honoured => self.epoch.writes[write].fua,
            Fua::Ignored => false,
            // A flush follows every such write: it covers what completed before, and the write.
            Fua::Emulated => (0..self.epoch.writes.len()).any(|other| {
                self.epoch.writes[other].fua
                    && self.completed(other).is_some_and(|other| completed <= other)
            }),
        };
        is_flushed || is_forced
    }

    /// Whether a write may have been under way to the medium when the power went.
    fn may_tear(&self, write: usize) -> bool {
        match self.device.tears {
            Tears::InFlight => self.completed(write).is_none(),
            Tears::Unflushed => !self.is_durable(write),
        }
    }

    fn touches(&self, write: usize, unit: usize) -> bool {
        let write = &self.epoch.writes[write];
        let (first, end) = (unit * self.unit(), (unit + 1) * self.unit());
        write.at < end && first < write.at + write.bytes.len()
    }

    /// What a unit may hold that was being overwritten, besides old and new.
    fn torn(&self, old: &Unit, new: &Unit) -> BTreeSet<Unit> {
        let granules = |granule: u64| self.unit() / granule as usize;
        let mix = |granule: u64, is_new: &dyn Fn(usize) -> bool| {
            let mut mix = old.bytes().expect("only bytes are mixed").to_vec();
            let new = new.bytes().expect("only bytes are mixed");
            for place in (0..granules(granule)).filter(|place| is_new(*place)) {
                let from = place * granule as usize;
                let to = from + granule as usize;
                mix[from..to].copy_from_slice(&new[from..to]);
            }
            Unit::Bytes(mix.into())
        };
        let mut torn: BTreeSet<_> = match self.device.on_tear {
            OnTear::OldOrNew => BTreeSet::new(),
            OnTear::Prefix { granule } => {
                (0..=granules(granule)).map(|count| mix(granule, &|place| place < count)).collect()
            }
            OnTear::Mixed { granule } => (0..1_u64 << granules(granule))
                .map(|mask| mix(granule, &|place| mask >> place & 1 == 1))
                .collect(),
            OnTear::Garbage => BTreeSet::from([Unit::Garbage]),
            OnTear::Unreadable => BTreeSet::from([Unit::Unreadable]),
        };
        torn.remove(old);
        torn.remove(new);
        torn
    }

    /// The durable content of a unit, then what each later write made of it, and which write.
    fn versions(&self, unit: usize) -> Vec<(Unit, Option<usize>)> {
        let mut versions = vec![(self.before[unit].clone(), None)];
        for write in self.apply_order() {
            if !self.touches(write, unit) {
                continue;
            }
            let mut disk = self.before.clone();
            disk[unit] = versions.last().expect("there is a durable one").0.clone();
            let (from, to) = (unit * self.unit(), (unit + 1) * self.unit());
            self.epoch.writes[write].store_part(&mut disk, self.unit(), from, to);
            if self.is_durable(write) {
                versions.clear();
            }
            versions.push((disk[unit].clone(), Some(write)));
        }
        versions
    }

    /// What one unit may hold when each is on its own.
    fn possible(&self, unit: usize) -> BTreeSet<Unit> {
        let versions = self.versions(unit);
        let mut possible: BTreeSet<_> = versions.iter().map(|version| version.0.clone()).collect();
        // The first is durable: nobody is writing it.
        for (place, (new, write)) in versions.iter().enumerate().skip(1) {
            if self.may_tear(write.expect("a later version was written")) {
                for (old, _) in &versions[..place] {
                    possible.extend(self.torn(old, new));
                }
            }
        }
        possible
    }

    fn unit_by_unit(&self, most: usize) -> Option<BTreeSet<State>> {
        let mut states = vec![State::new()];
        for unit in 0..self.before.len() {
            let possible = self.possible(unit);
            if states.len() * possible.len() > most {
                return None;
            }
            let mut longer = Vec::new();
            for state in &states {
                for content in &possible {
                    let mut state = state.clone();
                    state.push(content.clone());
                    longer.push(state);
                }
            }
            states = longer;
        }
        Some(states.into_iter().collect())
    }

    /// A write cut at the multiples of `unit`.
    fn pieces(&self, write: usize, unit: usize) -> Vec<Piece> {
        let Write { at, bytes, .. } = &self.epoch.writes[write];
        let (mut from, end) = (*at, *at + bytes.len());
        let mut pieces = Vec::new();
        while from < end {
            let to = end.min((from / unit + 1) * unit);
            pieces.push(Piece { write, from, to });
            from = to;
        }
        pieces
    }

    /// What is on the disk when these pieces were kept, and whatever is durable.
    fn image(&self, kept: &[Piece]) -> State {
        let mut image = self.before.clone();
        for write in self.apply_order() {
            let content = &self.epoch.writes[write];
            if self.is_durable(write) {
                content.store(&mut image, self.unit());
            }
            for piece in kept.iter().filter(|piece| piece.write == write) {
                content.store_part(&mut image, self.unit(), piece.from, piece.to);
            }
        }
        image
    }

    fn piece_by_piece(&self, most: usize) -> Option<BTreeSet<State>> {
        let mut pieces = Vec::new();
        for write in self.apply_order() {
            if !self.is_durable(write) {
                pieces.extend(self.pieces(write, self.device.atomic_unit as usize));
            }
        }
        if pieces.len() > 12 {
            return None;
        }
        let mut states = BTreeSet::new();
        for mask in 0..1_u32 << pieces.len() {
            let kept = (0..pieces.len()).filter(|place| mask >> place & 1 == 1);
            let kept: Vec<_> = kept.map(|place| pieces[place]).collect();
            states.insert(self.image(&kept));
        }
        (states.len() <= most).then_some(states)
    }

    /// The pieces of all writes that are not durable, in the order in which they reach the medium:
    /// one row of them, or one for each client.
    fn chains(&self) -> Vec<Vec<Piece>> {
        let unit = (self.device.atomic_unit as usize).max(self.unit());
        let submissions = self.epoch.events.iter().filter_map(|event| match *event {
            Event::Submit(write) => Some(write),
            _ => None,
        });
        let order: Vec<_> = match self.device.order {
            Order::Completion => self.apply_order(),
            Order::Submission | Order::PerQueue => submissions.collect(),
            Order::Any => unreachable!("there is no order"),
        };
        let clients: BTreeSet<_> = match self.device.order {
            Order::PerQueue => self.epoch.writes.iter().map(|write| Some(write.client)).collect(),
            _ => BTreeSet::from([None]),
        };
        let mut chains = Vec::new();
        for client in clients {
            let mut chain = Vec::new();
            for write in &order {
                let of_client =
                    client.is_none_or(|client| self.epoch.writes[*write].client == client);
                if of_client && !self.is_durable(*write) {
                    chain.extend(self.pieces(*write, unit));
                }
            }
            chains.push(chain);
        }
        chains
    }

    fn chain_by_chain(&self, most: usize) -> Option<BTreeSet<State>> {
        let chains = self.chains();
        // How many pieces of each chain are kept, and whether the next one is torn.
        let mut choices = vec![Vec::new()];
        for chain in &chains {
            let mut longer = Vec::new();
            for choice in &choices {
                for kept in 0..=chain.len() {
                    for torn in [false, true] {
                        let mut choice = choice.clone();
                        choice.push((kept, torn));
                        longer.push(choice);
                    }
                }
            }
            choices = longer;
        }
        let mut states = BTreeSet::new();
        for choice in choices {
            let mut kept = Vec::new();
            let mut torn = Vec::new();
            let mut is_possible = true;
            for (chain, (count, tears)) in chains.iter().zip(choice) {
                kept.extend_from_slice(&chain[..count]);
                if tears {
                    match chain.get(count) {
                        Some(next) if self.may_tear(next.write) => torn.push(*next),
                        _ => is_possible = false,
                    }
                }
            }
            if is_possible {
                states.extend(self.tear(&kept, &torn));
            }
            if states.len() > most {
                return None;
            }
        }
        Some(states)
    }

    /// What is on the disk when `kept` were kept and `torn` were being written: each write lies
    /// over those before it in the order of application, torn or not, as it does when all of it is
    /// kept.
    fn tear(&self, kept: &[Piece], torn: &[Piece]) -> Vec<State> {
        if torn.is_empty() {
            return vec![self.image(kept)];
        }
        let order = self.apply_order();
        let mut states = vec![self.before.clone()];
        for (place, write) in order.iter().enumerate() {
            let whole = [Piece { write: *write, from: 0, to: usize::MAX }];
            let own: Vec<_> = match self.is_durable(*write) {
                true => whole.to_vec(),
                false => kept.iter().filter(|piece| piece.write == *write).copied().collect(),
            };
            for state in &mut states {
                for piece in &own {
                    self.lay(state, *piece);
                }
            }
            for piece in torn.iter().filter(|piece| piece.write == *write) {
                // Units are whole here: a piece is within one.
                let unit = piece.from / self.unit();
                let is_hidden = order[place + 1..]
                    .iter()
                    .any(|later| self.is_durable(*later) && self.touches(*later, unit));
                if is_hidden {
                    continue;
                }
                let mut all = Vec::new();
                for state in &states {
                    if state[unit].bytes().is_none() {
                        // Two queues were writing it.
                        all.push(state.clone());
                        continue;
                    }
                    let mut done = state.clone();
                    self.lay(&mut done, *piece);
                    for content in self.torn(&state[unit], &done[unit]) {
                        let mut torn = state.clone();
                        torn[unit] = content;
                        all.push(torn);
                    }
                }
                states = all;
            }
        }
        states
    }

    /// Stores a piece; a unit of which a part cannot be read stays so until it is written whole.
    fn lay(&self, state: &mut State, piece: Piece) {
        let write = &self.epoch.writes[piece.write];
        let (from, to) = (write.at.max(piece.from), (write.at + write.bytes.len()).min(piece.to));
        for unit in from / self.unit()..to.div_ceil(self.unit()) {
            let (first, end) = (unit * self.unit(), (unit + 1) * self.unit());
            if state[unit].bytes().is_some() || (from <= first && end <= to) {
                write.store_part(state, self.unit(), first.max(from), end.min(to));
            }
        }
    }
}
