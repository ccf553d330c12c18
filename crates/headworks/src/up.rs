//! `headworks up`: opens the installation, listens, drives, until it is told to stop.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::CliError;
use crate::config::{Config, Layers};
use crate::installation::{Installation, host_of};
use crate::server::{Server, serve};
use crate::{root_key, tls};

/// Runs the server on a runtime of its own until SIGTERM or SIGINT.
pub fn run(layers: Layers) -> Result<(), CliError> {
    let config = layers.config()?;
    start_logging(&config)?;
    for warning in &layers.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(async move {
        let running = start(config).await?;
        running.announce();
        wait_for_signal().await?;
        tracing::info!("stopping; running builds go on and are picked up at the next start");
        running.stop().await;
        Ok(())
    })
}

/// A server that runs.
pub struct Running {
    pub installation: Arc<Installation>,
    stop: watch::Sender<bool>,
    listener: tokio::task::JoinHandle<()>,
}

/// Opens the installation and begins to listen and to drive.
pub async fn start(config: Config) -> Result<Running, CliError> {
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|e| CliError::environment(format!("cannot listen on {}: {e}", config.listen)))?;
    let address = listener.local_addr().map_err(CliError::environment)?;
    let endpoint = config.endpoint.clone().unwrap_or_else(|| format!("http://{address}"));
    let region = config.region.clone();
    let installation = Installation::open(config, endpoint.clone()).await?;
    let dir = &installation.cx.site.data_dir;
    let hosts: Vec<String> = host_of(&endpoint).into_iter().collect();
    let tls = tls::server_config(dir, &hosts, region.as_str()).map_err(CliError::environment)?;
    std::fs::write(dir.join("endpoint"), &endpoint).map_err(CliError::environment)?;
    let key = root_key::read_or_make(dir, &*installation.cx.ids)?;
    installation.start(&key).await.map_err(CliError::environment)?;
    let (stop, stopped) = watch::channel(false);
    let server = Arc::new(Server::new(installation.clone()));
    let listener = tokio::spawn(serve(listener, tls, server, stopped));
    Ok(Running { installation, stop, listener })
}

impl Running {
    /// The line that scripts wait for, on stdout, and how to go on.
    pub fn announce(&self) {
        let site = &self.installation.cx.site;
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "Headworks is ready at {}", site.endpoint);
        let _ = writeln!(out, "  point clients at it:  eval \"$(headworks env --data '{}')\"", site.data_dir.display());
        let _ = writeln!(out, "  builds run in:        {}", self.installation.executor_description());
        if site.test_mode {
            let _ = writeln!(out, "  TEST MODE: any signature is accepted");
        }
        let _ = out.flush();
    }

    /// Answers what is under way, then stops. Running builds go on under their shims.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.listener.await;
        self.installation.stop().await;
    }
}

/// Where the server of this data folder listens (or listened last).
pub fn running_endpoint(data_dir: &Path) -> Option<String> {
    std::fs::read_to_string(data_dir.join("endpoint")).ok().map(|e| e.trim().to_owned())
}

/// Waits for SIGTERM or SIGINT.
pub async fn wait_for_signal() -> Result<(), CliError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(CliError::environment)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(CliError::environment)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Logs to stderr as the settings say.
pub fn start_logging(config: &Config) -> Result<(), CliError> {
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_filter)
        .map_err(|e| CliError::user(format!("setting log.filter is '{}': {e}", config.log_filter)))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let done = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    done.map_err(CliError::internal)
}
