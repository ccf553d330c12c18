//! What the host executor must be told, with defaults for a machine as it usually is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use base::JobLimits;

use crate::ShimProgram;

/// What a job must not see of a usual machine, beyond the server's data and the homes: other engines' data and keys.
/// What does not exist is skipped.
const HIDDEN: [&str; 20] = [
    "/etc/kubernetes",
    "/etc/letsencrypt",
    "/etc/rancher",
    "/etc/ssh/ssh_host_dsa_key",
    "/etc/ssh/ssh_host_ecdsa_key",
    "/etc/ssh/ssh_host_ed25519_key",
    "/etc/ssh/ssh_host_rsa_key",
    "/etc/ssl/private",
    "/home",
    "/root",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/kubelet",
    "/var/lib/mysql",
    "/var/lib/postgresql",
    "/var/lib/rancher",
    "/var/lib/redis",
    "/var/run",
    "/var/spool/cron",
];

/// What each job gets anew.
const FRESH: [&str; 5] = ["/dev", "/proc", "/run", "/sys", "/tmp"];

/// Homes of tool chains below a user's home: when one of them is on PATH, all of it is needed.
const TOOL_HOMES: [&str; 26] = [
    ".asdf",
    ".bun",
    ".cargo",
    ".deno",
    ".dotnet",
    ".fnm",
    ".ghcup",
    ".goenv",
    ".jenv",
    ".juliaup",
    ".nodenv",
    ".nvm",
    ".phpenv",
    ".plenv",
    ".poetry",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".rvm",
    ".sdkman",
    ".volta",
    "anaconda3",
    "go",
    "miniconda3",
    "miniforge3",
    "sdk",
];

/// A tool home that another one needs.
const COMPANIONS: [(&str, &[&str]); 2] =
    [(".cargo", &[".rustup"]), (".local/bin", &[".local/lib", ".local/pipx", ".local/share/pipx", ".local/share/uv"])];

/// What tool homes keep of their owner's.
const CREDENTIALS: [&str; 4] =
    [".cargo/credentials", ".cargo/credentials.toml", ".cargo/git/credentials", ".deno/credentials"];

const SYSTEM_PATH: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Settings of a [`crate::HostExecutor`].
#[derive(Clone, Debug)]
pub struct HostConfig {
    /// The server's data; jobs see nothing of it but their own `work_dir`. The jobs' folders are in `jobs` below it.
    pub data_dir: PathBuf,
    pub shim: ShimProgram,
    /// Absolute paths: folders are empty (and writable) inside, files read as empty.
    pub hidden: Vec<PathBuf>,
    /// Absolute paths that are shown, copy-on-write, although a folder above is hidden. The longest path decides.
    pub visible: Vec<PathBuf>,
    /// PATH for jobs whose spec has none.
    pub path: OsString,
    /// HOME for jobs whose spec has none.
    pub home: PathBuf,
    /// Limits for jobs whose spec has none.
    pub limits: JobLimits,
    /// Run jobs with no isolation at all where the kernel forbids it. The operator's explicit wish only.
    pub allow_unisolated: bool,
    /// A job whose project asks for privileged mode gets a container engine of its own, which can do anything on this
    /// machine.
    pub allow_privileged: bool,
    /// Jobs are killed when the process that started them ends, however it ends. Only for a process that nobody starts
    /// again to go on with them.
    pub tied: bool,
    /// A job whose command fails waits there, once, for a visitor (`shim::Visit`) and until it is told to go on
    /// (`shim::resume`). Its time goes on meanwhile.
    pub hold_failed: bool,
}

impl HostConfig {
    /// Defaults for the user who runs the server: homes, engines' data and host keys are hidden; tool chains in the
    /// user's home that are on the server's PATH are shown without their credentials.
    pub fn new(data_dir: impl Into<PathBuf>) -> HostConfig {
        let home = std::env::home_dir().filter(|h| h.is_absolute() && h != Path::new("/")).unwrap_or("/root".into());
        let path = std::env::var_os("PATH").unwrap_or_default();
        HostConfig::for_home(data_dir.into(), home, &path)
    }

