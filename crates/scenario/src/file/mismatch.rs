//! Everything in which a text differs from the format, for a text that ron refuses.

use super::reference::{Definition, Field, Reference, Shape, Takes, Type};
use crate::names::{list, nearest};
use crate::source::{Diagnostic, Kind, Place, Span, Tree};
use headcrash_sim::FileVerb;

/// What is wrong with the file at `root`; maybe nothing.
pub(super) fn find(root: Place<'_>, tree: &Tree) -> Vec<Diagnostic> {
    let has_faults = !tree.faults().is_empty();
    let mut mismatch = Mismatch { reference: Reference::get(), has_faults, found: Vec::new() };
    if !root.is_written() {
        let message = "the file has no scenario";
        return vec![Diagnostic::new(root.span(), message).help(SMALLEST)];
    }
    for (span, message) in tree.faults() {
        mismatch.found.push(Diagnostic::new(*span, *message));
    }
    if let Some(span) = tree.trailing() {
        let message = "expected the end of the file: a scenario is one `(..)`";
        mismatch.found.push(Diagnostic::new(span, message));
    }
    mismatch.value(root, &Type::Named("Scenario".to_owned()), None);
    mismatch.found
}

const SMALLEST: &str = "a small one: `(steps: [write(at: 0, len: 512, fill: 0x11), flush()])`";

/// More than anybody is told.
const ENOUGH: usize = 200;

struct Mismatch {
    reference: &'static Reference,
    /// Between the values something is wrong: some of them are not what they look like.
    has_faults: bool,
    found: Vec<Diagnostic>,
}

impl Mismatch {
    fn say(&mut self, span: Span, message: impl Into<String>) -> &mut Diagnostic {
        self.found.push(Diagnostic::new(span, message));
        self.found.last_mut().expect("one was just pushed")
    }

    fn unexpected(&mut self, place: Place<'_>, takes: &Type, field: Option<&Field>) {
        let path = place.path();
        let is_whole = path.is_empty();
        let at = if is_whole { path } else { format!("`{path}`: ") };
        let mut help = Vec::from_iter(is_whole.then(|| SMALLEST.to_owned()));
        let wanted = match takes {
            Type::Named(name) => {
                let definition = self.reference.find(name);
                help.extend(one_of(definition));
                expected(definition)
            }
            takes => takes.to_string(),
        };
        let message = format!("{at}expected {wanted}, found {}", describe(place));
        let told = self.say(place.span(), message);
        told.help = help;
        told.help.extend(field.and_then(help_with));
        if *takes == Type::Text && place.text().starts_with('\'') {
            told.help.push("texts have double quotes".to_owned());
        }
    }

    fn value(&mut self, place: Place<'_>, takes: &Type, field: Option<&Field>) {
        if self.found.len() >= ENOUGH {
            return;
        }
        let place = place.unwrap_some();
        let (kind, text) = (place.kind(), place.text());
        // What may be left out may also be spelled as an option.
        if text == "None" && field.is_some_and(|field| !field.required) {
            return;
        }
        let fits = match takes {
            Type::Text => kind == Some(Kind::Text),
            Type::Flag => text == "true" || text == "false",
            Type::Number { .. } => return self.number(place, takes, field),
            Type::Errno => {
                let any = Type::Number { least: i64::MIN.into(), most: i64::MAX.into() };
                match kind {
                    Some(Kind::Number) if number(place.text(), &any).is_some() => {
                        return self.number(place, &any, field);
                    }
                    kind => kind == Some(Kind::Text),
                }
            }
            Type::Range => return self.range(place, field),
            // Who reads it says what is wrong with it.
            Type::Any => place.is_written(),
            Type::List(items) if kind == Some(Kind::List) => {
                for item in place.items() {
                    match item.name() {
                        Some(name) => {
                            let message = format!("a list has no names, found `{name}:`");
                            self.say(item.name_span(), message);
                        }
                        None => self.value(item, items, None),
                    }
                }
                true
            }
            Type::Tuple(items) if kind == Some(Kind::Round) => {
                if place.items().count() == items.len() && place.word().is_none() {
                    for (item, takes) in place.items().zip(items) {
                        self.value(item, takes, None);
                    }
                    true
                } else {
                    false
                }
            }
            Type::Named(name) => return self.named(place, self.reference.find(name), field),
            Type::List(_) | Type::Tuple(_) => false,
        };
        if !fits {
            self.unexpected(place, takes, field);
        }
    }

