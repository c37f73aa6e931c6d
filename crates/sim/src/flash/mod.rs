//! NOR flash: programming clears bits, erasing a block sets them, and a power cut in the middle of
//! either leaves what nobody knows until it is read.
//!
//! ```
//! use headcrash_sim::{Calm, Flash, FlashOp, FlashSpec, Interrupted, Key};
//!
//! let spec = FlashSpec { interrupted_program: Interrupted::AnyBits, ..FlashSpec::default() };
//! let mut flash = Flash::new(spec)?;
//! let (choices, key) = (&mut Calm, Key::disk("nor"));
//! flash.program(0, b"a record", choices, key)?;
//! flash.power_cut([FlashOp::Program { at: 8, bytes: (*b"\x0Fnother!").into() }]);
//! assert!(flash.unresolved() == 1 && flash.possible() == 1 << 32);
//! let mut read = [0; 16];
//! flash.read(0, &mut read, choices, key)?;
//! assert_eq!(&read, b"a record\x0Fnother!", "the calmest outcome is that it had completed");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cells;
mod count;
mod counters;
mod cuts;
#[cfg(test)]
mod judge;
#[cfg(test)]
mod odometer;
mod op;
mod spec;
#[cfg(test)]
mod tests;

use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use self::cells::Pattern;
use self::count::Count;
use self::counters::Counters;
use self::cuts::{Cut, Cuts, Open};
pub use self::op::{FlashError, FlashOp, Programmed};
pub use self::spec::{FlashSpec, FlashSpecError, Interrupted, WornMode};
use crate::choices::{Calm, Choices, Key, Point, PointKind};
use crate::image::Image;

/// What an erased byte holds.
const ERASED: u8 = 0xFF;
/// How many bytes are worked on together at most; whole units.
const WINDOW: u64 = 4096;
/// How many unstable cells a question is about at most.
const CELLS: usize = 6;

/// What a flash decided while it was asked for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FlashTold {
    /// Units between these bytes were open since a cut, and hold something now; so many of them not
    /// what they would if nothing had been interrupted.
    Resolved { at: u64, len: u64, units: u64, unlike: u64 },
    /// A bit of this byte went to 0 for having been read so often.
    Disturbed { at: u64, bit: u8 },
}

/// A NOR flash.
///
/// Operations take effect when they are called; what is still under way when the power goes is told
/// to [`power_cut`](Self::power_cut) instead. A unit that was to change then is *unresolved*: nothing
/// is chosen before it is read or programmed over, and nothing ever when its block is erased first.
/// Every question has the `n`-th key of the one passed in, for the n-th unit: what such a unit turns
/// out to hold is of the kind [`PointKind::CrashSector`], what its unstable cells read as is
/// [`PointKind::Data`]. Answer 0 is that everything had completed, or that nothing happens.
///
/// Cloning copies pointers; memory follows what was used.
#[derive(Clone, Debug)]
pub struct Flash {
    spec: FlashSpec,
    /// What cells hold. Of unresolved units, what they held before they were.
    bytes: Image,
    /// A bit per unstable cell.
    unstable: Image,
    /// By unit: how often it was programmed since it was erased.
    programs: Counters<1>,
    /// By block: how often it was erased.
    erases: Counters<8>,
    /// By block: how often it was read since it was erased.
    reads: Counters<8>,
    /// By unit: since which cut it is unresolved, counted from 1; 0 when it is not.
    since: Counters<4>,
    /// How many are.
    unresolved: u64,
    cuts: Arc<Cuts>,
}

impl Flash {
    /// A flash that was never used: all ones.
    ///
    /// # Errors
    ///
    /// When `spec` cannot be met.
    pub fn new(spec: FlashSpec) -> Result<Self, FlashSpecError> {
        spec.check()?;
        let FlashSpec { size, program_unit, erase_block, .. } = spec;
        Ok(Self {
            spec,
            bytes: Image::new(size, ERASED),
            unstable: Image::new(size, 0),
            programs: Counters::new(size / program_unit),
            erases: Counters::new(size / erase_block),
            reads: Counters::new(size / erase_block),
            since: Counters::new(size / program_unit),
            unresolved: 0,
            cuts: Arc::default(),
        })
    }

