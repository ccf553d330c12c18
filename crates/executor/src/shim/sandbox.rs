//! The job's view of the file system: the host's, copy-on-write, without what is none of its business.
//!
//! Runs in the init, in a fresh mount namespace: nothing here is seen by the host, and all of it goes with the job. As root
//! one overlay over `/` carries nearly everything. In a user namespace the kernel refuses that, because `/` has locked
//! mounts on it; then each top-level folder gets its own overlay.
//!
//! Root's jobs are really root's, so that `apt-get` and its like work: what holds them is the mount namespace, the
//! capabilities that they lack (also in their bounding set, so that no program gives them back), and read-only or hidden
//! parts of /proc and /sys.
//!
//! Deviation: jobs share this machine's network: they reach the server on its loopback address, and whatever else listens
//! there.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base::JobMount;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstatfs, open, openat2};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags, mount, mount_bind,
    mount_bind_recursive, mount_change, mount_remount, move_mount, open_tree, unmount,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use base::{JobFile, JobFileContent};

use super::{Plan, shell};
use crate::folder::{Folder, make_part};
use crate::nested::{OTHERS, STORAGE, Storage};

/// What could not be done.
#[derive(Debug, thiserror::Error)]
#[error("the sandbox cannot be set up: {doing}: {source}")]
pub(super) struct SandboxError {
    doing: String,
    source: io::Error,
}

type Result<T, E = SandboxError> = std::result::Result<T, E>;

trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|e| SandboxError { doing: what(), source: e.into() })
    }
}

/// What `apt-get`, `npm`, `pip` and their like need; nothing that reaches beyond the job's own view. Not NET_RAW: the
/// network is the host's, and a job must not read along.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::AUDIT_WRITE)
    .union(CapabilitySet::SETFCAP);

/// Folders that are made fresh and never come from the host.
const FRESH: [&str; 5] = ["proc", "sys", "dev", "run", "tmp"];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Files of /proc that tell about or reach into the host.
const PROC_HIDDEN: [&str; 5] = ["kcore", "keys", "sysrq-trigger", "timer_list", "kmsg"];
const PROC_READ_ONLY: [&str; 4] = ["sys", "irq", "bus", "fs"];
/// Kinds of file system that hold no files of anybody.
const VIRTUAL: [&str; 17] = [
    "proc",
    "sysfs",
    "cgroup",
    "cgroup2",
    "devpts",
    "devtmpfs",
    "mqueue",
    "debugfs",
    "tracefs",
    "securityfs",
    "bpf",
    "configfs",
    "pstore",
    "fusectl",
    "hugetlbfs",
    "binfmt_misc",
    "autofs",
];
/// `statfs` of an overlay.
pub(super) const OVERLAY_MAGIC: i64 = 0x794c_7630;

/// Enters the job's view for good. Privileges are given up by [`drop_privileges`].
pub(super) fn enter(folder: &Folder, plan: &Plan) -> Result<()> {
    unshare(UnshareFlags::NEWNS | UnshareFlags::NEWIPC).doing(|| "a private mount namespace".into())?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private).doing(|| "making the mounts private".into())?;
    let mut view = View::new(folder, plan.sandbox.user_namespace)?;
    view.base()?;
    view.other_mounts()?;
    view.fresh()?;
    view.rules(&plan.sandbox.hidden, &plan.sandbox.visible)?;
    view.bind_in(&plan.spec.work_dir, &plan.spec.work_dir)?;
    view.bind_in(&folder.control(), Path::new(shell::INSIDE))?;
    for mount in &plan.spec.container.mounts {
        view.bind_mount(mount)?;
    }
    if plan.nested.is_some() {
        let storage = Storage::open(plan.spec.container.layers.as_ref()).doing(|| "the layer cache".into())?;
        make_dir(&folder.engine(), 0o700)?;
        match storage {
            Storage::Own => view.bind_in(&folder.engine(), Path::new(STORAGE))?,
            Storage::Kept(dir) => view.bind_in(&dir, Path::new(STORAGE))?,
            Storage::Beside(dir) => {
                view.bind_in(&folder.engine(), Path::new(STORAGE))?;
                let to = view.inside(Path::new(OTHERS));
                make_dir(&to, 0o755)?;
                view.bind_read_only(&dir, &to)?;
            }
        }
    }
    view.files(&plan.spec.files)?;
    view.switch()
}

