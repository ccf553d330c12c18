//! Settings: one TOML file, then `HEADWORKS_*` variables, then flags. `SETTINGS` is the one list of them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{AccountId, Region};
use executor::ImageRule;

/// One setting: its key in the TOML file, its default and what it means.
pub struct Setting {
    /// Dots stand for tables: `log.format` is `format` in `[log]`; the variable is `HEADWORKS_LOG_FORMAT`.
    pub key: &'static str,
    pub default: &'static str,
    pub help: &'static str,
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    Setting {
        key: "data_dir",
        default: "headworks-data",
        help: "Folder for everything that lasts. Made at the first start, mode 0700.",
    },
    Setting {
        key: "listen",
        default: "127.0.0.1:4566",
        help: "Address of the one port for HTTP and HTTPS. Port 0 picks a free one.",
    },
    Setting {
        key: "endpoint",
        default: "",
        help: "URL under which clients reach this server. Empty: http:// and the address listened on.",
    },
    Setting {
        key: "database",
        default: "",
        help: "postgres://... to keep rows in PostgreSQL. Empty: SQLite in data_dir.",
    },
    Setting {
        key: "account",
        default: "123456789012",
        help: "Account of the root key that the first start makes. Twelve digits.",
    },
    Setting {
        key: "region",
        default: "us-east-1",
        help: "Region for requests that name none, and for `headworks env`.",
    },
    Setting { key: "log.format", default: "text", help: "text or json, on stderr." },
    Setting { key: "log.filter", default: "info", help: "What is logged: a tracing filter such as info,driver=debug." },
    Setting {
        key: "executor.kind",
        default: "auto",
        help: "Where builds run: host (a sandbox on this machine), container (an engine on this machine), auto (container \
               if an engine answers, else host), dummy (builds do nothing and succeed; test mode only), none (builds fail \
               and say so).",
    },
    Setting {
        key: "executor.socket",
        default: "",
        help: "Unix socket of the Docker or Podman engine. Empty: DOCKER_HOST, then the usual places.",
    },
    Setting {
        key: "executor.images",
        default: "",
        help: "Images in place of those that projects name: NAME=IMAGE, separated by ','. A '*' ends both or one; the image \
               'host' is the sandbox on this machine. aws/codebuild/X is public.ecr.aws/codebuild/X unless named here.",
    },
    Setting {
        key: "executor.network",
        default: "host",
        help: "Network of containers: host, bridge or one that the engine knows. The server must be reachable from it.",
    },
    Setting {
        key: "executor.allow_privileged",
        default: "false",
        help: "true gives builds of projects with privilegedMode a container engine of their own, and so all rights on this \
               machine.",
    },
    Setting {
        key: "executor.allow_unisolated",
        default: "false",
        help: "true runs builds without a sandbox where the kernel offers none. They then see what the server sees.",
    },
    Setting {
        key: "executor.visible",
        default: "",
        help: "Further folders that builds may read, separated by ':'; for tools in a home folder.",
    },
    Setting {
        key: "executor.hidden",
        default: "",
        help: "Further folders that builds must not see, separated by ':'.",
    },
    Setting {
        key: "builds.lenient_runtimes",
        default: "false",
        help: "true lets a build go on whose runtime-versions are not installed, with what PATH has.",
    },
    Setting {
        key: "sandboxes.keep_days",
        default: "30",
        help: "Days after which a sandbox that is over is forgotten, with the commands that ran in it. 0: never.",
    },
    Setting {
        key: "front",
        default: "auto",
        help: "auto: inside builds the names of AWS's hosts lead here, where ports 443 and 53 may be used; always: where they \
               may not, builds get a network of their own for it; off.",
    },
    Setting {
        key: "limits.body_bytes",
        default: "33554432",
        help: "Largest request body that is held in memory. Streamed bodies (S3, git) are not held.",
    },
    Setting {
        key: "limits.connections",
        default: "1000",
        help: "Most connections open at once; then those that wait for a request give way. Keep it well below the limit of open files.",
    },
    Setting {
        key: "limits.builds",
        default: "0",
        help: "Builds of an account that run at once in a region; others wait in their phase QUEUED. 0: no limit.",
    },
    Setting {
        key: "limits.executions",
        default: "50",
        help: "Executions of a pipeline in mode QUEUED or PARALLEL that may be under way before StartPipelineExecution refuses \
               another (AWS: 50). 0: no limit.",
    },
    Setting {
        key: "disk.warn_free_bytes",
        default: "2147483648",
        help: "Below this much free space in data_dir a warning is logged.",
    },
    Setting {
        key: "disk.min_free_bytes",
        default: "268435456",
        help: "Below this much free space uploads, pushes and new builds are refused with a clear error, and running builds are ended.",
    },
    Setting {
        key: "test_mode",
        default: "false",
        help: "true accepts any signature and serves POST /_headworks/reset. Refused on any address but loopback.",
    },
];

