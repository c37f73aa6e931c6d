//! Options: `json:{...}`, and the commas and dots of `--image-opts`.
//!
//! Names may be nested (`"image": {"driver": "file"}`) or dotted (`"image.driver"`); rules are a
//! list (`inject-error.0.event`) or, if there is only one, the keys themselves
//! (`inject-error.event`). Values may be JSON numbers, booleans or strings.

use headcrash_engine::Dialect;

use super::dict::Dict;
use super::error::OpenError;
use super::json::Value;
use super::rule::Rule;
use super::section::{self, Group, Section};
use super::spec::Spec;
use super::{MAX_LEN, open};

/// A node's options by their dotted names.
pub(super) type Options = Dict<Value>;

/// The nodes and the image that `json:{...}` asks for; the prefix may be missing.
///
/// Understood are the drivers blkdebug, file, null-co, and raw above them; any other is an
/// [`ImageSpec::Other`](super::spec::ImageSpec::Other) where it is below every blkdebug, and an
/// error elsewhere. A name may be given once, as in QEMU, and strings may be in single quotes.
///
/// # Errors
///
/// The first thing QEMU finds wrong before it opens a file, configuration files included: a rule
/// without an event, for instance, is found before anything below its node is looked at.
pub fn from_json(text: &str, dialect: Dialect) -> Result<Spec, OpenError> {
    open::filename(&format!("json:{}", text.strip_prefix("json:").unwrap_or(text)), dialect)
}

/// The nodes and the image that `qemu-io --image-opts` with this text opens.
///
/// A comma in a value is written twice; the last value of a name is the one that counts; a name
/// alone is `on`, or `off` if it begins with `no`; `id` is ignored.
///
/// # Errors
///
/// As [`from_json`].
pub fn from_image_opts(text: &str, dialect: Dialect) -> Result<Spec, OpenError> {
    if text.len() > MAX_LEN {
        return Err(OpenError::TooLong);
    }
    let mut given = Options::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['=', ',']).unwrap_or(rest.len());
        let (mut key, value) = (&rest[..end], rest[end..].strip_prefix('='));
        let value = match value {
            Some(text) => {
                let (value, len) = until_single_comma(text);
                rest = &text[len..];
                value
            }
            None => {
                rest = &rest[end..];
                let off = key.strip_prefix("no");
                key = off.unwrap_or(key);
                if off.is_some() { "off" } else { "on" }.to_owned()
            }
        };
        rest = rest.strip_prefix(',').unwrap_or(rest);
        if key != "id" {
            given.put(key.to_owned(), Value::Text(value));
        }
    }
    open::options(given, dialect)
}

/// A value with its double commas made single, and how much of the text it was.
fn until_single_comma(text: &str) -> (String, usize) {
    let (mut value, mut len) = (String::new(), 0);
    loop {
        let end = text[len..].find(',').map_or(text.len(), |end| len + end);
        value.push_str(&text[len..end]);
        if !text[end..].starts_with(",,") {
            return (value, end);
        }
        value.push(',');
        len = end + 2;
    }
}

/// Takes out the rules among a blkdebug node's options.
///
/// Source: `config_parse_qdict_section` of `util/qemu-config.c`, `read_config` and `add_rule` of
/// `block/blkdebug.c`.
pub(super) fn rules(options: &mut Options, dialect: Dialect) -> Result<Vec<Rule>, OpenError> {
    let mut sections = Vec::new();
    for group in Group::ALL {
        let mut given = options.extract(&format!("{}.", group.name()));
        let count = given.len();
        if count == 0 {
            continue;
        }
        let alone = absorb(group, &mut given, dialect)?;
        let first = || given.first().unwrap_or_default().to_owned();
        if given.is_empty() {
            sections.push(alone);
        } else if given.len() < count {
            return Err(OpenError::UnknownKey { key: first(), group: group.name() });
        } else {
            elements(group, given, dialect, &mut sections)?;
        }
    }
    section::rules(sections, dialect).map_err(|(_, error)| error.into())
}

/// `qdict_array_split`, and then a section for each element.
fn elements(
    group: Group,
    mut given: Options,
    dialect: Dialect,
    sections: &mut Vec<Section>,
) -> Result<(), OpenError> {
    let mut list = Vec::new();
    loop {
        let key = list.len().to_string();
        let prefix = format!("{key}.");
        // An element is one value or has keys, but not both.
        let element = match (given.get(&key).is_some(), given.has_prefix(&prefix)) {
            (true, false) => given
                .remove(&key)
                .filter(|value| *value != Value::EmptyObject)
                .ok_or_else(Options::new),
            (false, true) => Err(given.extract(&prefix)),
            (true, true) | (false, false) => break,
        };
        list.push(element);
    }
    if let Some(key) = given.first() {
        return Err(OpenError::UnusedKey { key: key.to_owned(), group: group.name() });
    }
    for (index, element) in list.into_iter().enumerate() {
        let Err(mut keys) = element else {
            return Err(OpenError::NotKeys { group: group.name(), index });
        };
        sections.push(absorb(group, &mut keys, dialect)?);
        if let Some(key) = keys.first() {
            return Err(OpenError::NoSuchKey { group: group.name(), key: key.to_owned() });
        }
    }
    Ok(())
}

/// `qemu_opts_absorb_qdict`: takes out the keys the group has. What is no scalar is dropped.
fn absorb(group: Group, given: &mut Options, dialect: Dialect) -> Result<Section, OpenError> {
    let mut section = Section::new(group, None, None);
    for key in given.walk() {
        if group.has(&key, dialect) {
            let value = given.remove(&key);
            if let Some(text) = value.as_ref().and_then(Value::option) {
                section.set(&key, text, dialect)?;
            }
        }
    }
    Ok(section)
}

/// `json:{...}` of a driver and its options, names dotted.
pub(super) fn to_json(driver: &str, options: &Options) -> String {
    let mut object = serde_json::Map::new();
    object.insert("driver".to_owned(), driver.into());
    for (key, value) in options.iter() {
        let value = match value {
            Value::Text(text) | Value::Scalar(text) => text.as_str().into(),
            Value::Null => serde_json::Value::Null,
            Value::EmptyList => serde_json::Value::Array(Vec::new()),
            Value::EmptyObject => serde_json::Value::Object(serde_json::Map::new()),
        };
        object.insert(key.to_owned(), value);
    }
    format!("json:{}", serde_json::Value::Object(object))
}
