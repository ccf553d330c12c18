//! `headworks config show`: every setting, its value, where it came from and what it means.

use clap::Subcommand;
use serde_json::json;

use super::CliError;
use crate::config::{Layers, variable};

#[derive(Subcommand)]
pub enum Command {
    /// Every setting with its value, origin and meaning
    Show {
        /// text or json
        #[arg(long, default_value = "text")]
        output: String,
    },
}

/// Prints the settings.
pub fn run(layers: &Layers, command: &Command) -> Result<(), CliError> {
    let Command::Show { output } = command;
    for warning in &layers.warnings {
        eprintln!("warning: {warning}");
    }
    if output == "json" {
        let all: Vec<_> = layers
            .explain()
            .map(|(s, value, origin)| {
                json!({ "key": s.key, "value": value, "origin": origin.to_string(), "default": s.default,
                        "variable": variable(s.key), "help": s.help })
            })
            .collect();
        println!("{:#}", json!(all));
    } else {
        println!("# Settings of headworks.toml. Each can be given as the variable behind it, too.");
        for (setting, value, origin) in layers.explain() {
            println!("\n# {}", setting.help);
            println!("# {} (default \"{}\"); this value: {origin}", variable(setting.key), setting.default);
            println!("{} = {}", setting.key, toml::Value::String(value));
        }
    }
    layers.config().map(|_| ()).map_err(CliError::from)
}
