//! Faults that LazyFS is asked for in its configuration: its `[[injection]]` tables.
//!
//! ```toml
//! [[injection]]                [[injection]]                [[injection]]
//! type = "torn-op"             type = "torn-seq"            type = "clear-cache"
//! file = "/data/wal"           file = "/data/wal"           from = "/data/wal"
//! occurrence = 5               op = "write"                 op = "fsync"
//! parts = 3                    occurrence = 2               timing = "before"
//! persist = [1, 3]             persist = [1, 4]             occurrence = 6
//!                                                           crash = true
//! ```
//!
//! Every table may have `return` (`ret` in `sync-pages`): whether the call is answered before LazyFS
//! dies. `sync-pages` writes some pages of a file's cache, which `pages` names, and not others.
//!
//! `parts_bytes = [4096, 100]` stands in place of `parts`, `type = "clear"` is the older name of
//! `clear-cache`, and operations on two paths (`rename`, `link`, `symlink`) have `to` as well. The
//! tables `faults`, `cache` and `filesystem` are about LazyFS itself and not looked into.
//!
//! LazyFS says what is wrong with an injection and goes on without it; here it is an error. It
//! ignores keys it does not know; so do not we, for they are most often slips.
//!
//! Source: `config.cpp` and `faults.cpp` of libpcache in LazyFS, and its `README.md`.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::lines::{self, Faults};
use crate::names::{list, nearest};
use crate::source::{Diagnostic, Errors, Location, MAX_LEN, Source, Span};

/// A value, and where it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub location: Location,
}

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Injection {
    /// Where its table begins.
    pub location: Location,
    /// What happens.
    pub fault: Fault,
}

/// What happens, and when. Counts are from 1, in the order of calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// `torn-op`: one write is cut into parts, of which some reach the disk; then LazyFS dies.
    TornOp {
        /// Whose write.
        file: Located<String>,
        /// Which of its writes.
        occurrence: Located<u32>,
        /// How it is cut.
        parts: Located<Parts>,
        /// Which parts reach the disk.
        persist: Located<Vec<u32>>,
    },
    /// `torn-seq`: of writes in a row, with no `fsync` between them, some reach the disk; then
    /// LazyFS dies.
    TornSeq {
        /// Whose writes.
        file: Located<String>,
        /// Which such group of writes.
        occurrence: Located<u32>,
        /// Which writes of the group reach the disk. It dies after the last of them.
        persist: Located<Vec<u32>>,
    },
    /// `clear-cache`: what was not synced is lost.
    ClearCache {
        /// Before or after the call.
        timing: Located<Timing>,
        /// Which call.
        operation: Located<FileOperation>,
        /// On which file.
        from: Located<String>,
        /// And on which other, for those on two.
        to: Option<Located<String>>,
        /// Which of these calls.
        occurrence: Located<u32>,
        /// Whether LazyFS dies.
        crash: Located<bool>,
    },
    /// `sync-pages`: of a file's pages in the cache, some reach the disk. What else it says is not
    /// looked into: disks have no such pages.
    SyncPages {
        /// Whose pages.
        file: Located<String>,
    },
}

/// How a write is cut.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Parts {
    /// Into so many of the same length.
    Equal(u32),
    /// Into these, each of so many bytes.
    Bytes(Vec<u32>),
}

impl Parts {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        match self {
            Self::Equal(count) => *count as usize,
            Self::Bytes(bytes) => bytes.len(),
        }
    }
}

/// On which side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timing {
    /// Before it has an effect.
    Before,
    /// After it had.
    After,
}

impl Timing {
    const NAMES: &'static [(&'static str, Self)] =
        &[("before", Self::Before), ("after", Self::After)];
}

/// A call that LazyFS can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileOperation {
    /// `unlink`
    Unlink,
    /// `truncate`
    Truncate,
    /// `fsync`
    Fsync,
    /// `write`
    Write,
    /// `create`
    Create,
    /// `access`
    Access,
    /// `open`
    Open,
    /// `read`
    Read,
    /// `rename`
    Rename,
    /// `link`
    Link,
    /// `symlink`
    Symlink,
}

