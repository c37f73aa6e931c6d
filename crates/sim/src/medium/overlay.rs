//! Faults that lie over a medium's bytes. The bytes stay clean: a fault can be lifted, listed, and
//! left behind when what it damaged is written again.

use alloc::sync::Arc;
use alloc::vec::Vec;

use headcrash_engine::{Errno, TriggerId};

use super::log::Bytes;
use crate::choices::Key;
use crate::fault::Lasts;

/// A fault that lies over a stretch of a disk now.
#[derive(Clone, Debug)]
pub struct LiveFault {
    pub(crate) id: u64,
    pub(crate) at: u64,
    pub(crate) len: u64,
    pub(crate) shows: Shows,
    pub(crate) lasts: Lasts,
    pub(crate) rule: Option<TriggerId>,
    /// The effect that wrote what is damaged; 0 if that is durable.
    pub(crate) version: u64,
    /// The effect that wrote over it, while that is not durable: if it is lost, so is the cure.
    pub(crate) cleared_by: Option<u64>,
}

impl LiveFault {
    /// Its first byte.
    #[must_use]
    pub const fn at(&self) -> u64 {
        self.at
    }

    /// How many bytes it lies over.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it lies over nothing: never.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The rule that put it there; `None` for a script, or the device itself at a power cut.
    #[must_use]
    pub const fn rule(&self) -> Option<TriggerId> {
        self.rule
    }

    /// How long it lasts.
    #[must_use]
    pub const fn lasts(&self) -> Lasts {
        self.lasts
    }

    /// What it does, in a word: `unreadable`, `unwritable`, `other bytes`, `flipped bits`,
    /// `garbage`.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        match self.shows {
            Shows::Unreadable(_) => "unreadable",
            Shows::Unwritable(_) => "unwritable",
            Shows::Data(_) => "other bytes",
            Shows::Flipped(_) => "flipped bits",
            Shows::Garbage(_) => "garbage",
        }
    }

    const fn end(&self) -> u64 {
        self.at + self.len
    }

    const fn meets(&self, at: u64, len: u64) -> bool {
        self.at < at + len && at < self.end()
    }

    const fn is_live(&self) -> bool {
        self.cleared_by.is_none()
    }
}

/// What reads see instead of the clean bytes.
#[derive(Clone, Debug)]
pub(crate) enum Shows {
    Unreadable(Errno),
    Unwritable(Errno),
    /// These bytes.
    Data(Bytes),
    /// The clean ones but for these bits: position from the fault's first byte, and mask.
    Flipped(Arc<[(u64, u8)]>),
    /// Bytes that follow from this number.
    Garbage(u64),
}

/// All of a medium's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overlays {
    /// By first byte.
    all: Arc<Vec<LiveFault>>,
    longest: u64,
    next: u64,
}

impl Overlays {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that lie over something now.
    pub(crate) fn live(&self) -> impl Iterator<Item = &LiveFault> {
        self.all.iter().filter(|fault| fault.is_live())
    }

    pub(crate) fn add(&mut self, mut fault: LiveFault) {
        self.next += 1;
        fault.id = self.next;
        self.longest = self.longest.max(fault.len);
        let all = Arc::make_mut(&mut self.all);
        let place = all.partition_point(|other| other.at <= fault.at);
        all.insert(place, fault);
    }

    /// Those that meet a stretch, oldest first.
    fn meeting(&self, at: u64, len: u64) -> Vec<&LiveFault> {
        let end = self.all.partition_point(|fault| fault.at < at + len);
        let close = self.all[..end].iter().rev();
        let mut found: Vec<_> = close
            .take_while(|fault| fault.at + self.longest > at)
            .filter(|fault| fault.is_live() && fault.meets(at, len))
            .collect();
        found.sort_unstable_by_key(|fault| fault.id);
        found
    }

    /// Whether anything lies over a stretch that reads would notice.
    pub(crate) fn damages(&self, at: u64, len: u64) -> bool {
        !self.is_empty()
            && self
                .meeting(at, len)
                .iter()
                .any(|fault| !matches!(fault.shows, Shows::Unwritable(_)))
    }