struct View {
    folder: PathBuf,
    root: PathBuf,
    layers: PathBuf,
    used: usize,
    user_namespace: bool,
}

impl View {
    fn new(folder: &Folder, user_namespace: bool) -> Result<View> {
        let folder = folder.path().to_owned();
        let view = View { root: folder.join("root"), layers: folder.join("layers"), folder, used: 0, user_namespace };
        let hide = view.folder.join("hide");
        for (path, mode) in [(&view.root, 0o755), (&view.layers, 0o700), (&hide, 0o700)] {
            make_part(path, mode).doing(|| format!("making {}", path.display()))?;
        }
        // An overlay cannot be the writable layer of another one: then memory has to do.
        if rustix::fs::statfs(&view.folder).is_ok_and(|s| s.f_type == OVERLAY_MAGIC) {
            view.tmpfs(&view.layers, c"mode=700")?;
        }
        Ok(view)
    }

    /// The host's root, or at least its top-level folders.
    fn base(&mut self) -> Result<()> {
        if !self.user_namespace && self.overlay(Path::new("/"), &self.root.clone()).is_ok() {
            return Ok(());
        }
        self.tmpfs(&self.root, c"mode=755")?;
        for entry in fs::read_dir("/").doing(|| "reading /".into())?.flatten() {
            let (from, to) = (entry.path(), self.root.join(entry.file_name()));
            let kind = entry.file_type().doing(|| from.display().to_string())?;
            if kind.is_symlink() {
                let target = fs::read_link(&from).doing(|| from.display().to_string())?;
                std::os::unix::fs::symlink(target, &to).doing(|| to.display().to_string())?;
            } else if kind.is_dir() && !FRESH.iter().any(|name| entry.file_name() == *name) {
                make_dir(&to, 0o755)?;
                if self.overlay(&from, &to).is_err() {
                    self.bind_read_only(&from, &to)?;
                }
            }
        }
        Ok(())
    }

    /// Whatever else is mounted: an overlay shows only what is in its own lower file system.
    fn other_mounts(&mut self) -> Result<()> {
        let text = fs::read_to_string("/proc/self/mountinfo").doing(|| "reading the mounts".into())?;
        let mut mounts: Vec<PathBuf> = text.lines().filter_map(worth_showing).collect();
        mounts.sort();
        mounts.dedup();
        for from in mounts {
            if from.starts_with(&self.folder) {
                continue;
            }
            let to = self.inside(&from);
            if to.is_dir() && from.is_dir() {
                if self.overlay(&from, &to).is_err() {
                    let _ = self.bind_read_only(&from, &to);
                }
            } else if to.is_file() && from.is_file() {
                // Container engines mount single files, like /etc/resolv.conf.
                let _ = self.bind_read_only(&from, &to);
            }
        }
        Ok(())
    }

    fn fresh(&mut self) -> Result<()> {
        let at = |name: &str| self.root.join(name);
        for name in FRESH {
            make_dir(&at(name), 0o755)?;
        }
        let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
        mount("proc", at("proc"), "proc", quiet, None).doing(|| "mounting /proc".into())?;
        if mount("sysfs", at("sys"), "sysfs", quiet | MountFlags::RDONLY, None).is_err() {
            mount_bind_recursive("/sys", at("sys")).doing(|| "binding /sys".into())?;
            let _ = self.tmpfs(&at("sys/fs/cgroup"), c"mode=755,size=0");
        }
        self.devices()?;
        self.tmpfs(&at("run"), c"mode=755")?;
        make_dir(&at("run/lock"), 0o1777)?;
        self.keep_resolver();
        let tmp = self.folder.join("tmp");
        make_dir(&tmp, 0o1777)?;
        bind(&tmp, &at("tmp"))
    }

    fn devices(&self) -> Result<()> {
        let dev = self.root.join("dev");
        self.tmpfs(&dev, c"mode=755,size=1m")?;
        for name in DEVICES {
            let (from, to) = (Path::new("/dev").join(name), dev.join(name));
            if from.exists() {
                fs::write(&to, "").doing(|| to.display().to_string())?;
                bind(&from, &to)?;
            }
        }
        let links = [("/proc/self/fd", "fd"), ("/proc/self/fd/0", "stdin"), ("/proc/self/fd/1", "stdout")];
        for (target, name) in links.into_iter().chain([("/proc/self/fd/2", "stderr"), ("pts/ptmx", "ptmx")]) {
            std::os::unix::fs::symlink(target, dev.join(name)).doing(|| format!("/dev/{name}"))?;
        }
        make_dir(&dev.join("pts"), 0o755)?;
        make_dir(&dev.join("shm"), 0o1777)?;
        let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
        // Terminals are a comfort: builds run without.
        let _ = mount("devpts", dev.join("pts"), "devpts", quiet, Some(c"newinstance,ptmxmode=0666,mode=0620"));
        self.tmpfs(&dev.join("shm"), c"mode=1777")
    }

