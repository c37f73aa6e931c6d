//! `json:` options, as QEMU's flat dictionary.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::MAX_LEN;
use super::dict::Dict;
use super::error::OpenError;

/// How long the keys of a flat dictionary may be together: nesting repeats them.
const MAX_KEYS: usize = 8 * MAX_LEN;

/// One option's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// A number or a boolean, as QEMU writes it.
    Scalar(String),
    /// `null`.
    Null,
    /// `[]`.
    EmptyList,
    /// `{}`.
    EmptyObject,
}

impl Value {
    /// What an option with a description makes of it: nothing, where it is no scalar.
    pub(super) fn option(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Scalar(text) => Some(text),
            Self::Null | Self::EmptyList | Self::EmptyObject => None,
        }
    }

    /// The string, if it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Scalar(_) | Self::Null | Self::EmptyList | Self::EmptyObject => None,
        }
    }
}

/// The object in `text`, with nested names joined by points and list elements numbered.
///
/// 2.6 drops lists and objects that are empty; 10.0.2 keeps them, for somebody to trip over.
pub(super) fn flat(text: &str, keep_empty: bool) -> Result<Dict<Value>, OpenError> {
    let json = serde_json::from_str(&double_quoted(text))
        .map_err(|error| OpenError::Json(message(&error)))?;
    let Json::Object(object) = json else { return Err(OpenError::NotAnObject) };
    let mut flat = Flat { dict: Dict::new(), left: MAX_KEYS, keep_empty };
    // Scalars of the root are there before anything nested is added to them.
    let (nested, scalars) = object.into_iter().partition::<Vec<_>, _>(|(_, json)| json.is_nested());
    for (key, json) in scalars {
        flat.add(key, json)?;
    }
    for (key, json) in in_walk_order(nested) {
        flat.add(key, json)?;
    }
    Ok(flat.dict)
}

fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // QEMU's words, for the one mistake both parsers see alike.
    if text.starts_with(DUPLICATE) { DUPLICATE.to_owned() } else { text }
}

const DUPLICATE: &str = "JSON parse error, duplicate key";

/// QEMU takes strings in single quotes too.
fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, '"' | '\'') => {
                quote = Some(c);
                out.push('"');
            }
            (Some(open), c) if c == open => {
                quote = None;
                out.push('"');
            }
            (Some('\''), '"') => out.push_str("\\\""),
            (Some(_), '\\') => match chars.next() {
                Some('\'') => out.push('\''),
                next => {
                    out.push('\\');
                    out.extend(next);
                }
            },
            (_, c) => out.push(c),
        }
    }
    out
}

struct Flat {
    dict: Dict<Value>,
    left: usize,
    keep_empty: bool,
}

impl Flat {
    fn add(&mut self, key: String, json: Json) -> Result<(), OpenError> {
        self.left = self.left.checked_sub(key.len()).ok_or(OpenError::TooLong)?;
        let value = match json {
            Json::Object(object) if !object.is_empty() => {
                for (name, json) in in_walk_order(object) {
                    self.add(format!("{key}.{name}"), json)?;
                }
                return Ok(());
            }
            Json::List(list) if !list.is_empty() => {
                for (i, json) in list.into_iter().enumerate() {
                    self.add(format!("{key}.{i}"), json)?;
                }
                return Ok(());
            }
            Json::Object(_) | Json::List(_) if !self.keep_empty => return Ok(()),
            Json::Object(_) => Value::EmptyObject,
            Json::List(_) => Value::EmptyList,
            Json::Text(text) => Value::Text(text),
            Json::Scalar(text) => Value::Scalar(text),
            Json::Null => Value::Null,
        };
        self.dict.put(key, value);
        Ok(())
    }
}

fn in_walk_order(object: Vec<(String, Json)>) -> Vec<(String, Json)> {
    let mut dict = Dict::new();
    for (key, json) in object {
        dict.put(key, json);
    }
    let keys = dict.walk().into_iter();
    keys.filter_map(|key| dict.remove(&key).map(|json| (key, json))).collect()
}