impl FileOperation {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("unlink", Self::Unlink),
        ("truncate", Self::Truncate),
        ("fsync", Self::Fsync),
        ("write", Self::Write),
        ("create", Self::Create),
        ("access", Self::Access),
        ("open", Self::Open),
        ("read", Self::Read),
        ("rename", Self::Rename),
        ("link", Self::Link),
        ("symlink", Self::Symlink),
    ];

    /// Whether it has two paths.
    #[must_use]
    pub const fn has_two_paths(self) -> bool {
        matches!(self, Self::Rename | Self::Link | Self::Symlink)
    }
}

/// Reads a configuration that is called `name` in messages.
///
/// # Errors
///
/// Everything that is wrong with it, in its order.
pub fn parse(name: &str, text: &[u8]) -> Result<Vec<Injection>, Errors> {
    let text = lines::text(name, text, MAX_LEN)?;
    let source = Source::new(name, text);
    let mut reader = Reader { text, source: &source, faults: Faults::default() };
    let injections = reader.all();
    reader.faults.or(injections, name, text)
}

/// The kinds of faults, by their names in a file.
#[derive(Clone, Copy, PartialEq)]
enum Type {
    TornOp,
    TornSeq,
    ClearCache,
    SyncPages,
}

impl Type {
    const NAMES: &'static [(&'static str, Self)] = &[
        ("torn-op", Self::TornOp),
        ("torn-seq", Self::TornSeq),
        ("clear-cache", Self::ClearCache),
        ("clear", Self::ClearCache),
        ("sync-pages", Self::SyncPages),
    ];

    /// What LazyFS called them before.
    const OLD: &'static [(&'static str, &'static str)] =
        &[("split_write", "torn-op"), ("reorder", "torn-seq")];

    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::TornOp => {
                &["type", "file", "occurrence", "parts", "parts_bytes", "persist", "return", "ret"]
            }
            Self::TornSeq => &["type", "file", "op", "occurrence", "persist", "return", "ret"],
            Self::ClearCache => {
                &["type", "from", "to", "op", "timing", "occurrence", "crash", "return", "ret"]
            }
            Self::SyncPages => &[
                "type",
                "file",
                "from",
                "to",
                "op",
                "timing",
                "occurrence",
                "crash",
                "return",
                "ret",
                "pages",
                "sync_other_files",
            ],
        }
    }
}

type Value<'a> = Spanned<DeValue<'a>>;

struct Reader<'a> {
    text: &'a str,
    source: &'a Source,
    faults: Faults,
}

impl<'a> Reader<'a> {
    fn all(&mut self) -> Vec<Injection> {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        if !errors.is_empty() {
            for error in errors {
                let span = span(&error.span().unwrap_or_default());
                let mut message = error.message().lines();
                let diagnostic = Diagnostic::new(span, message.next().unwrap_or("this is no TOML"));
                self.faults.push(message.fold(diagnostic, Diagnostic::help));
            }
            return Vec::new();
        }
        let tables = ["injection", "faults", "cache", "filesystem"];
        self.know_all(document.get_ref(), "table", &tables);
        let Some(value) = document.get_ref().get("injection") else { return Vec::new() };
        let Some(tables) = value.get_ref().as_array() else {
            let message = "`injection` is a list of tables";
            self.error(value, message, "each begins with `[[injection]]`");
            return Vec::new();
        };
        let mut injections = Vec::new();
        for value in tables.iter() {
            if let Some(table) = value.get_ref().as_table() {
                injections.extend(self.injection(table, span(&value.span())));
            } else {
                self.error(value, "this is no table", "each begins with `[[injection]]`");
            }
        }
        self.know_no_two(&injections);
        injections
    }

    fn error(&mut self, value: &Value<'_>, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(Diagnostic::new(span(&value.span()), message).help(help));
    }

