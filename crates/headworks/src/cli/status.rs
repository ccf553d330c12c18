//! `headworks status`: what the server is doing, from its database (read-only; works while it runs).

use clap::Args;
use comfy_table::Table;
use serde_json::json;
use store::{Store, machine, outbox};

use super::CliError;
use super::output::{Output, say};
use crate::config::Config;
use crate::installation::{is_running, store_hint};
use crate::up::running_endpoint;

#[derive(Args)]
pub struct Flags {
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Prints the counts of executions and jobs by status, and the outbox.
pub fn run(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(show(config, flags))
}

fn unreadable(e: store::Error) -> CliError {
    let hint = store_hint(&e);
    CliError::environment(e).hint(hint)
}

async fn show(config: &Config, flags: &Flags) -> Result<(), CliError> {
    let url = config.database.clone().unwrap_or_else(|| config.data_dir.join("headworks.db").display().to_string());
    if config.database.is_none()
        && let Err(e) = std::fs::metadata(&url)
    {
        return Err(CliError::user(format!("no database at {url}: {e}"))
            .hint("run `headworks up` first, or name its folder with --data"));
    }
    let clock = std::sync::Arc::new(base::SystemClock);
    let store = Store::open_to_read(&url, clock.clone()).await.map_err(unreadable)?;
    let mut tx = store.read().await.map_err(unreadable)?;
    let counts = machine::counts(&mut tx).await.map_err(unreadable)?;
    let depth = outbox::depth(&mut tx).await.map_err(unreadable)?;
    let age = depth.oldest.map_or(0, |t| base::Clock::now(&*clock).since(t).as_secs());
    let endpoint = running_endpoint(&config.data_dir).unwrap_or_default();
    let running = is_running(&config.data_dir);
    if flags.output == Output::Json {
        let machines: Vec<_> =
            counts.iter().map(|(kind, status, n)| json!({ "kind": kind, "status": status, "count": n })).collect();
        say(format_args!(
            "{:#}",
            json!({ "running": running, "endpoint": endpoint, "machines": machines, "outbox": { "rows": depth.rows, "oldestAgeSeconds": age } })
        ));
        return Ok(());
    }
    match running {
        true => say(format_args!("server:   running at {endpoint}")),
        false => say("server:   not running; `headworks up` goes on with what is open"),
    }
    match depth.rows {
        0 => say("outbox:   empty"),
        rows => say(format_args!("outbox:   {rows} effects to do, the oldest for {age} s")),
    }
    if counts.is_empty() {
        say("nothing has run yet");
        return Ok(());
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["KIND", "STATUS", "COUNT"]);
    for (kind, status, n) in counts {
        table.add_row([kind, status, n.to_string()]);
    }
    say(format_args!("{table}"));
    Ok(())
}
