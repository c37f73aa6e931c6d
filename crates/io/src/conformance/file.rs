//! Files.

use std::io::ErrorKind;

use super::{Case, Numbers, Suite};
use crate::{File, OFFSET_MAX};

/// What a [`File`] does that can grow. `fresh` makes an empty one.
///
/// # Panics
///
/// At the first case that comes out otherwise, with its name.
pub fn file<F: File>(name: &str, fresh: impl FnMut() -> F) {
    let mut suite = Suite { implementation: name, fresh };

    suite.case("a new file is empty", |case, file| {
        case.same("length", case.ok("len", file.len()), 0);
        case.holds("is_empty", case.ok("is_empty", file.is_empty()));
        case.same("bytes read", case.ok("read", file.read_at(&mut [0; 4], 0)), 0);
    });
    suite.case("what was written is read back", |case, file| {
        case.ok("write", file.write_all_at(b"hello, world", 0));
        contents(case, &file, b"hello, world");
        let mut middle = [0; 5];
        case.ok("read", file.read_exact_at(&mut middle, 7));
        case.same("bytes", &middle, b"world");
        case.holds("is_empty", !case.ok("is_empty", file.is_empty()));
    });
    suite.case("a later write replaces what it covers", |case, file| {
        case.ok("write", file.write_all_at(b"hello, world", 0));
        case.ok("write", file.write_all_at(b"HELLO", 0));
        case.ok("write", file.write_all_at(b"WIDE WORLD", 7));
        contents(case, &file, b"HELLO, WIDE WORLD");
    });
    suite.case("a read over the end is short", |case, file| {
        case.ok("write", file.write_all_at(b"abcdef", 0));
        let mut bytes = [9; 8];
        let mut count = 0;
        while count < 4 {
            let more = case.ok("read", file.read_at(&mut bytes[count..], 2 + count as u64));
            case.holds("it goes on to the end", more > 0);
            count += more;
        }
        case.same("bytes read", count, 4);
        case.same("bytes", &bytes[..4], b"cdef");
        case.same("bytes read at the end", case.ok("read", file.read_at(&mut bytes, 6)), 0);
        case.same("bytes read past it", case.ok("read", file.read_at(&mut bytes, 1_000)), 0);
        let whole = file.read_exact_at(&mut bytes, 2);
        case.fails("reading more than there is", whole, ErrorKind::UnexpectedEof);
    });
    suite.case("a write past the end leaves zeroes between", |case, file| {
        case.ok("write", file.write_all_at(b"ab", 0));
        case.ok("write", file.write_all_at(b"yz", 10_000));
        case.same("length", case.ok("len", file.len()), 10_002);
        let mut expected = vec![0; 10_002];
        expected[..2].copy_from_slice(b"ab");
        expected[10_000..].copy_from_slice(b"yz");
        contents(case, &file, &expected);
    });
    suite.case("nothing to transfer is no error, and changes nothing", |case, file| {
        case.same("bytes read", case.ok("read", file.read_at(&mut [], 0)), 0);
        case.same("bytes written", case.ok("write", file.write_at(&[], 0)), 0);
        case.same("bytes written", case.ok("write past the end", file.write_at(&[], 100)), 0);
        case.ok("read", file.read_exact_at(&mut [], 100));
        case.ok("write", file.write_all_at(&[], 100));
        case.same("length", case.ok("len", file.len()), 0);
    });
    suite.case("cutting off forgets what was behind", |case, file| {
        case.ok("write", file.write_all_at(&[7; 5_000], 0));
        case.ok("set_len", file.set_len(3));
        case.same("length", case.ok("len", file.len()), 3);
        contents(case, &file, &[7; 3]);
        case.ok("set_len", file.set_len(5_000));
        let mut expected = [0; 5_000];
        expected[..3].fill(7);
        contents(case, &file, &expected);
    });
    suite.case("a write after cutting off leaves zeroes between", |case, file| {
        case.ok("write", file.write_all_at(&[7; 64], 0));
        case.ok("set_len", file.set_len(8));
        case.ok("write", file.write_all_at(&[8; 4], 20));
        let mut expected = [0; 24];
        expected[..8].fill(7);
        expected[20..].fill(8);
        contents(case, &file, &expected);
    });
    suite.case("appending by length appends zeroes", |case, file| {
        case.ok("set_len", file.set_len(9_000));
        contents(case, &file, &[0; 9_000]);
        case.ok("set_len", file.set_len(9_000));
        case.ok("set_len", file.set_len(0));
        contents(case, &file, &[]);
    });
    suite.case("a hole can be written into", |case, file| {
        case.ok("set_len", file.set_len(20_000));
        case.ok("write", file.write_all_at(&[5; 100], 8_150));
        let mut expected = vec![0; 20_000];
        expected[8_150..8_250].fill(5);
        contents(case, &file, &expected);
    });
    suite.case("syncing changes nothing", |case, file| {
        case.ok("sync_data of nothing", file.sync_data());
        case.ok("sync_all of nothing", file.sync_all());
        case.ok("write", file.write_all_at(b"abc", 1));
        case.ok("sync_data", file.sync_data());
        case.ok("sync_all", file.sync_all());
        contents(case, &file, b"\0abc");
    });
    suite.case("offsets that no file has are errors, and change nothing", |case, file| {
        case.ok("write", file.write_all_at(b"abc", 0));
        beyond(case, &file);
        let long = file.set_len(OFFSET_MAX + 1);
        case.fails("set_len", long, ErrorKind::InvalidInput);
        case.fails("set_len", file.set_len(u64::MAX), ErrorKind::InvalidInput);
        contents(case, &file, b"abc");
    });
    suite.case("it is as bytes in memory are, over many moves", |case, file| {
        let mut numbers = Numbers(1);
        let mut model = Vec::new();
        for _ in 0..600 {
            let at = numbers.below(12_000);
            match numbers.below(4) {
                0 => {
                    case.ok("set_len", file.set_len(at as u64));
                    model.resize(at, 0);
                }
                1 => reads_as(case, &file, &model, at, numbers.below(5_000)),
                _ => {
                    let len = numbers.below(5_000);
                    let data = numbers.bytes(len);
                    case.ok("write", file.write_all_at(&data, at as u64));
                    if !data.is_empty() {
                        model.resize(model.len().max(at + data.len()), 0);
                        model[at..at + data.len()].copy_from_slice(&data);
                    }
                }
            }
            case.same("length", case.ok("len", file.len()), model.len() as u64);
        }
        contents(case, &file, &model);
    });
}