    /// Tells every key that is not among `known`.
    fn know_all(&mut self, table: &DeTable<'_>, what: &str, known: &[&str]) {
        for (key, _) in table {
            let name = &**key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let names = || known.iter().copied();
            let message = format!("there is no {what} `{name}` here");
            let diagnostic = Diagnostic::new(span(&key.span()), message)
                .help(format!("one of {}", list(names())));
            self.faults.push(nearest(name, names()).into_iter().fold(diagnostic, Diagnostic::help));
        }
    }

    /// LazyFS takes one fault of a type for each file, but for `sync-pages`.
    fn know_no_two(&mut self, injections: &[Injection]) {
        let mut known = BTreeMap::new();
        let several = |it: &&Injection| !matches!(it.fault, Fault::SyncPages { .. });
        for injection in injections.iter().filter(several) {
            let (kind, file) = injection.fault.aim();
            let here = file.location.span;
            let first = *known.entry((kind, &file.value)).or_insert(here);
            if first != here {
                let message = format!("this file has a fault of type `{kind}` already");
                let diagnostic = Diagnostic::new(here, message)
                    .also(first, "it is here")
                    .help("LazyFS takes one for each file, the first");
                self.faults.push(diagnostic);
            }
        }
    }

    fn injection(&mut self, table: &DeTable<'a>, around: Span) -> Option<Injection> {
        let kind = self.required(table, around, "type", |reader, value| {
            reader.one_of(value, "type", Type::NAMES)
        })?;
        self.know_all(table, "key", kind.value.keys());
        let mut fields = Fields { reader: self, table, around };
        let fault = match kind.value {
            Type::TornOp => fields.torn_op(),
            Type::TornSeq => fields.torn_seq(),
            Type::ClearCache => fields.clear_cache(),
            Type::SyncPages => fields.path("file").map(|file| Fault::SyncPages { file }),
        };
        fields.answers();
        let fault = fault?;
        Some(Injection { location: self.source.locate(around), fault })
    }

    /// The value of `key`; what is missing or wrong with it is told.
    fn required<T>(
        &mut self,
        table: &DeTable<'a>,
        around: Span,
        key: &str,
        read: impl FnOnce(&mut Self, &Value<'a>) -> Option<T>,
    ) -> Option<Located<T>> {
        let Some(value) = table.get(key) else {
            let message = format!("the key `{key}` is missing");
            let help = match key {
                "type" => format!("one of {}", list(Type::NAMES.iter().map(|(name, _)| *name))),
                "crash" => "`crash = true` if LazyFS is to die, or `crash = false`".to_owned(),
                "timing" => "`timing = \"before\"`, or `timing = \"after\"`".to_owned(),
                "persist" => "which of them reach the disk: `persist = [1, 3]`".to_owned(),
                "occurrence" => "which one of them, from 1: `occurrence = 2`".to_owned(),
                _ => format!("it goes into the table that begins here: `{key} = ..`"),
            };
            self.faults.push(Diagnostic::new(around, message).help(help));
            return None;
        };
        let location = self.source.locate(span(&value.span()));
        read(self, value).map(|value| Located { value, location })
    }

    fn string<'b>(&mut self, value: &'b Value<'a>) -> Option<&'b str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.error(value, "this is no text", "a text in quotes");
        }
        text
    }

    fn one_of<T: Copy>(
        &mut self,
        value: &Value<'a>,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.string(value)?;
        let found = known.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names = || known.iter().map(|(name, _)| *name);
            let message = format!("there is no {what} `{text}`");
            let diagnostic = Diagnostic::new(span(&value.span()), message)
                .help(format!("one of {}", list(names())));
            let old = Type::OLD.iter().find(|(old, _)| what == "type" && *old == text);
            let hint = match old {
                Some((_, new)) => Some(format!("LazyFS calls it `{new}` by now")),
                None => nearest(text, names()),
            };
            self.faults.push(hint.into_iter().fold(diagnostic, Diagnostic::help));
        }
        found.map(|(_, value)| *value)
    }

    /// At least 1, and at most what an `int` holds.
    fn count(&mut self, value: &Value<'a>) -> Option<u32> {
        let number = value.get_ref().as_integer().and_then(small);
        if number.is_none() {
            let help = format!("a number from 1 to {}", i32::MAX);
            self.error(value, "this is no count", help);
        }
        number
    }

    fn truth(&mut self, value: &Value<'a>) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.error(value, "this is neither true nor false", "`true` or `false`");
        }
        truth
    }

    fn counts(&mut self, value: &Value<'a>) -> Option<Vec<u32>> {
        let Some(list) = value.get_ref().as_array() else {
            self.error(value, "this is no list", "numbers in brackets: `[1, 3]`");
            return None;
        };
        // All are looked at, whatever is wrong with one.
        let counts: Vec<_> = list.iter().map(|value| self.count(value)).collect();
        counts.into_iter().collect()
    }
}

