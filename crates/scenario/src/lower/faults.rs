//! What goes wrong.

use headcrash_sim::{Applied, Damage, Fault, Lasts};

use super::{Lower, devices};
use crate::file::{self, fault as words};
use crate::source::Place;

/// What nobody means: the bits of a sector.
const MAX_BITS: u64 = 4096;

/// The most sectors beside a write that it damages.
const MAX_NEIGHBOURS: u64 = 65_536;

impl Lower<'_> {
    /// What `fault` at `place` is, on disks of which the largest has `size` bytes.
    pub(super) fn fault(
        &mut self,
        fault: &file::Fault,
        place: Place<'_>,
        size: u64,
    ) -> Option<Fault> {
        let errno = |lower: &mut Self, errno| lower.failure(errno, place.field("errno"));
        Some(match fault {
            file::Fault::Fail(fail) => {
                let applied = self.applied(fail.applied, place.field("applied"));
                Fault::Fail { errno: errno(self, &fail.errno)?, applied: applied? }
            }
            file::Fault::Short(short) => Fault::Short { bytes: short.bytes },
            file::Fault::FlushFails(fails) => Fault::FlushFails {
                errno: errno(self, &fails.errno)?,
                data: devices::flush_failure_of(fails.data),
                partly: fails.partly,
            },
            file::Fault::FlushFailsLater(fails) => {
                Fault::FlushFailsLater { errno: errno(self, &fails.errno)? }
            }
            file::Fault::FlushFailsForEach(fails) => {
                Fault::FlushFailsForEach { errno: errno(self, &fails.errno)? }
            }
            file::Fault::ShornWrite(shorn) => {
                let at = place.field("eighths");
                Fault::ShornWrite { eighths: self.between(shorn.eighths, 1, 7, "eighths", at)? }
            }
            file::Fault::MisdirectedWrite(misdirected) => {
                Fault::MisdirectedWrite { by: self.by(misdirected.by, place, size)? }
            }
            file::Fault::MisdirectedRead(misdirected) => {
                Fault::MisdirectedRead { by: self.by(misdirected.by, place, size)? }
            }
            file::Fault::Wraps(wraps) => {
                let at = place.field("at");
                self.whole_sectors(wraps.at, "at", at)?;
                if wraps.at >= size {
                    let message = format!("no address of the disk is {} or more", wraps.at);
                    self.say(at.span(), message).help.push(format!("the disk has {size} bytes"));
                    return None;
                }
                Fault::Wraps { at: wraps.at }
            }
            file::Fault::Resized(resized) => {
                const MOST: u64 = 1 << 60;
                let at = place.field("len");
                self.whole_sectors(resized.len, "len", at)?;
                Fault::Resized { len: self.between(resized.len, 512, MOST, "len", at)? }
            }
            file::Fault::Unreadable(unreadable) => Fault::Unreadable {
                errno: errno(self, &unreadable.errno)?,
                lasts: lasts_of(unreadable.lasts),
            },
            file::Fault::Unwritable(unwritable) => {
                Fault::Unwritable { errno: errno(self, &unwritable.errno)? }
            }
            file::Fault::BitRot(rot) => {
                Fault::BitRot { bits: self.bits(rot.bits, place)?, lasts: lasts_of(rot.lasts) }
            }
            file::Fault::Garbage(garbage) => Fault::Garbage { lasts: lasts_of(garbage.lasts) },
            file::Fault::Pattern(pattern) => {
                Fault::Pattern { byte: pattern.byte, lasts: lasts_of(pattern.lasts) }
            }
            file::Fault::CorruptRead(corrupt) => {
                Fault::CorruptRead { bits: self.bits(corrupt.bits, place)? }
            }
            file::Fault::NeighbourDamage(near) => {
                let at = place.field("sectors");
                let sectors = self.between(near.sectors, 1, MAX_NEIGHBOURS, "sectors", at)?;
                Fault::NeighbourDamage { sectors, damage: damage_of(near.damage) }
            }
            file::Fault::Delay(delay) => {
                self.check_ns(delay.ns, place.field("ns"));
                Fault::Delay { ns: delay.ns }
            }
            file::Fault::Stall(stall) => {
                self.check_ns(stall.ns, place.field("ns"));
                Fault::Stall { ns: stall.ns }
            }
            file::Fault::Disconnect(gone) => {
                if let Some(ns) = gone.returns_ns {
                    self.check_ns(ns, place.field("returns_ns"));
                }
                Fault::Disconnect { returns_ns: gone.returns_ns }
            }
            file::Fault::FlushLies => Fault::FlushLies,
            file::Fault::LostWrite => Fault::LostWrite,
            file::Fault::TornWrite => Fault::TornWrite,
            file::Fault::Stale => Fault::Stale,
            file::Fault::Hang => Fault::Hang,
            file::Fault::ReadOnly => Fault::ReadOnly,
            file::Fault::Evict => Fault::Evict,
            file::Fault::PowerCut => Fault::PowerCut,
        })
    }

    pub(super) fn applied(&mut self, applied: words::Applied, place: Place<'_>) -> Option<Applied> {
        match applied {
            words::Applied::Nothing => Some(Applied::Nothing),
            words::Applied::All => Some(Applied::All),
            words::Applied::First(0) => {
                let told = self.say(place.item(0).span(), "the first 0 bytes are nothing");
                told.help.push("`applied: nothing` says so".to_owned());
                None
            }
            words::Applied::First(bytes) => Some(Applied::First(bytes)),
        }
    }

    /// That `value` is some whole sectors, and not none.
    fn whole_sectors(&mut self, value: u64, what: &str, place: Place<'_>) -> Option<()> {
        if value > 0 && value.is_multiple_of(512) {
            return Some(());
        }
        let message = format!("{value} bytes are no whole sectors");
        let told = self.say(place.span(), message);
        told.help.push(format!("`{what}` is a multiple of 512, and not 0"));
        None
    }

    fn bits(&mut self, bits: u64, place: Place<'_>) -> Option<u32> {
        let bits = self.between(bits, 1, MAX_BITS, "bits", place.field("bits"))?;
        u32::try_from(bits).ok()
    }

    /// `value`, if it is in its bounds; says so if not.
    pub(super) fn between(
        &mut self,
        value: u64,
        least: u64,
        most: u64,
        what: &str,
        place: Place<'_>,
    ) -> Option<u64> {
        if (least..=most).contains(&value) {
            return Some(value);
        }
        let message = format!("`{what}` is from {least} to {most}, not {value}");
        self.say(place.span(), message);
        None
    }

    /// How far away an access is misdirected, if it is said; outside, if that is wrong.
    fn by(&mut self, by: Option<i64>, place: Place<'_>, size: u64) -> Option<Option<i64>> {
        let Some(distance) = by else { return Some(None) };
        let span = place.field("by").span();
        if distance == 0 {
            let told = self.say(span, "0 bytes away is no other place");
            told.help.push("leave `by` out for anywhere, or give a multiple of 512".to_owned());
            return None;
        }
        if distance % 512 != 0 {
            let message = format!("{distance} bytes are no whole number of sectors");
            self.say(span, message).help.push("`by` is a multiple of 512".to_owned());
            return None;
        }
        if distance.unsigned_abs() >= size {
            let message = format!("{distance} bytes away is outside the disk, wherever one begins");
            self.say(span, message).help.push(format!("the disk has {size} bytes"));
            return None;
        }
        Some(Some(distance))
    }
}

const fn lasts_of(lasts: words::Lasts) -> Lasts {
    match lasts {
        words::Lasts::UntilRewritten => Lasts::UntilRewritten,
        words::Lasts::UntilReopen => Lasts::UntilReopen,
        words::Lasts::ForGood => Lasts::ForGood,
    }
}

const fn damage_of(damage: words::Damage) -> Damage {
    match damage {
        words::Damage::Unreadable => Damage::Unreadable,
        words::Damage::Garbage => Damage::Garbage,
        words::Damage::Zeroes => Damage::Zeroes,
    }
}
