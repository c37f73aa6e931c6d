//! A scenario's text as a tree that can be edited anywhere, whatever the format has there.
//!
//! The file mirror has a type for each thing that can be written; taking things away needs only to
//! know what is a list, what is a field and what is a number. What comes of an edit is printed and
//! read again, so that whatever is no scenario any more is found by those who know.

use crate::source::{Kind, Place, scan};

/// One value of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    /// The name before its colon; empty for what has none.
    pub(super) name: String,
    pub(super) value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A number, a range, a text or a word, as it is written.
    Atom(String),
    /// `[..]`
    List(Vec<Node>),
    /// `(..)` or `word(..)`
    Round(String, Vec<Node>),
}

/// The way to a value: which item of the whole, which item of that, and so on.
pub(super) type Way = Vec<usize>;

/// Fields whose items are steps.
const STEPS: [&str; 4] = ["steps", "recover", "then", "otherwise"];

/// Fields whose items are things that a scenario could do without.
const THINGS: [&str; 15] = [
    "ops",
    "disks",
    "file_systems",
    "rules",
    "faults",
    "clients",
    "steps",
    "recover",
    "then",
    "otherwise",
    "properties",
    "copies",
    "skew",
    "contents",
    "below",
];

/// What says what should be: taking a part of it away makes another claim.
const CLAIMS: [&str; 6] = ["holds", "that", "gets", "data", "or_violates", "expect"];

impl Node {
    /// The value of a text that was printed from a file.
    pub(super) fn read(text: &str) -> Option<Self> {
        let tree = scan(text).ok()?;
        Some(Self::of(tree.root(text)))
    }

    fn of(place: Place<'_>) -> Self {
        let items = || place.items().map(Self::of).collect();
        let value = match place.kind() {
            Some(Kind::List) => Value::List(items()),
            Some(Kind::Round) => Value::Round(place.bracket_word().to_owned(), items()),
            _ => Value::Atom(place.text().to_owned()),
        };
        Self { name: place.name().unwrap_or_default().to_owned(), value }
    }

