//! The way back: values to the texts they are read from.
//!
//! What is printed is read as the same values, except for line numbers; [`json`] also drops the
//! ids of rules and the order between injections and state changes, neither of which means
//! anything. What a text cannot say is an error, or `None`.

use std::fmt::Write as _;

use headcrash_engine::Dialect;
use serde_json::{Map, Value};
use thiserror::Error;

use super::conf::Ids;
use super::rule::{Rule, RuleKind};
use super::script::{Command, Operation, Verify};
use super::section::Group;
use super::spec::{ImageSpec, Limits, Node, Spec};
use super::{filename, options};

/// Why a value cannot be written down.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PrintError {
    /// An event the dialect does not have.
    #[error("{} has no event {event:?}", dialect.name())]
    Event {
        /// The event.
        event: String,
        /// The dialect.
        dialect: Dialect,
    },
    /// An id that is no identifier, is longer than 63 bytes, or was there before.
    #[error("a section cannot have the id {0:?}")]
    Id(String),
    /// Something that 2.6 does not have.
    #[error("2.6 has no {0}")]
    NotIn2_6(&'static str),
    /// An image that options cannot name.
    #[error("options cannot name the image {0:?}")]
    Image(String),
    /// A combination of options that no command has, or a word that would be read as something
    /// else.
    #[error("no command does {0:?}")]
    Operation(Operation),
}

