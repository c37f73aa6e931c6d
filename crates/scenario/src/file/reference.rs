//! The format as data, made from the types: what is a field, what does it take, what is it for.
//!
//! One source for the schema, the printed reference and what errors say would be accepted.

use std::fmt;
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::File;

/// Every type of the format.
#[derive(Debug)]
pub(crate) struct Reference {
    /// The file's own type first, the others by name.
    pub(crate) definitions: Vec<Definition>,
}

/// A type with a name.
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) name: String,
    pub(crate) doc: Doc,
    pub(crate) shape: Shape,
}

/// What a named type is made of.
#[derive(Debug)]
pub(crate) enum Shape {
    Fields(Vec<Field>),
    Variants(Vec<Variant>),
    /// Another type, by another name.
    Same(Type),
}

#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) doc: Doc,
    pub(crate) required: bool,
    pub(crate) takes: Type,
}

#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) doc: Doc,
    pub(crate) takes: Takes,
}

/// What follows a variant's name.
#[derive(Debug)]
pub(crate) enum Takes {
    Nothing,
    /// One value, without a name; or the fields of a named struct.
    Value(Type),
    Fields(Vec<Field>),
}

/// What a value can be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Text,
    Flag,
    Number {
        least: i128,
        most: i128,
    },
    Errno,
    Range,
    /// A value that somebody else reads.
    Any,
    List(Box<Self>),
    Tuple(Vec<Self>),
    Named(String),
}

/// A doc comment, taken apart.
#[derive(Debug, Default)]
pub(crate) struct Doc {
    /// What is neither default nor example.
    pub(crate) text: String,
    /// `nothing` where there is none but the field may be left out.
    pub(crate) default: Option<String>,
    pub(crate) example: Option<String>,
}

impl Reference {
    /// That of scenario files.
    pub(crate) fn get() -> &'static Self {
        static REFERENCE: OnceLock<Reference> = OnceLock::new();
        REFERENCE.get_or_init(|| Self::of(schemars::schema_for!(File).as_value()))
    }

    fn of(schema: &Value) -> Self {
        let root = definition("Scenario", schema);
        let others = schema["$defs"].as_object().into_iter().flatten();
        let others = others.map(|(name, schema)| definition(name, schema));
        Self { definitions: [root].into_iter().chain(others).collect() }
    }

    /// The type called `name`.
    pub(crate) fn find(&self, name: &str) -> &Definition {
        let found = self.definitions.iter().find(|definition| definition.name == name);
        found.expect("the schema defines every type it names")
    }

    /// The fields of `takes`, if it is a struct.
    pub(crate) fn fields_of(&self, takes: &Type) -> Option<&[Field]> {
        let Type::Named(name) = takes else { return None };
        match &self.find(name).shape {
            Shape::Fields(fields) => Some(fields),
            Shape::Variants(_) | Shape::Same(_) => None,
        }
    }
}

fn definition(name: &str, schema: &Value) -> Definition {
    let shape = if let Some(variants) = schema["oneOf"].as_array() {
        Shape::Variants(variants.iter().flat_map(variants_of).collect())
    } else if schema["enum"].is_array() {
        Shape::Variants(variants_of(schema))
    } else if schema["properties"].is_object() && schema["x-ron"].is_null() {
        Shape::Fields(fields_of(schema))
    } else {
        Shape::Same(type_of(schema))
    };
    Definition { name: name.to_owned(), doc: Doc::of(schema), shape }
}

fn variants_of(schema: &Value) -> Vec<Variant> {
    let bare = |name: &Value| Variant {
        name: name.as_str().unwrap_or_default().to_owned(),
        doc: Doc::of(schema),
        takes: Takes::Nothing,
    };
    if !schema["const"].is_null() {
        return vec![bare(&schema["const"])];
    }
    if let Some(names) = schema["enum"].as_array() {
        return names.iter().map(bare).collect();
    }
    let variants = schema["properties"].as_object().into_iter().flatten();
    let variants = variants.map(|(name, inner)| Variant {
        name: name.clone(),
        doc: Doc::of(schema),
        takes: match inner["properties"].is_object() {
            true => Takes::Fields(fields_of(inner)),
            false => Takes::Value(type_of(inner)),
        },
    });
    variants.collect()
}