    /// Whether every byte can be read.
    pub(crate) fn readable(&self, at: u64, len: u64) -> Result<(), Errno> {
        let found = self.meeting(at, len).into_iter().find_map(|fault| match fault.shows {
            Shows::Unreadable(errno) => Some(errno),
            _ => None,
        });
        found.map_or(Ok(()), Err)
    }

    /// Lays the faults over clean bytes; returns whether they changed any.
    pub(crate) fn read(&self, at: u64, into: &mut [u8]) -> Result<bool, Errno> {
        if self.is_empty() {
            return Ok(false);
        }
        let len = into.len() as u64;
        self.readable(at, len)?;
        let mut changed = false;
        for fault in self.meeting(at, len) {
            let (from, to) = (fault.at.max(at), fault.end().min(at + len));
            let part = &mut into[(from - at) as usize..(to - at) as usize];
            match &fault.shows {
                Shows::Unreadable(_) | Shows::Unwritable(_) => {}
                Shows::Data(bytes) => {
                    let shown = bytes.part(from - fault.at, to - from);
                    changed |= !shown.same(part);
                    shown.copy_to(part);
                }
                Shows::Flipped(bits) => {
                    for (offset, mask) in bits.iter() {
                        let place = fault.at + offset;
                        if (from..to).contains(&place) {
                            part[(place - from) as usize] ^= mask;
                            changed = true;
                        }
                    }
                }
                Shows::Garbage(seed) => {
                    garbage(*seed, from, part);
                    changed = true;
                }
            }
        }
        Ok(changed)
    }

    /// Why a stretch cannot be written.
    pub(crate) fn unwritable(&self, at: u64, len: u64) -> Option<Errno> {
        if self.is_empty() {
            return None;
        }
        self.meeting(at, len).into_iter().find_map(|fault| match fault.shows {
            Shows::Unwritable(errno) => Some(errno),
            _ => None,
        })
    }

    /// A stretch was written by this effect; `None` if the write is durable.
    pub(crate) fn rewritten(&mut self, at: u64, len: u64, by: Option<u64>) {
        if self.is_empty() {
            return;
        }
        let heals = |fault: &LiveFault| fault.lasts == Lasts::UntilRewritten;
        if !self.meeting(at, len).into_iter().any(heals) {
            return;
        }
        let all = core::mem::take(Arc::make_mut(&mut self.all));
        for fault in all {
            if !(fault.is_live() && heals(&fault) && fault.meets(at, len)) {
                Arc::make_mut(&mut self.all).push(fault);
                continue;
            }
            let (from, to) = (fault.at.max(at), fault.end().min(at + len));
            let parts = [(fault.at, from, None), (from, to, Some(by)), (to, fault.end(), None)];
            for (start, end, cleared) in parts {
                if start == end || cleared == Some(None) {
                    continue;
                }
                let mut part = fault.cut(start, end);
                part.cleared_by = cleared.flatten();
                Arc::make_mut(&mut self.all).push(part);
            }
        }
        Arc::make_mut(&mut self.all).sort_by_key(|fault| fault.at);
    }

    /// Effects up to this one are durable: what they cleared is gone for good, and what they wrote
    /// needs no name.
    pub(crate) fn settled(&mut self, seq: u64) {
        if self.is_empty() {
            return;
        }
        let all = Arc::make_mut(&mut self.all);
        all.retain(|fault| fault.cleared_by.is_none_or(|by| by > seq));
        for fault in all {
            if fault.version <= seq {
                fault.version = 0;
            }
        }
    }

    /// A cut left the version of this effect in a stretch: faults of newer versions are gone, and
    /// those that newer versions had cleared are back.
    pub(crate) fn left(&mut self, at: u64, len: u64, version: u64) {
        if !self.all.iter().any(|fault| fault.meets(at, len)) {
            return;
        }
        let all = core::mem::take(Arc::make_mut(&mut self.all));
        for fault in all {
            if fault.lasts != Lasts::UntilRewritten || !fault.meets(at, len) {
                Arc::make_mut(&mut self.all).push(fault);
                continue;
            }
            let (from, to) = (fault.at.max(at), fault.end().min(at + len));
            for (start, end, inside) in
                [(fault.at, from, false), (from, to, true), (to, fault.end(), false)]
            {
                let gone =
                    fault.version > version || fault.cleared_by.is_some_and(|by| by <= version);
                if start == end || (inside && gone) {
                    continue;
                }
                let mut part = fault.cut(start, end);
                if inside {
                    part.cleared_by = None;
                }
                Arc::make_mut(&mut self.all).push(part);
            }
        }
        Arc::make_mut(&mut self.all).sort_by_key(|fault| fault.at);
    }