/// What a [`File`] does that is always `len` bytes long, as a [`BlockFile`](crate::BlockFile) is. `fresh` makes
/// one of zeroes; `len` is at least 2 000 and at most a few megabytes.
///
/// # Panics
///
/// At the first case that comes out otherwise, with its name.
pub fn fixed_file<F: File>(name: &str, len: usize, fresh: impl FnMut() -> F) {
    assert!(len >= 2_000, "too short to be tried");
    let end = len as u64;
    let mut suite = Suite { implementation: name, fresh };

    suite.case("a new one has zeroes", |case, file| {
        contents(case, &file, &vec![0; len]);
        case.holds("is_empty", !case.ok("is_empty", file.is_empty()));
    });
    suite.case("a read over the end is short", |case, file| {
        case.ok("write", file.write_all_at(b"end", end - 3));
        let mut bytes = [9; 8];
        case.same("bytes read", case.ok("read", file.read_at(&mut bytes, end - 3)), 3);
        case.same("bytes", &bytes[..3], b"end");
        case.same("bytes read at the end", case.ok("read", file.read_at(&mut bytes, end)), 0);
        case.same("bytes read past it", case.ok("read", file.read_at(&mut bytes, end + 9)), 0);
        let whole = file.read_exact_at(&mut bytes, end - 3);
        case.fails("reading more than there is", whole, ErrorKind::UnexpectedEof);
    });
    suite.case("a write over the end falls short", |case, file| {
        case.same("bytes written", case.ok("write", file.write_at(b"ends here", end - 4)), 4);
        let mut bytes = [0; 4];
        case.ok("read", file.read_exact_at(&mut bytes, end - 4));
        case.same("bytes", &bytes, b"ends");
        let whole = file.write_all_at(b"ends here", end - 4);
        case.fails("writing all of it", whole, ErrorKind::StorageFull);
        case.same("length", case.ok("len", file.len()), end);
    });
    suite.case("there is no room at the end", |case, file| {
        case.fails("write", file.write_at(b"x", end), ErrorKind::StorageFull);
        case.fails("write", file.write_at(b"x", end + 1_000), ErrorKind::StorageFull);
        contents(case, &file, &vec![0; len]);
    });
    suite.case("nothing to transfer is no error", |case, file| {
        case.same("bytes read", case.ok("read", file.read_at(&mut [], 1)), 0);
        case.same("bytes written", case.ok("write", file.write_at(&[], 1)), 0);
        case.same("bytes written", case.ok("write at the end", file.write_at(&[], end)), 0);
    });
    suite.case("its length is fixed", |case, file| {
        case.ok("set_len to what it is", file.set_len(end));
        case.fails("set_len to less", file.set_len(0), ErrorKind::Unsupported);
        case.fails("set_len to more", file.set_len(end + 1), ErrorKind::Unsupported);
        case.same("length", case.ok("len", file.len()), end);
    });
    suite.case("offsets that no file has are errors, and change nothing", |case, file| {
        beyond(case, &file);
        contents(case, &file, &vec![0; len]);
    });
    suite.case("it is as bytes in memory are, over many moves", |case, file| {
        let mut numbers = Numbers(2);
        let mut model = vec![0; len];
        for _ in 0..400 {
            let at = numbers.below(len);
            let count = numbers.below(3_000).min(len - at);
            if numbers.below(3) == 0 {
                reads_as(case, &file, &model, at, count);
                continue;
            }
            let data = numbers.bytes(count);
            case.ok("write", file.write_all_at(&data, at as u64));
            model[at..at + count].copy_from_slice(&data);
            if numbers.below(8) == 0 {
                case.ok("sync_data", file.sync_data());
                case.ok("sync_all", file.sync_all());
            }
        }
        contents(case, &file, &model);
    });
}