/// What the setting `front` may be.
const FRONTS: &str = "auto, always or off";
/// The setting that may also be a table: image by name.
const IMAGES: &str = "executor.images";

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File,
    Environment,
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Default => "default",
            Origin::File => "file",
            Origin::Environment => "environment",
            Origin::Flag => "flag",
        })
    }
}

/// The settings as text with their origins, and what was odd about them.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    values: BTreeMap<&'static str, (String, Option<Origin>)>,
    /// Unknown keys and the like, to be logged once logging stands.
    pub warnings: Vec<String>,
    /// The TOML file.
    read_from: Option<PathBuf>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the configuration file {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the configuration file {path} is not TOML")]
    Toml {
        path: PathBuf,
        #[source]
        source: toml::de::Error,
    },
    #[error("setting {key} (from {origin}) is '{value}', which is not {expected}")]
    Value { key: &'static str, origin: Origin, value: String, expected: &'static str },
    #[error("executor.kind 'dummy' runs nothing and reports success, so it is refused outside of test mode")]
    DummyInEarnest,
    #[error("test mode accepts any signature, so it is refused on {listen}: listen on 127.0.0.1 or [::1]")]
    TestModeInTheOpen { listen: SocketAddr },
}

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    pub endpoint: Option<String>,
    pub database: Option<String>,
    pub account: AccountId,
    pub region: Region,
    pub log_json: bool,
    pub log_filter: String,
    pub executor: ExecutorKind,
    pub engine_socket: Option<PathBuf>,
    pub images: Vec<ImageRule>,
    pub network: String,
    pub allow_privileged: bool,
    pub allow_unisolated: bool,
    pub visible: Vec<PathBuf>,
    pub hidden: Vec<PathBuf>,
    pub lenient_runtimes: bool,
    /// For how long sandboxes that are over are kept; `None`: for ever.
    pub keep_sandboxes: Option<Duration>,
    /// Whether names of AWS's hosts lead to us inside builds.
    pub front: bool,
    /// Also where we may not listen on their ports.
    pub front_always: bool,
    pub max_body_bytes: usize,
    pub max_connections: usize,
    pub max_builds: Option<u32>,
    pub max_executions: Option<u32>,
    pub disk_warn_free_bytes: u64,
    pub disk_min_free_bytes: u64,
    pub test_mode: bool,
    /// Where the TOML file is, if one was read.
    pub file: Option<PathBuf>,
    /// No setting: what makes this an installation for one command, which ends with it.
    pub private: Option<Private>,
}

/// An installation that lives as long as the command that made it: nothing in it has to survive a crash.
#[derive(Clone, Debug, Default)]
pub struct Private {
    /// Folders that builds may have as sources.
    pub sources: Vec<PathBuf>,
    /// Builds work in those folders themselves.
    pub in_place: bool,
    /// A job that fails waits for somebody to look.
    pub hold_failed: bool,
}

/// Which executor runs builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutorKind {
    Auto,
    Host,
    Container,
    /// Does nothing and says that all went well; for tests of clients.
    Dummy,
    None,
}

impl Layers {
    /// The defaults.
    pub fn new() -> Self {
        let values = SETTINGS.iter().map(|s| (s.key, (s.default.to_owned(), None))).collect();
        Layers { values, ..Layers::default() }
    }