/// The values of one injection.
struct Fields<'r, 'a> {
    reader: &'r mut Reader<'a>,
    table: &'r DeTable<'a>,
    around: Span,
}

impl<'a> Fields<'_, 'a> {
    fn get<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Reader<'a>, &Value<'a>) -> Option<T>,
    ) -> Option<Located<T>> {
        self.reader.required(self.table, self.around, key, read)
    }

    fn path(&mut self, key: &str) -> Option<Located<String>> {
        self.get(key, |reader, value| reader.string(value).map(str::to_owned))
    }

    fn occurrence(&mut self) -> Option<Located<u32>> {
        self.get("occurrence", Reader::count)
    }

    /// Whether a call is answered before LazyFS dies: here none is that the power goes in.
    fn answers(&mut self) {
        for key in ["return", "ret"] {
            if let Some(value) = self.table.get(key) {
                self.reader.truth(value);
            }
        }
    }

    // Every field is read before any is found to be missing, so that all errors are told.

    fn torn_op(&mut self) -> Option<Fault> {
        let file = self.path("file");
        let occurrence = self.occurrence();
        let parts = self.parts();
        let persist = self.get("persist", Reader::counts);
        if let (Some(parts), Some(_)) = (&parts, &persist) {
            self.persists_parts(&parts.value);
        }
        Some(Fault::TornOp {
            file: file?,
            occurrence: occurrence?,
            parts: parts?,
            persist: persist?,
        })
    }

    fn torn_seq(&mut self) -> Option<Fault> {
        let file = self.path("file");
        let occurrence = self.occurrence();
        let persist = self.get("persist", Reader::counts);
        let op = self.get("op", |reader, value| reader.one_of(value, "op", &[("write", ())]));
        op?;
        Some(Fault::TornSeq { file: file?, occurrence: occurrence?, persist: persist? })
    }

    fn clear_cache(&mut self) -> Option<Fault> {
        let operation =
            self.get("op", |reader, value| reader.one_of(value, "op", FileOperation::NAMES));
        let timing =
            self.get("timing", |reader, value| reader.one_of(value, "timing", Timing::NAMES));
        let from = self.path("from");
        let occurrence = self.occurrence();
        let crash = self.get("crash", Reader::truth);
        let operation = operation?;
        let to = match (operation.value.has_two_paths(), self.table.get("to")) {
            (true, _) => Some(self.path("to")?),
            (false, None) => None,
            (false, Some(value)) => {
                let two = FileOperation::NAMES.iter().filter(|(_, op)| op.has_two_paths());
                let help = format!("{} have one", list(two.map(|(name, _)| *name)));
                self.reader.error(value, "this operation has no second path", help);
                return None;
            }
        };
        Some(Fault::ClearCache {
            timing: timing?,
            operation,
            from: from?,
            to,
            occurrence: occurrence?,
            crash: crash?,
        })
    }

    fn parts(&mut self) -> Option<Located<Parts>> {
        match (self.table.get_key_value("parts"), self.table.get("parts_bytes")) {
            (Some((key, _)), Some(bytes)) => {
                let message = "`parts` and `parts_bytes` are two ways to say one thing";
                let diagnostic = Diagnostic::new(span(&bytes.span()), message)
                    .also(span(&key.span()), "the other is here")
                    .help("one of them");
                self.reader.faults.push(diagnostic);
                None
            }
            (None, Some(value)) => {
                let parts = self.get("parts_bytes", Reader::counts)?;
                if parts.value.is_empty() {
                    self.reader.error(value, "a write has at least one part", "`[4096, 100]`");
                    return None;
                }
                Some(Located { value: Parts::Bytes(parts.value), location: parts.location })
            }
            (Some(_), None) => {
                let parts = self.get("parts", Reader::count)?;
                Some(Located { value: Parts::Equal(parts.value), location: parts.location })
            }
            (None, None) => {
                let message = "the key `parts` or `parts_bytes` is missing";
                let diagnostic = Diagnostic::new(self.around, message)
                    .help("how many parts of the same length, or the bytes of each");
                self.reader.faults.push(diagnostic);
                None
            }
        }
    }

    /// Tells parts that there are not.
    fn persists_parts(&mut self, parts: &Parts) {
        let list = self.table.get("persist").and_then(|value| value.get_ref().as_array());
        for value in list.into_iter().flat_map(|list| list.iter()) {
            let part = value.get_ref().as_integer().and_then(small).unwrap_or(0);
            if part as usize > parts.count() {
                let help = format!("a number from 1 to {}", parts.count());
                self.reader.error(value, "there is no such part", help);
            }
        }
    }
}