/// A configuration file with these rules, one section each, in order. Defaults are left out; all
/// values are in quotes, without which they would be empty.
///
/// # Errors
///
/// [`PrintError::Event`], [`PrintError::Id`], and [`PrintError::NotIn2_6`] for an `iotype`.
pub fn config(rules: &[Rule], dialect: Dialect) -> Result<String, PrintError> {
    let mut out = String::new();
    let mut ids = Ids::default();
    for rule in rules {
        if !out.is_empty() {
            out.push('\n');
        }
        let (group, keys) = section(rule, dialect)?;
        let id = match &rule.id {
            Some(id) if id.len() > 63 || ids.claim(group, id).is_err() => {
                return Err(PrintError::Id(id.clone()));
            }
            Some(id) => format!(" \"{id}\""),
            None => String::new(),
        };
        push(&mut out, format_args!("[{}{id}]\n", group.name()));
        for (key, value) in keys {
            let value = match value {
                Value::Bool(true) => "on".to_owned(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            push(&mut out, format_args!("{key} = \"{value}\"\n"));
        }
    }
    Ok(out)
}

type Keys = Vec<(&'static str, Value)>;

/// What differs from the defaults.
fn section(rule: &Rule, dialect: Dialect) -> Result<(Group, Keys), PrintError> {
    if !dialect.events().contains(&rule.event.as_str()) {
        return Err(PrintError::Event { event: rule.event.clone(), dialect });
    }
    let mut keys =
        vec![("event", serde_json::json!(rule.event)), ("state", serde_json::json!(rule.state))];
    let group = match rule.kind {
        RuleKind::InjectError { errno, sector, once, immediately, iotype } => {
            if iotype.is_some() && dialect == Dialect::Qemu2_6 {
                return Err(PrintError::NotIn2_6("iotype"));
            }
            keys.push(("errno", serde_json::json!(errno)));
            keys.push(("sector", serde_json::json!(sector)));
            keys.push(("once", serde_json::json!(once)));
            keys.push(("immediately", serde_json::json!(immediately)));
            keys.extend(iotype.map(|kind| ("iotype", serde_json::json!(kind.name()))));
            Group::InjectError
        }
        RuleKind::SetState { new_state } => {
            keys.push(("new_state", serde_json::json!(new_state)));
            Group::SetState
        }
    };
    let is_default = |key: &str, value: &Value| match key {
        "state" | "new_state" => *value == serde_json::json!(0),
        "errno" => *value == serde_json::json!(5),
        "sector" => *value == serde_json::json!(-1),
        "once" | "immediately" => *value == serde_json::json!(false),
        _ => false,
    };
    keys.retain(|(key, value)| !is_default(key, value));
    Ok((group, keys))
}

/// `blkdebug:CONF:IMAGE`, if it says everything: no rules or limits, no colon in a configuration
/// file's name, a raw format on top.
#[must_use]
pub fn filename(spec: &Spec) -> Option<String> {
    let mut out = String::new();
    for node in &spec.nodes {
        push(&mut out, format_args!("blkdebug:{}:", node.config.as_deref().unwrap_or_default()));
    }
    out.push_str(&match &spec.image {
        ImageSpec::File(name) if filename::protocol(name).is_some() => format!("file:{name}"),
        ImageSpec::File(name) | ImageSpec::Other(name) => name.clone(),
        ImageSpec::NullCo { .. } => "null-co://".to_owned(),
    });
    // Both dialects read file names alike.
    filename::parse(&out, Dialect::Qemu10).is_ok_and(|read| same(&read, spec)).then_some(out)
}

/// `json:{...}`.
///
/// # Errors
///
/// [`PrintError::Event`], [`PrintError::NotIn2_6`] for an `iotype` and for limits other than
/// `align`, and [`PrintError::Image`].
pub fn json(spec: &Spec, dialect: Dialect) -> Result<String, PrintError> {
    let cannot = |name: &String| PrintError::Image(name.clone());
    let mut innermost = None;
    let mut value = match &spec.image {
        ImageSpec::File(name) => serde_json::json!({"driver": "file", "filename": name}),
        ImageSpec::NullCo { size, read_zeroes } => {
            serde_json::json!({"driver": "null-co", "size": size, "read-zeroes": read_zeroes})
        }
        ImageSpec::Other(text) => match text.strip_prefix("json:") {
            Some(json) => serde_json::from_str(json).map_err(|_| cannot(text))?,
            // Only here may a file name have a prefix.
            None => {
                innermost = Some(text);
                Value::Null
            }
        },
    };
    for node in spec.nodes.iter().rev() {
        let mut object = node_options(node, dialect)?;
        match innermost.take() {
            Some(name) => object.insert("x-image".to_owned(), serde_json::json!(name)),
            None => object.insert("image".to_owned(), value),
        };
        value = Value::Object(object);
    }
    if spec.raw {
        value = serde_json::json!({"driver": "raw", "file": value});
    }
    let out = format!("json:{value}");
    match &spec.image {
        // Anything can be in there.
        ImageSpec::Other(text)
            if !options::from_json(&out, dialect).is_ok_and(|read| read.image == spec.image) =>
        {
            Err(cannot(text))
        }
        _ => Ok(out),
    }
}

fn node_options(node: &Node, dialect: Dialect) -> Result<Map<String, Value>, PrintError> {
    let mut object = Map::new();
    object.insert("driver".to_owned(), serde_json::json!("blkdebug"));
    if let Some(config) = &node.config {
        object.insert("config".to_owned(), serde_json::json!(config));
    }
    let Limits { align, .. } = node.limits;
    if dialect == Dialect::Qemu2_6 && node.limits != (Limits { align, ..Limits::default() }) {
        return Err(PrintError::NotIn2_6("limits but align"));
    }
    for (name, value) in node.limits.named() {
        if value != 0 {
            object.insert(name.to_owned(), serde_json::json!(value));
        }
    }
    for rule in &node.rules {
        let (group, keys) = section(rule, dialect)?;
        let element = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        // An empty list would be an error, so a list is made for its first element.
        let list = object.entry(group.name()).or_insert_with(|| serde_json::json!([]));
        if let Value::Array(list) = list {
            list.push(Value::Object(element));
        }
    }
    Ok(object)
}

/// What a text can say is the same.
fn same(left: &Spec, right: &Spec) -> bool {
    left.raw == right.raw && left.nodes == right.nodes && left.image == right.image
}

/// A command script, one command a line.
///
/// # Errors
///
/// [`PrintError::Operation`], for instance for a tag with a space in it.
pub fn script(commands: &[Command]) -> Result<String, PrintError> {
    let mut out = String::new();
    for Command { operation, .. } in commands {
        let line = line(operation);
        let read = super::script::parse(&line).ok().filter(|read| read.not_carried.is_empty());
        match read.as_ref().map(|read| read.commands.as_slice()) {
            Some([read]) if read.operation == *operation => {
                out.push_str(&line);
                out.push('\n');
            }
            _ => return Err(PrintError::Operation(operation.clone())),
        }
    }
    Ok(out)
}

fn line(operation: &Operation) -> String {
    let aio = |background: bool| if background { "aio_" } else { "" };
    let flag = |given: bool, flag: &'static str| if given { flag } else { "" };
    match operation {
        Operation::Read { at, len, verify, background } => {
            let verify = match verify {
                None => String::new(),
                Some(Verify { pattern, from: 0, len: part }) if part == len => {
                    format!(" -P {pattern:#x}")
                }
                Some(Verify { pattern, from, len }) => {
                    format!(" -P {pattern:#x} -s {from} -l {len}")
                }
            };
            format!("{}read{verify} {at} {len}", aio(*background))
        }
        Operation::Write { at, len, pattern, fua, background } => {
            let fua = flag(*fua, " -f");
            format!("{}write -P {pattern:#x}{fua} {at} {len}", aio(*background))
        }
        Operation::WriteZeroes { at, len, fua, unmap, no_fallback, background } => {
            let (fua, unmap) = (flag(*fua, " -f"), flag(*unmap, " -u"));
            let no_fallback = flag(*no_fallback, " -n");
            format!("{}write -z{fua}{unmap}{no_fallback} {at} {len}", aio(*background))
        }
        Operation::Discard { at, len } => format!("discard {at} {len}"),
        Operation::Flush => "flush".to_owned(),
        Operation::Drain => "aio_flush".to_owned(),
        Operation::Break { event, tag } => format!("break {event} {tag}"),
        Operation::RemoveBreak { tag } => format!("remove_break {tag}"),
        Operation::Resume { tag } => format!("resume {tag}"),
        Operation::WaitBreak { tag } => format!("wait_break {tag}"),
        Operation::Sleep { ms } => format!("sleep {ms}"),
        Operation::Truncate { len } => format!("truncate {len}"),
        Operation::Length => "length".to_owned(),
        Operation::Open { path } => format!("open -- {path}"),
        Operation::Close => "close".to_owned(),
        Operation::Reopen { read_only: None } => "reopen".to_owned(),
        Operation::Reopen { read_only: Some(true) } => "reopen -r".to_owned(),
        Operation::Reopen { read_only: Some(false) } => "reopen -w".to_owned(),
        Operation::Quit => "quit".to_owned(),
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    _ = out.write_fmt(text);
}