    /// /etc/resolv.conf is often a link to below /run, which is fresh.
    fn keep_resolver(&self) {
        let Ok(real) = fs::canonicalize("/etc/resolv.conf") else { return };
        if real.starts_with("/run")
            && let Ok(text) = fs::read(&real)
            && let Some(parent) = self.inside(&real).parent()
        {
            let _ = fs::create_dir_all(parent);
            let _ = fs::write(self.inside(&real), text);
        }
    }

    /// Hides and shows, outer folders first, so that the rule for the longest path holds.
    fn rules(&mut self, hidden: &[PathBuf], visible: &[PathBuf]) -> Result<()> {
        let mut rules: Vec<(&PathBuf, bool)> =
            hidden.iter().map(|p| (p, false)).chain(visible.iter().map(|p| (p, true))).collect();
        rules.sort_by_key(|(path, shown)| (path.components().count(), *shown));
        // Taken before anything is hidden: what is shown again needs no layer of its own.
        let taken: Vec<Option<OwnedFd>> =
            rules.iter().map(|(path, shown)| shown.then(|| self.take(path)).flatten()).collect();
        for ((path, shown), taken) in rules.into_iter().zip(taken) {
            match (shown, taken) {
                (false, _) => self.hide(path)?,
                (true, None) => self.show(path)?,
                (true, Some(tree)) => self.put_back(&tree, path)?,
            }
        }
        Ok(())
    }

    /// A handle on a folder as the view has it now, with all that is mounted below. Only for what is copy-on-write in the
    /// view itself: a link on the way could lead to the host's own folder.
    fn take(&self, path: &Path) -> Option<OwnedFd> {
        let relative = path.strip_prefix("/").ok()?;
        if self.user_namespace {
            // To copy a file up its folders are copied as well, and one of a user who is not in the namespace (the host's
            // root, say) cannot be: with a layer of its own nothing above the shown folder needs to be.
            return None;
        }
        if FRESH.iter().any(|name| relative.starts_with(name)) {
            return None;
        }
        // Kernels before 5.6 do not know these calls; then the folder gets a layer of its own.
        let root = open(&self.root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).ok()?;
        let (flags, resolve) =
            (OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS);
        let folder = openat2(&root, relative, flags, Mode::empty(), resolve).ok()?;
        if fstatfs(&folder).ok()?.f_type != OVERLAY_MAGIC {
            return None;
        }
        let whole = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::AT_RECURSIVE | OpenTreeFlags::AT_EMPTY_PATH;
        open_tree(&folder, "", whole | OpenTreeFlags::OPEN_TREE_CLOEXEC).ok()
    }