    /// What it is like.
    #[must_use]
    pub const fn spec(&self) -> &FlashSpec {
        &self.spec
    }

    /// Copies bytes from `at` on into `into`, in whole read units. Unresolved units among them are
    /// resolved.
    ///
    /// # Errors
    ///
    /// When it is misaligned or beyond the end, or a block is worn and cannot be read.
    pub fn read(
        &mut self,
        at: u64,
        into: &mut [u8],
        choices: &mut dyn Choices,
        key: Key,
    ) -> Result<(), FlashError> {
        self.read_told(at, into, choices, key, &mut |_| {})
    }

    /// The same for somebody who wants to know what was decided.
    pub(crate) fn read_told(
        &mut self,
        at: u64,
        into: &mut [u8],
        choices: &mut dyn Choices,
        key: Key,
        tell: &mut dyn FnMut(FlashTold),
    ) -> Result<(), FlashError> {
        let range = self.range(at, into.len() as u64, self.spec.read_unit)?;
        if let Some(block) = self.worn_among(&range, WornMode::ReadFails) {
            return Err(FlashError::Unreadable { at: block * self.spec.erase_block });
        }
        self.resolve_units(self.units_of(&range), choices, key, tell);
        self.bytes.read(at, into);
        self.waver(at, into, choices, key);
        if let Some(reads) = self.spec.read_disturb {
            for block in blocks(&range, self.spec.erase_block) {
                if self.reads.add(block).is_multiple_of(reads)
                    && let Some((at, bit)) = self.disturb(block, choices, key)
                {
                    tell(FlashTold::Disturbed { at, bit });
                }
            }
        }
        Ok(())
    }

    /// Takes the zeroes of `bytes` over to `at` and on, in whole program units. Unresolved units
    /// among them are resolved first.
    ///
    /// # Errors
    ///
    /// When it is misaligned or beyond the end, when a unit may not be programmed again before it
    /// is erased, or a block is worn and fails. Nothing was programmed then.
    pub fn program(
        &mut self,
        at: u64,
        bytes: &[u8],
        choices: &mut dyn Choices,
        key: Key,
    ) -> Result<Programmed, FlashError> {
        self.program_told(at, bytes, choices, key, &mut |_| {})
    }

    /// The same for somebody who wants to know what was decided.
    pub(crate) fn program_told(
        &mut self,
        at: u64,
        bytes: &[u8],
        choices: &mut dyn Choices,
        key: Key,
        tell: &mut dyn FnMut(FlashTold),
    ) -> Result<Programmed, FlashError> {
        let range = self.range(at, bytes.len() as u64, self.spec.program_unit)?;
        self.may_change(&range, WornMode::ProgramFails)?;
        let parts = self.parts(&range, true);
        for part in &parts {
            self.resolve_units(self.units_of(part), choices, key, tell);
        }
        for part in &parts {
            self.may_program(self.units_of(part), |_| true)?;
        }
        let mut ignored_bits = 0;
        for part in parts {
            let data = &bytes[(part.start - at) as usize..(part.end - at) as usize];
            let mut cells = self.bytes_of(&part);
            ignored_bits += pairs(&cells, data).map(|(old, new)| ones(new & !old)).sum::<u64>();
            and(&mut cells, data);
            self.bytes.write(part.start, &cells);
            let mut unstable = self.unstable_of(&part);
            and(&mut unstable, data);
            self.set_unstable(part.start, &unstable);
            for unit in self.units_of(&part) {
                self.programs.add(unit);
            }
        }
        Ok(Programmed { ignored_bits })
    }

    /// Sets all bits of `len` bytes from `at` on, in whole blocks. Unresolved units among them are
    /// all ones too, and nobody is asked what they were.
    ///
    /// # Errors
    ///
    /// When it is misaligned or beyond the end, or a block is worn and fails. Nothing was erased
    /// then.
    pub fn erase(&mut self, at: u64, len: u64) -> Result<(), FlashError> {
        let range = self.range(at, len, self.spec.erase_block)?;
        self.may_change(&range, WornMode::EraseFails)?;
        let parts = self.parts(&range, false);
        self.wear_off(&range);
        for part in parts {
            let (units, len) = (self.units_of(&part), part.end - part.start);
            if self.unresolved > 0 {
                self.unresolved -= self.since.counted(units.clone()).count() as u64;
                self.since.clear(units);
            }
            self.bytes.fill(part.start, len, ERASED);
            self.unstable.fill(part.start, len, 0);
        }
        self.forget_cuts();
        Ok(())
    }