fn fields_of(schema: &Value) -> Vec<Field> {
    let none = Map::new();
    let fields = schema["properties"].as_object().unwrap_or(&none).iter();
    let required = schema["required"].as_array().map_or(&[][..], |names| names);
    let field = |(name, schema): (&String, &Value)| Field {
        name: name.clone(),
        doc: Doc::of(schema),
        required: required.iter().any(|required| required == name),
        takes: type_of(schema),
    };
    fields.map(field).collect()
}

fn type_of(schema: &Value) -> Type {
    match schema["x-ron"].as_str() {
        Some("errno") => return Type::Errno,
        Some("range") => return Type::Range,
        Some("any") => return Type::Any,
        _ => {}
    }
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap_or_default();
        return if name == "Errno" { Type::Errno } else { Type::Named(name.to_owned()) };
    }
    // An `Option` is "this or null"; a type with a doc comment is "all of this".
    let inner = ["anyOf", "allOf"].iter().find_map(|key| schema[*key].as_array()?.first());
    if let Some(inner) = inner {
        return type_of(inner);
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => &kinds[0],
        kind => kind,
    };
    match kind.as_str() {
        Some("string") => Type::Text,
        Some("boolean") => Type::Flag,
        Some("integer") => match schema["format"].as_str() {
            Some("uint8") => Type::Number { least: 0, most: u8::MAX.into() },
            Some("int32") => Type::Number { least: i32::MIN.into(), most: i32::MAX.into() },
            Some("int64") => Type::Number { least: i64::MIN.into(), most: i64::MAX.into() },
            _ => Type::Number { least: 0, most: u64::MAX.into() },
        },
        Some("array") => match schema["prefixItems"].as_array() {
            Some(items) => Type::Tuple(items.iter().map(type_of).collect()),
            None => Type::List(Box::new(type_of(&schema["items"]))),
        },
        other => unreachable!("the format has no values of type {other:?}"),
    }
}

impl Doc {
    fn of(schema: &Value) -> Self {
        let mut doc = Self::default();
        let text = schema["description"].as_str().unwrap_or_default();
        for paragraph in text.split("\n\n") {
            let code = |text: &str| Some(text.trim().trim_matches('`').to_owned());
            if let Some(default) = paragraph.strip_prefix("Default:") {
                doc.default = code(default);
            } else if let Some(example) = paragraph.strip_prefix("Example:") {
                doc.example = code(example);
            } else {
                let gap = if doc.text.is_empty() { "" } else { " " };
                doc.text = format!("{}{gap}{}", doc.text, paragraph.replace('\n', " "));
            }
        }
        doc
    }
}

/// As an error says it: "expected ..".
impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text in quotes"),
            Self::Flag => f.write_str("`true` or `false`"),
            Self::Number { least: 0, most: 255 } => f.write_str("a byte from 0 to 255"),
            Self::Number { least: 0, .. } => f.write_str("a number"),
            Self::Number { least, most } if *most <= i32::MAX.into() => {
                write!(f, "a number from {least} to {most}")
            }
            Self::Number { .. } => f.write_str("a number, maybe negative"),
            Self::Errno => f.write_str("an error's name in quotes or its number"),
            Self::Range => f.write_str("a range `A..B`"),
            Self::Any => f.write_str("a value"),
            Self::List(_) => f.write_str("a list `[..]`"),
            Self::Tuple(items) => {
                f.write_str("(")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str(")")
            }
            Self::Named(name) => write!(f, "a {}", words(name)),
        }
    }
}

/// `WriteZeroes` is "write zeroes".
pub(crate) fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(c.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_doc_comment_is_text_default_and_example() {
        let scenario = &Reference::get().definitions[0];
        let Shape::Fields(fields) = &scenario.shape else { panic!("a scenario is a struct") };
        let seeds = fields.iter().find(|field| field.name == "seeds").expect("it has seeds");
        assert_eq!(seeds.takes, Type::Range);
        assert_eq!(seeds.doc.text, "A run for each of these seeds; the end is not among them.");
        assert_eq!(seeds.doc.default.as_deref(), Some("nothing"));
        assert_eq!(seeds.doc.example.as_deref(), Some("seeds: 0..1_000"));
    }
}
