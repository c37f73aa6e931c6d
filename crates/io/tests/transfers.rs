//! Loops over short transfers, and what is left when one fails half-way.

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use headcrash_io::{BlockDevice, BlockFile, Cursor, File, OFFSET_MAX, Sector};

/// Answers as scripted, and writes down what it was asked.
#[derive(Default)]
struct Scripted {
    answers: RefCell<Vec<io::Result<usize>>>,
    asked: RefCell<Vec<(u64, usize)>>,
}

impl Scripted {
    /// The last one is the first to be given.
    fn new(answers: impl IntoIterator<Item = io::Result<usize>>) -> Self {
        let mut answers: Vec<_> = answers.into_iter().collect();
        answers.reverse();
        Self { answers: answers.into(), asked: RefCell::default() }
    }

    fn answer(&self, at: u64, len: usize) -> io::Result<usize> {
        self.asked.borrow_mut().push((at, len));
        self.answers.borrow_mut().pop().expect("it is asked no more than scripted")
    }
}

impl File for Scripted {
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<usize> {
        let count = self.answer(at, into.len())?;
        into[..count].fill(b'r');
        Ok(count)
    }

    fn write_at(&self, data: &[u8], at: u64) -> io::Result<usize> {
        self.answer(at, data.len())
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(100)
    }
}

fn failure(kind: ErrorKind) -> io::Result<usize> {
    Err(kind.into())
}

fn kind<T>(answer: io::Result<T>) -> Option<ErrorKind> {
    answer.err().map(|error| error.kind())
}

#[test]
fn short_reads_go_on() {
    let file = Scripted::new([Ok(1), failure(ErrorKind::Interrupted), Ok(3), Ok(1)]);
    let mut bytes = [0; 5];
    file.read_exact_at(&mut bytes, 10).expect("it comes to all of it");
    assert_eq!(bytes, *b"rrrrr");
    assert_eq!(*file.asked.borrow(), [(10, 5), (11, 4), (11, 4), (14, 1)]);
}

#[test]
fn short_writes_go_on() {
    let file = Scripted::new([failure(ErrorKind::Interrupted), Ok(2), Ok(3)]);
    file.write_all_at(b"hello", 7).expect("it comes to all of it");
    assert_eq!(*file.asked.borrow(), [(7, 5), (7, 5), (9, 3)]);
}

#[test]
fn an_end_is_an_error_of_those_who_wanted_more() {
    let file = Scripted::new([Ok(2), Ok(0)]);
    assert_eq!(kind(file.read_exact_at(&mut [0; 5], 0)), Some(ErrorKind::UnexpectedEof));
    let file = Scripted::new([Ok(2), Ok(0)]);
    assert_eq!(kind(file.write_all_at(&[0; 5], 0)), Some(ErrorKind::WriteZero));
}

#[test]
fn other_errors_end_it_and_stay_what_they_are() {
    let eio = || Err(io::Error::from_raw_os_error(5));
    let file = Scripted::new([Ok(2), eio()]);
    let error = file.read_exact_at(&mut [0; 5], 0).expect_err("the second read fails");
    assert_eq!(error.raw_os_error(), Some(5));
    let file = Scripted::new([Ok(2), eio()]);
    let error = file.write_all_at(&[0; 5], 0).expect_err("the second write fails");
    assert_eq!(error.raw_os_error(), Some(5));
}

#[test]
fn offsets_do_not_wrap() {
    let file = Scripted::new([Ok(2)]);
    let answer = file.write_all_at(&[0; 5], u64::MAX - 1);
    assert_eq!(kind(answer), Some(ErrorKind::InvalidInput));
    let file = Scripted::new([Ok(2)]);
    let answer = file.read_exact_at(&mut [0; 5], u64::MAX - 1);
    assert_eq!(kind(answer), Some(ErrorKind::InvalidInput));
}

#[test]
fn a_cursor_moves_as_far_as_was_transferred() {
    let answers = [Ok(3), failure(ErrorKind::StorageFull), Ok(2), failure(ErrorKind::Other), Ok(0)];
    let mut cursor = Cursor::new(Scripted::new(answers));
    cursor.seek(SeekFrom::Start(10)).expect("there is such an offset");
    assert_eq!(cursor.write(&[0; 8]).ok(), Some(3));
    assert_eq!(kind(cursor.write(&[0; 5])), Some(ErrorKind::StorageFull));
    assert_eq!(cursor.position(), 13);
    assert_eq!(cursor.read(&mut [0; 4]).ok(), Some(2));
    assert_eq!(kind(cursor.read(&mut [0; 4])), Some(ErrorKind::Other));
    assert_eq!(cursor.read(&mut [0; 4]).ok(), Some(0));
    assert_eq!(cursor.position(), 15);
    assert_eq!(cursor.get_ref().asked.borrow().last(), Some(&(15, 4)));
}

#[test]
fn cursors_over_one_file_have_positions_of_their_own() {
    let file = tempfile::tempfile().expect("there is room");
    let (mut one, mut other) = (Cursor::new(&file), Cursor::new(&file));
    one.write_all(b"abc").expect("it is written");
    assert_eq!((one.position(), other.position()), (3, 0));
    let mut text = String::new();
    other.read_to_string(&mut text).expect("it is read");
    assert_eq!(text, "abc");
}

/// 8 sectors of 4 bytes, of which some cannot be had; counts what it is asked.
#[derive(Default)]
struct Bad {
    unreadable: Vec<u64>,
    unwritable: Vec<u64>,
    bytes: RefCell<[u8; 32]>,
    log: RefCell<String>,
    flushes: Cell<u32>,
}

