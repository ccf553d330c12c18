//! `headworks up`: opens the installation, listens, drives, until it is told to stop.

use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use platform::Front;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::cli::CliError;
use crate::config::{Config, ExecutorKind, Layers};
use crate::front::{self, Bound, answer_names, bundle_paths, prefixes, write_bundle};
use crate::installation::{Installation, Reached, host_of, make_dir};
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
        // In this order: whoever has read the ready line may ask us to stop at once.
        tokio::select! {
            biased;
            asked = wait_for_signal() => asked?,
            () = async { running.announce().await; std::future::pending().await } => {}
        }
        tracing::info!("stopping; running builds go on and are picked up at the next start");
        running.stop().await;
        Ok(())
    })
}

/// A server that runs.
pub struct Running {
    pub installation: Arc<Installation>,
    stop: watch::Sender<bool>,
    listeners: Vec<tokio::task::JoinHandle<()>>,
    /// The name server of builds.
    names: Option<tokio::task::JoinHandle<()>>,
}

/// Opens the installation and begins to listen and to drive.
pub async fn start(config: Config) -> Result<Running, CliError> {
    let listener = TcpListener::bind(config.listen).await.map_err(|e| cannot_listen(config.listen, &e))?;
    let address = listener.local_addr().map_err(CliError::environment)?;
    let endpoint = config.endpoint.clone().unwrap_or_else(|| endpoint_of(address));
    let region = config.region.clone();
    if config.database.is_some() {
        tracing::info!("connecting to PostgreSQL (setting database)");
    }
    let for_builds = for_builds(address).await;
    let loopback = for_builds.as_ref().map(|found| format!("http://127.0.0.1:{}", found.port));
    let front = open_front(&config).await?;
    let found = front.as_ref().map(|front| front.found.clone());
    let reached = Reached { endpoint: endpoint.clone(), loopback, front: found };
    let installation = Installation::open(config, reached).await?;
    let dir = &installation.cx.site.data_dir;
    let hosts: Vec<String> = host_of(&endpoint).into_iter().collect();
    let tls = tls::server_config(dir, &hosts, region.as_str()).map_err(CliError::environment)?;
    std::fs::write(dir.join("endpoint"), &endpoint).map_err(CliError::environment)?;
    let key = root_key::read_or_make(dir, &*installation.cx.ids)?;
    if !is_on_path("git") {
        tracing::warn!("git is not on the PATH: repositories cannot be cloned or pushed to until it is installed");
    }
    installation.start(&key).await.map_err(CliError::environment)?;
    let (stop, stopped) = watch::channel(false);
    let server = Arc::new(Server::new(installation.clone()));
    let more = for_builds.and_then(|found| found.listener);
    let spawn = |listener, tls| tokio::spawn(serve(listener, tls, server.clone(), stopped.clone()));
    let mut listeners: Vec<_> = [listener].into_iter().chain(more).map(|l| spawn(l, tls.clone())).collect();
    let mut names = None;
    if let Some(OpenFront { bound, tls, .. }) = front {
        let Bound { address, https, http, dns, .. } = bound;
        listeners.extend([https].into_iter().chain(http).map(|l| spawn(l, tls.clone())));
        names = dns.map(|(udp, tcp)| tokio::spawn(answer_names(installation.cx.clone(), address, udp, tcp)));
    }
    Ok(Running { installation, stop, listeners, names })
}

/// The front, bound and not yet served.
struct OpenFront {
    found: Front,
    bound: Bound,
    tls: Arc<ServerConfig>,
}

/// `None`: it is switched off, or this machine does not let us have it, which is said once.
async fn open_front(config: &Config) -> Result<Option<OpenFront>, CliError> {
    if !config.front || config.executor == ExecutorKind::None || config.private.is_some() {
        return Ok(None);
    }
    let dir = make_dir(&config.data_dir)?;
    let bound = match front::bind(&dir, 0).await {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied && config.front_always => {
            front::bind(&dir, front::SHIFT).await
        }
        other => other,
    };
    let bound = match bound {
        Ok(bound) => bound,
        Err(e) => {
            tracing::warn!(
                error = %e,
                hint = "give the server CAP_NET_BIND_SERVICE (or the sysctl net.ipv4.ip_unprivileged_port_start=53), \
                        or set `front` to always or off",
                "builds reach this server by AWS_ENDPOINT_URL alone, which old SDKs ignore"
            );
            return Ok(None);
        }
    };
    let tls = front::server_config(&dir).map_err(CliError::environment)?;
    let bundle_paths = bundle_paths();
    let bundle = write_bundle(&dir, &bundle_paths).map_err(CliError::environment)?;
    let authority = tls::authority_path(&dir);
    let answers_names = bound.dns.is_some();
    if !answers_names {
        tracing::warn!(
            "port 53 of {} cannot be used: builds find buckets that they make themselves by \
                        AWS_ENDPOINT_URL alone",
            bound.address
        );
    }
    let found = Front {
        address: bound.address,
        shift: bound.shift,
        answers_names,
        prefixes: prefixes(),
        bundle,
        authority,
        bundle_paths,
    };
    Ok(Some(OpenFront { found, bound, tls }))
}

