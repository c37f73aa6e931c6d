//! Command scripts. What is said of bad commands was seen on `qemu-io` 10.0.2.

use headcrash_scenario::blkdebug::script::{self, Operation, ScriptError, Verify};

/// One command: what it is, or why it is not carried over.
#[track_caller]
fn check(text: &str, expected: Result<Operation, &str>) {
    let script = script::parse(text).unwrap();
    let carried = script.commands.iter().map(|command| (command.line, Ok(&command.operation)));
    let not = script.not_carried.iter().map(|line| {
        assert_eq!(line.text, text);
        (line.line, Err(line.reason.as_str()))
    });
    let actual: Vec<_> = carried.chain(not).collect();
    assert_eq!(actual, [(1, expected.as_ref().map_err(|reason| *reason))], "{text}");
}

const fn read(at: u64, len: u64) -> Operation {
    Operation::Read { at, len, verify: None, background: false }
}

const fn verified(len: u64, verify: Verify) -> Operation {
    Operation::Read { at: 0, len, verify: Some(verify), background: false }
}

const fn write(at: u64, len: u64) -> Operation {
    Operation::Write { at, len, pattern: 0xcd, fua: false, background: false }
}

const ZEROES: Operation = Operation::WriteZeroes {
    at: 0,
    len: 512,
    fua: false,
    unmap: false,
    no_fallback: false,
    background: false,
};

#[test]
fn reads() {
    check("read 0 512", Ok(read(0, 512)));
    check("  r   1k  4k ", Ok(read(1024, 4096)));
    check("read -qCvp 0 512", Ok(read(0, 512)));
    check("read 0 512 -q", Ok(read(0, 512)));
    check("read -- 0 512", Ok(read(0, 512)));
    check("readv 0 512 1k", Ok(read(0, 1536)));
    check("aio_read 0 1", Ok(Operation::Read { at: 0, len: 1, verify: None, background: true }));
    let all = Verify { pattern: 0x11, from: 0, len: 512 };
    check("read -P 0x11 0 512", Ok(verified(512, all)));
    check("read -qP021 0 512", Ok(verified(512, all)));
    check("readv 0 256 256 -P 17", Ok(verified(512, all)));
    let part = Verify { from: 100, len: 12, ..all };
    check("read -P 17 -s 100 -l 12 0 512", Ok(verified(512, part)));
    check("read -P 17 -s 100 0 512", Ok(verified(512, Verify { len: 412, ..part })));
}

#[test]
fn writes() {
    check("write 0 512", Ok(write(0, 512)));
    check("w -q 64k 1M", Ok(write(65536, 1 << 20)));
    let pattern = Operation::Write { at: 0, len: 512, pattern: 1, fua: true, background: false };
    check("write -f -P 1 0 512", Ok(pattern.clone()));
    check("writev -f -P 1 0 256 256", Ok(pattern));
    let aio = Operation::Write { at: 0, len: 512, pattern: 1, fua: false, background: true };
    check("aio_write -P 1 0 512", Ok(aio));
    check("write -z 0 512", Ok(ZEROES));
    let all = Operation::WriteZeroes {
        at: 0,
        len: 512,
        fua: true,
        unmap: true,
        no_fallback: true,
        background: false,
    };
    check("write -zfun 0 512", Ok(all));
    let aio = Operation::WriteZeroes {
        at: 0,
        len: 4 << 30,
        fua: true,
        unmap: false,
        no_fallback: false,
        background: true,
    };
    check("aio_write -z -f -P 1 0 4G", Ok(aio));
    check("discard -q 0 1k", Ok(Operation::Discard { at: 0, len: 1024 }));
    check("d 0 1k", Ok(Operation::Discard { at: 0, len: 1024 }));
}

#[test]
fn the_rest() {
    check("flush", Ok(Operation::Flush));
    check("f", Ok(Operation::Flush));
    check("aio_flush", Ok(Operation::Drain));
    let (event, tag) = ("pwritev".to_owned(), "A".to_owned());
    check("break pwritev A", Ok(Operation::Break { event, tag: tag.clone() }));
    check("remove_break A", Ok(Operation::RemoveBreak { tag: tag.clone() }));
    check("resume A", Ok(Operation::Resume { tag: tag.clone() }));
    check("wait_break A", Ok(Operation::WaitBreak { tag }));
    check("sleep 010", Ok(Operation::Sleep { ms: 8 }));
    check("truncate 1M", Ok(Operation::Truncate { len: 1 << 20 }));
    check("t -m off 0", Ok(Operation::Truncate { len: 0 }));
    check("length", Ok(Operation::Length));
    check("open disk.img", Ok(Operation::Open { path: "disk.img".to_owned() }));
    check("close", Ok(Operation::Close));
    check("reopen", Ok(Operation::Reopen { read_only: None }));
    check("reopen -r", Ok(Operation::Reopen { read_only: Some(true) }));
    check("reopen -w", Ok(Operation::Reopen { read_only: Some(false) }));
    check("q", Ok(Operation::Quit));
    check("quit now", Ok(Operation::Quit));
}