    fn number(&mut self, place: Place<'_>, takes: &Type, field: Option<&Field>) {
        let Type::Number { least, most } = takes else { return };
        let is_byte_literal = place.text().starts_with("b'");
        match number(place.text(), takes) {
            Some(value) if (*least..=*most).contains(&value) => {}
            None if is_byte_literal => {}
            Some(_) => {
                let told = format!(
                    "`{}`: {} is out of range: {least} to {most}",
                    place.path(),
                    shorten(place.text())
                );
                self.say(place.span(), told);
            }
            None => self.unexpected(place, takes, field),
        }
    }

    fn range(&mut self, place: Place<'_>, field: Option<&Field>) {
        let whole = place.text();
        let has_blanks = whole.contains(char::is_whitespace);
        let takes = Type::Number { least: 0, most: u64::MAX.into() };
        let end = |text| number(text, &takes);
        let ends = whole.split_once("..").map(|(from, to)| (end(from), end(to)));
        let fits = |value: i128| (0..=u64::MAX.into()).contains(&value);
        match ends {
            Some((Some(from), Some(to))) if fits(from) && fits(to) && !has_blanks => {}
            _ => {
                self.unexpected(place, &Type::Range, field);
                if let (true, Some(told)) = (has_blanks, self.found.last_mut()) {
                    told.help.push("a range has no blanks in it".to_owned());
                }
                let inclusive = whole.split_once("..=");
                let inclusive =
                    inclusive.and_then(|(from, to)| Some((from, end(to).filter(|to| fits(*to))?)));
                if let (Some((from, to)), Some(told)) = (inclusive, self.found.last_mut()) {
                    let help = format!("the end is not among them: `{from}..{}`", to + 1);
                    told.help.push(help);
                }
            }
        }
    }

    fn named(&mut self, place: Place<'_>, definition: &Definition, field: Option<&Field>) {
        match &definition.shape {
            Shape::Same(takes) => self.value(place, takes, field),
            Shape::Fields(fields) => {
                let word = place.word();
                if place.kind() != Some(Kind::Round) || word.is_some_and(|w| w != definition.name) {
                    return self.unexpected(place, &Type::Named(definition.name.clone()), field);
                }
                self.fields(place, fields, &article(&definition.name), None);
            }
            Shape::Variants(variants) => {
                let names = || variants.iter().map(|variant| &*variant.name);
                let Some(word) = place.word() else {
                    return self.unexpected(place, &Type::Named(definition.name.clone()), field);
                };
                let Some(variant) = variants.iter().find(|variant| variant.name == word) else {
                    let what = super::reference::words(&definition.name);
                    let message = format!("unknown {what} `{}`", shorten(word));
                    let told = self.say(place.head(), message);
                    told.help.extend(nearest(word, names()));
                    told.help.push(format!("known here: {}", list(names())));
                    let is_of_files = |verb: FileVerb| verb.name() == word;
                    if definition.name == "AccessKind" && FileVerb::ALL.into_iter().any(is_of_files)
                    {
                        let message = format!(
                            "rules are about disks; a file system has faults of its own: \
                             `file_systems: [(faults: [(what: .., on: [{word}])])]`"
                        );
                        told.help.push(message);
                    }
                    return;
                };
                self.variant(place, &variant.takes, &variant.name, variant.doc.example.as_deref());
            }
        }
    }

    fn variant(&mut self, place: Place<'_>, takes: &Takes, name: &str, example: Option<&str>) {
        let takes = match takes {
            Takes::Nothing => {
                if place.kind() != Some(Kind::Word) {
                    let message = format!("`{name}` takes nothing");
                    self.say(place.span(), message).help.push(format!("write `{name}`"));
                }
                return;
            }
            takes if place.kind() != Some(Kind::Round) => {
                let what = match takes {
                    Takes::Value(takes) if self.reference.fields_of(takes).is_none() => "a value",
                    _ => "its fields",
                };
                let told =
                    self.say(place.span(), format!("expected `(` and {what} after `{name}`"));
                told.help.extend(example.map(|example| format!("for example `{example}`")));
                return;
            }
            takes => takes,
        };
        match takes {
            Takes::Nothing => {}
            Takes::Fields(fields) => self.fields(place, fields, &format!("`{name}`"), example),
            Takes::Value(takes) => {
                if let Some(fields) = self.reference.fields_of(takes) {
                    return self.fields(place, fields, &format!("`{name}`"), example);
                }
                let mut items = place.items();
                match (items.next(), items.next()) {
                    (Some(item), None) if item.name().is_none() => self.value(item, takes, None),
                    _ => {
                        let message = format!("`{name}` takes one value without a name");
                        let told = self.say(place.span(), message);
                        told.help.extend(example.map(|example| format!("for example `{example}`")));
                    }
                }
            }
        }
    }

