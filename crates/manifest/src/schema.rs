//! The manifest as JSON Schema, for completion in editors. Truth is the checker's.

use serde_json::{Map, Value, json};

use crate::keys::ROOT;
use crate::shape::{Key, Shape};

/// The schema of `ringwall.toml`, draft 2020-12.
pub fn schema() -> Value {
    let mut schema = table(ROOT, None);
    if let Some(object) = schema.as_object_mut() {
        object.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        object.insert("$id".to_owned(), json!("https://ringwall.dev/schema/v1.json"));
        object.insert("title".to_owned(), json!("ringwall.toml"));
        object.insert("required".to_owned(), json!(["ringwall", "name"]));
    }
    schema
}

fn of(shape: &Shape) -> Value {
    match shape {
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Either(shapes) => json!({ "anyOf": shapes.iter().map(of).collect::<Vec<_>>() }),
        Shape::Integer(low, high) => json!({ "type": "integer", "minimum": low, "maximum": high }),
        Shape::List(item) => json!({ "type": "array", "items": of(item) }),
        Shape::Map(rest) => table(&[], Some(rest)),
        Shape::Open(keys, rest) => table(keys, Some(rest)),
        Shape::Table(keys) => table(keys, None),
        Shape::Text => json!({ "type": "string" }),
    }
}

fn table(keys: &[Key], rest: Option<&Shape>) -> Value {
    let mut properties = Map::new();
    for key in keys {
        let mut value = of(&key.shape);
        if let Some(object) = value.as_object_mut() {
            object.insert("description".to_owned(), json!(key.about));
        }
        properties.insert(key.name.to_owned(), value);
    }
    let others = rest.map_or(Value::Bool(false), of);
    json!({ "type": "object", "properties": properties, "additionalProperties": others })
}