/// All of it, and nothing behind it.
#[track_caller]
fn contents(case: &Case<'_>, file: &impl File, expected: &[u8]) {
    case.same("length", case.ok("len", file.len()), expected.len() as u64);
    let mut bytes = vec![0xEE; expected.len()];
    case.ok("read", file.read_exact_at(&mut bytes, 0));
    let differs = bytes.iter().zip(expected).position(|(got, expected)| got != expected);
    case.same("the first byte that differs", differs, None);
    let end = expected.len() as u64;
    case.same("bytes behind it", case.ok("read", file.read_at(&mut [0; 16], end)), 0);
}

#[track_caller]
fn reads_as(case: &Case<'_>, file: &impl File, model: &[u8], at: usize, len: usize) {
    let expected = model.get(at..).unwrap_or_default();
    let expected = &expected[..expected.len().min(len)];
    let mut bytes = vec![0xEE; len];
    let mut count = 0;
    while count < len {
        match case.ok("read", file.read_at(&mut bytes[count..], (at + count) as u64)) {
            0 => break,
            more => count += more,
        }
    }
    case.same("bytes read", count, expected.len());
    let differs = bytes.iter().zip(expected).position(|(got, expected)| got != expected);
    case.same("the first byte that differs", differs, None);
}

fn beyond(case: &Case<'_>, file: &impl File) {
    let mut bytes = [0; 4];
    for at in [OFFSET_MAX - 1, OFFSET_MAX, OFFSET_MAX + 1, u64::MAX - 1, u64::MAX] {
        case.error("write", file.write_at(b"abcd", at));
        case.error("write_all", file.write_all_at(b"abcd", at));
        let read = file.read_at(&mut bytes, at).unwrap_or_default();
        case.same("bytes read", read, 0);
        case.error("read_exact", file.read_exact_at(&mut bytes, at));
    }
}