/// How builds on this machine reach us.
struct ForBuilds {
    port: u16,
    /// Where the server's own listener does not take what comes to 127.0.0.1.
    listener: Option<TcpListener>,
}

/// Clients in builds take credentials by plain HTTP from 127.0.0.1 alone, so there is somebody there in any case.
async fn for_builds(address: SocketAddr) -> Option<ForBuilds> {
    let port = address.port();
    let reachable = match address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified() || ip == Ipv4Addr::LOCALHOST,
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    if reachable {
        return Some(ForBuilds { port, listener: None });
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
        Ok(listener) => Some(ForBuilds { port, listener: Some(listener) }),
        Err(e) => {
            tracing::warn!(
                error = %e,
                "127.0.0.1:{port} cannot be listened on: builds get credentials in their environment, for an hour"
            );
            None
        }
    }
}

fn cannot_listen(listen: SocketAddr, e: &io::Error) -> CliError {
    let hint = match e.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there; choose a port with --listen (port 0 picks a free one)"
        }
        io::ErrorKind::PermissionDenied => "ports below 1024 need root; choose another with --listen",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose another with --listen",
        _ => "choose another address with --listen",
    };
    CliError::environment(format!("cannot listen on {listen}: {e}")).hint(hint)
}

/// How clients on this machine reach `address`. Who listens on all addresses has others in mind: they need the setting.
fn endpoint_of(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        let local = if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { IpAddr::V6(Ipv6Addr::LOCALHOST) };
        address.set_ip(local);
        tracing::warn!(
            endpoint = %format_args!("http://{address}"),
            "clone URLs and builds name this machine only; give the setting `endpoint` for clients on others"
        );
    }
    format!("http://{address}")
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

impl Running {
    /// The line that scripts wait for, on stdout, and how to go on.
    pub async fn announce(&self) {
        let site = &self.installation.cx.site;
        // Requests are answered from here on; where builds run may take a moment longer to find out.
        let _ = writeln!(std::io::stdout(), "Headworks is ready at {}", site.endpoint);
        let builds = self.installation.executor_description().await;
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "  point clients at it:  eval \"$(headworks env --data '{}')\"", site.data_dir.display());
        let _ = writeln!(out, "  builds run in:        {builds}");
        if let Some(front) = &site.front {
            let _ = writeln!(out, "  AWS's names there:    lead to {}", front.address);
        }
        if site.test_mode {
            let _ = writeln!(out, "  TEST MODE: any signature is accepted");
        }
        let _ = out.flush();
    }

    /// Answers what is under way, then stops. Running builds go on under their shims.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if let Some(names) = self.names {
            names.abort();
        }
        for listener in self.listeners {
            let _ = listener.await;
        }
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
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_filter).map_err(|e| {
        let message = format!("setting log.filter is '{}', which is not a filter: {e}", config.log_filter);
        CliError::config(message).hint("a filter is a level, or levels by target: info,driver=debug")
    })?;
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colours);
    let done = if config.log_json { builder.json().try_init() } else { builder.try_init() };
    done.map_err(CliError::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_not_what_clients_connect_to() {
        assert_eq!(endpoint_of("0.0.0.0:4566".parse().unwrap()), "http://127.0.0.1:4566");
        assert_eq!(endpoint_of("[::]:1".parse().unwrap()), "http://[::1]:1");
        assert_eq!(endpoint_of("10.1.2.3:80".parse().unwrap()), "http://10.1.2.3:80");
    }

    #[test]
    fn a_port_in_use_is_said_with_what_to_do() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let e = std::net::TcpListener::bind(address).unwrap_err();
        assert!(cannot_listen(address, &e).to_string().contains(&address.to_string()));
    }
}
