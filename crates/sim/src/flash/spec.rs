//! What a flash is like, checked before there is one.

use alloc::format;
use alloc::string::String;
use core::fmt;

/// What a NOR flash promises, and how it breaks. Lengths are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlashSpec {
    /// How long it is: a multiple of `erase_block`, at most [`MAX_SIZE`](Self::MAX_SIZE).
    pub size: u64,
    /// What is read begins and ends at multiples of this: a power of two, at most `erase_block`.
    pub read_unit: u64,
    /// What is programmed begins and ends at multiples of this: a power of two, at most 256.
    pub program_unit: u64,
    /// What is erased begins and ends at multiples of this: a power of two, at least
    /// `program_unit`.
    pub erase_block: u64,
    /// How often a unit may be programmed between two erases; `None` is as often as one likes.
    /// Bits only go from 1 to 0, whatever is programmed.
    pub programs: Option<u8>,
    /// What a power cut leaves of a program under way.
    pub interrupted_program: Interrupted,
    /// What a power cut leaves of an erase under way.
    pub interrupted_erase: Interrupted,
    /// How many bits of a unit a power cut may leave at 0 though the rest of the unit was erased:
    /// bits that were 0 before, at most `8 * program_unit`. Field dumps show such blocks, all ones
    /// but for a bit here and there. It matters where `interrupted_erase` goes by whole units, and
    /// is part of [`Interrupted::AnyBits`] anyway.
    pub residue: u32,
    /// How many erases a block stands; then it is worn. `None` is any number.
    pub wear_limit: Option<u64>,
    /// What a worn block does.
    pub worn: WornMode,
    /// After so many reads of a block without an erase, and after as many again, one of its bits
    /// may go from 1 to 0; `None` is never.
    pub read_disturb: Option<u64>,
}

/// What a power cut leaves of a program or an erase that was under way.
///
/// The old content is what a unit held before, the new one what it would have held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Interrupted {
    /// Each unit is old or new, on its own.
    #[default]
    OldOrNew,
    /// The first so many units are new, the others old.
    PrefixOfUnits,
    /// Each bit that was to change did or did not.
    AnyBits,
    /// The same, or it is unstable: from then on every read of it may differ, until it is
    /// programmed to 0 or erased.
    AnyBitsUnstable,
}

/// What a worn block does: littlefs's `LFS_EMUBD_BADBLOCK` behaviours, as its `emubd` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WornMode {
    /// Programs fail (`PROGERROR`).
    #[default]
    ProgramFails,
    /// Erases fail (`ERASEERROR`).
    EraseFails,
    /// Reads fail (`READERROR`).
    ReadFails,
    /// Programs succeed and do nothing; erases work (`PROGNOOP`).
    ProgramDoesNothing,
    /// Erases succeed and do nothing, and so do programs: the old content stays, valid as ever
    /// (`ERASENOOP`).
    EraseDoesNothing,
}

impl FlashSpec {
    /// The longest flash there is: 2^40 bytes.
    pub const MAX_SIZE: u64 = 1 << 40;

    /// Whether there can be such a flash.
    ///
    /// # Errors
    ///
    /// The first field, in the order of checking, that cannot be met.
    pub fn check(&self) -> Result<(), FlashSpecError> {
        let fail = |field, value, accepted| Err(FlashSpecError { field, value, accepted });
        let Self { size, read_unit, program_unit, erase_block, .. } = *self;
        if !program_unit.is_power_of_two() || program_unit > 256 {
            let accepted = String::from("a power of two from 1 to 256");
            return fail("program_unit", program_unit, accepted);
        }
        if !erase_block.is_power_of_two() || !(program_unit..=Self::MAX_SIZE).contains(&erase_block)
        {
            let accepted = format!(
                "a power of two from {program_unit} (`program_unit`) to {}",
                Self::MAX_SIZE
            );
            return fail("erase_block", erase_block, accepted);
        }
        if size == 0 || !size.is_multiple_of(erase_block) || size > Self::MAX_SIZE {
            let accepted = format!(
                "a multiple of {erase_block} (`erase_block`) from {erase_block} to {}",
                Self::MAX_SIZE
            );
            return fail("size", size, accepted);
        }
        if !read_unit.is_power_of_two() || read_unit > erase_block {
            let accepted = format!("a power of two from 1 to {erase_block} (`erase_block`)");
            return fail("read_unit", read_unit, accepted);
        }
        if u64::from(self.residue) > 8 * program_unit {
            let accepted = format!("from 0 to {}, the bits of a unit", 8 * program_unit);
            return fail("residue", u64::from(self.residue), accepted);
        }
        for (field, value) in [
            ("programs", self.programs.map(u64::from)),
            ("wear_limit", self.wear_limit),
            ("read_disturb", self.read_disturb),
        ] {
            if value == Some(0) {
                return fail(field, 0, String::from("none, or 1 or more"));
            }
        }
        Ok(())
    }
}

