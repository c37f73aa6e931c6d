//! One command of a script.

use super::scan::scan_integer;
use super::script::{Operation, Verify};
use super::value::{self, SizeFault};

/// What a command does, or why it is not carried over.
pub(super) fn parse(name: &str, arguments: &[&str]) -> Result<Operation, String> {
    let count = |least: usize, most: Option<usize>| {
        let given = arguments.len();
        let expected = match most {
            Some(most) if (least..=most).contains(&given) => return Ok(()),
            None if given >= least => return Ok(()),
            Some(most) if most == least => format!("{least}"),
            Some(most) => format!("between {least} and {most}"),
            None => format!("at least {least}"),
        };
        Err(format!("bad argument count {given} to {name}, expected {expected} arguments"))
    };
    let word = |i: usize| arguments.get(i).copied().unwrap_or_default().to_owned();
    match name {
        "read" | "r" | "readv" | "aio_read" => {
            count(2, None)?;
            read(name, arguments)
        }
        "write" | "w" | "writev" | "aio_write" => {
            count(2, None)?;
            write(name, arguments)
        }
        "discard" | "d" => {
            count(2, None)?;
            let given = getopt(arguments, "Cq")?;
            let (at, len) = range(&given.operands)?;
            Ok(Operation::Discard { at, len: limited(len, given.operands[1])? })
        }
        "flush" | "f" => count(0, Some(0)).map(|()| Operation::Flush),
        "aio_flush" => count(0, Some(0)).map(|()| Operation::Drain),
        "break" => count(2, Some(2)).map(|()| Operation::Break { event: word(0), tag: word(1) }),
        "remove_break" => count(1, Some(1)).map(|()| Operation::RemoveBreak { tag: word(0) }),
        "resume" => count(1, Some(1)).map(|()| Operation::Resume { tag: word(0) }),
        "wait_break" => count(1, Some(1)).map(|()| Operation::WaitBreak { tag: word(0) }),
        "sleep" => {
            count(1, Some(1))?;
            let ms = c_long(arguments[0]);
            let ms = ms.ok_or_else(|| format!("{} is not a valid number", arguments[0]))?;
            Ok(Operation::Sleep { ms })
        }
        "truncate" | "t" => {
            count(1, Some(3))?;
            let given = getopt(arguments, "m:")?;
            if given.value('m').is_some_and(|mode| mode != "off") {
                return Err("preallocation is not carried over".to_owned());
            }
            match given.operands[..] {
                [len] => Ok(Operation::Truncate { len: size(len)? }),
                _ => Err("truncate takes a length".to_owned()),
            }
        }
        "length" | "l" => count(0, Some(0)).map(|()| Operation::Length),
        "open" | "o" => {
            count(1, None)?;
            let given = getopt(arguments, "snCro:ki:t:d:U")?;
            match given.operands[..] {
                _ if !given.options.is_empty() => {
                    Err("open with options is not carried over".to_owned())
                }
                [path] => Ok(Operation::Open { path: path.to_owned() }),
                _ => Err("open takes one file name".to_owned()),
            }
        }
        "close" | "c" => count(0, Some(0)).map(|()| Operation::Close),
        "reopen" => {
            let given = getopt(arguments, "c:o:rw")?;
            let modes = given.options.iter().filter(|(option, _)| matches!(option, 'r' | 'w'));
            if modes.clone().count() > 1 {
                return Err("Only one -r/-w option may be given".to_owned());
            } else if given.has('c') || given.has('o') {
                return Err("reopen with -c or -o is not carried over".to_owned());
            } else if !given.operands.is_empty() {
                return Err("reopen takes no operands".to_owned());
            }
            let read_only = modes.map(|(option, _)| *option == 'r').next();
            Ok(Operation::Reopen { read_only })
        }
        "quit" | "q" => Ok(Operation::Quit),
        "info" | "i" | "alloc" | "a" | "map" | "abort" | "sigraise" | "help" | "?" => {
            Err(format!("{name} is not carried over"))
        }
        name if name.starts_with("zone_") => Err(format!("{name} is not carried over")),
        name => Err(format!("command \"{name}\" not found")),
    }
}

