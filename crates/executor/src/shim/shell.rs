//! The job's shell: one instance sources command files one after the other, so that variables, functions and the working
//! directory are kept.
//!
//! The pipes are opened by name for one read or one write at a time: no command ever inherits a descriptor of them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base::{JobHold, JobSpec};
use rustix::fs::{CWD, FileType, Mode, OFlags};

use super::words;
use crate::folder::{make_part, remove_tree};

/// Where the control folder is inside an isolated job.
pub(crate) const INSIDE: &str = "/run/headworks";
/// Where a container finds its own certificates and those that it is to trust besides.
pub(crate) const CA_BUNDLE: &str = "/run/headworks/ca-bundle.pem";
const AUTHORITY: &str = "ca.pem";
const MACHINES_BUNDLE: &str = "ca-machine.pem";
const SCRIPT: &str = "main";
/// The script of a container's first process.
const FIRST_SCRIPT: &str = "first";
const ORDERS: &str = "orders";
const SAID: &str = "said";
const OUTPUT: &str = "output";
/// Starts a shell with [`MAIN`], in whatever process sources it.
const LAUNCH: &str = "launch";
/// What ordered commands write into.
const STREAMS: [&str; 2] = ["stdout", "stderr"];
const ENVIRONMENT: &str = "environment";
/// Variables that a shell sets itself and lets nobody assign: an attempt would end it.
const READ_ONLY: [&str; 7] = ["BASHOPTS", "BASH_VERSINFO", "EUID", "GROUPS", "PPID", "SHELLOPTS", "UID"];
/// Where the job's own programs are, at the end of PATH.
pub(super) const PROGRAMS: &str = "bin";
/// Exists as long as the job waits at a breakpoint.
pub(super) const BREAKPOINT: &str = "breakpoint";
const COMMANDS: &str = "commands";
const STATUS: &str = "status";
/// What an exported variable may hold.
const MAX_VALUE_LEN: u64 = 64 << 10;

/// Runs in the shell. After each command, and when a command ends the shell, it saves what the next shell takes over.
/// `2>/dev/null` keeps a command's `set -x` from showing all this; `>|` holds against `set -C`, `|| :` against `set -e`.
const MAIN: &str = r#"headworks_save() { { export -p >|@/state; pwd >|@/cwd; } 2>/dev/null || :; }
if [ -r @/state ]; then . @/state; fi
if [ -r @/user ]; then . @/user; fi
if [ -r @/cwd ]; then cd "$(while IFS= read -r headworks_line; do printf '%s\n' "$headworks_line"; done <@/cwd)"; fi
trap headworks_save EXIT
while { IFS= read -r headworks_command <@/commands; } 2>/dev/null; do
. "@/$headworks_command"
{ headworks_status=$?; headworks_save; command printf '%s\n' "$headworks_status" >@/status; } 2>/dev/null
done
"#;

/// The first process of a container. It says that it is there, then starts a shell for each order and says how that ended.
/// It holds the output's pipe open, so that there is an end of the output when all of the container is gone, and only then.
/// The environment comes in a file, because what an engine is told it keeps, and shows to whoever may use it.
///
/// An authority that is to be trusted joins the image's own certificates, wherever these are; an image without any gets the
/// machine's.
const FIRST: &str = r#"exec 9>@/output 2>&9
. @/environment
if [ -r @/ca.pem ]; then
for headworks_place in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem; do
if [ -r "$headworks_place" ]; then
if ! [ -r @/ca-bundle.pem ]; then { cat "$headworks_place"; echo; cat @/ca.pem; } >@/ca-bundle.pem; fi
{ echo; cat @/ca.pem; } 2>/dev/null >>"$headworks_place" || :
fi
done
if ! [ -r @/ca-bundle.pem ]; then cat @/ca-machine.pem >@/ca-bundle.pem; fi
unset headworks_place
fi
export PATH="$PATH:@/bin"
headworks_home=$HOME
printf 'here\n' >@/said
while IFS= read -r headworks_user <@/orders; do
headworks_status=126
if [ "$headworks_user" = - ]; then
if [ -e @/user ]; then printf "export HOME='%s' USER=root LOGNAME=root\n" "$headworks_home" >@/user; fi
. @/launch </dev/null >&9 2>&9
headworks_status=$?
elif id "$headworks_user" >/dev/null 2>&1; then
chmod -R a+rwX @
eval "headworks_there=~$headworks_user"
printf "export HOME='%s' USER=%s LOGNAME=%s\n" "$headworks_there" "$headworks_user" "$headworks_user" >@/user
su -p -s /bin/sh "$headworks_user" -c '. @/launch' </dev/null >&9 2>&9
headworks_status=$?
else
echo "run-as: there is no user $headworks_user in this build environment" >&9
fi
printf '%s\n' "$headworks_status" >@/said
done
"#;

