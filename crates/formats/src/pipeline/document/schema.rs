//! A JSON Schema for editors, made from the shapes.

use serde_json::{Map, Value as Json, json};

use super::super::{DEFINITION, MATRIX, MATRIX_FILE};
use super::shape::{Letters, Shape, Text};
use super::shapes::PIPELINE;

/// The schema, draft 2020-12, of a file with one declaration. It says what a file may hold; what depends on other parts of
/// the file (an artifact that nobody makes) only [`read`](super::read) finds.
pub fn schema() -> Json {
    let mut pipeline = of(&PIPELINE);
    let configuration = "/properties/stages/items/properties/actions/items/properties/configuration";
    if let Some(configuration) = pipeline.pointer_mut(configuration) {
        *configuration = with(configuration.take(), "properties", own_keys());
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://headworks.invalid/schema/pipeline.json",
        "title": "AWS CodePipeline pipeline",
        "anyOf": [
            { "type": "object", "required": ["pipeline"], "properties": { "pipeline": { "$ref": "#/$defs/pipeline" } } },
            { "$ref": "#/$defs/pipeline" },
        ],
        "$defs": { "pipeline": pipeline },
    })
}

fn of(shape: &Shape) -> Json {
    match shape {
        Shape::Text(bounds) => text(bounds),
        Shape::Whole(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::List(item, least, most) => {
            bounded(json!({ "type": "array", "items": of(item) }), ("minItems", *least), ("maxItems", *most))
        }
        Shape::Map(value, key_length) => json!({
            "type": "object",
            "propertyNames": { "minLength": 1, "maxLength": key_length },
            "additionalProperties": of(value),
        }),
        Shape::Structure(members) => {
            let properties: Map<String, Json> = members.iter().map(|m| (m.name.to_owned(), of(m.shape))).collect();
            let required: Vec<&str> = members.iter().filter(|m| m.required).map(|m| m.name).collect();
            json!({
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false,
            })
        }
    }
}

/// What editors show of the keys that are ours alone.
fn own_keys() -> Json {
    let key = |what: &str| json!({ "type": "string", "minLength": 1, "maxLength": 1000, "description": what });
    let place = |what: &str| with(key(what), "pattern", json!("::|#\\{"));
    json!({
        MATRIX: key(
            "Headworks: runs the action once for each value, side by side. JSON: a list of texts (#{matrix.value}), a list of \
             objects of texts, or an object of lists of texts (all combinations); 1 to 500 runs",
        ),
        MATRIX_FILE: place("Headworks: the same from a JSON file of an input artifact, ARTIFACT::PATH"),
        DEFINITION: place(
            "Headworks: the definition of the pipeline that an Invoke action runs as a child, ARTIFACT::PATH, instead of PipelineName",
        ),
        "HeadworksWait": { "enum": ["true", "false"], "description": "Headworks: an Invoke action ends as the execution that it starts" },
    })
}

fn text(bounds: &Text) -> Json {
    let schema = bounded(json!({ "type": "string" }), ("minLength", bounds.least), ("maxLength", bounds.most));
    match &bounds.letters {
        Letters::Any => schema,
        Letters::Word(more) => with(schema, "pattern", json!(format!("^[A-Za-z0-9{}]*$", escaped(more)))),
        Letters::OneOf(words) => json!({ "enum": words }),
        Letters::RoleArn => with(schema, "pattern", json!("^arn:aws(-[\\w]+)*:iam::[0-9]{12}:role/.*$")),
    }
}

/// For a class of a regular expression, where a hyphen and a dot may not stand bare.
fn escaped(letters: &str) -> String {
    letters.replace('-', "\\-").replace('.', "\\.")
}

fn bounded(schema: Json, (least, n): (&str, usize), (most, m): (&str, usize)) -> Json {
    let schema = if n > 0 { with(schema, least, json!(n)) } else { schema };
    if m < usize::MAX { with(schema, most, json!(m)) } else { schema }
}

fn with(mut schema: Json, key: &str, value: Json) -> Json {
    if let Some(members) = schema.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    schema
}