    fn for_home(data_dir: PathBuf, home: PathBuf, path: &std::ffi::OsStr) -> HostConfig {
        let mut hidden: Vec<PathBuf> = HIDDEN.into_iter().map(PathBuf::from).collect();
        hidden.push(home.clone());
        hidden.extend(CREDENTIALS.iter().map(|name| home.join(name)));
        let mut visible = Vec::new();
        let mut job_path: Vec<PathBuf> = Vec::new();
        for dir in std::env::split_paths(path).filter(|dir| dir.is_absolute()) {
            let real = dir.canonicalize().unwrap_or_else(|_| dir.clone());
            if let Ok(below) = real.strip_prefix(&home) {
                visible.extend(tools(below).into_iter().map(|name| home.join(name)).filter(|p| p.exists()));
            } else if dir.starts_with("/home") || dir.starts_with("/root") || dir.starts_with(&data_dir) {
                continue;
            }
            job_path.push(dir);
        }
        job_path.extend(SYSTEM_PATH.into_iter().map(PathBuf::from));
        let mut seen = std::collections::HashSet::new();
        job_path.retain(|dir| seen.insert(dir.clone()));
        visible.sort();
        visible.dedup();
        hidden.sort();
        hidden.dedup();
        HostConfig {
            data_dir,
            shim: ShimProgram::default(),
            hidden,
            visible,
            path: std::env::join_paths(job_path).unwrap_or_else(|_| SYSTEM_PATH.join(":").into()),
            home,
            limits: JobLimits { cpus: None, memory_bytes: None, processes: Some(16_384) },
            allow_unisolated: false,
            allow_privileged: false,
            tied: false,
            hold_failed: false,
        }
    }

    /// Without symbolic links in its paths. In the job's view a link is a link: hiding what is behind it takes its real
    /// path (a `/home` that leads to another disk, say).
    pub(crate) fn resolved(mut self) -> HostConfig {
        self.data_dir = self.data_dir.canonicalize().unwrap_or(self.data_dir);
        for path in self.hidden.iter_mut().chain(&mut self.visible) {
            // `/run` and its like are made fresh for each job: a `/var/run` that leads there needs no hiding.
            if let Ok(real) = path.canonicalize()
                && !FRESH.iter().any(|fresh| real.starts_with(fresh))
            {
                *path = real;
            }
        }
        self
    }

    /// Where the jobs' folders are.
    pub fn jobs_dir(&self) -> PathBuf {
        self.data_dir.join("jobs")
    }
}

/// What of a home must be shown so that a PATH folder in it works: a known tool home, else no more than the folder itself.
fn tools(below: &Path) -> Vec<PathBuf> {
    let Some(first) = below.components().next().map(|c| PathBuf::from(c.as_os_str())) else { return Vec::new() };
    let own = if TOOL_HOMES.iter().any(|name| first == Path::new(name)) { first } else { below.to_owned() };
    let companions = COMPANIONS.iter().filter(|(name, _)| own == Path::new(name)).flat_map(|(_, more)| *more);
    let mut all: Vec<PathBuf> = companions.map(PathBuf::from).collect();
    all.push(own);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_home_on_the_path_is_shown_with_its_companions_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for dir in [".cargo/bin", ".rustup", ".aws", "bin", ".local/bin", ".local/share/keyrings"] {
            std::fs::create_dir_all(home.join(dir)).unwrap();
        }
        let path = [".cargo/bin", "bin", ".local/bin"].map(|d| home.join(d).display().to_string()).join(":");
        let config = HostConfig::for_home("/data".into(), home.clone(), format!("{path}:/usr/bin").as_ref());
        let shown: Vec<_> = config.visible.iter().map(|p| p.strip_prefix(&home).unwrap().to_owned()).collect();
        assert_eq!(shown, [".cargo", ".local/bin", ".rustup", "bin"].map(PathBuf::from));
        assert!(config.hidden.contains(&home) && config.hidden.contains(&home.join(".cargo/credentials.toml")));
    }

    #[test]
    fn the_home_itself_on_the_path_shows_nothing() {
        assert!(tools(Path::new("")).is_empty());
    }
}