fn read(name: &str, arguments: &[&str]) -> Result<Operation, String> {
    let single = matches!(name, "read" | "r");
    let background = name == "aio_read";
    let given = getopt(
        arguments,
        match name {
            "readv" => "CP:qrv",
            "aio_read" => "CP:iqrv",
            _ => "bCl:pP:qrs:v",
        },
    )?;
    if given.has('i') {
        return Err("-i only exercises statistics".to_owned());
    }
    let pattern = given.value('P').map(pattern).transpose()?;
    let from = given.value('s').map(size).transpose()?;
    let part = given.value('l').map(size).transpose()?;
    let (at, len) = if single { range(&given.operands)? } else { ranges(&given.operands)? };
    let len = if single { limited(len, given.operands[1])? } else { len };
    if pattern.is_none() && (from.is_some() || part.is_some()) {
        return Err("-s and -l need -P".to_owned());
    }
    if given.has('b') {
        return Err("the VM state (-b) is not carried over".to_owned());
    }
    let from = from.unwrap_or(0);
    let verify = match pattern {
        Some(pattern) => {
            let part = part.or_else(|| len.checked_sub(from));
            let part = part.filter(|part| from.checked_add(*part).is_some_and(|end| end <= len));
            let beyond = "pattern verification range exceeds end of read data";
            Some(Verify { pattern, from, len: part.ok_or(beyond)? })
        }
        None => None,
    };
    Ok(Operation::Read { at, len, verify, background })
}

fn write(name: &str, arguments: &[&str]) -> Result<Operation, String> {
    let single = matches!(name, "write" | "w");
    let background = name == "aio_write";
    let given = getopt(
        arguments,
        match name {
            "writev" => "CfqrP:",
            "aio_write" => "CfiP:qruz",
            _ => "bcCfnpP:qrs:uz",
        },
    )?;
    if given.has('i') {
        return Err("-i only exercises statistics".to_owned());
    }
    let pattern = given.value('P').map(pattern).transpose()?;
    let [fua, unmap, no_fallback, zero] = ['f', 'u', 'n', 'z'].map(|option| given.has(option));
    let [state, compressed, file] = ['b', 'c', 's'].map(|option| given.has(option));
    let conflicts = [
        (state && zero, "-b and -z cannot be specified at the same time"),
        (fua && (state || compressed), "-f and -b or -c cannot be specified at the same time"),
        (no_fallback && !zero, "-n requires -z to be specified"),
        (unmap && !zero, "-u requires -z to be specified"),
        (
            // `aio_write` has only two of them, and zero it is.
            single && [zero, pattern.is_some(), file].map(usize::from).iter().sum::<usize>() > 1,
            "Only one of -z, -P, and -s can be specified at the same time",
        ),
        (state, "the VM state (-b) is not carried over"),
        (compressed, "compression (-c) is not carried over"),
        (file, "a source file (-s) is not carried over"),
        (zero && given.operands.len() > 2, "-z supports only a single length parameter"),
    ];
    if let Some((_, conflict)) = conflicts.iter().find(|(is, _)| *is) {
        return Err((*conflict).to_owned());
    }
    if zero {
        let (at, len) = range(&given.operands)?;
        if single && !no_fallback && len > MAX_REQUEST {
            let len = given.operands[1];
            return Err(format!("length cannot exceed {MAX_REQUEST} without -n, given {len}"));
        }
        return Ok(Operation::WriteZeroes { at, len, fua, unmap, no_fallback, background });
    }
    let (at, len) = if single { range(&given.operands)? } else { ranges(&given.operands)? };
    let len = if single { limited(len, given.operands[1])? } else { len };
    Ok(Operation::Write { at, len, pattern: pattern.unwrap_or(0xcd), fua, background })
}

/// `BDRV_REQUEST_MAX_BYTES`: `INT_MAX` in whole sectors.
const MAX_REQUEST: u64 = 2_147_483_136;