    /// The disk was opened again.
    pub(crate) fn reopened(&mut self) {
        self.retain(|fault| fault.lasts != Lasts::UntilReopen);
    }

    /// Takes away whatever lies over a stretch; returns how many faults that were.
    pub(crate) fn lift(&mut self, at: u64, len: u64) -> usize {
        let before = self.all.len();
        self.retain(|fault| !fault.meets(at, len));
        before - self.all.len()
    }

    fn retain(&mut self, keep: impl FnMut(&LiveFault) -> bool) {
        if !self.is_empty() {
            Arc::make_mut(&mut self.all).retain(keep);
        }
    }
}

impl LiveFault {
    /// The part of it from `start` to `end`.
    fn cut(&self, start: u64, end: u64) -> Self {
        let skip = start - self.at;
        let shows = match &self.shows {
            Shows::Data(Bytes::Data(data, offset)) => {
                Shows::Data(Bytes::Data(Arc::clone(data), offset + skip as usize))
            }
            Shows::Flipped(bits) => Shows::Flipped(
                bits.iter()
                    .filter(|(offset, _)| (skip..skip + (end - start)).contains(offset))
                    .map(|(offset, mask)| (offset - skip, *mask))
                    .collect(),
            ),
            other => other.clone(),
        };
        Self { at: start, len: end - start, shows, ..self.clone() }
    }
}

/// Bytes that follow from a number and their place, and from nothing else.
pub(crate) fn garbage(seed: u64, at: u64, into: &mut [u8]) {
    for (place, byte) in (at..).zip(into) {
        let word = Key::from_number(seed).nth(place / 8).number();
        *byte = word.to_le_bytes()[(place % 8) as usize];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn fault(at: u64, len: u64, shows: Shows) -> LiveFault {
        LiveFault {
            id: 0,
            at,
            len,
            shows,
            lasts: Lasts::UntilRewritten,
            rule: None,
            version: 0,
            cleared_by: None,
        }
    }

    fn shown(overlays: &Overlays) -> Vec<u8> {
        let mut bytes = vec![1; 8];
        overlays.read(0, &mut bytes).expect("nothing is unreadable");
        bytes
    }

    #[test]
    fn a_fault_lies_over_clean_bytes_until_they_are_written_durably() {
        let mut overlays = Overlays::default();
        overlays.add(fault(2, 4, Shows::Data(Bytes::Fill(9))));
        assert_eq!(shown(&overlays), [1, 1, 9, 9, 9, 9, 1, 1]);
        overlays.rewritten(3, 2, Some(7));
        assert_eq!(shown(&overlays), [1, 1, 9, 1, 1, 9, 1, 1]);
        // The write was lost, and the cure with it.
        let mut lost = overlays.clone();
        lost.left(0, 8, 6);
        assert_eq!(shown(&lost), [1, 1, 9, 9, 9, 9, 1, 1]);
        overlays.settled(7);
        overlays.left(0, 8, 0);
        assert_eq!(shown(&overlays), [1, 1, 9, 1, 1, 9, 1, 1]);
    }

    #[test]
    fn a_fault_of_a_version_goes_with_it() {
        let mut overlays = Overlays::default();
        overlays.add(LiveFault { version: 5, ..fault(0, 8, Shows::Unreadable(Errno::EIO)) });
        assert_eq!(overlays.readable(7, 1), Err(Errno::EIO));
        overlays.left(0, 4, 4);
        assert_eq!(overlays.readable(0, 4), Ok(()));
        assert_eq!(overlays.readable(3, 2), Err(Errno::EIO));
    }

    #[test]
    fn lifting_leaves_clean_bytes() {
        let mut overlays = Overlays::default();
        overlays.add(fault(0, 8, Shows::Garbage(3)));
        overlays.add(fault(0, 1, Shows::Flipped([(0, 0x80)].into())));
        assert_ne!(shown(&overlays), [1; 8]);
        assert_eq!(overlays.lift(0, 8), 2);
        assert_eq!(shown(&overlays), [1; 8]);
    }
}
