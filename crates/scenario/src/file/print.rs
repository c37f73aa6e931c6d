//! A file as text that a person would have written.
//!
//! ron writes the values; this breaks the lines where they get long, and writes bytes in
//! hexadecimal and long numbers with underscores, for which serde has no words.

use std::fmt::Write;

use super::reference::{Field, Reference, Shape, Takes, Type};
use crate::source::{Kind, MAX_LEN, Place, scan};

/// The longest line, where there is a place to break it.
const WIDTH: usize = 100;

/// `compact`, RON on one line, as a person would have written it.
pub(super) fn print(compact: &str) -> String {
    let Ok(tree) = scan(compact) else {
        // Deeper than a file can be: what made it will hear of that when it is read.
        return format!("{compact}\n");
    };
    let mut printer = Printer { reference: Reference::get(), text: String::new() };
    let whole = Type::Named("Scenario".to_owned());
    printer.broken(tree.root(compact), Some(&whole), 0);
    printer.text.push('\n');
    // Blanks are not worth a file that is too long to be read again.
    if printer.text.len() > MAX_LEN { format!("{compact}\n") } else { printer.text }
}

struct Printer {
    reference: &'static Reference,
    text: String,
}

impl Printer {
    /// Adds the value at `place`, on one line if there is room.
    fn broken(&mut self, place: Place<'_>, takes: Option<&Type>, indent: usize) {
        let mut flat = String::new();
        self.flat(place, takes, &mut flat);
        let line = self.text.rfind('\n').map_or(0, |end| end + 1);
        // One more for the comma.
        let fits = self.text.len() - line + flat.len() < WIDTH;
        let (Some((open, close)), false) = (brackets(place), fits) else {
            return self.text.push_str(&flat);
        };
        self.text.push_str(place.bracket_word());
        self.text.push(open);
        let mut items = place.items();
        if let (Some(only), None) = (items.next(), items.next())
            && only.name().is_none()
            && brackets(only).is_some()
        {
            // `[(` in one line: a level of its own would say nothing.
            let takes = takes.and_then(|takes| inside(self.reference, takes, place, only, 0));
            self.broken(only, takes, indent);
            return self.text.push(close);
        }
        for (index, item) in place.items().enumerate() {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', indent + 4));
            if let Some(name) = item.name() {
                // A String takes all that is written to it.
                _ = write!(self.text, "{name}: ");
            }
            let takes = takes.and_then(|takes| inside(self.reference, takes, place, item, index));
            self.broken(item, takes, indent + 4);
            self.text.push(',');
        }
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.text.push(close);
    }

    fn flat(&self, place: Place<'_>, takes: Option<&Type>, to: &mut String) {
        if takes == Some(&Type::Range) && place.kind() == Some(Kind::Round) {
            // serde has no ranges, only structs of two fields.
            let end = |name| number(place.field(name).text(), None);
            _ = write!(to, "{}..{}", end("start"), end("end"));
            return;
        }
        let Some((open, close)) = brackets(place) else {
            to.push_str(&match place.kind() {
                Some(Kind::Number) => number(place.text(), takes),
                _ => place.text().to_owned(),
            });
            return;
        };
        to.push_str(place.bracket_word());
        to.push(open);
        for (index, item) in place.items().enumerate() {
            if index > 0 {
                to.push_str(", ");
            }
            if let Some(name) = item.name() {
                _ = write!(to, "{name}: ");
            }
            let takes = takes.and_then(|takes| inside(self.reference, takes, place, item, index));
            self.flat(item, takes, to);
        }
        to.push(close);
    }
}

fn brackets(place: Place<'_>) -> Option<(char, char)> {
    match place.kind()? {
        Kind::Round => Some(('(', ')')),
        Kind::List => Some(('[', ']')),
        Kind::Map => Some(('{', '}')),
        Kind::Number | Kind::Text | Kind::Word | Kind::Other => None,
    }
}

/// What the `index`th item inside `place` can be, where `place` is what `takes` says.
fn inside<'r>(
    reference: &'r Reference,
    takes: &'r Type,
    place: Place<'_>,
    item: Place<'_>,
    index: usize,
) -> Option<&'r Type> {
    let of = |fields: &'r [Field]| {
        let field = fields.iter().find(|field| item.name() == Some(&field.name))?;
        Some(&field.takes)
    };
    match takes {
        Type::List(items) => Some(items),
        Type::Tuple(items) => items.get(index),
        Type::Named(name) => match &reference.find(name).shape {
            Shape::Fields(fields) => of(fields),
            Shape::Same(takes) => inside(reference, takes, place, item, index),
            Shape::Variants(variants) => {
                let word = place.word()?;
                let variant = variants.iter().find(|variant| variant.name == word)?;
                match &variant.takes {
                    Takes::Nothing => None,
                    Takes::Fields(fields) => of(fields),
                    Takes::Value(takes) => match reference.fields_of(takes) {
                        Some(fields) => of(fields),
                        None => Some(takes),
                    },
                }
            }
        },
        Type::Text | Type::Flag | Type::Number { .. } | Type::Errno | Type::Range | Type::Any => {
            None
        }
    }
}

/// A decimal number as a person would write it.
fn number(text: &str, takes: Option<&Type>) -> String {
    if let (Some(Type::Number { least: 0, most: 255 }), Ok(byte)) = (takes, text.parse::<u8>()) {
        return format!("{byte:#04X}").replace("0X", "0x");
    }
    let digits = text.trim_start_matches('-');
    if digits.len() < 5 {
        return text.to_owned();
    }
    let mut grouped = text[..text.len() - digits.len()].to_owned();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_bytes_are_hexadecimal() {
        let printed = print(
            "(seeds:(start:0,end:10000),disks:[(size:65536,fill:10)],steps:[truncate(len:4096)])",
        );
        assert_eq!(
            printed,
            "(seeds: 0..10_000, disks: [(size: 65_536, fill: 0x0A)], steps: [truncate(len: 4096)])\n"
        );
    }

    #[test]
    fn a_long_line_is_broken_at_its_outermost_brackets() {
        let step = r#"write(at:0,len:512,fill:17,gets:fails("ENOSPC"))"#;
        let printed = print(&format!("(steps:[{step},{step}])"));
        assert_eq!(
            printed,
            "(\n    steps: [\n        \
             write(at: 0, len: 512, fill: 0x11, gets: fails(\"ENOSPC\")),\n        \
             write(at: 0, len: 512, fill: 0x11, gets: fails(\"ENOSPC\")),\n    ],\n)\n"
        );
    }
}
