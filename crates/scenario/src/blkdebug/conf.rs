//! Configuration files.
//!
//! QEMU reads them with `sscanf`, and four patterns decide what a line is (`util/qemu-config.c`):
//!
//! 1. an empty line, or one with `#` in its first column, is skipped;
//! 2. `[group "id"]`, else `[group]`, with `[` in the first column, begins a section; what follows
//!    is ignored, and so is whether the bracket is ever closed;
//! 3. `key = "value"` sets an option. White space is needed in front of the equals sign;
//! 4. **any other line with a word in it sets that word to the empty string.** So `errno = 28`,
//!    without quotes, is an empty `errno`: an error in 10.0.2, and 0 in 2.6.
//!
//! Only a line of nothing but white space is refused. Lines are read 1023 bytes at a time, and
//! each piece is a line with a number of its own; words and ids end after 63 bytes.
//!
//! 2.6 checks each option as its line comes. 10.0.2 collects a section and checks it where the
//! next one begins, the id first and then the keys in the order of their hashes; the last value
//! of a key is the only one it sees.
//!
//! Any bytes are accepted, and a byte order mark is nothing special. Only messages can show bytes
//! that are not UTF-8, since no name or number has any; they show U+FFFD instead.

use std::collections::BTreeSet;

use headcrash_engine::Dialect;
use thiserror::Error;

use super::MAX_LEN;
use super::dict::Dict;
use super::error::ConfFault;
use super::rule::Rule;
use super::scan::is_space;
use super::section::{self, Group, Section};

/// What is wrong, and where. Its text is QEMU's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{fault}")]
pub struct ConfError {
    /// The line, from 1, as QEMU counts; for a section as a whole that of its header. `None` when
    /// it is about the file.
    pub line: Option<usize>,
    /// What is wrong.
    pub fault: ConfFault,
}

impl ConfError {
    /// What the open of the node reports.
    ///
    /// 2.6 prints what is wrong with the syntax (`qemu-io:FILE:LINE: ` and its text), and then
    /// reports only that something was.
    #[must_use]
    pub fn reported(&self, dialect: Dialect) -> String {
        match (&self.fault, dialect) {
            (ConfFault::Rule(_) | ConfFault::TooLong, _) | (_, Dialect::Qemu10) => self.to_string(),
            (_, Dialect::Qemu2_6) => "Could not parse blkdebug config file".to_owned(),
        }
    }
}

/// The rules of a configuration file, in the order in which it declares them.
///
/// # Errors
///
/// The first thing QEMU finds wrong: it reads the whole file, then makes rules of all
/// `inject-error` sections, then of all `set-state` sections.
pub fn parse(text: &[u8], dialect: Dialect) -> Result<Vec<Rule>, ConfError> {
    if text.len() > MAX_LEN {
        return Err(ConfError { line: None, fault: ConfFault::TooLong });
    }
    let sections = match dialect {
        Dialect::Qemu2_6 => sections_2_6(text)?,
        Dialect::Qemu10 => sections_10(text)?,
    };
    section::rules(sections, dialect)
        .map_err(|(line, error)| ConfError { line, fault: error.into() })
}

fn at(line: usize, fault: impl Into<ConfFault>) -> ConfError {
    ConfError { line: Some(line), fault: fault.into() }
}

/// 2.6: each line is carried out at once.
fn sections_2_6(file: &[u8]) -> Result<Vec<Section>, ConfError> {
    let mut ids = Ids::default();
    let mut sections = Vec::<Section>::new();
    // A refused id goes unnoticed, but no section is open then.
    let mut open = false;
    for (number, line) in lines(file) {
        match classify(line) {
            Line::Skip => {}
            Line::Header { group, id } => {
                let group = find(&group).map_err(|fault| at(number, fault))?;
                open = id.as_deref().is_none_or(|id| ids.claim(group, id).is_ok());
                if open {
                    sections.push(Section::new(group, Some(number), id));
                }
            }
            Line::Key { key, value, .. } => {
                let section = sections.last_mut().filter(|_| open);
                let section = section.ok_or_else(|| at(number, ConfFault::NoGroup))?;
                let set = section.set_any(&text(key), &value, Dialect::Qemu2_6);
                set.map_err(|fault| at(number, fault))?;
            }
            Line::Nothing => return Err(at(number, ConfFault::Parse)),
        }
    }
    Ok(sections)
}

/// A section of 10.0.2, still open.
struct Draft {
    group: String,
    line: usize,
    keys: Dict<(usize, String)>,
}

/// 10.0.2: a section is carried out when it ends.
fn sections_10(file: &[u8]) -> Result<Vec<Section>, ConfError> {
    let mut ids = Ids::default();
    let mut sections = Vec::new();
    let mut draft = None::<Draft>;
    // What the patterns left in QEMU's `group` buffer: the name by which the last section goes.
    let mut buffer = None;
    for (number, line) in lines(file) {
        match classify(line) {
            Line::Skip => {}
            Line::Header { group, id } => {
                if let Some(draft) = draft.take() {
                    sections.push(finish(draft, &mut ids)?);
                }
                let mut keys = Dict::new();
                if let Some(id) = id {
                    keys.put("id".to_owned(), (number, id));
                }
                buffer = None;
                draft = Some(Draft { group, line: number, keys });
            }
            Line::Key { key, value, overwrites } => {
                buffer = overwrites.or(buffer);
                let draft = draft.as_mut().ok_or_else(|| at(number, ConfFault::NoGroup))?;
                draft.keys.put_bytes(key, (number, value));
            }
            Line::Nothing => return Err(at(number, ConfFault::Parse)),
        }
    }
    if let Some(mut draft) = draft {
        draft.group = buffer.unwrap_or(draft.group);
        sections.push(finish(draft, &mut ids)?);
    }
    Ok(sections)
}

