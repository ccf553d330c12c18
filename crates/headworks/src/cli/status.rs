//! `headworks status`: what the server is doing, from its database (read-only; works while it runs).

use clap::Args;
use comfy_table::Table;
use serde_json::json;
use store::{Machines, Store, StoreOptions, machine, outbox};

use super::CliError;
use crate::config::Config;
use crate::up::running_endpoint;

#[derive(Args)]
pub struct Flags {
    /// text or json
    #[arg(long, default_value = "text")]
    output: String,
}

/// Prints the counts of executions and jobs by status, and the outbox.
pub fn run(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(show(config, flags))
}

async fn show(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let url = config.database.clone().unwrap_or_else(|| config.data_dir.join("headworks.db").display().to_string());
    if config.database.is_none() && !std::path::Path::new(&url).exists() {
        return Err(CliError::user(format!("no database at {url}"))
            .hint("run `headworks up` first, or name its folder with --data"));
    }
    let clock = std::sync::Arc::new(base::SystemClock);
    let store = Store::open(&url, Machines::new(), clock.clone(), StoreOptions { connections: 1, durable: true }).await;
    let store = store.map_err(CliError::environment)?;
    let mut tx = store.read().await.map_err(CliError::environment)?;
    let counts = machine::counts(&mut tx).await.map_err(CliError::environment)?;
    let depth = outbox::depth(&mut tx).await.map_err(CliError::environment)?;
    let age = depth.oldest.map_or(0, |t| base::Clock::now(&*clock).since(t).as_secs());
    let endpoint = running_endpoint(&config.data_dir).unwrap_or_default();
    if flags.output == "json" {
        let machines: Vec<_> =
            counts.iter().map(|(kind, status, n)| json!({ "kind": kind, "status": status, "count": n })).collect();
        println!(
            "{:#}",
            json!({ "endpoint": endpoint, "machines": machines, "outbox": { "rows": depth.rows, "oldestAgeSeconds": age } })
        );
        return Ok(());
    }
    println!("endpoint: {endpoint}");
    println!("outbox:   {} effects to do, the oldest for {age} s", depth.rows);
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["KIND", "STATUS", "COUNT"]);
    for (kind, status, n) in counts {
        table.add_row([kind, status, n.to_string()]);
    }
    println!("{table}");
    Ok(())
}
