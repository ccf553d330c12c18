//! The text of an operation's file.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::Value;

use super::names::{camel_case, field, snake_case};

/// The file for `operation` of the model of `service`.
pub fn text(service: &str, operation: &str, model: &Value) -> Result<String> {
    let declared = model.pointer(&format!("/operations/{operation}"));
    let declared = declared.with_context(|| {
        let names = model.get("operations").and_then(Value::as_object).into_iter().flat_map(|all| all.keys());
        let like: Vec<&str> = names.map(String::as_str).filter(|n| n.eq_ignore_ascii_case(operation)).collect();
        format!("the model of {service} has no operation {operation} {}", like.join(", "))
    })?;
    let title = model.pointer("/metadata/serviceId").and_then(Value::as_str).unwrap_or(service);
    let shape = |member: &str| declared.pointer(&format!("/{member}/shape")).and_then(Value::as_str);
    let input = fields(model, shape("input"));
    let output = fields(model, shape("output"));
    let function = snake_case(operation);

    let mut text = String::new();
    let types = [&input, &output].map(|fields| fields.iter().map(|f| f.kind.as_str()).collect::<String>()).concat();
    writeln!(text, "//! {operation}: what happens, in which order, and what is refused. Follows AWS's API reference,")?;
    writeln!(text, "//! {title}, \"{operation}\".\n")?;
    if types.contains("BTreeMap") {
        writeln!(text, "use std::collections::BTreeMap;\n")?;
    }
    let base = if types.contains("Timestamp") { "{ApiError, Timestamp}" } else { "ApiError" };
    let in_platform = crate::workspace::root().join("crates/platform/src").join(service).exists();
    writeln!(text, "use base::{base};")?;
    if !in_platform {
        writeln!(text, "use platform::Cx;")?;
    }
    writeln!(text, "use serde::{{Deserialize, Serialize}};")?;
    if types.contains("Value") {
        writeln!(text, "use serde_json::Value;")?;
    }
    if in_platform {
        writeln!(text, "\nuse crate::Cx;")?;
    }
    writeln!(text, "\n/// Members of the model that are not honoured: a request that uses one is refused by name.")?;
    writeln!(text, "pub const UNSUPPORTED: &[&str] = &[];\n")?;
    writeln!(text, "/// The request.")?;
    structure(&mut text, "Input", "Deserialize", &input)?;
    writeln!(text, "\n/// The answer.")?;
    structure(&mut text, "Output", "Serialize", &output)?;
    writeln!(text, "\n/// Answers until it is built, so that nobody takes it for done.")?;
    writeln!(text, "pub async fn {function}(_cx: &Cx, _input: Input) -> Result<Output, ApiError> {{")?;
    writeln!(text, "    let message = \"Headworks does not implement {operation} of {title}.\";")?;
    writeln!(text, "    Err(ApiError::new(\"UnknownOperationException\", message))\n}}\n")?;
    writeln!(text, "#[cfg(test)]\nmod tests {{\n    use super::*;\n")?;
    writeln!(text, "    #[test]\n    fn the_smallest_request_is_read() {{")?;
    let members: Vec<String> =
        input.iter().filter(|f| f.is_required).map(|f| format!("\"{}\": {}", f.member, f.sample)).collect();
    let request = if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) };
    writeln!(text, "        serde_json::from_value::<Input>(serde_json::json!({request})).unwrap();\n    }}\n}}")?;
    Ok(text)
}

struct Field {
    member: String,
    kind: String,
    is_required: bool,
    sample: &'static str,
}

fn fields(model: &Value, shape: Option<&str>) -> Vec<Field> {
    let Some(shape) = shape.and_then(|name| model.pointer(&format!("/shapes/{name}"))) else { return Vec::new() };
    let required = shape.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let required: BTreeSet<&str> = required.collect();
    let members = shape.get("members").and_then(Value::as_object).into_iter().flatten();
    members
        .map(|(member, reference)| {
            let name = reference.get("shape").and_then(Value::as_str).unwrap_or_default();
            let (kind, sample) = kind(model, name);
            Field { member: member.clone(), kind, is_required: required.contains(member.as_str()), sample }
        })
        .collect()
}

/// The Rust type in which canonical JSON carries a shape, and a sample of it.
fn kind(model: &Value, name: &str) -> (String, &'static str) {
    let Some(shape) = model.pointer(&format!("/shapes/{name}")) else { return ("Value".to_owned(), "{}") };
    let inner = |pointer| shape.pointer(pointer).and_then(Value::as_str).map(|inner| kind(model, inner).0);
    match shape.get("type").and_then(Value::as_str).unwrap_or_default() {
        "string" | "character" | "blob" => ("String".to_owned(), "\"text\""),
        "integer" | "long" => ("i64".to_owned(), "1"),
        "boolean" => ("bool".to_owned(), "true"),
        "float" | "double" => ("f64".to_owned(), "1.5"),
        "timestamp" => ("Timestamp".to_owned(), "\"2026-01-01T00:00:00Z\""),
        "list" => (format!("Vec<{}>", inner("/member/shape").unwrap_or_else(|| "Value".to_owned())), "[]"),
        "map" => (format!("BTreeMap<String, {}>", inner("/value/shape").unwrap_or_else(|| "Value".to_owned())), "{}"),
        _ => ("Value".to_owned(), "{}"),
    }
}

fn structure(text: &mut String, name: &str, derive: &str, fields: &[Field]) -> Result<()> {
    writeln!(text, "#[derive(Clone, Debug, {derive})]\n#[serde(rename_all = \"camelCase\")]")?;
    if fields.is_empty() {
        writeln!(text, "pub struct {name} {{}}")?;
        return Ok(());
    }
    writeln!(text, "pub struct {name} {{")?;
    for f in fields {
        let rust = field(&f.member);
        if camel_case(rust.trim_start_matches("r#")) != f.member {
            writeln!(text, "    #[serde(rename = \"{}\")]", f.member)?;
        }
        if f.is_required {
            writeln!(text, "    pub {rust}: {},", f.kind)?;
        } else {
            if derive == "Serialize" {
                writeln!(text, "    #[serde(skip_serializing_if = \"Option::is_none\")]")?;
            }
            writeln!(text, "    pub {rust}: Option<{}>,", f.kind)?;
        }
    }
    writeln!(text, "}}")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_form_follows_the_model() {
        let model = json!({
            "metadata": { "serviceId": "CodeThing" },
            "operations": { "StopThing": { "input": { "shape": "In" }, "output": { "shape": "Out" } } },
            "shapes": {
                "In": { "type": "structure", "required": ["id"],
                        "members": { "id": { "shape": "Text" }, "type": { "shape": "Text" }, "URLs": { "shape": "Texts" } } },
                "Out": { "type": "structure", "members": { "stoppedAt": { "shape": "When" }, "thing": { "shape": "In" } } },
                "Text": { "type": "string" }, "When": { "type": "timestamp" },
                "Texts": { "type": "list", "member": { "shape": "Text" } },
            },
        });
        let text = text("codething", "StopThing", &model).unwrap();
        for part in [
            "//! StopThing:",
            "use base::{ApiError, Timestamp};",
            "    pub id: String,",
            "    pub r#type: Option<String>,",
            "    #[serde(rename = \"URLs\")]",
            "Option<Vec<String>>,",
            "    pub stopped_at: Option<Timestamp>,",
            "    pub thing: Option<Value>,",
            "pub async fn stop_thing(_cx: &Cx, _input: Input) -> Result<Output, ApiError> {",
            "json!({ \"id\": \"text\" })",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        assert!(super::text("codething", "Stopthing", &model).is_err());
    }
}