fn limited(len: u64, text: &str) -> Result<u64, String> {
    if len <= MAX_REQUEST {
        return Ok(len);
    }
    Err(format!("length cannot exceed {MAX_REQUEST}, given {text}"))
}

/// An offset and a length.
fn range(operands: &[&str]) -> Result<(u64, u64), String> {
    match operands {
        [at, len] => Ok((size(at)?, size(len)?)),
        _ => Err("an offset and a length are wanted".to_owned()),
    }
}

/// An offset and lengths that are added.
fn ranges(operands: &[&str]) -> Result<(u64, u64), String> {
    let [at, lens @ ..] = operands else { return range(operands) };
    if lens.is_empty() {
        return range(operands);
    }
    let (at, mut sum) = (size(at)?, 0);
    for text in lens {
        let len = size(text)?;
        if len > MAX_REQUEST {
            return Err(format!("Argument '{text}' exceeds maximum size {MAX_REQUEST}"));
        }
        sum += len;
        if sum > MAX_REQUEST {
            let total = "The total number of bytes exceed the maximum size";
            return Err(format!("{total} {MAX_REQUEST}"));
        }
    }
    Ok((at, sum))
}

/// `cvtnum`.
fn size(text: &str) -> Result<u64, String> {
    let size = value::size_10(text);
    match size.and_then(|size| i64::try_from(size).map(|_| size).map_err(|_| SizeFault::Range)) {
        Ok(size) => Ok(size),
        Err(SizeFault::Range) => Err(format!("Parsing error: argument too large -- {text}")),
        Err(SizeFault::Syntax) => Err(format!(
            "Parsing error: non-numeric argument, or extraneous/unrecognized suffix -- {text}"
        )),
    }
}

/// `parse_pattern`.
fn pattern(text: &str) -> Result<u8, String> {
    let byte = c_long(text).and_then(|number| u8::try_from(number).ok());
    byte.ok_or_else(|| format!("{text} is not a valid pattern byte"))
}

/// `strtol` in base 0, of the whole text, and not negative.
fn c_long(text: &str) -> Option<u64> {
    let scan = scan_integer(text.as_bytes(), 0);
    let number = if scan.negative { scan.value.wrapping_neg() } else { scan.value };
    let negative = scan.negative && (number > 0 || scan.overflow);
    (scan.end == text.len() && !negative).then_some(number.min(i64::MAX as u64))
}

/// What `getopt` sorted out.
struct Given<'a> {
    options: Vec<(char, &'a str)>,
    operands: Vec<&'a str>,
}

impl<'a> Given<'a> {
    fn has(&self, option: char) -> bool {
        self.options.iter().any(|(given, _)| *given == option)
    }

    /// The last one given counts.
    fn value(&self, option: char) -> Option<&'a str> {
        self.options.iter().rev().find(|(given, _)| *given == option).map(|(_, value)| *value)
    }
}

/// GNU's `getopt`: options anywhere, several in a word, and a value in the word or the next.
fn getopt<'a>(arguments: &[&'a str], known: &str) -> Result<Given<'a>, String> {
    let mut given = Given { options: Vec::new(), operands: Vec::new() };
    let mut words = arguments.iter().copied();
    while let Some(word) = words.next() {
        let Some(flags) = word.strip_prefix('-').filter(|flags| !flags.is_empty()) else {
            given.operands.push(word);
            continue;
        };
        if flags == "-" {
            given.operands.extend(words);
            break;
        }
        let mut flags = flags.chars();
        while let Some(option) = flags.next() {
            let place = known.find(option).filter(|_| option != ':');
            let place = place.ok_or_else(|| format!("invalid option -- '{option}'"))?;
            if !known[place + option.len_utf8()..].starts_with(':') {
                given.options.push((option, ""));
                continue;
            }
            let rest = Some(flags.as_str()).filter(|rest| !rest.is_empty());
            let value = rest.or_else(|| words.next());
            let missing = || format!("option requires an argument -- '{option}'");
            given.options.push((option, value.ok_or_else(missing)?));
            break;
        }
    }
    Ok(given)
}