    /// The power goes while these are under way, in the order in which they began. What the flash
    /// would have refused leaves nothing; but a unit that is unresolved is not refused for having
    /// been programmed too often, since it may not have been.
    ///
    /// An interrupted erase wears a block as any other does, and afterwards its units may be
    /// programmed: what a flash does not know it does not refuse. An interrupted program counts
    /// as one, unless the unit turns out to be all ones.
    pub fn power_cut(&mut self, under_way: impl IntoIterator<Item = FlashOp>) {
        for op in under_way {
            self.interrupt(op);
        }
    }

    /// Decides what every unresolved unit holds, in order.
    pub fn resolve(&mut self, choices: &mut dyn Choices, key: Key) {
        self.resolve_told(choices, key, &mut |_| {});
    }

    /// The same for somebody who wants to know what was decided.
    pub(crate) fn resolve_told(
        &mut self,
        choices: &mut dyn Choices,
        key: Key,
        tell: &mut dyn FnMut(FlashTold),
    ) {
        self.resolve_units(0..self.spec.size / self.spec.program_unit, choices, key, tell);
    }

    /// How many units are unresolved.
    #[must_use]
    pub const fn unresolved(&self) -> u64 {
        self.unresolved
    }

    /// How many different contents unresolved units may have together, at most `u128::MAX`; exact
    /// below. A cell that is unstable is a content of its own.
    #[must_use]
    pub fn possible(&self) -> u128 {
        self.count().saturating()
    }

    /// The binary logarithm of how many contents they may have, in steps of 1/65536, rounded down.
    #[must_use]
    pub fn possible_log2(&self) -> u64 {
        self.count().log2()
    }

    /// How often the block with this number was erased, interrupted erases included; 0 for a block
    /// beyond the end.
    #[must_use]
    pub fn wear(&self, block: u64) -> u64 {
        if block < self.spec.size / self.spec.erase_block { self.erases.get(block) } else { 0 }
    }

    /// What reads would see if nothing unusual happened: unresolved units are the newest they can
    /// be, unstable cells what they were to be.
    #[must_use]
    pub fn image(&self) -> Image {
        let mut calm = self.clone();
        calm.resolve(&mut Calm, Key::NOBODY);
        calm.bytes
    }

