//! Finds the shape of a RON text: brackets, names, values, and where each is.
//!
//! serde sees values without places, and ron tells only the place of the first error. This scan
//! goes over the text once, without recursion, knows nothing of types, and tolerates what ron will
//! refuse anyway.

use super::tree::{Fault, Kind, Node, Tree};
use super::{Diagnostic, MAX_NESTING, Span};

/// The tree of `text`, or why it has none: brackets, strings or comments that do not end, or that
/// are nested too deeply.
pub(crate) fn scan(text: &str) -> Result<Tree, Diagnostic> {
    let (nodes, faults, open) = Default::default();
    let mut scan = Scan { text, at: 0, nodes, faults, open, pending: None };
    scan.skip_attributes()?;
    scan.run()?;
    Ok(Tree::new(scan.nodes, scan.faults))
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
    faults: Vec<Fault>,
    /// The brackets around the current place, outermost first.
    open: Vec<Open>,
    /// The value that is being read, until a comma or bracket ends it.
    pending: Option<Pending>,
}

struct Open {
    node: usize,
    bracket: u8,
    at: usize,
}

#[derive(Clone, Copy, Default)]
struct Pending {
    /// The name before the colon.
    name: Option<Span>,
    /// The node of the value, once something of it was seen.
    node: Option<usize>,
    /// It follows another without a comma.
    is_odd: bool,
}

/// A piece of text between blanks.
#[derive(Clone, Copy, PartialEq)]
enum Token {
    Open(u8),
    Close(u8),
    Comma,
    Colon,
    Atom(Kind),
}