fn finish(draft: Draft, ids: &mut Ids) -> Result<Section, ConfError> {
    let Draft { group, line, keys } = draft;
    let group = find(&group).map_err(|fault| at(line, fault))?;
    let id = keys.get("id");
    if let Some((number, id)) = id {
        ids.claim(group, id).map_err(|fault| at(*number, fault))?;
    }
    let mut section = Section::new(group, Some(line), id.map(|(_, id)| id.clone()));
    for key in keys.walk() {
        if let (Some((number, value)), true) = (keys.get(&key), key != "id") {
            let set = section.set_any(&key, value, Dialect::Qemu10);
            set.map_err(|fault| at(*number, fault))?;
        }
    }
    Ok(section)
}

/// As messages show it; see the module's documentation.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn find(group: &str) -> Result<Group, ConfFault> {
    Group::find(group).ok_or_else(|| ConfFault::NoSuchGroup(group.to_owned()))
}

/// The ids that are taken.
#[derive(Default)]
pub(super) struct Ids(BTreeSet<(Group, String)>);

impl Ids {
    pub(super) fn claim(&mut self, group: Group, id: &str) -> Result<(), ConfFault> {
        let mut bytes = id.bytes();
        let letter = bytes.next().is_some_and(|first| first.is_ascii_alphabetic());
        if !letter || !bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')) {
            return Err(ConfFault::BadId);
        }
        if !self.0.insert((group, id.to_owned())) {
            return Err(ConfFault::DuplicateId { id: id.to_owned(), group: group.name() });
        }
        Ok(())
    }
}

/// `fgets` into 1024 bytes: numbers from 1, and lines with their line feed.
fn lines(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    text.split_inclusive(|byte| *byte == b'\n').flat_map(|line| line.chunks(1023)).zip(1..).map(
        |(line, number)| {
            // The rest is there, but C does not see it.
            let end = line.iter().position(|byte| *byte == 0).unwrap_or(line.len());
            (number, &line[..end])
        },
    )
}

/// What the patterns make of a line.
enum Line<'a> {
    Skip,
    Header {
        group: String,
        id: Option<String>,
    },
    Key {
        key: &'a [u8],
        value: String,
        /// What a header's pattern stored before it failed.
        overwrites: Option<String>,
    },
    Nothing,
}

fn classify(line: &[u8]) -> Line<'_> {
    if matches!(line.first(), Some(b'\n' | b'#')) {
        return Line::Skip;
    }
    let mut overwrites = None;
    if line.first() == Some(&b'[') {
        // [%63s "%63[^"]"]
        let mut scan = Scan(&line[1..]);
        overwrites = scan.word(63).map(text);
        if let Some(group) = &overwrites {
            scan.space();
            if let (true, Some(id)) = (scan.literal(b'"'), scan.until(b'"', 63)) {
                return Line::Header { group: group.clone(), id: Some(text(id)) };
            }
        }
        // [%63[^]]]
        if let Some(group) = Scan(&line[1..]).until(b']', 63) {
            return Line::Header { group: text(group), id: None };
        }
    }
    //  %63s = "%1023[^"]", else  %63s = "" which is content with the word.
    let mut scan = Scan(line);
    let Some(key) = scan.word(63) else { return Line::Nothing };
    scan.space();
    let equals = scan.literal(b'=');
    scan.space();
    let quote = equals && scan.literal(b'"');
    let value = if quote { scan.until(b'"', 1023) } else { None };
    Line::Key { key, value: value.map(text).unwrap_or_default(), overwrites }
}

/// The conversions of `sscanf` that the patterns use.
struct Scan<'a>(&'a [u8]);

impl<'a> Scan<'a> {
    /// White space in a pattern.
    fn space(&mut self) {
        self.0 = &self.0[self.0.iter().take_while(|byte| is_space(**byte)).count()..];
    }

    /// A character in a pattern.
    fn literal(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// `%s` of at most `max` bytes.
    fn word(&mut self, max: usize) -> Option<&'a [u8]> {
        self.space();
        self.take(max, |byte| !is_space(byte))
    }

    /// `%[^...]` of at most `max` bytes.
    fn until(&mut self, stop: u8, max: usize) -> Option<&'a [u8]> {
        self.take(max, |byte| byte != stop)
    }

    fn take(&mut self, max: usize, wanted: impl Fn(u8) -> bool) -> Option<&'a [u8]> {
        let len = self.0.iter().take(max).take_while(|byte| wanted(**byte)).count();
        let (taken, rest) = self.0.split_at(len);
        self.0 = rest;
        (len > 0).then_some(taken)
    }
}