impl Fault {
    /// Of what there is one for each file.
    const fn aim(&self) -> (&'static str, &Located<String>) {
        match self {
            Self::TornOp { file, .. } => ("torn-op", file),
            Self::TornSeq { file, .. } => ("torn-seq", file),
            Self::ClearCache { from, .. } => ("clear-cache", from),
            Self::SyncPages { file } => ("sync-pages", file),
        }
    }
}

/// What LazyFS has an `int` for, if it counts something.
fn small(number: &DeInteger<'_>) -> Option<u32> {
    let number = i32::from_str_radix(number.as_str(), number.radix()).ok()?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}

const fn span(range: &Range<usize>) -> Span {
    Span::new(range.start, range.end)
}

#[cfg(test)]
mod tests {
    use super::super::noise::Noise;
    use super::*;

    const CONFIG: &str = r#"[faults]
fifo_path = "faults.fifo"
[cache]
apply_eviction = false
[cache.simple]
custom_size = "0.5GB"
blocks_per_page = 1
[filesystem]
log_all_operations = false

[[injection]]
type = "torn-seq"
op = "write"
file = "output.txt"
persist = [1, 4]
occurrence = 2

[[injection]]
type = "torn-op"
file = "output1.txt"
occurrence = 5
parts = 3 # or parts_bytes = [4096, 3600, 1260]
persist = [1, 3]

[[injection]]
type = "clear"
from = "f1.txt"
timing = "before"
op = "fsync"
occurrence = 6
crash = true
"#;

    #[track_caller]
    fn reads(text: &str) -> Vec<Injection> {
        parse("t", text.as_bytes()).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
    }

    #[track_caller]
    fn fails(text: &str, expected: &[&str]) {
        let errors = parse("t", text.as_bytes()).expect_err("it is broken");
        assert_eq!(errors.to_string().lines().collect::<Vec<_>>(), expected, "{text}");
    }

    #[test]
    fn injections_are_read_with_their_places() {
        let injections = reads(CONFIG);
        let places: Vec<_> = injections.iter().map(|it| it.location.to_string()).collect();
        assert_eq!(places, ["11:1", "18:1", "25:1"]);
        let Fault::TornSeq { file, occurrence, persist } = &injections[0].fault else { panic!() };
        assert_eq!(
            (&*file.value, occurrence.value, &*persist.value),
            ("output.txt", 2, &[1, 4][..])
        );
        assert_eq!((file.location.line, file.location.column), (14, 8));
        let Fault::TornOp { parts, persist, .. } = &injections[1].fault else { panic!() };
        assert_eq!((&parts.value, &*persist.value), (&Parts::Equal(3), &[1, 3][..]));
        let Fault::ClearCache { timing, operation, from, to, occurrence, crash } =
            &injections[2].fault
        else {
            panic!()
        };
        assert_eq!((timing.value, operation.value), (Timing::Before, FileOperation::Fsync));
        assert_eq!((&*from.value, to), ("f1.txt", &None));
        assert_eq!((occurrence.value, crash.value), (6, true));
    }

