//! What is wrong with a text, and how that looks.

use std::fmt;

use super::{Location, Source, Span};

/// One thing that is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// What is said right below the underlined text; may be empty.
    pub label: String,
    /// Other places that have to do with it.
    pub also: Vec<Label>,
    /// What would have been accepted.
    pub help: Vec<String>,
}

/// A remark on a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is said of it.
    pub text: String,
}

impl Diagnostic {
    /// `message`, about `span`.
    #[must_use]
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span,
            label: String::new(),
            also: Vec::new(),
            help: Vec::new(),
        }
    }

    /// The same, with this right below the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same, with a remark on another place.
    #[must_use]
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Self {
        self.also.push(Label { span, text: text.into() });
        self
    }

    /// The same, with what would have been accepted.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

/// Everything that is wrong with a text, in its order.
#[derive(Clone, Debug)]
pub struct Errors {
    source: Source,
    diagnostics: Vec<Diagnostic>,
    left_out: usize,
}

/// How many errors are told; a file with more has something wrong with it as a whole.
const MOST: usize = 50;

impl Errors {
    pub(crate) fn new(source: Source, mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by_key(|diagnostic| diagnostic.span);
        let left_out = diagnostics.len().saturating_sub(MOST);
        diagnostics.truncate(MOST);
        Self { source, diagnostics, left_out }
    }

    /// The text, as far as it could be read.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// What is wrong with it; at least one thing.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }

    /// Where each is.
    pub fn locations(&self) -> impl Iterator<Item = Location> {
        self.diagnostics.iter().map(|diagnostic| self.source.locate(diagnostic.span))
    }

    /// All of it as rustc would show it, an empty line between.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let mut parts: Vec<_> = self
            .diagnostics
            .iter()
            .map(|diagnostic| self.source.render(diagnostic, colour))
            .collect();
        if self.left_out > 0 {
            parts.push(format!("error: {} more errors", self.left_out));
        }
        parts.join("\n\n")
    }
}

/// One line each: `FILE:LINE:COLUMN: MESSAGE`.
impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (diagnostic, at)) in self.diagnostics.iter().zip(self.locations()).enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{at}: {}", self.source.name(), diagnostic.message)?;
        }
        if self.left_out > 0 {
            write!(f, "\n{}: {} more errors", self.source.name(), self.left_out)?;
        }
        Ok(())
    }
}

impl std::error::Error for Errors {}
