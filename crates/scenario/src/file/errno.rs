//! An error, by its name or its number.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// An error by its Linux name, `"EIO"`, or its number, `5`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Errno {
    /// Not yet known to exist.
    Name(String),
    Number(i64),
}

impl Default for Errno {
    fn default() -> Self {
        Self::Name("EIO".to_owned())
    }
}

impl Serialize for Errno {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Name(name) => serializer.serialize_str(name),
            Self::Number(number) => serializer.serialize_i64(*number),
        }
    }
}

/// By hand rather than untagged: serde says of an untagged enum only that nothing fitted.
impl<'de> Deserialize<'de> for Errno {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrNumber;
        impl Visitor<'_> for NameOrNumber {
            type Value = Errno;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an error's name in quotes or its number")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Errno, E> {
                Ok(Errno::Name(name.to_owned()))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Errno, E> {
                Ok(Errno::Number(number))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Errno, E> {
                i64::try_from(number)
                    .map(Errno::Number)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(number), &self))
            }
        }
        deserializer.deserialize_any(NameOrNumber)
    }
}

impl JsonSchema for Errno {
    fn schema_name() -> Cow<'static, str> {
        "Errno".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An error by its Linux name, `\"EIO\"`, or its number, `5`.",
            "type": ["string", "integer"],
            "x-ron": "errno",
        })
    }
}
