//! `cargo xtask models`: takes the published service models from the pinned botocore package, strips their prose and
//! writes what the binary embeds.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};

/// The botocore release that the models come from.
const BOTOCORE_VERSION: &str = "1.44.5";

/// botocore's directory names of the services that we serve, or that clients of ours are known to call.
const SERVICES: &[&str] = &[
    "cloudformation",
    "cloudwatch",
    "codeartifact",
    "codebuild",
    "codecommit",
    "codeconnections",
    "codedeploy",
    "codepipeline",
    "codestar-connections",
    "codestar-notifications",
    "ecr",
    "events",
    "iam",
    "imagebuilder",
    "kms",
    "lambda",
    "logs",
    "s3",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "ssm",
    "sts",
];

/// Keys that tell people something, or that steer clients alone.
const DROPPED: &[&str] = &[
    "documentation",
    "deprecatedMessage",
    "deprecatedSince",
    "contextParam",
    "staticContextParams",
    "operationContextParams",
    "clientContextParams",
    "examples",
];

/// Rewrites `models/` and the list of embedded files.
pub fn models() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("xtask lies in the workspace")?;
    let data = botocore_data(root)?;
    let out = root.join("models");
    fs::create_dir_all(out.join("patches"))?;
    let mut index = Vec::new();
    for name in SERVICES {
        let mut model = read_model(&data, name)?;
        prune(&mut model);
        apply_patches(&out.join("patches"), name, &mut model)?;
        index.push(index_entry(name, &model)?);
        let mut gz = GzEncoder::new(Vec::new(), Compression::best());
        gz.write_all(&serde_json::to_vec(&model)?)?;
        fs::write(out.join(format!("{name}.json.gz")), gz.finish()?)?;
        eprintln!("{name}");
    }
    let mut text = serde_json::to_string_pretty(&Value::Array(index))?;
    text.push('\n');
    fs::write(out.join("index.json"), text)?;
    fs::write(root.join("crates/wire/src/model/embedded.rs"), embedded())?;
    Ok(())
}

/// The `data` directory of the pinned botocore.
#[expect(clippy::disallowed_methods, reason = "a developer's tool asks Python where its package is")]
fn botocore_data(root: &Path) -> anyhow::Result<PathBuf> {
    let python =
        std::env::var_os("HEADWORKS_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let out = Command::new(&python)
        .args(["-c", "import botocore, os; print(botocore.__version__); print(os.path.dirname(botocore.__file__))"])
        .output()
        .with_context(|| format!("cannot run {}; `cargo xtask setup` makes it", python.display()))?;
    if !out.status.success() {
        bail!("{} has no botocore: {}", python.display(), String::from_utf8_lossy(&out.stderr));
    }
    let text = String::from_utf8(out.stdout)?;
    let (version, dir) = text.trim().split_once('\n').context("botocore's version and directory")?;
    if version != BOTOCORE_VERSION {
        bail!("botocore {version} is installed, but the models are pinned to {BOTOCORE_VERSION}");
    }
    Ok(Path::new(dir).join("data"))
}

/// The newest API version's model of a service.
fn read_model(data: &Path, name: &str) -> anyhow::Result<Value> {
    let dir = data.join(name);
    let mut versions = fs::read_dir(&dir)
        .with_context(|| format!("botocore has no service {name}"))?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()?;
    versions.sort();
    let newest = versions.pop().with_context(|| format!("{} is empty", dir.display()))?;
    let mut text = String::new();
    GzDecoder::new(fs::File::open(newest.join("service-2.json.gz"))?).read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Strips prose from the whole model. The keys of `members`, `shapes` and `operations` are names, not keywords.
fn prune(model: &mut Value) {
    let Value::Object(top) = model else { return };
    top.retain(|key, _| matches!(key.as_str(), "metadata" | "operations" | "shapes"));
    for section in ["operations", "shapes"] {
        let Some(Value::Object(named)) = top.get_mut(section) else { continue };
        for (name, item) in named.iter_mut() {
            prune_item(item);
            if let Some(object) = item.as_object_mut()
                && object.get("name").and_then(Value::as_str) == Some(name)
            {
                object.remove("name");
            }
        }
    }
}

fn prune_item(item: &mut Value) {
    match item {
        Value::Object(object) => {
            object.retain(|key, _| !DROPPED.contains(&key.as_str()));
            for (key, value) in object.iter_mut() {
                if key == "members" {
                    value.as_object_mut().into_iter().flatten().for_each(|(_, member)| prune_item(member));
                } else if key == "errors" {
                    // Only the shapes' names matter: the shapes carry the rest.
                    let names = value.as_array().into_iter().flatten().filter_map(|e| e.get("shape")).cloned();
                    *value = Value::Array(names.collect());
                } else {
                    prune_item(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(prune_item),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Merges `patches/SERVICE.json` (RFC 7386; its member `reason` is for readers) into the model.
fn apply_patches(dir: &Path, name: &str, model: &mut Value) -> anyhow::Result<()> {
    let path = dir.join(format!("{name}.json"));
    if !path.exists() {
        return Ok(());
    }
    let patches: Vec<BTreeMap<String, Value>> = serde_json::from_str(&fs::read_to_string(&path)?)
        .with_context(|| format!("{} is not a list of patches", path.display()))?;
    for patch in patches {
        if patch.get("reason").and_then(Value::as_str).unwrap_or_default().is_empty() {
            bail!("{}: each patch needs a reason", path.display());
        }
        merge(model, patch.get("merge").with_context(|| format!("{}: a patch without `merge`", path.display()))?);
    }
    Ok(())
}

fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return };
    for (key, value) in patch {
        if value.is_null() {
            object.remove(key);
        } else {
            merge(object.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// What routing needs without parsing the model.
fn index_entry(name: &str, model: &Value) -> anyhow::Result<Value> {
    let metadata = model.get("metadata").with_context(|| format!("{name} has no metadata"))?;
    let mut entry = Map::new();
    entry.insert("name".to_owned(), json!(name));
    for key in [
        "apiVersion",
        "endpointPrefix",
        "jsonVersion",
        "protocols",
        "serviceId",
        "signingName",
        "targetPrefix",
        "xmlNamespace",
    ] {
        if let Some(value) = metadata.get(key) {
            entry.insert(key.to_owned(), value.clone());
        }
    }
    if metadata.get("awsQueryCompatible").is_some() {
        entry.insert("queryCompatible".to_owned(), json!(true));
    }
    Ok(Value::Object(entry))
}

/// The Rust file that embeds the models.
fn embedded() -> String {
    let mut text = String::from(
        "//! The embedded models. Written by `cargo xtask models`.\n\n\
         /// What routing needs to know of every service, as JSON.\n\
         pub(super) const INDEX: &str = include_str!(\"../../../../models/index.json\");\n\n\
         /// The compressed model of a service.\n\
         pub(super) fn model(name: &str) -> Option<&'static [u8]> {\n    Some(match name {\n",
    );
    for name in SERVICES {
        text.push_str(&format!("        \"{name}\" => include_bytes!(\"../../../../models/{name}.json.gz\"),\n"));
    }
    text.push_str("        _ => return None,\n    })\n}\n");
    text
}
