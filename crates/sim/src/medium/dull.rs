//! Where nobody can tell what a cut has lost: long stretches of zeroes that were zeroes before.
//!
//! A discard of a whole disk is one write of as many units as the disk has. What it wrote zeroes
//! over is undecided; the rest of it was zeroes all along, and need not be looked at unit by unit.

use alloc::vec::Vec;
use core::ops::Range;

use super::log::{Bytes, Effect};
use super::ranges::Ranges;
use crate::device::{Device, OnTear};
use crate::image::{Image, Old};

/// Shorter writes are looked at unit by unit: that is cheap, and costs no walk through an image.
const LONG: u64 = 1 << 20;

/// The stretches, in whole units, in which each of these effects leaves zeroes where there were
/// zeroes. `image` is what those still on their way would be written to.
pub(super) fn stretches(effects: &[Effect], image: &Image, device: &Device) -> Ranges<()> {
    let mut dull = Ranges::new();
    // A write of what is there already is a write, and can go as wrong.
    if matches!(device.on_tear, OnTear::Garbage | OnTear::Unreadable) {
        return dull;
    }
    let is_long = |effect: &Effect| effect.len > LONG && matches!(effect.bytes, Bytes::Fill(0));
    for effect in effects.iter().filter(|effect| is_long(effect)) {
        dull.insert(effect.at..effect.end(), ());
    }
    if dull.is_empty() {
        return dull;
    }
    for effect in effects {
        for range in others(effect, is_long(effect), image) {
            dull.remove(range);
        }
    }
    inner(&dull, device.unit())
}

/// Where an effect leaves something else than zeroes over zeroes.
fn others(effect: &Effect, is_long: bool, image: &Image) -> Vec<Range<u64>> {
    let whole = effect.at..effect.end();
    if !is_long {
        return [whole].into();
    }
    // Where the stretches are in the image, and where they are on the disk.
    let (image, from) = match &effect.old {
        Some(Old::Fill(0)) => return Vec::new(),
        Some(Old::Image(image, from)) => (image, *from),
        None => (image, effect.at),
        Some(Old::Fill(_) | Old::Page(_) | Old::Bytes(_)) => return [whole].into(),
    };
    let stretches = image.stretches().into_iter().filter_map(|(at, len)| {
        let (start, end) = (at.max(from), (at + len).min(from + effect.len));
        (start < end).then(|| start - from + effect.at..end - from + effect.at)
    });
    stretches.collect()
}

/// The whole units in stretches.
fn inner(stretches: &Ranges<()>, unit: u64) -> Ranges<()> {
    let mut inner = Ranges::new();
    for (range, ()) in stretches.iter() {
        inner.insert(range.start.next_multiple_of(unit)..range.end / unit * unit, ());
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::super::log::Fate;
    use super::*;
    use crate::io::{ClientId, RequestId};

    const LEN: u64 = 1 << 50;

    fn effect(at: u64, len: u64, bytes: Bytes, old: Option<Old>) -> Effect {
        Effect {
            seq: 1,
            request: RequestId::NONE,
            client: ClientId(0),
            submitted: 0,
            at,
            len,
            bytes,
            old,
            fate: Fate::Pending,
            in_flight: false,
            promised: false,
        }
    }

    fn found(effects: &[Effect], image: &Image, device: &Device) -> Vec<Range<u64>> {
        stretches(effects, image, device).iter().map(|(range, ())| range).collect()
    }

    #[test]
    fn zeroes_over_zeroes_are_no_question() {
        let mut image = Image::new(LEN, 0);
        image.write(8192, &[7; 512]);
        let device = Device::default();
        let done = effect(4096, LEN - 4096, Bytes::Fill(0), Some(Old::Image(image.clone(), 4096)));
        // Images tell in pages what is not zeroes.
        let right = [4096..8192, 12_288..LEN];
        assert_eq!(found(core::slice::from_ref(&done), &Image::new(LEN, 0), &device), right);
        let on_its_way = effect(4096, LEN - 4096, Bytes::Fill(0), None);
        assert_eq!(found(&[on_its_way], &image, &device), right);
        let write = effect(LEN - 700, 100, Bytes::Fill(7), Some(Old::Fill(0)));
        let right = [4096..8192, 12_288..LEN - 1024, LEN - 512..LEN];
        assert_eq!(found(&[done, write], &image, &device), right);
    }

    #[test]
    fn anything_else_is_one() {
        let device = Device::default();
        let image = Image::new(LEN, 0xAA);
        let discard = |old| effect(0, LEN, Bytes::Fill(0), Some(old));
        assert_eq!(found(&[discard(Old::Image(image.clone(), 0))], &image, &device), []);
        let torn = Device { on_tear: OnTear::Garbage, ..device };
        assert_eq!(found(&[discard(Old::Fill(0))], &image, &torn), []);
        let short = effect(0, LONG, Bytes::Fill(0), Some(Old::Fill(0)));
        assert_eq!(found(&[short], &image, &device), []);
    }
}
