//! Who is picked: a race of those who can be.

use alloc::boxed::Box;
use alloc::vec::Vec;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use super::{Key, PointKind};

/// A race for one kind of question.
///
/// Everybody has a clock of their own, which moves on by an exponentially distributed time whenever
/// they are picked, and whose next time is least goes first: each is as likely as any other,
/// whatever came before, and somebody who joins changes nothing about the order of the others.
/// (Drawing a number for everybody at every question would: the numbers of the others would be used
/// up by questions that were not there before.)
#[derive(Clone, Debug, Default)]
pub(super) struct Race {
    /// When it was last won: nobody who joins is ahead of it.
    won: u64,
    /// Where a key says, or right after: everybody is looked up at every step of a run. A power of
    /// two of them, of which half are free at least.
    slots: Vec<Slot>,
    runners: Vec<Runner>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// [`NO_KEY`] where it is free.
    key: Key,
    /// When it is next; [`OUT`] while it is not in the race.
    next: u64,
    /// How far it moves on when it joins; [`UNKNOWN`] if that was not drawn.
    ahead: u64,
    /// Its place among the runners.
    runner: u32,
}

/// Nobody's key.
const NO_KEY: Key = Key::from_number(u64::MAX);

/// So many clients are few.
const FEW: usize = 64;

/// No time: who has won is out until it is asked about again.
const OUT: u64 = u64::MAX;

/// No distance.
const UNKNOWN: u64 = u64::MAX;

const FREE: Slot = Slot { key: NO_KEY, next: OUT, ahead: UNKNOWN, runner: 0 };

#[derive(Clone, Debug, Default)]
struct Runner {
    /// How many words were drawn.
    drawn: u64,
    /// Kept for those who are picked often; requests, of which there are many, are picked once.
    generator: Option<Box<ChaCha8Rng>>,
}

impl Runner {
    /// How far it moves on.
    fn draw(&mut self, keeps: bool, generator: impl FnOnce(u64) -> ChaCha8Rng) -> u64 {
        let drawn = self.drawn;
        self.drawn += 1;
        exponential(if keeps {
            self.generator.get_or_insert_with(|| Box::new(generator(drawn))).next_u64()
        } else {
            generator(drawn).next_u64()
        })
    }
}

impl Race {
    /// The index of whoever is first; `generator` makes that of a key, after so many words.
    pub(super) fn pick(
        &mut self,
        kind: PointKind,
        keys: &[Key],
        generator: impl Fn(Key, u64) -> ChaCha8Rng,
    ) -> usize {
        let keeps = matches!(kind, PointKind::Schedule);
        let Self { won, slots, runners } = self;
        let (mut first, mut winner, mut place) = (OUT, 0, usize::MAX);
        for (index, key) in keys.iter().enumerate() {
            let Some((at, slot)) = find(slots, *key) else {
                self.admit(keys);
                return self.pick(kind, keys, generator);
            };
            if slot.ahead == UNKNOWN {
                let runner = &mut runners[slot.runner as usize];
                slot.ahead = runner.draw(keeps, |drawn| generator(*key, drawn));
            }
            // Nobody can predict who joins, nor who is first: no branches.
            let joins = won.saturating_add(slot.ahead);
            let next = if slot.next == OUT { joins } else { slot.next };
            slot.next = next;
            let leads = next < first;
            first = if leads { next } else { first };
            winner = if leads { index } else { winner };
            place = if leads { at } else { place };
        }
        if let Some(slot) = slots.get_mut(place) {
            *won = first.max(*won);
            slot.next = OUT;
            slot.ahead = UNKNOWN;
            if keeps {
                // The next question waits for it, and this one's answer does not.
                let runner = &mut runners[slot.runner as usize];
                slot.ahead = runner.draw(keeps, |drawn| generator(slot.key, drawn));
            }
        }
        winner
    }

    /// Gives everybody a slot who has none.
    #[cold]
    fn admit(&mut self, keys: &[Key]) {
        let count = self.runners.len() + keys.len();
        // The few are asked about again and again, the many once.
        let least = if count < FEW { 4 * count } else { 2 * count };
        if self.slots.len() < least {
            let slots = alloc::vec![FREE; least.next_power_of_two()];
            let before = core::mem::replace(&mut self.slots, slots);
            before.into_iter().filter(|slot| slot.key != NO_KEY).for_each(|slot| self.put(slot));
        }
        for key in keys {
            if find(&mut self.slots, *key).is_none() {
                // There are fewer than fit in memory.
                self.put(Slot { key: *key, runner: self.runners.len() as u32, ..FREE });
                self.runners.push(Runner::default());
            }
        }
    }

    fn put(&mut self, slot: Slot) {
        let mask = self.slots.len() - 1;
        let mut at = slot.key.number() as usize & mask;
        while self.slots[at].key != NO_KEY {
            at = (at + 1) & mask;
        }
        self.slots[at] = slot;
    }
}

/// Where this key is, and its slot.
#[inline]
fn find(slots: &mut [Slot], key: Key) -> Option<(usize, &mut Slot)> {
    let mask = slots.len().checked_sub(1)?;
    // A key is a hash already.
    let mut at = key.number() as usize & mask;
    while slots[at].key != key {
        if slots[at].key == NO_KEY {
            return None;
        }
        at = (at + 1) & mask;
    }
    Some((at, &mut slots[at]))
}

/// An exponentially distributed time with mean 2^32 from a uniform word: the negative logarithm of
/// the word, to the base 2 but for the scale, with sixteen binary places.
fn exponential(word: u64) -> u64 {
    // Zero would be the logarithm of nothing; one is as rare.
    let word = word | 1;
    let whole = u64::from(word.leading_zeros());
    // The mantissa, from 2^63 on, and its logarithm: a binary place per squaring.
    let mut mantissa = word << whole;
    let mut places = 0;
    for _ in 0..16 {
        let square = u128::from(mantissa) * u128::from(mantissa);
        // Without a branch, which nobody could predict.
        let (high, low) = ((square >> 64) as u64, square as u64);
        let bit = high >> 63;
        places = places << 1 | bit;
        let doubled = high << 1 | low >> 63;
        mantissa = if bit == 1 { high } else { doubled };
    }
    // -log2(word / 2^64), times ln 2, times 2^32; the lowest bits of the word break ties.
    let log = ((whole + 1) << 16) - places;
    const LN_2: u64 = 2_977_044_472;
    let fine = word & 0xFFFF;
    ((u128::from(log) * u128::from(LN_2)) >> 16) as u64 + fine
}