impl Bad {
    fn log(&self, what: char, first: Sector, len: usize, bad: &[u64]) -> io::Result<usize> {
        let sectors = first.0..first.0 + len as u64 / 4;
        let mut log = self.log.borrow_mut();
        if !log.is_empty() {
            log.push(' ');
        }
        log.push_str(&format!("{what}{}+{}", sectors.start, len / 4));
        let is_bad = bad.iter().any(|bad| sectors.contains(bad));
        if is_bad { Err(io::Error::from_raw_os_error(5)) } else { Ok(first.0 as usize * 4) }
    }
}

impl BlockDevice for Bad {
    fn sector_size(&self) -> usize {
        4
    }

    fn sector_count(&self) -> u64 {
        8
    }

    fn read(&self, first: Sector, into: &mut [u8]) -> io::Result<()> {
        let at = self.log('r', first, into.len(), &self.unreadable)?;
        into.copy_from_slice(&self.bytes.borrow()[at..at + into.len()]);
        Ok(())
    }

    fn write(&self, first: Sector, data: &[u8]) -> io::Result<()> {
        let at = self.log('w', first, data.len(), &self.unwritable)?;
        self.bytes.borrow_mut()[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        self.flushes.set(self.flushes.get() + 1);
        Ok(())
    }
}

/// What a disk is asked for a write of `len` bytes at `at`.
fn accesses(at: u64, len: usize) -> String {
    let file = BlockFile::new(Bad::default());
    assert_eq!(file.write_at(&vec![1; len], at).ok(), Some(len));
    file.into_inner().log.into_inner()
}

#[test]
fn only_parts_of_sectors_are_read_before_they_are_written() {
    assert_eq!(accesses(0, 4), "w0+1");
    assert_eq!(accesses(4, 12), "w1+3");
    assert_eq!(accesses(5, 2), "r1+1 w1+1");
    assert_eq!(accesses(4, 3), "r1+1 w1+1");
    assert_eq!(accesses(2, 12), "r0+1 w0+1 w1+2 r3+1 w3+1");
    assert_eq!(accesses(3, 2), "r0+1 w0+1 r1+1 w1+1");
}

#[test]
fn a_write_that_fails_half_way_falls_short_and_then_fails() {
    let disk = Bad { unwritable: vec![2], ..Bad::default() };
    let file = BlockFile::new(disk);
    assert_eq!(file.write_at(&[1; 12], 3).ok(), Some(1));
    let error = file.write_at(&[1; 11], 4).expect_err("sector 2 is bad");
    assert_eq!(error.raw_os_error(), Some(5));
    let error = file.write_all_at(&[1; 12], 3).expect_err("sector 2 is bad");
    assert_eq!(error.raw_os_error(), Some(5));
}

#[test]
fn a_part_of_an_unreadable_sector_is_not_written() {
    let disk = Bad { unreadable: vec![1], ..Bad::default() };
    let file = BlockFile::new(disk);
    let error = file.write_at(&[1; 2], 5).expect_err("sector 1 is bad");
    assert_eq!(error.raw_os_error(), Some(5));
    assert_eq!(file.write_at(&[1; 4], 4).ok(), Some(4), "whole sectors need not be read");
    assert_eq!(file.get_ref().bytes.borrow()[4..8], [1; 4]);
}

#[test]
fn a_read_that_fails_half_way_falls_short_and_then_fails() {
    let disk = Bad { unreadable: vec![1], ..Bad::default() };
    let file = BlockFile::new(disk);
    assert_eq!(file.read_at(&mut [0; 8], 2).ok(), Some(2));
    assert!(file.read_at(&mut [0; 6], 4).is_err());
}

#[test]
fn syncs_flush() {
    let file = BlockFile::new(Bad::default());
    file.sync_data().expect("it flushes");
    file.sync_all().expect("it flushes");
    assert_eq!(file.get_ref().flushes.get(), 2);
}

#[test]
fn a_durable_write_is_written_then_flushed() {
    let disk = Bad { unwritable: vec![3], ..Bad::default() };
    disk.write_durable(Sector(1), &[1; 4]).expect("sector 1 is good");
    assert_eq!(disk.flushes.get(), 1);
    assert!(disk.write_durable(Sector(3), &[1; 4]).is_err());
    assert_eq!(disk.flushes.get(), 1, "nothing is flushed for a write that failed");
}

#[test]
fn a_device_longer_than_any_file_has_the_length_of_the_longest() {
    struct Endless;
    impl BlockDevice for Endless {
        fn sector_size(&self) -> usize {
            512
        }

        fn sector_count(&self) -> u64 {
            u64::MAX
        }

        fn read(&self, _: Sector, into: &mut [u8]) -> io::Result<()> {
            into.fill(1);
            Ok(())
        }

        fn write(&self, _: Sector, _: &[u8]) -> io::Result<()> {
            Ok(())
        }

        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }
    let file = BlockFile::new(Endless);
    assert_eq!(file.len().ok(), Some(OFFSET_MAX));
    assert_eq!(file.read_at(&mut [0; 10], OFFSET_MAX - 3).ok(), Some(3));
    assert_eq!(file.read_at(&mut [0; 10], u64::MAX).ok(), Some(0));
    assert_eq!(file.write_at(&[0; 10], OFFSET_MAX - 3).ok(), Some(3));
    assert_eq!(kind(file.write_at(&[0; 10], u64::MAX)), Some(ErrorKind::InvalidInput));
}
