//! The format for editors.

use serde_json::Value;

use crate::file::File;

/// A JSON Schema (draft 2020-12) of scenario files, as their values would be in JSON: structs are
/// objects, `read(..)` is `{"read": {..}}`, and a range is an object with `start` and `end`.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(File).to_value();
    without_null(&mut schema);
    schema
}

/// An option is left out or has a value: `null` is how serde says so, not how files do.
fn without_null(schema: &mut Value) {
    if let Some(kind) = schema.get_mut("type")
        && let Some(kinds) = kind.as_array_mut()
    {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            *kind = only.clone();
        }
    }
    if let Some(any) = schema.get_mut("anyOf").and_then(Value::as_array_mut) {
        any.retain(|schema| schema["type"] != "null");
        if let [only] = &any[..] {
            let only = only.clone();
            let fields = schema.as_object_mut().expect("it has a field `anyOf`");
            fields.shift_remove("anyOf");
            fields.extend(only.as_object().cloned().unwrap_or_default());
        }
    }
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(without_null),
        Value::Object(schemas) => schemas.values_mut().for_each(without_null),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_that_of_files() {
        let schema = json_schema();
        assert_eq!(schema["title"], "Scenario");
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["seed"]["type"], "integer");
        assert!(!schema.to_string().contains("\"type\":\"null\""));
    }
}
