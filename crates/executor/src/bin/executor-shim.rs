//! The shim alone, and a server that only starts a job: for tests that kill either. The product uses `headworks shim DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use executor::{ContainerConfig, ContainerExecutor, Executor, HostConfig, HostExecutor, Isolation, ShimProgram};

fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    match arguments.as_slice() {
        [dir] => executor::shim::main(dir),
        [word, data_dir, spec] if word.as_os_str() == "serve" => serve(data_dir.clone(), spec.clone(), None),
        [word, data_dir, spec, socket] if word.as_os_str() == "serve" => {
            serve(data_dir.clone(), spec.clone(), Some(socket.clone()))
        }
        _ => {
            eprintln!("usage: executor-shim DIR | executor-shim serve DATA SPEC [ENGINE-SOCKET]");
            ExitCode::from(2)
        }
    }
}

/// Starts the job that the file `spec` describes, says so, and waits to be killed.
#[tokio::main(flavor = "current_thread")]
async fn serve(data_dir: PathBuf, spec: PathBuf, engine: Option<PathBuf>) -> ExitCode {
    let shim = ShimProgram { program: "/proc/self/exe".into(), arguments: Vec::new() };
    let executor: Box<dyn Executor> = match engine {
        Some(socket) => {
            let config = ContainerConfig { shim, socket: Some(socket), ..ContainerConfig::new(data_dir) };
            match ContainerExecutor::probe(config).await {
                Ok(executor) => Box::new(executor),
                Err(error) => {
                    eprintln!("{error}");
                    return ExitCode::FAILURE;
                }
            }
        }
        None => {
            let config = HostConfig { shim, ..HostConfig::new(data_dir) };
            let user_namespace = !rustix::process::geteuid().is_root();
            let isolation = Isolation { isolated: true, user_namespace, limits: String::new() };
            Box::new(HostExecutor::new(config, isolation))
        }
    };
    let spec = std::fs::read(spec).map_err(|e| e.to_string());
    let spec = spec.and_then(|text| serde_json::from_slice(&text).map_err(|e| e.to_string()));
    let started = match spec {
        Ok(spec) => executor.start(&spec).await.map_err(|e| e.to_string()),
        Err(error) => Err(error),
    };
    println!("{started:?}");
    std::future::pending().await
}