/// A JSON value that keeps the order of its names and has none twice.
enum Json {
    Null,
    Scalar(String),
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    const fn is_nested(&self) -> bool {
        matches!(self, Self::List(_) | Self::Object(_))
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Scalar(if value { "on" } else { "off" }.to_owned()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Scalar(general(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(json) = access.next_element()? {
            list.push(json);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        let mut names = std::collections::BTreeSet::new();
        while let Some((name, json)) = access.next_entry::<String, Json>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(DUPLICATE));
            }
            object.push((name, json));
        }
        Ok(Json::Object(object))
    }
}

/// `%.17g`.
fn general(value: f64) -> String {
    let text = format!("{value:.16e}");
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let Ok(exponent) = exponent.parse::<i32>() else { return text };
    let sign = if mantissa.starts_with('-') { "-" } else { "" };
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_end_matches('0');
    let point = |whole: usize| {
        let (whole, rest) = (digits.get(..whole).unwrap_or(digits), digits.get(whole..));
        rest.filter(|rest| !rest.is_empty())
            .map_or_else(|| whole.to_owned(), |rest| format!("{whole}.{rest}"))
    };
    match exponent {
        _ if digits.is_empty() => format!("{sign}0"),
        0..17 => format!(
            "{sign}{:0<width$}",
            point(exponent as usize + 1),
            width = exponent as usize + 1
        ),
        -4..0 => format!("{sign}0.{}{digits}", "0".repeat(-exponent as usize - 1)),
        _ => {
            let minus = if exponent < 0 { '-' } else { '+' };
            format!("{sign}{}e{minus}{:02}", point(1), exponent.unsigned_abs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = match flat(text, true) {
            Ok(dict) => {
                let show = |(key, value): (&str, &Value)| match value {
                    Value::Text(text) => format!("{key}={text:?}"),
                    Value::Scalar(text) => format!("{key}={text}"),
                    other => format!("{key}={other:?}"),
                };
                dict.iter().map(show).collect::<Vec<_>>().join(" ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(actual, expected, "{text}");
    }

    #[test]
    fn nested_names_are_joined_by_points() {
        check(r#"{"a": {"b": [1, {"c": true}]}, "d": null}"#, "a.b.0=1 a.b.1.c=on d=Null");
        check(r#"{"a": [], "b": {}, "c": [{}]}"#, "a=EmptyList b=EmptyObject c.0=EmptyObject");
    }

    #[test]
    fn strings_may_be_in_single_quotes() {
        check(r#"{'a': 'it\'s', "b": "it\'s 'so'", 'c': '"'}"#, r#"a="it's" b="it's 'so'" c="\"""#);
    }

    #[test]
    fn numbers_are_written_as_qemu_writes_them() {
        check(r#"{"a": -1, "b": 18446744073709551615}"#, "a=-1 b=18446744073709551615");
        check(r#"{"a": 28.0, "b": 2.8e1, "c": 2.5}"#, "a=28 b=28 c=2.5");
        check(r#"{"a": 1e20, "b": 1e-7, "c": 0.25}"#, "a=1e+20 b=9.9999999999999995e-08 c=0.25");
        check(r#"{"a": 18446744073709551616, "b": -0}"#, "a=1.8446744073709552e+19 b=-0");
        check(r#"{"a": 1e16, "b": 123456.5}"#, "a=10000000000000000 b=123456.5");
    }

    #[test]
    fn names_must_differ() {
        let error = "Could not parse the JSON options: JSON parse error, duplicate key";
        check(r#"{"a": {"b": 1, "b": 2}}"#, error);
        check("[]", "Invalid JSON object given");
    }

    #[test]
    fn what_is_nested_overrides_what_is_dotted() {
        check(r#"{"a.b": 1, "a": {"b": 2}}"#, "a.b=2");
        check(r#"{"a": {"b": 2}, "a.b": 1}"#, "a.b=2");
    }

    #[test]
    fn nesting_does_not_multiply_without_bound() {
        let long = "k".repeat(100_000);
        let inner = (0..1000).map(|i| format!("\"{i}\": 0")).collect::<Vec<_>>().join(",");
        let text = format!(r#"{{"{long}": {{{inner}}}}}"#);
        assert_eq!(flat(&text, true).unwrap_err(), OpenError::TooLong);
    }
}