/// A mebibyte in blocks of 4096 bytes and units of 8, each programmed once, that neither wears nor
/// is disturbed; a cut leaves units old or new.
impl Default for FlashSpec {
    fn default() -> Self {
        Self {
            size: 1 << 20,
            read_unit: 1,
            program_unit: 8,
            erase_block: 4096,
            programs: Some(1),
            interrupted_program: Interrupted::OldOrNew,
            interrupted_erase: Interrupted::OldOrNew,
            residue: 0,
            wear_limit: None,
            worn: WornMode::ProgramFails,
            read_disturb: None,
        }
    }
}

/// A flash there cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlashSpecError {
    /// The field at fault, by its name in [`FlashSpec`].
    pub field: &'static str,
    /// What it was.
    pub value: u64,
    /// What would have been accepted.
    pub accepted: String,
}

impl fmt::Display for FlashSpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, value, accepted } = self;
        write!(f, "`{field}` of a flash cannot be {value}; accepted is {accepted}")
    }
}

impl core::error::Error for FlashSpecError {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const GOOD: FlashSpec = FlashSpec {
        size: 8192,
        read_unit: 1,
        program_unit: 8,
        erase_block: 4096,
        programs: Some(1),
        interrupted_program: Interrupted::OldOrNew,
        interrupted_erase: Interrupted::OldOrNew,
        residue: 0,
        wear_limit: None,
        worn: WornMode::ProgramFails,
        read_disturb: None,
    };

    #[track_caller]
    fn check(spec: FlashSpec, error: &str) {
        let found = spec.check().map_err(|error| error.to_string());
        assert_eq!(found.err().as_deref().unwrap_or("fine"), error);
    }

    #[test]
    fn a_mistake_is_named_with_what_would_have_been_accepted() {
        check(FlashSpec::default(), "fine");
        check(GOOD, "fine");
        check(
            FlashSpec { program_unit: 512, ..GOOD },
            "`program_unit` of a flash cannot be 512; accepted is a power of two from 1 to 256",
        );
        check(
            FlashSpec { erase_block: 4, ..GOOD },
            "`erase_block` of a flash cannot be 4; accepted is a power of two from 8 \
             (`program_unit`) to 1099511627776",
        );
        check(
            FlashSpec { size: 5000, ..GOOD },
            "`size` of a flash cannot be 5000; accepted is a multiple of 4096 (`erase_block`) \
             from 4096 to 1099511627776",
        );
        check(
            FlashSpec { read_unit: 3, ..GOOD },
            "`read_unit` of a flash cannot be 3; accepted is a power of two from 1 to 4096 \
             (`erase_block`)",
        );
        check(
            FlashSpec { residue: 65, ..GOOD },
            "`residue` of a flash cannot be 65; accepted is from 0 to 64, the bits of a unit",
        );
        for (spec, field) in [
            (FlashSpec { programs: Some(0), ..GOOD }, "programs"),
            (FlashSpec { wear_limit: Some(0), ..GOOD }, "wear_limit"),
            (FlashSpec { read_disturb: Some(0), ..GOOD }, "read_disturb"),
            (FlashSpec { size: 0, ..GOOD }, "size"),
            (FlashSpec { program_unit: 0, ..GOOD }, "program_unit"),
        ] {
            assert_eq!(spec.check().expect_err(field).field, field);
        }
    }
}