impl Scan<'_> {
    fn run(&mut self) -> Result<(), Diagnostic> {
        loop {
            self.skip_blanks()?;
            let start = self.at;
            let Some(token) = self.token()? else { break };
            let span = Span::new(start, self.at);
            match token {
                Token::Comma => self.comma(span),
                Token::Colon => self.name(span),
                Token::Atom(kind) => self.atom(kind, span),
                Token::Open(bracket) => self.open(bracket, span)?,
                Token::Close(bracket) => self.close(bracket, span)?,
            }
        }
        match self.open.last() {
            None => Ok(()),
            Some(open) => {
                let bracket = char::from(open.bracket);
                let end = Span::new(self.text.trim_end().len(), self.text.trim_end().len());
                Err(Diagnostic::new(
                    Span::new(open.at, open.at + 1),
                    format!("this `{bracket}` is never closed"),
                )
                .also(end, format!("the file ends without its `{}`", partner(open.bracket))))
            }
        }
    }

    /// What was read last was a name, and its value comes now.
    fn name(&mut self, colon: Span) {
        let last = self.pending.take().and_then(|pending| pending.node);
        let name = last.filter(|node| *node + 1 == self.nodes.len()).map(|node| {
            let span = self.nodes[node].span;
            self.nodes.truncate(node);
            span
        });
        if name.is_none() {
            self.faults.push((colon, "expected a name before this colon"));
        }
        self.pending = Some(Pending { name, ..Pending::default() });
    }

    fn comma(&mut self, comma: Span) {
        if self.pending.take().is_none_or(|pending| pending.node.is_none()) {
            self.faults.push((comma, "expected a value before this comma"));
        }
    }

    fn atom(&mut self, kind: Kind, span: Span) {
        if let Some(node) = self.pending.and_then(|pending| pending.node) {
            if kind == Kind::Number && self.nodes[node].kind == Kind::Number {
                // A range with blanks around its dots is one mistake, not two values.
                self.nodes[node].span.end = span.end;
                return;
            }
            self.miss_comma(node, span);
        }
        self.begin(kind, span);
    }

    fn open(&mut self, bracket: u8, span: Span) -> Result<(), Diagnostic> {
        if self.open.len() >= MAX_NESTING {
            return Err(Diagnostic::new(span, "brackets are nested too deeply")
                .help(format!("at most {MAX_NESTING} may be open at once")));
        }
        let kind = match bracket {
            b'(' => Kind::Round,
            b'[' => Kind::List,
            _ => Kind::Map,
        };
        let node = match self.pending.and_then(|pending| pending.node) {
            Some(node) if self.nodes[node].kind == Kind::Word && kind == Kind::Round => {
                self.nodes[node].word = Some(self.nodes[node].span);
                self.nodes[node].kind = kind;
                node
            }
            Some(node) => {
                self.miss_comma(node, span);
                self.begin(kind, span)
            }
            None => self.begin(kind, span),
        };
        self.open.push(Open { node, bracket, at: span.start as usize });
        self.pending = None;
        Ok(())
    }

    /// Two values stand side by side: the second is a value of its own.
    fn miss_comma(&mut self, before: usize, span: Span) {
        let Node { name, kind, .. } = self.nodes[before];
        let in_struct = self.open.last().is_some_and(|open| open.bracket == b'(');
        // One thing is said about one value, and nothing here about what follows the whole.
        if !self.open.is_empty() && !self.pending.is_some_and(|pending| pending.is_odd) {
            self.faults.push((
                span,
                match (in_struct, name, kind) {
                    (true, None, Kind::Word) => "expected a colon before this",
                    _ => "expected a comma before this",
                },
            ));
        }
        self.pending = Some(Pending { is_odd: true, ..Pending::default() });
    }

    fn begin(&mut self, kind: Kind, span: Span) -> usize {
        let pending = self.pending.get_or_insert_default();
        let node = self.nodes.len();
        pending.node = Some(node);
        let name = pending.name;
        let parent = self.open.last().map(|open| open.node as u32);
        self.nodes.push(Node { span, name, kind, word: None, parent, next: 0 });
        node
    }

    fn close(&mut self, bracket: u8, span: Span) -> Result<(), Diagnostic> {
        let found = char::from(bracket);
        let Some(open) = self.open.pop() else {
            return Err(Diagnostic::new(span, format!("this `{found}` closes nothing")));
        };
        let wanted = partner(open.bracket);
        if wanted != found {
            let opened = Span::new(open.at, open.at + 1);
            return Err(Diagnostic::new(span, format!("expected `{wanted}`, found `{found}`"))
                .also(opened, format!("`{wanted}` closes this")));
        }
        if let Some(Pending { name: Some(name), node: None, .. }) = self.pending {
            self.faults.push((name, "expected a value after this name"));
        }
        self.nodes[open.node].span.end = span.end;
        self.nodes[open.node].next = self.nodes.len() as u32;
        self.pending = Some(Pending { node: Some(open.node), ..Pending::default() });
        Ok(())
    }

    fn token(&mut self) -> Result<Option<Token>, Diagnostic> {
        let bytes = self.text.as_bytes();
        let Some(byte) = bytes.get(self.at).copied() else { return Ok(None) };
        let next = bytes.get(self.at + 1).copied();
        let token = match byte {
            b'(' | b'[' | b'{' => Token::Open(byte),
            b')' | b']' | b'}' => Token::Close(byte),
            b',' => Token::Comma,
            b':' => Token::Colon,
            b'"' => return self.string(1).map(Some),
            b'b' if next == Some(b'"') => return self.string(2).map(Some),
            b'b' if next == Some(b'\'') => return Ok(Some(self.character(2))),
            b'\'' => return Ok(Some(self.character(1))),
            b'r' if self.raw_string_starts(1) => return self.raw_string(1).map(Some),
            b'b' if next == Some(b'r') && self.raw_string_starts(2) => {
                return self.raw_string(2).map(Some);
            }
            b'0'..=b'9' | b'+' | b'-' | b'.' => return Ok(Some(self.run_of(Kind::Number))),
            _ if self.word_starts() => return Ok(Some(self.run_of(Kind::Word))),
            _ => return Ok(Some(self.stray())),
        };
        self.at += 1;
        Ok(Some(token))
    }

    fn word_starts(&self) -> bool {
        let first = self.text[self.at..].chars().next();
        first.is_some_and(|c| c == '_' || c.is_alphanumeric())
    }

    /// Characters that mean nothing to RON.
    fn stray(&mut self) -> Token {
        let start = self.at;
        let token = self.run_of(Kind::Other);
        let pending = self.pending.get_or_insert_default();
        if !self.open.is_empty() && !pending.is_odd {
            self.faults.push((Span::new(start, self.at), "this means nothing here"));
        }
        pending.is_odd = true;
        token
    }

    /// A number, a range or a word: everything up to a blank or punctuation.
    fn run_of(&mut self, kind: Kind) -> Token {
        let rest = &self.text[self.at..];
        let ends = |c: char| c.is_whitespace() || "()[]{},:\"'/".contains(c);
        let len = rest.find(ends).unwrap_or(rest.len());
        // At least one character, whatever it is: a lone slash, for one.
        self.at += len.max(rest.chars().next().map_or(0, char::len_utf8));
        Token::Atom(kind)
    }

    fn string(&mut self, prefix: usize) -> Result<Token, Diagnostic> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        self.at += prefix;
        while let Some(byte) = bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'"' => return Ok(Token::Atom(Kind::Text)),
                b'\\' => self.at += 1,
                _ => {}
            }
        }
        Err(Diagnostic::new(Span::new(start, self.text.len()), "this text is never closed")
            .help("it needs a closing `\"`"))
    }

    fn character(&mut self, prefix: usize) -> Token {
        let inside = &self.text[self.at + prefix..];
        let mut characters = inside.char_indices();
        let len = match characters.next() {
            Some((_, '\\')) => {
                let escaped = characters.next().map_or(1, |(at, c)| at + c.len_utf8());
                {
                    let near = inside[escaped..].char_indices().take(12);
                    near.filter(|(_, c)| *c == '\'').map(|(more, _)| escaped + more).next()
                }
            }
            Some((_, c)) => Some(c.len_utf8()).filter(|len| inside[*len..].starts_with('\'')),
            None => None,
        };
        // Anything else is no character: a text in the wrong quotes, or a lone quote.
        let len = len.or_else(|| {
            let near = inside.char_indices().take(100).take_while(|(_, c)| *c != '\n');
            near.filter(|(_, c)| *c == '\'').map(|(at, _)| at).next()
        });
        self.at += prefix + len.map_or(0, |len| len + 1);
        Token::Atom(Kind::Other)
    }

    fn raw_string_starts(&self, prefix: usize) -> bool {
        let rest = &self.text[self.at + prefix..];
        rest.trim_start_matches('#').starts_with('"')
    }

    fn raw_string(&mut self, prefix: usize) -> Result<Token, Diagnostic> {
        let start = self.at;
        let rest = &self.text[self.at + prefix..];
        let hashes = rest.len() - rest.trim_start_matches('#').len();
        let end = format!("\"{}", &rest[..hashes]);
        let body = self.at + prefix + hashes + 1;
        let Some(len) = self.text[body..].find(&end) else {
            return Err(Diagnostic::new(
                Span::new(start, self.text.len()),
                "this text is never closed",
            )
            .help(format!("it needs a closing `{}`", short(&end))));
        };
        self.at = body + len + end.len();
        Ok(Token::Atom(Kind::Text))
    }

    fn skip_blanks(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = &self.text[self.at..];
            // What ron takes for blanks, and what it will complain of as something else.
            let blank = |c: char| c.is_whitespace() || matches!(c, '\u{200E}' | '\u{200F}');
            self.at += rest.len() - rest.trim_start_matches(blank).len();
            let rest = &self.text[self.at..];
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.skip_block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn skip_block_comment(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut depth = 0_usize;
        while self.at < bytes.len() {
            match &bytes[self.at..] {
                [b'/', b'*', ..] => {
                    depth += 1;
                    self.at += 2;
                }
                [b'*', b'/', ..] => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                _ => self.at += 1,
            }
        }
        self.at = start;
        Err(Diagnostic::new(Span::new(start, start + 2), "this comment is never closed")
            .help("it needs a closing `*/`; comments may be nested"))
    }

    /// `#![enable(..)]` and the like before the value; ron reads them.
    fn skip_attributes(&mut self) -> Result<(), Diagnostic> {
        loop {
            self.skip_blanks()?;
            if !self.text[self.at..].starts_with('#') {
                return Ok(());
            }
            let start = self.at;
            let mut depth = 0_usize;
            self.at += 1;
            loop {
                self.skip_blanks()?;
                match self.token()? {
                    Some(Token::Open(b'[')) => depth += 1,
                    Some(Token::Close(b']')) if depth == 1 => break,
                    Some(Token::Close(b']')) => depth = depth.saturating_sub(1),
                    Some(_) => {}
                    None => {
                        return Err(Diagnostic::new(
                            Span::new(start, start + 1),
                            "this attribute is never closed",
                        ));
                    }
                }
            }
        }
    }
}

const fn partner(bracket: u8) -> char {
    match bracket {
        b'(' => ')',
        b'[' => ']',
        _ => '}',
    }
}

/// Enough of a long delimiter to recognize it.
fn short(delimiter: &str) -> &str {
    &delimiter[..delimiter.len().min(20)]
}