    /// A field that is written as `text`.
    pub(super) fn atom(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), value: Value::Atom(text.to_owned()) }
    }

    /// On one line.
    pub(super) fn print(&self) -> String {
        let mut text = String::new();
        self.print_to(&mut text);
        text
    }

    fn print_to(&self, text: &mut String) {
        if !self.name.is_empty() {
            text.push_str(&self.name);
            text.push_str(": ");
        }
        let (open, items, close) = match &self.value {
            Value::Atom(atom) => return text.push_str(atom),
            Value::List(items) => ('[', items, ']'),
            Value::Round(word, items) => {
                text.push_str(word);
                ('(', items, ')')
            }
        };
        text.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push_str(", ");
            }
            item.print_to(text);
        }
        text.push(close);
    }

    pub(super) fn items(&self) -> &[Self] {
        match &self.value {
            Value::Atom(_) => &[],
            Value::List(items) | Value::Round(_, items) => items,
        }
    }

    pub(super) fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.value {
            Value::Atom(_) => None,
            Value::List(items) | Value::Round(_, items) => Some(items),
        }
    }

    /// The word before its bracket, or the word it is.
    pub(super) fn word(&self) -> &str {
        match &self.value {
            Value::Round(word, _) => word,
            Value::Atom(atom) => atom,
            Value::List(_) => "",
        }
    }

    pub(super) const fn is_list(&self) -> bool {
        matches!(self.value, Value::List(_))
    }

    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.items().iter().find(|item| item.name == name)
    }

    pub(super) fn at(&self, way: &[usize]) -> Option<&Self> {
        way.iter().try_fold(self, |node, index| node.items().get(*index))
    }

    pub(super) fn at_mut(&mut self, way: &[usize]) -> Option<&mut Self> {
        way.iter().try_fold(self, |node, index| node.items_mut()?.get_mut(*index))
    }

    /// Whether what is inside says what should be, or is no business of whoever takes things away.
    fn is_claim(&self, depth: usize) -> bool {
        const WHOLE: [&str; 10] = [
            "subject",
            "expect",
            "seed",
            "seeds",
            "seed_list",
            "summary",
            "dialect",
            "quirks",
            "misuse",
            "search",
        ];
        CLAIMS.contains(&self.name.as_str())
            || (self.name.is_empty() && self.word() == "expect")
            || (depth == 1 && WHOLE.contains(&self.name.as_str()))
    }

    /// Shows `look` every value that may be edited, each before what is inside it.
    pub(super) fn visit<'n>(&'n self, look: &mut impl FnMut(&[usize], &'n Self)) {
        self.visit_from(&mut Vec::new(), look);
    }

    fn visit_from<'n>(&'n self, way: &mut Way, look: &mut impl FnMut(&[usize], &'n Self)) {
        if self.is_claim(way.len()) && !way.is_empty() {
            return;
        }
        look(way, self);
        for (index, item) in self.items().iter().enumerate() {
            way.push(index);
            item.visit_from(way, look);
            way.pop();
        }
    }

    /// Shows `change` every value, those that say what should be included.
    pub(super) fn change(&mut self, change: &mut impl FnMut(&mut Self)) {
        change(self);
        for item in self.items_mut().into_iter().flatten() {
            item.change(change);
        }
    }

    /// Whether it is a list of steps, or of requests that are made together.
    pub(super) fn holds_steps(&self, parent: Option<&Self>) -> bool {
        self.is_list()
            && (STEPS.contains(&self.name.as_str())
                || parent.is_some_and(|parent| parent.word() == "parallel"))
    }

    /// The ways to everything that could be left out: steps, rules, clients and so on.
    pub(super) fn things(&self) -> Vec<Way> {
        let mut things = Vec::new();
        self.visit(&mut |way, node| {
            let parent = way.split_last().and_then(|(_, way)| self.at(way));
            let is_thing = node.is_list() && THINGS.contains(&node.name.as_str());
            if is_thing || node.holds_steps(parent) {
                let items = 0..node.items().len();
                things.extend(items.map(|index| [way, &[index][..]].concat()));
            }
        });
        things
    }

    /// The step at a byte of the text that [`Self::print`] or a file has, printed.
    pub(super) fn step_at(text: &str, byte: u32) -> Option<String> {
        let tree = scan(text).ok()?;
        let mut found = None;
        let mut place = tree.root(text);
        let mut parent_word = "";
        loop {
            let inside = |item: &Place<'_>| {
                let (span, name) = (item.span(), item.name_span());
                span.start.min(name.start) <= byte && byte < span.end
            };
            let holds_steps = place.kind() == Some(Kind::List)
                && (place.name().is_some_and(|name| STEPS.contains(&name))
                    || parent_word == "parallel");
            parent_word = place.bracket_word();
            let Some(next) = place.items().find(inside) else { break };
            if holds_steps {
                found = Some(next);
            }
            place = next;
        }
        found.map(|step| Self::of(step).print())
    }

    /// Without the values at these ways.
    pub(super) fn without(&self, ways: &[Way]) -> Self {
        let mut less = self.clone();
        let mut ways = ways.to_vec();
        // From the back, so that no way is changed by what goes before it.
        ways.sort();
        for way in ways.iter().rev() {
            if let Some((index, parent)) = way.split_last()
                && let Some(items) = less.at_mut(parent).and_then(Self::items_mut)
                && *index < items.len()
            {
                items.remove(*index);
            }
        }
        less
    }

    /// Every text that names something, with the ways to what could be left out and mentions it.
    pub(super) fn mentions(&self) -> Vec<(String, Vec<Way>)> {
        let mut names: Vec<(String, Vec<Way>)> = Vec::new();
        let things = self.things();
        for way in &things {
            let Some(thing) = self.at(way) else { continue };
            let mut texts = Vec::new();
            thing.texts(&mut texts);
            for text in texts {
                // The innermost thing is what mentions it, not what that is part of.
                let inner = |other: &&Way| {
                    other.len() > way.len() && other.starts_with(way) && self.says(other, text)
                };
                if things.iter().any(|other| inner(&other)) {
                    continue;
                }
                match names.iter_mut().find(|(name, _)| name == text) {
                    Some((_, ways)) if !ways.contains(way) => ways.push(way.clone()),
                    Some(_) => {}
                    None => names.push((text.to_owned(), vec![way.clone()])),
                }
            }
        }
        names
    }

    fn says(&self, way: &[usize], text: &str) -> bool {
        let mut texts = Vec::new();
        if let Some(thing) = self.at(way) {
            thing.texts(&mut texts);
        }
        texts.contains(&text)
    }

    fn texts<'n>(&'n self, texts: &mut Vec<&'n str>) {
        if let Value::Atom(atom) = &self.value
            && atom.starts_with('"')
        {
            texts.push(atom);
        }
        for item in self.items() {
            item.texts(texts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"(rules: [(event: "flush_to_disk", action: set_state(2))], clients: [(name: "a", steps: [write(at: 0, len: 512, fill: 0x11), parallel([flush(), read(at: 0, len: 512, holds: any_of([zeroes, fill(0x11)]))])])], seeds: 0..9)"#;

    fn node() -> Node {
        Node::read(TEXT).unwrap()
    }

    #[test]
    fn a_text_is_printed_as_it_was_read() {
        assert_eq!(node().print(), TEXT);
    }

    #[test]
    fn rules_clients_steps_and_requests_can_be_left_out_and_parts_of_claims_cannot() {
        let node = node();
        let things: Vec<_> =
            node.things().iter().map(|way| node.at(way).unwrap().print()).collect();
        let starts: Vec<_> = things.iter().map(|thing| &thing[..5]).collect();
        assert_eq!(starts, ["(even", "(name", "write", "paral", "flush", "read("]);
    }

    #[test]
    fn a_step_is_found_by_a_byte_of_it() {
        let step = |what| Node::step_at(TEXT, TEXT.find(what).unwrap() as u32);
        assert_eq!(step("flush()"), Some("flush()".to_owned()));
        assert_eq!(step("fill: 0x11"), Some("write(at: 0, len: 512, fill: 0x11)".to_owned()));
        assert!(step("zeroes").unwrap().starts_with("read("));
        assert_eq!(step("set_state"), None);
    }
}