    /// How many bytes of pages it holds, shared ones included.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.bytes.stored()
            + self.unstable.stored()
            + self.programs.stored()
            + self.erases.stored()
            + self.reads.stored()
            + self.since.stored()
    }

    /// The bytes an operation is about.
    fn range(&self, at: u64, len: u64, unit: u64) -> Result<Range<u64>, FlashError> {
        if !at.is_multiple_of(unit) || !len.is_multiple_of(unit) {
            return Err(FlashError::Misaligned { at, len, unit });
        }
        let size = self.spec.size;
        match at.checked_add(len) {
            Some(end) if end <= size => Ok(at..end),
            _ => Err(FlashError::BeyondEnd { at, len, size }),
        }
    }

    /// The units that `range` touches.
    fn units_of(&self, range: &Range<u64>) -> Range<u64> {
        let unit = self.spec.program_unit;
        range.start / unit..range.end.div_ceil(unit)
    }

    fn bytes_of(&self, range: &Range<u64>) -> Vec<u8> {
        let mut bytes = vec![0; (range.end - range.start) as usize];
        self.bytes.read(range.start, &mut bytes);
        bytes
    }

    fn unstable_of(&self, range: &Range<u64>) -> Vec<u8> {
        let mut unstable = vec![0; (range.end - range.start) as usize];
        if self.has_unstable() {
            self.unstable.read(range.start, &mut unstable);
        }
        unstable
    }

    /// Whether cells can be unstable at all: most flashes need not look.
    fn has_unstable(&self) -> bool {
        let FlashSpec { interrupted_program, interrupted_erase, .. } = self.spec;
        [interrupted_program, interrupted_erase].contains(&Interrupted::AnyBitsUnstable)
    }

    fn set_unstable(&mut self, at: u64, unstable: &[u8]) {
        if self.has_unstable() {
            self.unstable.write(at, unstable);
        }
    }

    fn is_worn(&self, block: u64) -> bool {
        self.spec.wear_limit.is_some_and(|limit| self.erases.get(block) >= limit)
    }

    /// The first worn block in `range`, if worn blocks are like that.
    fn worn_among(&self, range: &Range<u64>, worn: WornMode) -> Option<u64> {
        if self.spec.wear_limit.is_none() || self.spec.worn != worn {
            return None;
        }
        blocks(range, self.spec.erase_block).find(|block| self.is_worn(*block))
    }

    fn may_change(&self, range: &Range<u64>, fails: WornMode) -> Result<(), FlashError> {
        match self.worn_among(range, fails) {
            Some(block) => Err(FlashError::WornOut { at: block * self.spec.erase_block }),
            None => Ok(()),
        }
    }

    /// Whether these units, or those of them that `counts` is about, may be programmed once more.
    fn may_program(
        &self,
        units: Range<u64>,
        counts: impl Fn(u64) -> bool,
    ) -> Result<(), FlashError> {
        let Some(programs) = self.spec.programs else { return Ok(()) };
        let mut counted = self.programs.counted(units);
        match counted.find(|&(unit, times)| times >= u64::from(programs) && counts(unit)) {
            Some((unit, _)) => {
                let at = unit * self.spec.program_unit;
                Err(FlashError::ProgrammedTooOften { at, programs })
            }
            None => Ok(()),
        }
    }

    /// Whether this block is worn, and programs or erases of it succeed and do nothing.
    fn does_nothing(&self, block: u64, is_program: bool) -> bool {
        let is_inert = match self.spec.worn {
            WornMode::ProgramDoesNothing => is_program,
            WornMode::EraseDoesNothing => true,
            WornMode::ProgramFails | WornMode::EraseFails | WornMode::ReadFails => false,
        };
        is_inert && self.is_worn(block)
    }

    /// `range` in parts of whole units, each within a block and not too long, without the blocks
    /// that do nothing.
    fn parts(&self, range: &Range<u64>, is_program: bool) -> Vec<Range<u64>> {
        let block = self.spec.erase_block;
        windows(range, block.min(WINDOW))
            .filter(|part| !self.does_nothing(part.start / block, is_program))
            .collect()
    }

    /// What an erase does to a block whether it completes or not, and whether the block obeys or
    /// not.
    fn wear_off(&mut self, range: &Range<u64>) {
        for block in blocks(range, self.spec.erase_block) {
            self.erases.add(block);
        }
        let block = self.spec.erase_block;
        self.reads.clear(range.start / block..range.end / block);
        self.programs.clear(self.units_of(range));
    }

    fn interrupt(&mut self, op: FlashOp) {
        let spec = self.spec;
        let (granule, fails, interrupted) = match op {
            FlashOp::Program { .. } => {
                (spec.program_unit, WornMode::ProgramFails, spec.interrupted_program)
            }
            FlashOp::Erase { .. } => {
                (spec.erase_block, WornMode::EraseFails, spec.interrupted_erase)
            }
        };
        let Ok(range) = self.range(op.at(), op.len(), granule) else { return };
        let is_program = matches!(op, FlashOp::Program { .. });
        let is_refused = self.may_change(&range, fails).is_err() || {
            let is_known = |unit| self.since.get(unit) == 0;
            is_program && self.may_program(self.units_of(&range), is_known).is_err()
        };
        if is_refused {
            return;
        }
        let block = spec.erase_block;
        let inert = blocks(&range, block)
            .filter(|block| self.does_nothing(*block, is_program))
            .map(|inert| self.units_of(&(inert * block..(inert + 1) * block)))
            .collect();
        let parts = self.parts(&range, is_program);
        if !is_program {
            self.wear_off(&range);
        }
        let mut is_open = false;
        for part in parts {
            is_open |= self.leave_open(&part, &op);
        }
        if is_open {
            let (units, residue) = (self.units_of(&range), spec.residue);
            let cut = Cut { op, units, inert, interrupted, residue };
            Arc::make_mut(&mut self.cuts).push(cut);
        }
    }

    /// What `op` was to change in `part` is unresolved from now on. Whether there is such a unit.
    fn leave_open(&mut self, part: &Range<u64>, op: &FlashOp) -> bool {
        let since = self.cuts.len() as u64 + 1;
        let (bytes, unstable) = (self.bytes_of(part), self.unstable_of(part));
        let unit = self.spec.program_unit as usize;
        let mut is_open = false;
        for (index, place) in self.units_of(part).zip((0..).step_by(unit)) {
            let is_settled = self.since.get(index) == 0;
            let cells = pairs(&bytes[place..place + unit], &unstable[place..]);
            let is_changed = match op {
                FlashOp::Program { at, bytes } => {
                    let data = &bytes[(part.start - at) as usize + place..][..unit];
                    cells.zip(data).any(|((byte, unstable), data)| (byte | unstable) & !data != 0)
                }
                FlashOp::Erase { .. } => cells.into_iter().any(|cells| cells != (ERASED, 0)),
            };
            if is_settled && !is_changed {
                continue;
            }
            is_open = true;
            if is_settled {
                self.since.set(index, since);
                self.unresolved += 1;
            }
            if matches!(op, FlashOp::Program { .. }) {
                self.programs.add(index);
            }
        }
        is_open
    }

    /// The unresolved unit with this number.
    fn open(&self, unit: u64, since: u64) -> Open {
        let len = self.spec.program_unit;
        let range = unit * len..(unit + 1) * len;
        let old = Pattern::known(&self.bytes_of(&range), &self.unstable_of(&range));
        Open { unit, since: (since - 1) as usize, old }
    }

    fn resolve_units(
        &mut self,
        units: Range<u64>,
        choices: &mut dyn Choices,
        key: Key,
        tell: &mut dyn FnMut(FlashTold),
    ) {
        if self.unresolved == 0 {
            return;
        }
        let found: Vec<_> = self.unresolved_among(units).collect();
        let len = self.spec.program_unit;
        let mut unlike = 0;
        let (first, last) = (found.first().copied(), found.last().copied());
        let count = found.len() as u64;
        for (unit, since) in found {
            let open = self.open(unit, since);
            let point = Point::new(PointKind::CrashSector, key.nth(unit));
            let mut is_unlike = false;
            let contents = Arc::make_mut(&mut self.cuts).settle(&open, |n| {
                let answer = choices.choose(point, n);
                is_unlike |= answer > 0;
                answer
            });
            unlike += u64::from(is_unlike);
            let at = unit * len;
            self.bytes.write(at, &contents.bytes);
            self.set_unstable(at, &contents.unstable);
            if pairs(&contents.bytes, &contents.unstable).all(|cells| cells == (ERASED, 0)) {
                self.programs.set(unit, 0);
            }
            self.since.set(unit, 0);
            self.unresolved -= 1;
        }
        if let (Some((first, _)), Some((last, _))) = (first, last) {
            let (at, len) = (first * len, (last + 1 - first) * len);
            tell(FlashTold::Resolved { at, len, units: count, unlike });
        }
        self.forget_cuts();
    }

    /// The unresolved units among these, in order, and since when they are.
    fn unresolved_among(&self, units: Range<u64>) -> impl Iterator<Item = (u64, u64)> + '_ {
        // Few units were ever about to change: those between need no look.
        let ranges =
            self.cuts.units().map(move |cut| cut.start.max(units.start)..cut.end.min(units.end));
        let mut ranges: Vec<_> = ranges.filter(|range| !range.is_empty()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut next = 0;
        ranges.into_iter().flat_map(move |range| {
            let start = range.start.max(next);
            next = next.max(range.end);
            self.since.counted(start..range.end.max(start))
        })
    }

    /// Interrupted operations matter as long as there are units they left open.
    fn forget_cuts(&mut self) {
        if self.unresolved == 0 && self.cuts.len() > 0 {
            self.cuts = Arc::default();
        }
    }

    fn count(&self) -> Count {
        let units = self.unresolved_among(0..self.spec.size / self.spec.program_unit);
        let open: Vec<_> = units.map(|(unit, since)| self.open(unit, since)).collect();
        self.cuts.count(&open)
    }

    /// Decides what the unstable cells among the bytes just read from `at` on look like this time.
    fn waver(&self, at: u64, read: &mut [u8], choices: &mut dyn Choices, key: Key) {
        let range = at..at + read.len() as u64;
        let unstable = self.unstable_of(&range);
        if unstable.iter().all(|cells| *cells == 0) {
            return;
        }
        for part in windows(&range, self.spec.program_unit) {
            let first = 8 * (part.start - at) as usize;
            let cells: Vec<usize> = (first..8 * (part.end - at) as usize)
                .filter(|cell| unstable[cell / 8] >> (cell % 8) & 1 == 1)
                .collect();
            let point = Point::new(PointKind::Data, key.nth(part.start / self.spec.program_unit));
            for asked in cells.chunks(CELLS) {
                let answer = choices.choose(point, 1 << asked.len());
                for (place, cell) in asked.iter().enumerate() {
                    read[cell / 8] ^= ((answer >> place & 1) as u8) << (cell % 8);
                }
            }
        }
    }

    /// A block was read often enough to lose a bit: any that is surely 1, or none. Which it is: a
    /// byte, and the bit in it.
    fn disturb(&mut self, block: u64, choices: &mut dyn Choices, key: Key) -> Option<(u64, u8)> {
        let FlashSpec { size, program_unit, erase_block, .. } = self.spec;
        let range = block * erase_block..(block + 1) * erase_block;
        let parts: Vec<_> = windows(&range, WINDOW).collect();
        let count = parts.iter().flat_map(|part| self.sure_ones(part)).map(ones).sum::<u64>();
        if count == 0 {
            return None;
        }
        // Blocks have their keys beyond those of the units.
        let point = Point::new(PointKind::Data, key.nth(size / program_unit + block));
        let mut before = choices.choose(point, count + 1).checked_sub(1)?;
        for part in parts {
            for (at, sure) in (part.start..).zip(self.sure_ones(&part)) {
                if before >= ones(sure) {
                    before -= ones(sure);
                    continue;
                }
                let mut byte = [0];
                self.bytes.read(at, &mut byte);
                let bit = (0..8).filter(|bit| sure >> bit & 1 == 1).nth(before as usize);
                let bit = 1 << bit.expect("there are more ones than come before");
                byte[0] &= !bit;
                self.bytes.write(at, &byte);
                return Some((at, bit));
            }
        }
        None
    }

    /// The ones in `part`, without unstable cells and unresolved units.
    fn sure_ones(&self, part: &Range<u64>) -> Vec<u8> {
        let mut sure = self.bytes_of(part);
        let stable: Vec<u8> =
            self.unstable_of(part).into_iter().map(|unstable| !unstable).collect();
        and(&mut sure, &stable);
        if self.unresolved > 0 {
            let unit = self.spec.program_unit;
            for (open, _) in self.since.counted(self.units_of(part)) {
                sure[(open * unit - part.start) as usize..][..unit as usize].fill(0);
            }
        }
        sure
    }
}

/// The blocks of `block` bytes that `range` touches.
fn blocks(range: &Range<u64>, block: u64) -> Range<u64> {
    if range.is_empty() { 0..0 } else { range.start / block..range.end.div_ceil(block) }
}

/// `range`, cut at the multiples of `step`.
fn windows(range: &Range<u64>, step: u64) -> impl Iterator<Item = Range<u64>> + use<> {
    let Range { start, end } = *range;
    blocks(range, step).map(move |block| (block * step).max(start)..((block + 1) * step).min(end))
}

/// Both, side by side.
fn pairs<'a>(a: &'a [u8], b: &'a [u8]) -> impl Iterator<Item = (u8, u8)> + 'a {
    a.iter().copied().zip(b.iter().copied())
}

fn and(cells: &mut [u8], data: &[u8]) {
    for (cells, data) in cells.iter_mut().zip(data) {
        *cells &= data;
    }
}

fn ones(byte: u8) -> u64 {
    u64::from(byte.count_ones())
}