    /// Adds a TOML file. A missing file is an error only when the user named it.
    pub fn file(mut self, path: &Path, named: bool) -> Result<Self, ConfigError> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !named => return Ok(self),
            Err(source) => return Err(ConfigError::Read { path: path.to_owned(), source }),
        };
        let table: toml::Table =
            toml::from_str(&text).map_err(|source| ConfigError::Toml { path: path.to_owned(), source })?;
        self.table("", &table, &path.display().to_string());
        self.read_from = Some(path.to_owned());
        Ok(self)
    }

    fn table(&mut self, prefix: &str, table: &toml::Table, from: &str) {
        for (name, value) in table {
            let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            match value {
                // Names of images hold what is special in keys.
                toml::Value::Table(inner) if key == IMAGES => {
                    let rules =
                        inner.iter().map(|(name, image)| format!("{name}={}", image.as_str().unwrap_or_default()));
                    self.set(&key, rules.collect::<Vec<_>>().join(","), Origin::File, from);
                }
                toml::Value::Table(inner) => self.table(&key, inner, from),
                toml::Value::String(text) => self.set(&key, text.clone(), Origin::File, from),
                toml::Value::Array(items) => {
                    let parts: Vec<_> = items.iter().filter_map(|i| i.as_str()).collect();
                    let separator = if key == IMAGES { "," } else { ":" };
                    self.set(&key, parts.join(separator), Origin::File, from);
                }
                other => self.set(&key, other.to_string(), Origin::File, from),
            }
        }
    }

    /// Adds `HEADWORKS_*` variables.
    pub fn environment(mut self, vars: impl Iterator<Item = (String, String)>) -> Self {
        for (name, value) in vars {
            let Some(rest) = name.strip_prefix("HEADWORKS_") else { continue };
            let known = SETTINGS.iter().find(|s| variable(s.key) == name);
            // Variables of the tests and of the shim share the prefix; only settings are ours here.
            if let Some(setting) = known {
                self.set(setting.key, value, Origin::Environment, &name);
            } else if !rest.starts_with("TEST_") && !rest.starts_with("SHIM_") && !IGNORED_VARIABLES.contains(&rest) {
                self.set(&rest.to_lowercase(), value, Origin::Environment, &name);
            }
        }
        self
    }

    /// Adds a flag, when it was given.
    pub fn flag(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.set(key, value.to_string(), Origin::Flag, "the command line");
        }
        self
    }

    /// Gives a setting another default.
    pub fn or(mut self, key: &'static str, value: &str) -> Self {
        if let Some(slot) = self.values.get_mut(key).filter(|(_, origin)| origin.is_none()) {
            value.clone_into(&mut slot.0);
        }
        self
    }

    fn set(&mut self, key: &str, value: String, origin: Origin, from: &str) {
        match self.values.iter_mut().find(|(known, _)| **known == key) {
            Some((_, slot)) => *slot = (value, Some(origin)),
            None => self.warnings.push(format!("{from}: setting '{key}' is not known{}", nearest(key))),
        }
    }

    fn get(&self, key: &'static str) -> (&str, Origin) {
        let (value, origin) = self.values.get(key).map_or(("", None), |(v, o)| (v.as_str(), *o));
        (value, origin.unwrap_or(Origin::Default))
    }

    fn parse<T>(
        &self,
        key: &'static str,
        expected: &'static str,
        f: impl Fn(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        let (value, origin) = self.get(key);
        f(value).ok_or_else(|| ConfigError::Value { key, origin, value: value.to_owned(), expected })
    }

    /// Every setting as `(setting, value, origin)`, for `headworks config show`. A password in a URL is masked.
    pub fn explain(&self) -> impl Iterator<Item = (&'static Setting, String, Origin)> + '_ {
        SETTINGS.iter().map(|s| {
            let (value, origin) = self.get(s.key);
            (s, store::masked_url(value), origin)
        })
    }

    /// Checks all values.
    pub fn config(&self) -> Result<Config, ConfigError> {
        let flag = |key| self.parse(key, "true or false", |v| v.parse::<bool>().ok());
        let text = |key| Some(self.get(key).0.to_owned()).filter(|v: &String| !v.is_empty());
        let paths =
            |key| -> Vec<PathBuf> { self.get(key).0.split(':').filter(|p| !p.is_empty()).map(PathBuf::from).collect() };
        let config = Config {
            data_dir: self.parse("data_dir", "a folder", |v| (!v.is_empty()).then(|| PathBuf::from(v)))?,
            listen: self.parse("listen", "an address and a port such as 127.0.0.1:4566", |v| v.parse().ok())?,
            endpoint: text("endpoint").map(|e| e.trim_end_matches('/').to_owned()),
            database: text("database"),
            account: self.parse("account", "twelve digits", AccountId::parse)?,
            region: self.parse("region", "a region's name such as eu-central-1", Region::parse)?,
            log_json: self.parse("log.format", "text or json", |v| match v {
                "text" => Some(false),
                "json" => Some(true),
                _ => None,
            })?,
            log_filter: self.get("log.filter").0.to_owned(),
            executor: self.parse("executor.kind", "auto, host, container, dummy or none", |v| match v {
                "auto" => Some(ExecutorKind::Auto),
                "host" => Some(ExecutorKind::Host),
                "container" => Some(ExecutorKind::Container),
                "dummy" => Some(ExecutorKind::Dummy),
                "none" => Some(ExecutorKind::None),
                _ => None,
            })?,
            engine_socket: text("executor.socket").map(|s| PathBuf::from(s.trim_start_matches("unix://"))),
            images: self.parse(IMAGES, "NAME=IMAGE, separated by ','", |v| {
                v.split(',').map(str::trim).filter(|rule| !rule.is_empty()).map(ImageRule::parse).collect()
            })?,
            network: self.parse("executor.network", "a network's name", |v| (!v.is_empty()).then(|| v.to_owned()))?,
            allow_privileged: flag("executor.allow_privileged")?,
            allow_unisolated: flag("executor.allow_unisolated")?,
            visible: paths("executor.visible"),
            hidden: paths("executor.hidden"),
            lenient_runtimes: flag("builds.lenient_runtimes")?,
            keep_sandboxes: self.parse("sandboxes.keep_days", "a number of days", |v| {
                v.parse()
                    .ok()
                    .map(|days: u32| positive(days).map(|days| Duration::from_secs(u64::from(days) * 24 * 3600)))
            })?,
            front: self.parse("front", FRONTS, |v| match v {
                "auto" | "always" => Some(true),
                "off" => Some(false),
                _ => None,
            })?,
            front_always: self.parse("front", FRONTS, |v| Some(v == "always"))?,
            max_body_bytes: self.parse("limits.body_bytes", "a number of bytes", |v| v.parse().ok())?,
            max_connections: self.parse("limits.connections", "a number from 1 to 1000000", |v| {
                v.parse().ok().filter(|n| (1..=1_000_000).contains(n))
            })?,
            max_builds: self.parse("limits.builds", "a number of builds", |v| v.parse().ok().map(positive))?,
            max_executions: self
                .parse("limits.executions", "a number of executions", |v| v.parse().ok().map(positive))?,
            disk_warn_free_bytes: self.parse("disk.warn_free_bytes", "a number of bytes", |v| v.parse().ok())?,
            disk_min_free_bytes: self.parse("disk.min_free_bytes", "a number of bytes", |v| v.parse().ok())?,
            test_mode: flag("test_mode")?,
            file: self.read_from.clone(),
            private: None,
        };
        if config.executor == ExecutorKind::Dummy && !config.test_mode {
            return Err(ConfigError::DummyInEarnest);
        }
        if config.test_mode && !config.listen.ip().is_loopback() {
            return Err(ConfigError::TestModeInTheOpen { listen: config.listen });
        }
        Ok(config)
    }
}

/// Variables with our prefix that are no settings.
const IGNORED_VARIABLES: &[&str] = &["BIN", "CA_BUNDLE", "CONFIG", "KEEP", "PYTHON", "SEED", "STORIES"];

/// The variable of a setting.
pub fn variable(key: &str) -> String {
    format!("HEADWORKS_{}", key.to_uppercase().replace('.', "_"))
}

fn nearest(key: &str) -> String {
    let best = SETTINGS.iter().map(|s| (distance(key, s.key), s.key)).min();
    match best {
        Some((d, known)) if d <= 3 => format!("; did you mean '{known}'?"),
        _ => "; `headworks config show` lists them all".to_owned(),
    }
}

fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let cost = (diagonal + usize::from(x != y)).min(*slot + 1).min(left + 1);
            diagonal = *slot;
            *slot = cost;
            left = cost;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// 0 stands for none.
fn positive(value: u32) -> Option<u32> {
    (value > 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_variables_which_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("headworks.toml");
        std::fs::write(&path, "region = 'eu-west-1'\naccount = '111111111111'\n[log]\nformat = 'json'\n").unwrap();
        let vars = [("HEADWORKS_REGION".to_owned(), "eu-west-2".to_owned())];
        let layers = Layers::new().file(&path, true).unwrap().environment(vars.into_iter());
        let layers = layers.flag("region", Some("eu-west-3")).flag("account", None::<String>);
        let config = layers.config().unwrap();
        assert_eq!((config.region.as_str(), config.account.as_str()), ("eu-west-3", "111111111111"));
        assert!(config.log_json && layers.warnings.is_empty());
    }

    #[test]
    fn an_unknown_key_warns_with_the_nearest_known_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("headworks.toml");
        std::fs::write(&path, "lisen = '127.0.0.1:1'\n").unwrap();
        let layers = Layers::new().file(&path, true).unwrap();
        assert!(layers.warnings[0].ends_with("setting 'lisen' is not known; did you mean 'listen'?"), "{layers:?}");
    }

    #[test]
    fn what_headworks_env_exports_is_no_unknown_setting() {
        let vars = ["CA_BUNDLE", "CONFIG", "TEST_POSTGRES"].map(|v| (format!("HEADWORKS_{v}"), "x".to_owned()));
        assert!(Layers::new().environment(vars.into_iter()).warnings.is_empty());
    }

    #[test]
    fn a_bad_value_names_its_origin_and_what_would_do() {
        let e = Layers::new().flag("account", Some("12")).config().unwrap_err();
        assert_eq!(e.to_string(), "setting account (from flag) is '12', which is not twelve digits");
    }

    #[test]
    fn images_can_be_a_table_a_list_or_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("headworks.toml");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let layers = Layers::new().file(&path, true).unwrap();
            assert!(layers.warnings.is_empty(), "{layers:?}");
            layers.config().map(|config| config.images)
        };
        let wanted = ["aws/codebuild/*=mirror:5000/*", "old:1=host"].map(|rule| ImageRule::parse(rule).unwrap());
        let table = "[executor.images]\n'aws/codebuild/*' = 'mirror:5000/*'\n'old:1' = 'host'\n";
        assert_eq!(read(table).unwrap(), wanted);
        let list = "[executor]\nimages = ['aws/codebuild/*=mirror:5000/*', 'old:1=host']\n";
        assert_eq!(read(list).unwrap(), wanted);
        let line = "[executor]\nimages = 'aws/codebuild/*=mirror:5000/*, old:1=host'\n";
        assert_eq!(read(line).unwrap(), wanted);
        let error = read("[executor]\nimages = 'nonsense'\n").unwrap_err().to_string();
        assert!(error.contains("which is not NAME=IMAGE"), "{error}");
    }

    #[test]
    fn an_executor_that_runs_nothing_is_refused_in_earnest() {
        let dummy = Layers::new().flag("executor.kind", Some("dummy"));
        assert!(matches!(dummy.clone().config(), Err(ConfigError::DummyInEarnest)));
        assert!(dummy.flag("test_mode", Some(true)).config().is_ok());
    }

    #[test]
    fn another_default_gives_way_to_whatever_somebody_said() {
        let kind = |layers: Layers| layers.or("executor.kind", "host").config().unwrap().executor;
        assert_eq!(kind(Layers::new()), ExecutorKind::Host);
        assert_eq!(kind(Layers::new().flag("executor.kind", Some("auto"))), ExecutorKind::Auto);
    }

    #[test]
    fn test_mode_is_refused_in_the_open() {
        let open = Layers::new().flag("listen", Some("0.0.0.0:4566")).flag("test_mode", Some(true)).config();
        assert!(matches!(open, Err(ConfigError::TestModeInTheOpen { .. })));
        assert!(Layers::new().flag("listen", Some("[::1]:0")).flag("test_mode", Some(true)).config().is_ok());
    }
}
