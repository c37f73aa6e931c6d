//! From bytes to a file, and back.

use ron::Options;
use ron::error::SpannedError;
use ron::extensions::Extensions;
use serde::Serialize;

use super::{File, mismatch, print};
use crate::source::{Diagnostic, Errors, MAX_LEN, Source, Span, Tree, scan};

/// `seed: 7` for an option, and `read(at: 0)` for a variant that holds a struct.
fn options() -> Options {
    Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME)
        .with_default_extension(Extensions::UNWRAP_VARIANT_NEWTYPES)
}

/// Reads `text`, which is called `name` in messages.
pub(crate) fn read(name: &str, text: &[u8]) -> Result<(File, Source, Tree), Errors> {
    let fail = |source: &Source, diagnostics| Err(Errors::new(source.clone(), diagnostics));
    if text.len() > MAX_LEN {
        let message = format!("the file has {} bytes, and at most {MAX_LEN} are read", text.len());
        return fail(&Source::new(name, ""), vec![Diagnostic::new(Span::default(), message)]);
    }
    let text = text.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(text);
    let text = match str::from_utf8(text) {
        Ok(text) => text,
        Err(error) => {
            let source = Source::new(name, &String::from_utf8_lossy(text));
            let at = error.valid_up_to();
            let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            let message = format!("byte {:#04x} is not UTF-8", text[at]);
            return fail(&source, vec![Diagnostic::new(span, message)]);
        }
    };
    let source = Source::new(name, text);
    let tree = match scan(text) {
        Ok(tree) => tree,
        Err(diagnostic) => return fail(&source, vec![diagnostic]),
    };
    match options().from_str(text) {
        Ok(file) => Ok((file, source, tree)),
        Err(error) => {
            // ron decides, and stops at the first thing; the mismatch tells all and tells it
            // better, but is never asked about a file that ron accepts.
            let mut diagnostics = mismatch::find(tree.root(text), &tree);
            if diagnostics.is_empty() {
                diagnostics.push(as_ron_says(&source, &error));
            }
            fail(&source, diagnostics)
        }
    }
}

fn as_ron_says(source: &Source, error: &SpannedError) -> Diagnostic {
    let start = source.offset(error.span.start.line, error.span.start.col);
    let end = source.offset(error.span.end.line, error.span.end.col).max(start);
    let message = error.code.to_string();
    let mut letters = message.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase());
    Diagnostic::new(Span::new(start, end), first.into_iter().chain(letters).collect::<String>())
}

/// A part of a file as text, on one line.
pub(crate) fn compact<T: Serialize>(part: &T) -> String {
    let text = options().to_string(part);
    text.expect("the format's types are structs, enums, lists and numbers")
}

impl File {
    /// The file as text, without what is default anyway.
    pub(crate) fn to_ron(&self) -> String {
        print::print(&compact(self))
    }
}