    #[test]
    fn other_spellings_are_read_too() {
        let fault = |text: &str| reads(text).remove(0).fault;
        let torn = "[[injection]]\ntype='torn-op'\nfile='a'\noccurrence=0x2\nparts_bytes=[10,20]\n\
                    persist=[]";
        let Fault::TornOp { occurrence, parts, persist, .. } = fault(torn) else { panic!() };
        assert_eq!((occurrence.value, parts.value.count()), (2, 2));
        assert!(persist.value.is_empty());
        let rename = "injection = [{ type = 'clear-cache', from = 'a', to = 'b', op = 'rename', \
                      timing = 'after', occurrence = 1, crash = false }]";
        let Fault::ClearCache { to, timing, .. } = fault(rename) else { panic!() };
        assert_eq!(to.map(|to| to.value).as_deref(), Some("b"));
        assert_eq!(timing.value, Timing::After);
        let pages = "[[injection]]\ntype='sync-pages'\nfile='a'\ntiming='after'\nop='write'\nfrom='a'\n\
                     occurrence=1\ncrash=true\nret=false\npages='first'";
        let Fault::SyncPages { file } = fault(pages) else { panic!() };
        assert_eq!(file.value, "a");
        assert!(matches!(fault(&format!("{torn}\nreturn=false")), Fault::TornOp { .. }));
        assert_eq!(reads(""), []);
        assert_eq!(reads("injection = []"), []);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let table = |kind: &str, rest: &str| format!("[[injection]]\ntype = \"{kind}\"\n{rest}\n");
        let op = "file='a'\noccurrence=1\n";
        let seq = "file='a'\noccurrence=1\nop='write'\n";
        let clear = "from='a'\noccurrence=1\ncrash=true\n";
        for (text, expected) in [
            ("x = 1".to_owned(), &["t:1:1: there is no table `x` here"][..]),
            ("[injection]".to_owned(), &["t:1:1: `injection` is a list of tables"]),
            ("injection = [1]".to_owned(), &["t:1:14: this is no table"]),
            ("[[injection]]\n".to_owned(), &["t:1:1: the key `type` is missing"]),
            ("[[injection]]\ntype = 7".to_owned(), &["t:2:8: this is no text"]),
            (table("reorder", ""), &["t:2:8: there is no type `reorder`"]),
            (table("torn_op", ""), &["t:2:8: there is no type `torn_op`"]),
            (
                table("torn-op", ""),
                &[
                    "t:1:1: the key `file` is missing",
                    "t:1:1: the key `occurrence` is missing",
                    "t:1:1: the key `parts` or `parts_bytes` is missing",
                    "t:1:1: the key `persist` is missing",
                ],
            ),
            (
                table("torn-op", &format!("{op}parts=2\npersist=[1,3,0,'a']")),
                &["t:6:14: this is no count", "t:6:16: this is no count"],
            ),
            (
                table("torn-op", &format!("{op}parts=2\npersist=[1,3]")),
                &["t:6:12: there is no such part"],
            ),
            (
                table("torn-op", &format!("{op}parts=2\nparts_bytes=[1]\npersist=[1]")),
                &["t:6:13: `parts` and `parts_bytes` are two ways to say one thing"],
            ),
            (
                table("torn-op", &format!("{op}parts_bytes=[]\npersist=[]")),
                &["t:5:13: a write has at least one part"],
            ),
            (
                table("torn-op", &format!("{op}parts=2147483648\npersist=1\nocurrence=2")),
                &[
                    "t:5:7: this is no count",
                    "t:6:9: this is no list",
                    "t:7:1: there is no key `ocurrence` here",
                ],
            ),
            (
                table("torn-seq", "file='a'\noccurrence=-1\nop='read'\npersist=[1]\nparts=2"),
                &[
                    "t:4:12: this is no count",
                    "t:5:4: there is no op `read`",
                    "t:7:1: there is no key `parts` here",
                ],
            ),
            (
                table("clear", &format!("{clear}op='fsync'\ntiming='while'")),
                &["t:7:8: there is no timing `while`"],
            ),
            (
                table("clear", &format!("{clear}op='fsync'\ntiming='before'\nto='b'")),
                &["t:8:4: this operation has no second path"],
            ),
            (
                table("clear", &format!("{clear}op='link'\ntiming='before'")),
                &["t:1:1: the key `to` is missing"],
            ),
            (
                table("clear", "from='a'\noccurrence=1\nop='mkdir'\ntiming='after'\ncrash='yes'"),
                &["t:5:4: there is no op `mkdir`", "t:7:7: this is neither true nor false"],
            ),
            (
                table("torn-seq", &format!("{seq}persist=[1]\nreturn=1")),
                &["t:7:8: this is neither true nor false"],
            ),
            (table("sync-pages", "pages='last'"), &["t:1:1: the key `file` is missing"]),
            (
                [
                    table("torn-seq", &format!("{seq}persist=[1]")),
                    table("torn-seq", &format!("{seq}persist=[2]")),
                ]
                .concat(),
                &["t:9:6: this file has a fault of type `torn-seq` already"],
            ),
        ] {
            fails(&text, expected);
        }
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_place() {
        // An example of LazyFS's own.
        let errors = parse("t", b"[file system]\nlogfile='a'").expect_err("a blank in a key");
        assert_eq!(errors.locations().next().map(|at| at.line), Some(1));
        for text in ["[", "a = ", "a = 1\na = 2", "[[injection]\n", "a = 'x", "\u{0}", "=", "[[[["]
        {
            assert!(parse("t", text.as_bytes()).is_err(), "{text}");
        }
        assert!(parse("t", b"\xFF").is_err());
    }

    #[test]
    fn errors_are_underlined() {
        let text = "[[injection]]\ntype = \"torn-op\"\nfile = \"a\"\nocurrence = 5\nparts = 3\n\
                    persist = [1, 4]\n";
        let errors = parse("lazyfs.toml", text.as_bytes()).expect_err("it is broken");
        assert_eq!(
            errors.render(false),
            "\
error: the key `occurrence` is missing
 --> lazyfs.toml:1:1
  |
1 | [[injection]]
  | ^^^^^^^^^^^^^
  |
  = help: which one of them, from 1: `occurrence = 2`

error: there is no key `ocurrence` here
 --> lazyfs.toml:4:1
  |
4 | ocurrence = 5
  | ^^^^^^^^^
  |
  = help: one of `type`, `file`, `occurrence`, `parts`, `parts_bytes`, `persist`, `return` and `ret`
  = help: did you mean `occurrence`?

error: there is no such part
 --> lazyfs.toml:6:15
  |
6 | persist = [1, 4]
  |               ^
  |
  = help: a number from 1 to 3"
        );
    }

    #[test]
    fn nothing_makes_it_panic() {
        let mut noise = Noise(4);
        let words = [
            "[[injection]]\n",
            "[",
            "{",
            "=",
            "\"",
            "'",
            "'''",
            "type",
            "'clear'",
            "[1,9]",
            "é",
            "999999999999",
            "1979-05-27",
            "\n",
            "a.b.c=",
            "#",
        ];
        for _ in 0..4000 {
            if let Err(errors) = parse("t", &noise.mutate(CONFIG.as_bytes(), &words)) {
                assert!(!errors.render(false).is_empty());
            }
        }
        for bracket in ["[", "{", "a=[", "a={b=", "a.", "[["] {
            let deep = bracket.repeat(MAX_LEN / bracket.len());
            assert!(parse("t", deep.as_bytes()).is_err());
        }
    }
}