    fn put_back(&self, tree: &OwnedFd, path: &Path) -> Result<()> {
        let to = self.inside(path);
        make_dir(&to, 0o755)?;
        move_mount(tree, "", CWD, &to, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .doing(|| format!("showing {}", path.display()))
    }

    fn hide(&mut self, path: &Path) -> Result<()> {
        let to = self.inside(path);
        let Ok(found) = fs::symlink_metadata(&to) else { return Ok(()) };
        if found.is_symlink() || path == Path::new("/") {
            return Ok(());
        }
        if !found.is_dir() {
            return bind(Path::new("/dev/null"), &to);
        }
        self.used += 1;
        let empty = self.folder.join("hide").join(self.used.to_string());
        // Everybody may pass: the job's own folder may lie below, and not all of its users are root.
        make_dir(&empty, found.mode() & 0o7777 | 0o111)?;
        bind(&empty, &to)
    }

    fn show(&mut self, path: &Path) -> Result<()> {
        let to = self.inside(path);
        if path.is_dir() {
            make_dir(&to, 0o755)?;
            if self.overlay(path, &to).is_err() {
                self.bind_read_only(path, &to)?;
            }
        } else if path.is_file() {
            make_file(&to)?;
            self.bind_read_only(path, &to)?;
        }
        Ok(())
    }

    /// The host's folder itself, writable, at `inside`.
    fn bind_in(&self, from: &Path, inside: &Path) -> Result<()> {
        let to = self.inside(inside);
        make_dir(&to, 0o755)?;
        bind(from, &to)?;
        // Refused in a user namespace when the mount below has flags of its own; devices are refused there anyway.
        let _ = mount_remount(&to, MountFlags::BIND | MountFlags::NODEV | MountFlags::NOSUID, "");
        Ok(())
    }

    fn bind_mount(&self, wanted: &JobMount) -> Result<()> {
        if !wanted.read_only && wanted.source.is_dir() {
            return self.bind_in(&wanted.source, &wanted.target);
        }
        let to = self.inside(&wanted.target);
        if wanted.source.is_dir() {
            make_dir(&to, 0o755)?;
        } else {
            make_file(&to)?;
        }
        if wanted.read_only { self.bind_read_only(&wanted.source, &to) } else { bind(&wanted.source, &to) }
    }

    /// Files in place of the host's.
    fn files(&self, files: &[JobFile]) -> Result<()> {
        for (number, file) in files.iter().enumerate() {
            let from = match &file.content {
                JobFileContent::Of(path) => path.clone(),
                JobFileContent::Text(text) => {
                    let dir = self.folder.join("files");
                    make_dir(&dir, 0o755)?;
                    let own = dir.join(number.to_string());
                    let written = fs::write(&own, text);
                    let written = written.and_then(|()| fs::set_permissions(&own, Permissions::from_mode(0o644)));
                    written.doing(|| format!("writing {}", own.display()))?;
                    own
                }
            };
            // A link's target is what programs read, and what can be mounted over.
            let real = fs::canonicalize(&file.path).unwrap_or_else(|_| file.path.clone());
            let to = self.inside(&real);
            make_file(&to)?;
            self.bind_read_only(&from, &to)?;
        }
        Ok(())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn overlay(&mut self, lower: &Path, to: &Path) -> Result<()> {
        self.used += 1;
        let layer = self.layers.join(self.used.to_string());
        let (upper, work) = (layer.join("upper"), layer.join("work"));
        let of_lower = fs::metadata(lower).doing(|| lower.display().to_string())?;
        // The merged folder looks like its upper one.
        make_dir(&upper, of_lower.mode() & 0o7777)?;
        let _ = std::os::unix::fs::chown(&upper, Some(of_lower.uid()), Some(of_lower.gid()));
        make_dir(&work, 0o700)?;
        let mut options = Vec::new();
        for (key, path) in [("lowerdir=", lower), (",upperdir=", &upper), (",workdir=", &work)] {
            options.extend_from_slice(key.as_bytes());
            options.extend(path.as_os_str().as_bytes().iter().flat_map(|byte| {
                let escape = matches!(byte, b',' | b':' | b'\\').then_some(b'\\');
                escape.into_iter().chain([*byte])
            }));
        }
        if self.user_namespace {
            options.extend_from_slice(b",userxattr");
        }
        let mount_with = |more: &[u8]| -> io::Result<()> {
            let options = std::ffi::CString::new([options.as_slice(), more].concat())?;
            Ok(mount("overlay", to, "overlay", MountFlags::NODEV, Some(options.as_c_str()))?)
        };
        // The layer is thrown away: writing it back to the disk, at the latest at the job's end, would only take time.
        // Kernels before 5.10 do not know the option.
        mount_with(b",volatile").or_else(|_| mount_with(b"")).doing(|| format!("an overlay over {}", lower.display()))
    }

    fn tmpfs(&self, to: &Path, options: &std::ffi::CStr) -> Result<()> {
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        mount("tmpfs", to, "tmpfs", flags, Some(options)).doing(|| format!("a tmpfs on {}", to.display()))
    }

    fn bind_read_only(&self, from: &Path, to: &Path) -> Result<()> {
        mount_bind_recursive(from, to).doing(|| format!("binding {}", from.display()))?;
        // In a user namespace a flag that the host's mount has must stay, or all of it is refused.
        let no_exec = rustix::fs::statvfs(to).is_ok_and(|s| s.f_flag.contains(rustix::fs::StatVfsMountFlags::NOEXEC));
        let kept = if no_exec { MountFlags::NOEXEC } else { MountFlags::empty() };
        let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NODEV | MountFlags::NOSUID | kept;
        let remounted = mount_remount(to, flags, "").doing(|| format!("making {} read-only", from.display()));
        if remounted.is_err() {
            // The host's own folder, writable: better none.
            let _ = unmount(to, UnmountFlags::DETACH);
        }
        remounted
    }

    /// Makes the view the root and lets go of the host's.
    fn switch(&self) -> Result<()> {
        rustix::process::chdir(&self.root).doing(|| "entering the view".into())?;
        rustix::process::pivot_root(".", ".").doing(|| "switching to the view".into())?;
        unmount(".", UnmountFlags::DETACH).doing(|| "leaving the host's view".into())?;
        rustix::process::chdir("/").doing(|| "entering the view".into())?;
        if self.user_namespace {
            // The files of /proc belong to the host's root there, who is nobody in the job.
            return Ok(());
        }
        for name in PROC_HIDDEN {
            let path = Path::new("/proc").join(name);
            if path.exists() {
                bind(Path::new("/dev/null"), &path)?;
            }
        }
        for name in PROC_READ_ONLY {
            let path = Path::new("/proc").join(name);
            if path.exists() {
                bind(&path, &path)?;
                let flags = MountFlags::BIND | MountFlags::RDONLY | MountFlags::NOSUID;
                mount_remount(&path, flags | MountFlags::NODEV | MountFlags::NOEXEC, "")
                    .doing(|| format!("making {} read-only", path.display()))?;
            }
        }
        Ok(())
    }
}

#[expect(deprecated, reason = "its safe form is sound here: the file descriptor table is not unshared")]
pub(super) fn unshare(flags: UnshareFlags) -> rustix::io::Result<()> {
    rustix::thread::unshare(flags)
}

fn bind(from: &Path, to: &Path) -> Result<()> {
    mount_bind(from, to).doing(|| format!("binding {} to {}", from.display(), to.display()))
}

/// Makes a folder with exactly this mode; an existing one is left as it is.
fn make_dir(path: &Path, mode: u32) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .doing(|| format!("making {}", path.display()))
}

fn make_file(path: &Path) -> Result<()> {
    if let Some(parent) = path.parent() {
        make_dir(parent, 0o755)?;
    }
    if path.exists() {
        return Ok(());
    }
    fs::write(path, "").doing(|| format!("making {}", path.display()))
}

/// The mount point of a line of mountinfo, when its files belong into the view.
fn worth_showing(line: &str) -> Option<PathBuf> {
    let (left, right) = line.split_once(" - ")?;
    let point = PathBuf::from(unescaped(left.split(' ').nth(4)?));
    let kind = right.split(' ').next()?;
    let first = point.components().nth(1)?;
    let is_fresh = FRESH.iter().any(|name| first.as_os_str() == *name);
    (!is_fresh && !VIRTUAL.contains(&kind)).then_some(point)
}

/// mountinfo writes blanks and the like as three octal digits.
fn unescaped(text: &str) -> std::ffi::OsString {
    use std::os::unix::ffi::OsStringExt as _;
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    loop {
        match rest {
            [] => return std::ffi::OsString::from_vec(out),
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', tail @ ..] => {
                out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = tail;
            }
            [byte, tail @ ..] => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
}

/// No program gives these capabilities back. `kept` is asked for each.
pub(super) fn drop_from_bounding_set(kept: impl Fn(CapabilitySet) -> bool) {
    for bit in 0..64 {
        let one = CapabilitySet::from_bits_retain(1 << bit);
        // The kernel refuses the first number that it does not know.
        if !kept(one) && rustix::thread::remove_capability_from_bounding_set(one).is_err() {
            break;
        }
    }
}

/// Gives up every dangerous privilege for good.
pub(super) fn drop_privileges() -> Result<()> {
    rustix::thread::set_no_new_privs(true).doing(|| "no_new_privs".into())?;
    drop_from_bounding_set(|one| KEPT.contains(one));
    let sets = CapabilitySets { effective: KEPT, permitted: KEPT, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).doing(|| "dropping capabilities".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_with_files_of_their_own_are_shown() {
        let line = |point: &str, kind: &str| format!("28 27 0:25 / {point} rw,relatime - {kind} src rw");
        assert_eq!(worth_showing(&line(r"/mnt/my\040disk", "ext4")), Some("/mnt/my disk".into()));
        assert_eq!(worth_showing(&line("/", "ext4")), None);
        assert_eq!(worth_showing(&line("/run/user/0", "tmpfs")), None);
        assert_eq!(worth_showing(&line("/opt/x", "fusectl")), None);
    }
}
