//! Texts of one record a line.

use crate::source::{Diagnostic, Errors, Source, Span};

/// The longest text that is read, in bytes. Traces are longer than what people write.
pub(super) const MAX_LEN: usize = 64 << 20;

/// After so many errors nothing more is read.
const ERRORS_MAX: usize = 50;

/// The text of a file that is called `name` in messages.
pub(super) fn text<'a>(name: &str, bytes: &'a [u8], max: usize) -> Result<&'a str, Errors> {
    let fail = |text: &str, diagnostic| Err(Errors::new(Source::new(name, text), vec![diagnostic]));
    if bytes.len() > max {
        let message = format!("the file has {} bytes, and at most {max} are read", bytes.len());
        return fail("", Diagnostic::new(Span::default(), message));
    }
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(bytes);
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(error) => {
            let at = error.valid_up_to();
            let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            let message = format!("byte {:#04x} is not UTF-8", bytes[at]);
            fail(&String::from_utf8_lossy(bytes), Diagnostic::new(span, message))
        }
    }
}

/// What is wrong with a text, while it is read.
#[derive(Default)]
pub(super) struct Faults(Vec<Diagnostic>);

impl Faults {
    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    pub(super) fn are_many(&self) -> bool {
        self.0.len() >= ERRORS_MAX
    }

    /// `value`, if nothing was wrong.
    pub(super) fn or<T>(self, value: T, name: &str, text: &str) -> Result<T, Errors> {
        if self.0.is_empty() {
            return Ok(value);
        }
        Err(Errors::new(Source::new(name, text), self.0))
    }
}

/// A line, without its end.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub(super) number: usize,
    /// Its first byte.
    start: usize,
    pub(super) text: &'a str,
}

pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    (1..).zip(text.split('\n')).map(move |(number, text)| {
        let line = Line { number, start, text };
        start += text.len() + 1;
        line
    })
}

impl<'a> Line<'a> {
    /// What blanks separate, as C sees them.
    pub(super) fn words(self) -> impl Iterator<Item = Word<'a>> {
        let mut rest = self.whole();
        std::iter::from_fn(move || {
            let word = rest.first_word();
            rest = rest.from(word.text.len());
            (!word.text.is_empty()).then_some(word)
        })
    }

    /// All but the blanks around.
    pub(super) fn whole(self) -> Word<'a> {
        let end = self.start + self.text.len();
        Word { text: self.text, span: Span::new(self.start, end) }.from(0)
    }
}

/// A part of a line.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) span: Span,
}

impl<'a> Word<'a> {
    /// Up to the first blank.
    pub(super) fn first_word(self) -> Self {
        let len = self.text.find(|c: char| c.is_ascii_whitespace()).unwrap_or(self.text.len());
        self.to(len)
    }

    /// Its first `len` bytes.
    pub(super) fn to(self, len: usize) -> Self {
        let start = self.span.start as usize;
        Self { text: &self.text[..len], span: Span::new(start, start + len) }
    }

    /// What is after its first `len` bytes, without blanks around.
    pub(super) fn from(self, len: usize) -> Self {
        let rest = &self.text[len..];
        let trimmed = rest.trim_ascii_start();
        let start = self.span.start as usize + len + (rest.len() - trimmed.len());
        let text = trimmed.trim_ascii_end();
        Self { text, span: Span::new(start, start + text.len()) }
    }

    /// Decimal digits and nothing else, at most `max`. `what` it is goes into the message.
    pub(super) fn number(self, what: &str, max: u64) -> Result<u64, Diagnostic> {
        let message = match self.text.parse() {
            _ if !is_digits(self.text) => format!("{what} is not a number"),
            Ok(number) if number <= max => return Ok(number),
            Ok(_) | Err(_) => format!("{what} is too large"),
        };
        Err(Diagnostic::new(self.span, message).help(format!("decimal digits, from 0 to {max}")))
    }
}

/// At least one, and nothing else.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