    fn fields(&mut self, place: Place<'_>, fields: &[Field], what: &str, example: Option<&str>) {
        let names = || fields.iter().map(|field| &*field.name);
        let mut given = vec![None; fields.len()];
        let mut all_named = true;
        for item in place.items() {
            if self.found.len() >= ENOUGH {
                return;
            }
            let Some(name) = item.name() else {
                all_named = false;
                if !self.has_faults {
                    let message = format!("expected a field's name, found {}", describe(item));
                    let told = self.say(item.span(), message);
                    told.help.extend(example.map(|example| format!("for example `{example}`")));
                    told.help.push(format!("fields of {what}: {}", list(names())));
                }
                continue;
            };
            let Some(index) = fields.iter().position(|field| field.name == name) else {
                let message = format!("unknown field `{}` in {what}", shorten(name));
                let told = self.say(item.name_span(), message);
                told.help.extend(nearest(name, names()));
                told.help.push(format!("known here: {}", list(names())));
                continue;
            };
            if let Some(before) = given[index].replace(item.name_span()) {
                let message = format!("field `{name}` is given twice");
                let told = self.say(item.name_span(), message);
                *told = told.clone().also(before, "first given here");
                continue;
            }
            self.value(item, &fields[index].takes, Some(&fields[index]));
        }
        // What has no name may have been meant for the field that is missing.
        let missing = fields.iter().zip(given).filter(|(_, given)| given.is_none() && all_named);
        for (field, _) in missing.filter(|(field, _)| field.required) {
            let message = format!("missing field `{}` in {what}", field.name);
            let told = self.say(place.head(), message);
            told.help.extend(help_with(field));
        }
    }
}

fn help_with(field: &Field) -> Option<String> {
    let example = field.doc.example.as_deref()?;
    Some(format!("for example `{example}`"))
}

fn expected(definition: &Definition) -> String {
    match &definition.shape {
        Shape::Variants(_) => article(&definition.name),
        Shape::Fields(_) => format!("{} `(..)`", article(&definition.name)),
        Shape::Same(takes) => takes.to_string(),
    }
}

fn one_of(definition: &Definition) -> Option<String> {
    let Shape::Variants(variants) = &definition.shape else { return None };
    Some(format!("one of {}", list(variants.iter().map(|variant| &*variant.name))))
}

fn article(name: &str) -> String {
    let words = super::reference::words(name);
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {words}")
}

fn describe(place: Place<'_>) -> String {
    match place.kind() {
        None => "nothing".to_owned(),
        Some(Kind::Number | Kind::Word | Kind::Other) => format!("`{}`", shorten(place.text())),
        Some(Kind::Text) => format!("the text {}", shorten(place.text())),
        Some(Kind::List) => "a list".to_owned(),
        Some(Kind::Map) => "a map".to_owned(),
        Some(Kind::Round) => format!("`{}(..)`", shorten(place.word().unwrap_or_default())),
    }
}

/// The beginning of a text that may be long.
fn shorten(text: &str) -> String {
    let mut characters = text.char_indices().skip(40);
    match characters.next() {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// The value of a number as RON writes it, if it is a whole one that is not marked as another type.
fn number(text: &str, takes: &Type) -> Option<i128> {
    let text = text.trim();
    let digits = text.trim_start_matches(['+', '-']);
    if text.len() - digits.len() > 1 || digits.starts_with('_') {
        return None;
    }
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ => (10, digits),
    };
    let suffix = match takes {
        Type::Number { least: 0, most: 255 } => "u8",
        Type::Number { least: 0, .. } => "u64",
        Type::Number { most, .. } if *most <= i32::MAX.into() => "i32",
        _ => "i64",
    };
    let digits = digits.strip_suffix(suffix).unwrap_or(digits).replace('_', "");
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    // More digits than fit are out of every range.
    let value = i128::from_str_radix(&digits, radix).unwrap_or(i128::MAX);
    Some(if text.starts_with('-') { -value } else { value })
}
