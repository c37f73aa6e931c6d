//! The conformance suite finds what it is there to find: a file in memory passes, and with any one
//! flaw it does not.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use headcrash_io::{BlockDevice, Cursor, File, OFFSET_MAX, Sector, byte_offset, conformance};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    None,
    /// What was cut off comes back.
    Ghost,
    /// What lies between is not zeroes.
    Gap,
    /// An empty write past the end makes it longer.
    EmptyWriteGrows,
    /// Reading past the end is an error.
    EndIsError,
    /// One byte more than there is.
    ReadsTooMuch,
    /// Offsets wrap.
    Wraps,
    /// The length grows before the write is refused.
    GrowsWhenRefused,
    /// It gives up before the end.
    ZeroReads,
    /// Syncing forgets the last byte.
    SyncForgets,
    /// Too long a length is cut to what there can be.
    LengthSaturates,
}

struct Memory {
    flaw: Flaw,
    /// The second is how long it is.
    state: RefCell<(Vec<u8>, usize)>,
}

impl Memory {
    fn new(flaw: Flaw) -> Self {
        Self { flaw, state: RefCell::default() }
    }

    fn grow(&self, len: usize) {
        let (bytes, end) = &mut *self.state.borrow_mut();
        let fill = if self.flaw == Flaw::Gap { 0xEE } else { 0 };
        if self.flaw != Flaw::Ghost {
            bytes.truncate(*end);
        }
        bytes.resize(bytes.len().max(len), fill);
        *end = len.max(*end);
    }
}

impl File for Memory {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let (bytes, end) = &*self.state.borrow();
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        if at >= *end {
            let past = at > *end && self.flaw == Flaw::EndIsError;
            let more = at == *end && self.flaw == Flaw::ReadsTooMuch && !into.is_empty();
            return if past { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(more.into()) };
        }
        let count = into.len().min(end - at);
        if self.flaw == Flaw::ZeroReads && count < into.len() {
            return Ok(0);
        }
        into[..count].copy_from_slice(&bytes[at..at + count]);
        Ok(count)
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        let end = match at.checked_add(data.len() as u64).filter(|end| *end <= OFFSET_MAX) {
            Some(end) => end as usize,
            None if self.flaw == Flaw::Wraps => return Ok(data.len()),
            None => {
                if self.flaw == Flaw::GrowsWhenRefused {
                    let len = self.state.borrow().1;
                    self.grow(len + 1);
                }
                return Err(ErrorKind::InvalidInput.into());
            }
        };
        if data.is_empty() && self.flaw != Flaw::EmptyWriteGrows {
            return Ok(0);
        }
        self.grow(end);
        self.state.borrow_mut().0[at as usize..end].copy_from_slice(data);
        Ok(data.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        if self.flaw == Flaw::SyncForgets {
            let state = &mut *self.state.borrow_mut();
            state.1 = state.1.saturating_sub(1);
        }
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        if len > OFFSET_MAX {
            let saturates = self.flaw == Flaw::LengthSaturates;
            return if saturates { Ok(()) } else { Err(ErrorKind::InvalidInput.into()) };
        }
        let mut state = self.state.borrow_mut();
        state.1 = state.1.min(len as usize);
        drop(state);
        self.grow(len as usize);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.state.borrow().1 as u64)
    }
}

/// What a suite says to an implementation; empty if it is content.
fn verdict(suite: impl FnOnce()) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(suite)) else { return String::new() };
    payload.downcast_ref::<String>().expect("it says what is wrong").clone()
}

#[test]
fn a_file_without_flaws_passes() {
    conformance::file("memory", || Memory::new(Flaw::None));
    conformance::cursor("memory", || Cursor::new(Memory::new(Flaw::None)));
}

#[test]
fn every_flaw_of_a_file_is_found() {
    for (flaw, claim) in [
        (Flaw::Ghost, "cutting off forgets what was behind"),
        (Flaw::Gap, "a write past the end leaves zeroes between"),
        (Flaw::EmptyWriteGrows, "nothing to transfer is no error, and changes nothing"),
        (Flaw::EndIsError, "a read over the end is short"),
        (Flaw::ReadsTooMuch, "a new file is empty"),
        (Flaw::Wraps, "offsets that no file has are errors, and change nothing"),
        (Flaw::GrowsWhenRefused, "offsets that no file has are errors, and change nothing"),
        (Flaw::ZeroReads, "a read over the end is short"),
        (Flaw::SyncForgets, "syncing changes nothing"),
        (Flaw::LengthSaturates, "offsets that no file has are errors, and change nothing"),
    ] {
        let said = verdict(|| conformance::file("memory", || Memory::new(flaw)));
        let expected = format!("memory: {claim}: ");
        assert!(said.starts_with(&expected), "{flaw:?} is found as {said:?}, not {expected:?}");
    }
}

/// Sectors in memory, with a mistake in one method.
struct Sectors {
    mistake: &'static str,
    bytes: RefCell<Vec<u8>>,
}

impl BlockDevice for Sectors {
    fn sector_size(&self) -> usize {
        16
    }

    fn sector_count(&self) -> u64 {
        8
    }

    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        let at = byte_offset(self, first, into.len())? as usize;
        into.copy_from_slice(&self.bytes.borrow()[at..at + into.len()]);
        Ok(())
    }

    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        let mut data = data.to_vec();
        if self.mistake == "pads" {
            data.resize(data.len().next_multiple_of(16), 0);
        }
        let left = 128_u64.saturating_sub(first.0.saturating_mul(16)) as usize;
        if self.mistake == "cuts" && data.len().is_multiple_of(16) {
            data.truncate(left);
        }
        let at = byte_offset(self, first, data.len())? as usize;
        self.bytes.borrow_mut()[at..at + data.len()].copy_from_slice(&data);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        if self.mistake == "drops" {
            self.bytes.borrow_mut().fill(0);
        }
        Ok(())
    }

    fn discard(&self, first: Sector, count: u64) -> io::Result<()> {
        let more = u64::from(self.mistake == "discards");
        let end = (first.0 + count + more) as usize * 16;
        self.bytes.borrow_mut()[first.0 as usize * 16..end].fill(0);
        Ok(())
    }
}

#[test]
fn every_mistake_of_a_disk_is_found() {
    for (mistake, claim) in [
        ("", ""),
        ("pads", "memory: buffers that are not whole sectors are refused: "),
        ("cuts", "memory: sectors that are not there are refused, and nothing is transferred: "),
        ("drops", "memory: flushing changes nothing: "),
        ("discards", "memory: a discard leaves its neighbours alone, and can be written over: "),
    ] {
        let fresh = || Rc::new(Sectors { mistake, bytes: vec![0; 128].into() });
        let said = verdict(|| conformance::block_device("memory", fresh));
        assert!(said.starts_with(claim), "{mistake} is found as {said:?}, not {claim:?}");
        assert_eq!(said.is_empty(), claim.is_empty(), "{said}");
    }
}
