//! The text a scenario was read from, and what is said about it.

mod diagnostic;
mod render;
mod scan;
mod tree;

use std::fmt;
use std::sync::Arc;

pub use diagnostic::{Diagnostic, Errors, Label};
pub(crate) use scan::scan;
pub(crate) use tree::{Kind, Place, Tree};

/// The longest text that is read, in bytes.
pub(crate) const MAX_LEN: usize = 1 << 20;

/// How many brackets may be open at once.
pub(crate) const MAX_NESTING: usize = 16;

/// A stretch of a text, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// Its first byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
}

impl Span {
    pub(crate) const fn new(start: usize, end: usize) -> Self {
        // A file is at most 1 MiB (`MAX_LEN`).
        Self { start: start as u32, end: end as u32 }
    }

    /// From the start of the first to the end of the last.
    fn and(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    pub(crate) const fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Where in a file something is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The bytes, for underlining.
    pub span: Span,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A named text that knows its lines. Cheap to clone.
#[derive(Clone)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    /// Where each line starts.
    lines: Arc<[u32]>,
    /// How many characters start before each multiple of [`STRIDE`] bytes, so that the column of
    /// any byte of a very long line is found without counting from the line's start.
    characters: Arc<[u32]>,
}

const STRIDE: usize = 1024;

impl Source {
    /// `text`, called `name` in messages.
    #[must_use]
    pub fn new(name: &str, text: &str) -> Self {
        let mut lines = vec![0];
        let mut characters = Vec::with_capacity(text.len() / STRIDE + 1);
        let mut count = 0;
        for (at, byte) in text.bytes().enumerate() {
            if at % STRIDE == 0 {
                characters.push(count);
            }
            count += u32::from(starts_character(byte));
            if byte == b'\n' {
                lines.push(at as u32 + 1);
            }
        }
        if text.len().is_multiple_of(STRIDE) {
            characters.push(count);
        }
        Self {
            name: name.into(),
            text: text.into(),
            lines: lines.into(),
            characters: characters.into(),
        }
    }

    /// What the text is called in messages, usually its path.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line and column of `span`'s start.
    #[must_use]
    pub fn locate(&self, span: Span) -> Location {
        let line = self.lines.partition_point(|start| *start <= span.start);
        let start = self.lines[line - 1];
        let column = self.characters_before(span.start) - self.characters_before(start) + 1;
        Location { line: line as u32, column, span }
    }

    /// The byte at a line and column, both from 1, or the nearest there is.
    pub(crate) fn offset(&self, line: usize, column: usize) -> usize {
        let Some(start) = self.lines.get(line.saturating_sub(1)) else { return self.text.len() };
        let start = *start as usize;
        let rest = &self.text[start..];
        let end = rest.find('\n').unwrap_or(rest.len());
        let characters = rest[..end].char_indices().map(|(at, _)| at);
        start + characters.chain([end]).nth(column.saturating_sub(1)).unwrap_or(end)
    }

    /// The text of the lines `span` touches, and where it starts.
    fn lines_of(&self, span: Span) -> (usize, &str) {
        let first = self.lines.partition_point(|start| *start <= span.start) - 1;
        let next = self.lines.partition_point(|start| *start <= span.end);
        let start = self.lines[first] as usize;
        let end = self.lines.get(next).map_or(self.text.len(), |end| *end as usize);
        (start, &self.text[start..end])
    }

    fn characters_before(&self, at: u32) -> u32 {
        let at = (at as usize).min(self.text.len());
        let known = at / STRIDE;
        let rest = &self.text.as_bytes()[known * STRIDE..at];
        let more = rest.iter().filter(|byte| starts_character(**byte)).count();
        self.characters[known] + more as u32
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

const fn starts_character(byte: u8) -> bool {
    byte & 0xC0 != 0x80
}
