//! Writes the file and the lines.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use flate2::read::GzDecoder;
use serde_json::Value;

use super::form;
use super::lines::insert;
use super::names::snake_case;
use crate::workspace;

const REGISTRY: &str = "crates/headworks/src/registry.rs";

/// Which operation.
#[derive(clap::Args)]
pub struct Arguments {
    /// The service as its model's file is called, `codebuild` say.
    service: String,
    /// The operation as AWS spells it, `StopBuild` say.
    operation: String,
}

/// Makes the operation's file and names it in the service's module and in the registry.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { service, operation } = arguments;
    let model = read_model(service)?;
    let (crate_name, folder) = folder(service)?;
    let name = snake_case(operation);
    let file = folder.join(format!("{name}.rs"));
    if file.exists() {
        bail!("{} exists", file.display());
    }
    fs::write(&file, form::text(service, operation, &model)?)?;

    let module = folder.join("mod.rs");
    let is_mod = |line: &str| line.trim_start_matches("pub ").starts_with("mod ");
    change(&module, &format!("pub mod {name};"), is_mod)?;
    change(&module, &format!("pub use {name}::{name};"), |line| line.starts_with("pub use "))?;
    let is_entry = |line: &str| ["plain!(", "upload!(", "download!("].iter().any(|start| line.starts_with(start));
    let entry = format!("    plain!(\"{service}\", \"{operation}\", {crate_name}::{service}::{name}),");
    change(&workspace::root().join(REGISTRY), &entry, is_entry)?;

    println!("{}", file.display());
    eprintln!("Next: docs/adding-an-operation.md, from step 1 on.");
    Ok(())
}

fn read_model(service: &str) -> Result<Value> {
    let path = workspace::root().join("models").join(format!("{service}.json.gz"));
    let file = fs::File::open(&path).with_context(|| {
        format!("there is no model {}; `cargo xtask models` writes those that we serve", path.display())
    })?;
    serde_json::from_reader(GzDecoder::new(file)).with_context(|| format!("cannot read {}", path.display()))
}

fn folder(service: &str) -> Result<(&'static str, PathBuf)> {
    for crate_name in ["devtools", "platform"] {
        let folder = workspace::root().join("crates").join(crate_name).join("src").join(service);
        if folder.join("mod.rs").exists() {
            return Ok((crate_name, folder));
        }
    }
    bail!(
        "no crate has the service {service} yet: make crates/devtools/src/{service}/mod.rs (crates/platform if others \
         lean on it), with a doc line, and name it in lib.rs"
    )
}

fn change(path: &Path, line: &str, is_of_its_kind: impl Fn(&str) -> bool) -> Result<()> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    match insert(&text, line, is_of_its_kind) {
        Some(changed) => fs::write(path, changed).with_context(|| format!("cannot write {}", path.display())),
        None => {
            eprintln!("add to {}: {}", path.display(), line.trim());
            Ok(())
        }
    }
}
