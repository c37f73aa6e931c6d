//! Named points in a driver, a layer or the code under test.

use alloc::boxed::Box;
use core::hash::{BuildHasherDefault, Hasher};

use indexmap::IndexSet;

use crate::Dialect;

/// An event, interned: a small number, meaningful with the [`Events`] it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId(u32);

impl EventId {
    /// Its position among the events, dialect's own first.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The events a program knows: those of its dialect in QEMU's order, then the user's own in the
/// order in which they were first named.
#[derive(Clone, Debug)]
pub struct Events {
    names: IndexSet<Box<str>, BuildHasherDefault<StableHasher>>,
    builtin: usize,
}

impl Events {
    /// The events of `dialect` alone.
    #[must_use]
    pub fn of(dialect: Dialect) -> Self {
        let names: IndexSet<_, _> = dialect.events().iter().map(|name| Box::from(*name)).collect();
        Self { builtin: names.len(), names }
    }

    /// The event called `name`, made if it is new.
    ///
    /// # Panics
    ///
    /// When there are more than 2^32 events.
    pub fn intern(&mut self, name: &str) -> EventId {
        if let Some(known) = self.get(name) {
            return known;
        }
        let (index, _) = self.names.insert_full(Box::from(name));
        EventId(u32::try_from(index).expect("a program has fewer than 2^32 events"))
    }

    /// The event called `name`, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<EventId> {
        // An index fits: `intern` is the only way in.
        self.names.get_index_of(name).map(|index| EventId(index as u32))
    }

    /// What `event` is called.
    ///
    /// # Panics
    ///
    /// When `event` is another table's.
    #[must_use]
    pub fn name(&self, event: EventId) -> &str {
        self.names.get_index(event.index()).expect("an event is looked up where it was interned")
    }

    /// Whether `event` is the user's own rather than one of the dialect's.
    #[must_use]
    pub const fn is_custom(&self, event: EventId) -> bool {
        event.index() >= self.builtin
    }

    /// Every event with its name, in order.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, &str)> {
        self.names.iter().enumerate().map(|(index, name)| (EventId(index as u32), &**name))
    }
}

/// A hasher without keys or platform differences: the same value has the same hash everywhere.
///
/// Tables keyed by small integers and short names are all it is for; it resists no adversary.
#[derive(Clone, Copy, Debug, Default)]
pub struct StableHasher(u64);

impl StableHasher {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

    const fn mix(&mut self, word: u64) {
        let product =
            (self.0.rotate_left(5) ^ word ^ 0x2545_f491_4f6c_dd1d) as u128 * Self::ODD as u128;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}

impl Hasher for StableHasher {
    fn finish(&self) -> u64 {
        // One more round: tables use both the lowest and the highest bits.
        let mut last = *self;
        last.mix(Self::ODD);
        last.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }
    fn write_u16(&mut self, value: u16) {
        self.mix(u64::from(value));
    }
    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }
    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }
    fn write_i32(&mut self, value: i32) {
        self.mix(i64::from(value) as u64);
    }
    fn write_i64(&mut self, value: i64) {
        self.mix(value as u64);
    }
}
