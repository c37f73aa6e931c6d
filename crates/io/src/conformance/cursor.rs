//! Files with a position.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use super::{Case, Numbers, Suite};
use crate::{Cursor, File, OFFSET_MAX};

/// A file with a position and a length: [`std::fs::File`], [`Cursor`], or whatever else is to behave
/// as they do.
pub trait Stream: Read + Write + Seek {
    /// Cuts the file off, or appends zeroes.
    ///
    /// # Errors
    ///
    /// What the file says.
    fn set_len(&self, len: u64) -> io::Result<()>;
}

impl Stream for std::fs::File {
    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }
}

impl<F: File> Stream for Cursor<F> {
    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }
}

/// What a file with a position does. `fresh` makes an empty one, at position 0, that can grow.
///
/// # Panics
///
/// At the first case that comes out otherwise, with its name.
pub fn cursor<S: Stream>(name: &str, fresh: impl FnMut() -> S) {
    let mut suite = Suite { implementation: name, fresh };

    suite.case("a new one is empty, at 0", |case, mut file| {
        is_at(case, &mut file, 0);
        case.same("bytes read", case.ok("read", file.read(&mut [0; 4])), 0);
        contents(case, &mut file, b"");
    });
    suite.case("reading and writing move it", |case, mut file| {
        case.ok("write", file.write_all(b"hello, "));
        case.ok("write", file.write_all(b"world"));
        is_at(case, &mut file, 12);
        case.ok("rewind", file.rewind());
        let mut word = [0; 5];
        case.ok("read", file.read_exact(&mut word));
        case.same("bytes", &word, b"hello");
        is_at(case, &mut file, 5);
        case.ok("write", file.write_all(b"; "));
        is_at(case, &mut file, 7);
        contents(case, &mut file, b"hello; world");
    });
    suite.case("nothing moves it by nothing", |case, mut file| {
        case.ok("seek", file.seek(SeekFrom::Start(9)));
        case.same("bytes written", case.ok("write", file.write(&[])), 0);
        case.same("bytes read", case.ok("read", file.read(&mut [])), 0);
        is_at(case, &mut file, 9);
        contents(case, &mut file, b"");
    });
    suite.case("it seeks from the start, from where it is and from the end", |case, mut file| {
        case.ok("write", file.write_all(b"0123456789"));
        let mut seeks =
            |to, expected: u64| case.same("position", case.ok("seek", file.seek(to)), expected);
        seeks(SeekFrom::Start(4), 4);
        seeks(SeekFrom::Current(3), 7);
        seeks(SeekFrom::Current(-7), 0);
        seeks(SeekFrom::End(-1), 9);
        seeks(SeekFrom::End(0), 10);
        seeks(SeekFrom::End(5), 15);
        seeks(SeekFrom::End(-10), 0);
    });
    suite.case("seeking before 0 is refused, and moves nothing", |case, mut file| {
        case.ok("write", file.write_all(b"0123456789"));
        case.ok("seek", file.seek(SeekFrom::Start(4)));
        for to in [
            SeekFrom::Current(-5),
            SeekFrom::Current(i64::MIN),
            SeekFrom::End(-11),
            SeekFrom::End(i64::MIN),
        ] {
            case.fails("seek", file.seek(to), ErrorKind::InvalidInput);
            is_at(case, &mut file, 4);
        }
    });
    suite.case(
        "seeking beyond what a file can have is an error, and moves nothing",
        |case, mut file| {
            case.ok("write", file.write_all(b"0123456789"));
            for to in [
                SeekFrom::Start(OFFSET_MAX + 1),
                SeekFrom::Start(u64::MAX),
                SeekFrom::Current(i64::MAX),
                SeekFrom::End(i64::MAX),
            ] {
                case.error("seek", file.seek(to));
                is_at(case, &mut file, 10);
            }
        },
    );
    suite.case("seeking past the end makes nothing longer", |case, mut file| {
        case.ok("write", file.write_all(b"abc"));
        case.ok("seek", file.seek(SeekFrom::Start(5_000)));
        case.same("bytes read", case.ok("read", file.read(&mut [0; 4])), 0);
        is_at(case, &mut file, 5_000);
        contents(case, &mut file, b"abc");
    });
    suite.case("a write past the end leaves zeroes between", |case, mut file| {
        case.ok("write", file.write_all(b"abc"));
        case.ok("seek", file.seek(SeekFrom::End(4)));
        case.ok("write", file.write_all(b"xyz"));
        contents(case, &mut file, b"abc\0\0\0\0xyz");
    });
    suite.case("cutting off leaves it where it is, past the end", |case, mut file| {
        case.ok("write", file.write_all(b"0123456789"));
        case.ok("set_len", file.set_len(4));
        is_at(case, &mut file, 10);
        case.same("bytes read", case.ok("read", file.read(&mut [0; 4])), 0);
        case.ok("write", file.write_all(b"x"));
        contents(case, &mut file, b"0123\0\0\0\0\0\0x");
    });
    suite.case("appending by length leaves it where it is", |case, mut file| {
        case.ok("write", file.write_all(b"ab"));
        case.ok("set_len", file.set_len(5));
        is_at(case, &mut file, 2);
        case.ok("write", file.write_all(b"c"));
        contents(case, &mut file, b"abc\0\0");
    });
    suite.case("a read over the end is short, and moves to the end", |case, mut file| {
        case.ok("write", file.write_all(b"abcdef"));
        case.ok("seek", file.seek(SeekFrom::Start(4)));
        let mut rest = Vec::new();
        case.same("bytes read", case.ok("read", file.read_to_end(&mut rest)), 2);
        case.same("bytes", &*rest, b"ef");
        is_at(case, &mut file, 6);
        let more = file.read_exact(&mut [0]);
        case.fails("reading more than there is", more, ErrorKind::UnexpectedEof);
    });
    suite.case("flushing changes nothing", |case, mut file| {
        case.ok("write", file.write_all(b"abc"));
        case.ok("flush", file.flush());
        is_at(case, &mut file, 3);
        contents(case, &mut file, b"abc");
    });
    suite.case("it is as bytes in memory are, over many moves", |case, mut file| {
        let mut numbers = Numbers(9);
        let mut model = Vec::new();
        let mut at = 0;
        for _ in 0..600 {
            match numbers.below(5) {
                0 => {
                    let len = numbers.below(9_000);
                    case.ok("set_len", file.set_len(len as u64));
                    model.resize(len, 0);
                }
                1 => {
                    let to = numbers.below(9_000);
                    let how = match numbers.below(3) {
                        0 => SeekFrom::Start(to as u64),
                        1 => SeekFrom::Current(to as i64 - at as i64),
                        _ => SeekFrom::End(to as i64 - model.len() as i64),
                    };
                    at = to;
                    case.same("position", case.ok("seek", file.seek(how)), to as u64);
                }
                2 => {
                    let expected = model.get(at..).unwrap_or_default();
                    let len = numbers.below(3_000).min(expected.len());
                    let mut bytes = vec![0; len];
                    case.ok("read", file.read_exact(&mut bytes));
                    case.holds("the bytes are those written", bytes == expected[..len]);
                    at += len;
                }
                _ => {
                    let len = numbers.below(3_000) + 1;
                    let data = numbers.bytes(len);
                    case.ok("write", file.write_all(&data));
                    model.resize(model.len().max(at + len), 0);
                    model[at..at + len].copy_from_slice(&data);
                    at += len;
                }
            }
            is_at(case, &mut file, at as u64);
        }
        contents(case, &mut file, &model);
    });
}

#[track_caller]
fn is_at(case: &Case<'_>, file: &mut impl Stream, expected: u64) {
    case.same("position", case.ok("seek", file.stream_position()), expected);
}

/// All of it, wherever it is.
#[track_caller]
fn contents(case: &Case<'_>, file: &mut impl Stream, expected: &[u8]) {
    let mut bytes = Vec::new();
    case.ok("rewind", file.rewind());
    case.ok("read", file.read_to_end(&mut bytes));
    case.same("length", bytes.len(), expected.len());
    let differs = bytes.iter().zip(expected).position(|(got, expected)| got != expected);
    case.same("the first byte that differs", differs, None);
}
