//! The job's shell: one instance sources command files one after the other, so that variables, functions and the working
//! directory are kept.
//!
//! The pipes are opened by name for one read or one write at a time: no command ever inherits a descriptor of them.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};

use crate::folder::{make_private_dir, remove_tree};

/// Where the control folder is inside an isolated job.
pub(super) const INSIDE: &str = "/run/headworks";
const SCRIPT: &str = "main";
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

/// The control folder, seen from the supervisor. The job can write in it, so nothing in it is trusted.
pub(super) struct Control {
    dir: PathBuf,
    commands: File,
    /// Becomes readable when a command has ended.
    pub status: File,
    written: u64,
}

impl Control {
    /// Makes the folder anew. `inside` is its path in the job's view.
    pub fn create(dir: &Path, inside: &Path) -> io::Result<Control> {
        remove_tree(dir)?;
        make_private_dir(dir)?;
        fs::write(dir.join(SCRIPT), MAIN.replace('@', &quoted(inside)))?;
        let pipe = |name: &str| -> io::Result<File> {
            let path = dir.join(name);
            rustix::fs::mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
            // Read-write: opening waits for nobody, and the pipe lives as long as the supervisor.
            let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOFOLLOW;
            Ok(rustix::fs::open(&path, flags, Mode::empty())?.into())
        };
        let (commands, status) = (pipe(COMMANDS)?, pipe(STATUS)?);
        Ok(Control { dir: dir.to_owned(), commands, status, written: 0 })
    }

    /// Makes the shell run a command text.
    pub fn send(&mut self, text: &str) -> io::Result<()> {
        self.written += 1;
        let name = format!("command-{}", self.written);
        let path = self.dir.join(&name);
        if fs::symlink_metadata(&path).is_ok() {
            fs::remove_file(&path)?;
        }
        // `create_new` follows no link that the job may have put there.
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        file.set_permissions(fs::Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        self.commands.write_all(format!("{name}\n").as_bytes())
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

fn quoted(path: &Path) -> String {
    let text = String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-".contains(&b)) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