#[test]
fn sizes_are_decimal_or_hexadecimal_and_never_octal() {
    check("read 010 0x200", Ok(read(10, 512)));
    check("read 1.5k .5k", Ok(read(1536, 512)));
    check("read 1T 1b", Ok(read(1 << 40, 1)));
    let syntax = "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- ";
    check("read 0 5x", Err(&format!("{syntax}5x")));
    check("read - 512", Err(&format!("{syntax}-")));
    check("read 0 512\r", Err(&format!("{syntax}512\r")));
    check("read 20E 5", Err("Parsing error: argument too large -- 20E"));
    check("read 10E 5", Err("Parsing error: argument too large -- 10E"));
    check("read 0 2147483136", Ok(read(0, 2_147_483_136)));
    let long = "length cannot exceed 2147483136, given 2147483137";
    check("read 0 2147483137", Err(long));
    check("discard 0 2147483137", Err(long));
    check("write -z 0 3G", Err("length cannot exceed 2147483136 without -n, given 3G"));
    check("readv 0 3G", Err("Argument '3G' exceeds maximum size 2147483136"));
    let total = "The total number of bytes exceed the maximum size 2147483136";
    check("readv 0 1G 1G", Err(total));
}

#[test]
fn what_qemu_io_refuses_is_refused_in_its_words() {
    check("read -v", Err("bad argument count 1 to read, expected at least 2 arguments"));
    check("break a", Err("bad argument count 1 to break, expected 2 arguments"));
    check("flush x", Err("bad argument count 1 to flush, expected 0 arguments"));
    check("read -x 0 1", Err("invalid option -- 'x'"));
    check("read -1 5", Err("invalid option -- '1'"));
    check("read -: 5", Err("invalid option -- ':'"));
    check("read 0 -P", Err("option requires an argument -- 'P'"));
    check("read -P 256 0 512", Err("256 is not a valid pattern byte"));
    check("read -P x 0 512", Err("x is not a valid pattern byte"));
    check("read -P -1 0 512", Err("-1 is not a valid pattern byte"));
    check("read -P 0 -s 1 -l 2 0 2", Err("pattern verification range exceeds end of read data"));
    check("read -P 0 -s 3 0 2", Err("pattern verification range exceeds end of read data"));
    check("write -u 0 512", Err("-u requires -z to be specified"));
    check("write -n 0 512", Err("-n requires -z to be specified"));
    let one = "Only one of -z, -P, and -s can be specified at the same time";
    check("write -z -P 1 0 512", Err(one));
    check("write -s f -P 1 0 512", Err(one));
    check("write -f -c 0 512", Err("-f and -b or -c cannot be specified at the same time"));
    check("write -b -z 0 512", Err("-b and -z cannot be specified at the same time"));
    check("aio_write -z 0 512 512", Err("-z supports only a single length parameter"));
    check("aio_write -z -n 0 512", Err("invalid option -- 'n'"));
    check("reopen -r -w", Err("Only one -r/-w option may be given"));
    check("sleep x", Err("x is not a valid number"));
    check("sleep -1", Err("-1 is not a valid number"));
    check("foo", Err("command \"foo\" not found"));
    check("read\t0\t512", Err("command \"read\t0\t512\" not found"));
    check("read 0 512 512", Err("an offset and a length are wanted"));
}

#[test]
fn what_is_missing_here_is_named() {
    check("read -b 0 512", Err("the VM state (-b) is not carried over"));
    check("write -c 0 512", Err("compression (-c) is not carried over"));
    check("write -s file 0 512", Err("a source file (-s) is not carried over"));
    check("aio_read -i 0 512", Err("-i only exercises statistics"));
    check("open -o driver=raw disk.img", Err("open with options is not carried over"));
    check("reopen -c none", Err("reopen with -c or -o is not carried over"));
    check("truncate -m full 1M", Err("preallocation is not carried over"));
    check("map", Err("map is not carried over"));
    check("abort", Err("abort is not carried over"));
}

#[test]
fn lines_are_counted_and_a_bad_one_stops_nothing() {
    let script = script::parse("# first\n\nread 0 512\n   \nnope\n #\nflush").unwrap();
    let lines: Vec<_> = script.commands.iter().map(|command| command.line).collect();
    assert_eq!(lines, [3, 7]);
    assert_eq!(script.not_carried[0].line, 5);
    assert_eq!(script::parse(&"\n".repeat((1 << 20) + 1)), Err(ScriptError::TooLong));
}