/// The control folder, seen from the supervisor. The job can write in it, so nothing in it is trusted.
pub(super) struct Control {
    dir: PathBuf,
    commands: File,
    /// Becomes readable when a command has ended.
    pub status: File,
    /// Reading ends for what ordered commands write; empty where there are none.
    pub streams: Vec<File>,
    written: u64,
}

impl Control {
    /// Makes the folder anew. `inside` is its path in the job's view.
    pub fn create(dir: &Path, inside: &Path, hold: JobHold) -> io::Result<Control> {
        remove_tree(dir)?;
        make_part(dir, 0o700)?;
        fs::write(dir.join(SCRIPT), MAIN.replace('@', &quoted(inside)))?;
        let pipe = |name: &str| -> io::Result<File> {
            let path = dir.join(name);
            rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            // Read-write: opening waits for nobody, and the pipe lives as long as the supervisor.
            let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            Ok(rustix::fs::open(&path, flags, Mode::empty())?.into())
        };
        let (commands, status) = (pipe(COMMANDS)?, pipe(STATUS)?);
        let programs = dir.join(PROGRAMS);
        make_part(&programs, 0o700)?;
        fs::set_permissions(&programs, fs::Permissions::from_mode(0o755))?;
        words::write(&programs, inside, hold)?;
        let streams: &[&str] = if hold == JobHold::ForOrders { &STREAMS } else { &[] };
        let streams = streams.iter().map(|name| pipe(name)).collect::<io::Result<_>>()?;
        Ok(Control { dir: dir.to_owned(), commands, status, streams, written: 0 })
    }

    /// The same for a shell in a container; the second value is the reading end of its output.
    ///
    /// An engine may map the container's root to another user: in this folder, which nobody but the server can reach from
    /// outside of the container, everybody may do everything.
    pub fn create_for_container(dir: &Path, spec: &JobSpec) -> io::Result<(Control, OwnedFd)> {
        let inside = Path::new(INSIDE);
        let control = Control::create(dir, inside, spec.hold)?;
        let program = match spec.shell.as_str() {
            "" | "sh" => "/bin/sh".to_owned(),
            // Where it is in the image its PATH knows.
            other => quoted(Path::new(other)),
        };
        let first = FIRST.replace('@', &quoted(inside));
        fs::write(dir.join(LAUNCH), format!("{program} {}/{SCRIPT} 9>&-\n", quoted(inside)))?;
        fs::write(dir.join(FIRST_SCRIPT), first)?;
        let variables = spec.env.iter().filter(|(name, _)| is_assignable(name));
        let environment: String = variables.map(|(name, value)| format!("export {name}={}\n", single(value))).collect();
        fs::write(dir.join(ENVIRONMENT), environment)?;
        if let Some(trust) = &spec.trust {
            fs::copy(&trust.authority, dir.join(AUTHORITY))?;
            fs::copy(&trust.bundle, dir.join(MACHINES_BUNDLE))?;
        }
        for name in [ORDERS, SAID, OUTPUT] {
            rustix::fs::mknodat(CWD, dir.join(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        }
        let streams = if control.streams.is_empty() { &[][..] } else { &STREAMS };
        for name in [COMMANDS, STATUS, ORDERS, SAID, OUTPUT].iter().chain(streams) {
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(0o666))?;
        }
        fs::set_permissions(dir, fs::Permissions::from_mode(0o777))?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let output = rustix::fs::open(dir.join(OUTPUT), flags, Mode::empty())?;
        Ok((control, output))
    }

    /// Removes the file with the environment, which the container's first process has read.
    pub fn forget_environment(&self) {
        let _ = fs::remove_file(self.dir.join(ENVIRONMENT));
    }

    /// Makes the shell run a command text.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        let name = self.write("command", text)?;
        self.commands.write_all(format!("{name}\n").as_bytes())
    }

    /// Writes a script for a shell of its own; gives the line that runs it.
    pub fn script(&mut self, shell: &str, inside: &Path, text: &str) -> io::Result<String> {
        let name = self.write("script", text)?;
        let shell = match shell {
            "" | "sh" => "/bin/sh".to_owned(),
            other => quoted(Path::new(other)),
        };
        let dir = quoted(inside);
        let [stdout, stderr] = STREAMS;
        Ok(format!("{shell} {dir}/{name} >{dir}/{stdout} 2>{dir}/{stderr}"))
    }

