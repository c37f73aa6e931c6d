//! The shape of a text, and finding one's way in it.

use std::fmt::Write;

use super::Span;

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number or a range.
    Number,
    /// A string.
    Text,
    /// A bare word.
    Word,
    /// A character, or something no value begins with.
    Other,
    /// `[..]`
    List,
    /// `(..)` or `word(..)`
    Round,
    /// `{..}`
    Map,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    /// All of it, brackets included.
    pub(super) span: Span,
    /// The name before its colon.
    pub(super) name: Option<Span>,
    pub(super) kind: Kind,
    /// The word before its bracket.
    pub(super) word: Option<Span>,
    pub(super) parent: Option<u32>,
    /// The node after all that is inside this one; 0 until a bracket is closed.
    pub(super) next: u32,
}

/// Something between the values that ron will refuse, and what is to be said of it.
pub(super) type Fault = (Span, &'static str);

/// All values of a text, each before what is inside it.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    faults: Vec<Fault>,
}

impl Tree {
    pub(super) fn new(mut nodes: Vec<Node>, faults: Vec<Fault>) -> Self {
        for (index, node) in (1..).zip(&mut nodes) {
            if node.next == 0 {
                node.next = index;
            }
        }
        Self { nodes, faults }
    }

    /// What is wrong between the values, in order.
    pub(crate) fn faults(&self) -> &[(Span, &'static str)] {
        &self.faults
    }

    /// What comes after the text's value.
    pub(crate) fn trailing(&self) -> Option<Span> {
        self.nodes.iter().skip(1).find(|node| node.parent.is_none()).map(|node| node.span)
    }

    /// The whole text's value, if there is one.
    pub(crate) fn root<'a>(&'a self, text: &'a str) -> Place<'a> {
        Place {
            tree: self,
            text,
            node: (!self.nodes.is_empty()).then_some(0),
            around: Span::default(),
        }
    }
}

/// One value of a text, or the place where it would be.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    tree: &'a Tree,
    text: &'a str,
    node: Option<u32>,
    /// What is underlined when there is nothing here: what it would be inside.
    around: Span,
}

impl<'a> Place<'a> {
    fn node(self) -> Option<&'a Node> {
        self.node.map(|node| &self.tree.nodes[node as usize])
    }

    fn at(self, node: Option<u32>) -> Self {
        Self { node, around: self.head(), ..self }
    }

    /// Whether it is in the text, rather than left to its default.
    pub(crate) const fn is_written(self) -> bool {
        self.node.is_some()
    }

    /// All of it, or what it would be inside.
    pub(crate) fn span(self) -> Span {
        self.node().map_or(self.around, |node| node.span)
    }

    /// Its name with its value if it has one, otherwise as [`Place::span`].
    pub(crate) fn name_span(self) -> Span {
        self.node().and_then(|node| node.name).unwrap_or_else(|| self.span())
    }

    /// What it begins with: the word before its bracket, or else the bracket; all of it if it has
    /// none.
    pub(crate) fn head(self) -> Span {
        let span = self.span();
        match self.node() {
            Some(Node { word: Some(word), .. }) => *word,
            Some(Node { kind: Kind::List | Kind::Round | Kind::Map, .. }) => {
                Span { end: span.start + 1, ..span }
            }
            Some(_) | None => span,
        }
    }

    /// The word before its bracket, if it has both.
    pub(crate) fn bracket_word(self) -> &'a str {
        let word = self.node().and_then(|node| node.word);
        word.map_or("", |word| &self.text[word.range()])
    }

    /// What it looks like.
    pub(crate) fn kind(self) -> Option<Kind> {
        self.node().map(|node| node.kind)
    }

    /// Its text.
    pub(crate) fn text(self) -> &'a str {
        if self.is_written() { &self.text[self.span().range()] } else { "" }
    }

    /// Its name before the colon.
    pub(crate) fn name(self) -> Option<&'a str> {
        self.node().and_then(|node| node.name).map(|name| &self.text[name.range()])
    }

    /// The word it is or begins with.
    pub(crate) fn word(self) -> Option<&'a str> {
        let node = self.node()?;
        let word = node.word.or_else(|| (node.kind == Kind::Word).then_some(node.span))?;
        Some(&self.text[word.range()])
    }

    /// What is inside its brackets, in order.
    pub(crate) fn items(self) -> impl Iterator<Item = Self> + use<'a> {
        let me = self.unwrap_some();
        let (mut next, end) = match me.node {
            Some(node) => (node + 1, me.tree.nodes[node as usize].next),
            None => (0, 0),
        };
        std::iter::from_fn(move || {
            let here = (next < end).then_some(next)?;
            next = me.tree.nodes[here as usize].next;
            Some(me.at(Some(here)))
        })
    }

    /// The field called `name` inside its brackets.
    pub(crate) fn field(self, name: &str) -> Self {
        let found = self.items().find(|item| item.name() == Some(name));
        found.unwrap_or_else(|| self.at(None))
    }

    /// The `index`th thing inside its brackets.
    pub(crate) fn item(self, index: usize) -> Self {
        self.items().nth(index).unwrap_or_else(|| self.at(None))
    }

    /// `Some(x)` is `x`: the option is never seen otherwise.
    pub(crate) fn unwrap_some(self) -> Self {
        let mut me = self;
        while let Some(node) = me.node()
            && node.word.is_some_and(|word| &self.text[word.range()] == "Some")
            && let inner = me.node.unwrap_or(0) + 1
            && node.next > inner
            && self.tree.nodes[inner as usize].name.is_none()
        {
            me = Self { node: Some(inner), around: node.span, ..me };
        }
        me
    }

    /// The way to it: `rules[1].action.sector`.
    pub(crate) fn path(self) -> String {
        let mut way = Vec::new();
        let mut node = self.node;
        while let Some(index) = node {
            way.push(index);
            node = self.tree.nodes[index as usize].parent;
        }
        let mut path = String::new();
        for (depth, index) in way.iter().rev().enumerate().skip(1) {
            let step = self.at(Some(*index));
            // A String takes all that is written to it.
            if let Some(name) = step.name() {
                let dot = if path.is_empty() { "" } else { "." };
                _ = write!(path, "{dot}{name}");
            } else if step.parent().and_then(Self::kind) == Some(Kind::List) {
                _ = write!(path, "[{}]", step.index());
            }
            if let Some(word) = step.word()
                && depth + 1 < way.len()
            {
                _ = write!(path, ".{word}");
            }
        }
        path
    }

    fn parent(self) -> Option<Self> {
        let parent = self.node()?.parent?;
        Some(self.at(Some(parent)))
    }

    fn index(self) -> usize {
        let before = |parent: Self| parent.items().take_while(|item| item.node != self.node);
        self.parent().map_or(0, |parent| before(parent).count())
    }
}
