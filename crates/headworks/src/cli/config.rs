//! `headworks config show`: every setting, its value, where it came from and what it means.

use clap::Subcommand;
use serde_json::json;

use super::CliError;
use super::output::{Output, say};
use crate::config::{Layers, variable};

#[derive(Subcommand)]
pub enum Command {
    /// Every setting with its value, origin and meaning
    Show {
        /// How to print
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
}

/// Prints the settings.
pub fn run(layers: &Layers, command: &Command) -> Result<(), CliError> {
    let Command::Show { output } = command;
    for warning in &layers.warnings {
        eprintln!("warning: {warning}");
    }
    if *output == Output::Json {
        let all: Vec<_> = layers
            .explain()
            .map(|(s, value, origin)| {
                json!({ "key": s.key, "value": value, "origin": origin.to_string(), "default": s.default,
                        "variable": variable(s.key), "help": s.help })
            })
            .collect();
        say(format_args!("{:#}", json!(all)));
    } else {
        say("# Settings of headworks.toml. Each can be given as the variable behind it, too.");
        for (setting, value, origin) in layers.explain() {
            say(format_args!("\n# {}", setting.help));
            say(format_args!("# {} (default \"{}\"); this value: {origin}", variable(setting.key), setting.default));
            say(format_args!("{} = {}", setting.key, toml::Value::String(value)));
        }
    }
    layers.config().map(|_| ()).map_err(CliError::from)
}