    /// Writes a new file; gives its name.
    fn write(&mut self, kind: &str, text: &str) -> io::Result<String> {
        self.written += 1;
        let name = format!("{kind}-{}", self.written);
        let path = self.dir.join(&name);
        if fs::symlink_metadata(&path).is_ok() {
            fs::remove_file(&path)?;
        }
        // `create_new` follows no link that the job may have put there.
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        Ok(name)
    }

    /// The status that the shell has reported, if any.
    pub fn read_status(&mut self) -> io::Result<Option<i32>> {
        let mut buffer = [0; 64];
        match self.status.read(&mut buffer) {
            Ok(n) => {
                let text = String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()).into_owned();
                Ok(text.lines().next().map(|line| line.trim().parse().unwrap_or(1)))
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// A new shell must find no order that was meant for the last one.
    pub fn forget(&mut self) {
        let mut buffer = [0; 512];
        while matches!(self.commands.read(&mut buffer), Ok(n) if n > 0) {}
        while matches!(self.status.read(&mut buffer), Ok(n) if n > 0) {}
    }

    /// Reads what [`export_script`] has left.
    pub fn exported_value(&self, name: &str) -> io::Result<Option<String>> {
        // No link is followed and nothing blocks, whatever the job has put there.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file: File = match rustix::fs::open(self.dir.join(format!("export-{name}")), flags, Mode::empty()) {
            Ok(fd) => fd.into(),
            Err(_) => return Ok(None),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(MAX_VALUE_LEN).read_to_end(&mut bytes)?;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }
}

/// The script that a container's first process runs, by its name in the control folder.
pub(crate) fn first_script() -> &'static str {
    FIRST_SCRIPT
}

/// The pipes to and from [`FIRST`].
pub(crate) struct Orders {
    orders: File,
    /// Becomes readable when the script has said something.
    pub said: File,
}

impl Orders {
    /// Opens the pipes in a control folder.
    pub fn open(dir: &Path) -> io::Result<Orders> {
        // Read-write: opening waits for nobody, and what is written waits for its reader.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let pipe = |name: &str| rustix::fs::open(dir.join(name), flags, Mode::empty());
        Ok(Orders { orders: pipe(ORDERS)?.into(), said: pipe(SAID)?.into() })
    }

    /// Another handle on the same pipes.
    pub fn try_clone(&self) -> io::Result<Orders> {
        Ok(Orders { orders: self.orders.try_clone()?, said: self.said.try_clone()? })
    }

    /// Asks for a shell of a user, or of root.
    pub fn start_shell(&mut self, user: &str) -> io::Result<()> {
        let user = if user.is_empty() { "-" } else { user };
        self.orders.write_all(format!("{user}\n").as_bytes())
    }

    /// What the script has said since, a line each. A line is written at once and is short, so none comes in parts.
    pub fn read(&mut self) -> io::Result<Vec<String>> {
        let mut buffer = [0; 512];
        match self.said.read(&mut buffer) {
            Ok(n) => {
                let text = String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()).into_owned();
                Ok(text.lines().map(|line| line.trim().to_owned()).collect())
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(Vec::new()),
            Err(e) => Err(e),
        }
    }
}

/// The arguments of the shell.
pub(super) fn arguments(inside: &Path) -> Vec<OsString> {
    vec![inside.join(SCRIPT).into()]
}

/// Writes the variables that are set into the control folder.
pub(super) fn export_script(inside: &Path, names: &[String]) -> String {
    let dir = quoted(inside);
    names
        .iter()
        .filter(|name| is_variable(name))
        .map(|name| {
            format!("if [ \"${{{name}+x}}\" ]; then command printf '%s' \"${name}\" >|{dir}/export-{name}; fi\n")
        })
        .collect()
}

/// A command that leaves nothing behind in its shell.
pub(super) fn in_fresh_shell(dir: &Path, command: &str) -> String {
    format!("( cd {} || exit\n{command}\n)", quoted(dir))
}

/// Whether a shell takes it as a variable's name.
pub(super) fn is_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether a shell lets it be assigned; what it does not must reach a container in another way.
pub(crate) fn is_assignable(name: &str) -> bool {
    is_variable(name) && !READ_ONLY.contains(&name)
}

pub(super) fn quoted(path: &Path) -> String {
    let text = String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b)) {
        return text;
    }
    single(&text)
}

/// In single quotes.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
