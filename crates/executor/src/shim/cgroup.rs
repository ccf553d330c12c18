//! Limits: control groups of either version where they can be written, else what a process can limit for itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base::{JobLimits, JobSpec};
use rustix::process::{Pid, Resource, Rlimit, Signal};

use crate::folder::Folder;
use crate::jobs::DOOMED;

const PERIOD_MICROS: f64 = 100_000.0;
/// How long the last members of a group may take to be gone when they are dead already.
const LINGER: Duration = Duration::from_millis(50);
/// How long they may take when they are still to die.
const END_LIMIT: Duration = Duration::from_secs(30);
/// How often that is looked at.
const END_LOOK: Duration = Duration::from_millis(1);
/// How often a folder is made anew whose parent somebody removes at the same moment.
const MAKE_TRIES: u32 = 1000;

/// The groups of one job.
#[derive(Default)]
pub(super) struct Cgroups {
    dirs: Vec<PathBuf>,
    /// The file that counts the kernel's kills for want of memory.
    oom_counter: Option<PathBuf>,
}

/// A mounted hierarchy, and where this process is in it.
struct Hierarchy {
    /// Version 1: the controllers. Version 2: empty.
    controllers: Vec<String>,
    mount: PathBuf,
    own: PathBuf,
}

/// Which limits can be held by control groups here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Available {
    pub cpu: bool,
    pub memory: bool,
    pub pids: bool,
}

impl Cgroups {
    /// Makes the groups that the limits ask for. What cannot be made is left to [`set_process_limits`].
    ///
    /// `everywhere`: groups in all hierarchies, for a job that makes groups below its own.
    pub fn create(folder: &Folder, spec: &JobSpec, everywhere: bool) -> Cgroups {
        if spec.limits == JobLimits::default() && !everywhere {
            return Cgroups::default();
        }
        Cgroups::create_in(&hierarchies(), folder, &spec.limits, everywhere)
    }

    fn create_in(hierarchies: &[Hierarchy], folder: &Folder, limits: &JobLimits, everywhere: bool) -> Cgroups {
        let name = group_name(folder);
        let mut groups = Cgroups::default();
        let mut record = Vec::new();
        for (controller, files) in wanted(limits) {
            let Some(found) = find(hierarchies, controller) else { continue };
            let Some(dir) = make(found, controller, &name) else { continue };
            let version = usize::from(found.controllers.is_empty());
            let mut written = true;
            for [v1, v2, value] in &files {
                let file = if version == 0 { v1 } else { v2 };
                // Swap accounting is not everywhere: its file may be missing.
                let optional = file.contains("memsw") || file.contains("swap");
                written &= file.is_empty() || fs::write(dir.join(file), value).is_ok() || optional;
            }
            if !written {
                tracing::debug!(controller, "the limit could not be written");
            }
            if controller == "memory" {
                groups.oom_counter = Some(dir.join(["memory.oom_control", "memory.events"][version]));
            }
            if !groups.dirs.contains(&dir) {
                record.extend_from_slice(dir.as_os_str().as_encoded_bytes());
                record.push(b'\n');
                groups.dirs.push(dir);
            }
        }
        // A mixed machine's hierarchy of version 2 has no controllers to give.
        let is_mixed = hierarchies.iter().any(|found| !found.controllers.is_empty());
        for found in hierarchies.iter().filter(|h| everywhere && !(is_mixed && h.controllers.is_empty())) {
            if groups.dirs.iter().any(|dir| dir.starts_with(&found.mount)) {
                continue;
            }
            if let Some(dir) = make(found, "", &name) {
                record.extend_from_slice(dir.as_os_str().as_encoded_bytes());
                record.push(b'\n');
                groups.dirs.push(dir);
            }
        }
        // For whoever cleans up when this process is killed.
        let _ = fs::write(folder.cgroups(), record);
        groups
    }

    /// The groups in which somebody else (a container engine) keeps a process: only to ask, not to change.
    pub fn of_process(pid: Pid) -> Cgroups {
        let own = fs::read_to_string(format!("/proc/{}/cgroup", pid.as_raw_nonzero())).unwrap_or_default();
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let all = parse(&own, &mounts);
        let oom_counter = find(&all, "memory").map(|found| {
            let file = ["memory.oom_control", "memory.events"][usize::from(found.controllers.is_empty())];
            found.mount.join(&found.own).join(file)
        });
        Cgroups { dirs: Vec::new(), oom_counter }
    }

    /// Puts a process, and so all that it will start, into the groups.
    pub fn add(&self, pid: u32) -> io::Result<()> {
        for dir in &self.dirs {
            fs::File::options().write(true).open(dir.join("cgroup.procs"))?.write_all(pid.to_string().as_bytes())?;
        }
        Ok(())
    }

    /// How often the kernel killed a process of the job for want of memory.
    pub fn oom_kills(&self) -> u64 {
        let text = self.oom_counter.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        text.lines().filter_map(|l| l.strip_prefix("oom_kill ")).find_map(|n| n.trim().parse().ok()).unwrap_or(0)
    }

    /// Kills all members, for jobs without a PID namespace.
    pub fn kill(&self) {
        self.dirs.iter().for_each(|dir| thaw(dir));
        for dir in &self.dirs {
            for _ in 0..100 {
                let members = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
                if members.trim().is_empty() {
                    break;
                }
                for pid in members.lines().filter_map(|l| l.parse().ok()).filter_map(Pid::from_raw) {
                    let _ = rustix::process::kill_process(pid, Signal::KILL);
                }
                rustix::thread::sched_yield();
            }
        }
    }

    /// Removes the groups; their members must be dead. One that somebody else has joined is left to [`remove_left`].
    pub fn remove(&self) {
        for dir in &self.dirs {
            remove_dir(dir);
        }
    }
}

/// Puts this process, and so all that it will start, into the groups of a job that runs.
pub(super) fn join(folder: &Folder) -> io::Result<()> {
    let dirs = fs::read_to_string(folder.cgroups()).unwrap_or_default().lines().map(PathBuf::from).collect();
    Cgroups { dirs, oom_counter: None }.add(std::process::id())
}

/// Removes the groups of a job that is no more, and ends who is still in one: the kernel takes what a killed supervisor leaves
/// along in its own time, and afterwards nobody knows of the groups. Those whose members the kernel cannot end in time are left
/// to whoever runs the machine: the job's end does not wait for them.
pub(crate) fn remove_left(folder: &Folder) {
    remove_left_until(folder, Instant::now() + END_LIMIT);
}

fn remove_left_until(folder: &Folder, until: Instant) {
    let text = fs::read_to_string(folder.cgroups()).unwrap_or_default();
    let own = Path::new(PARENT).join(group_name(folder));
    // A machine that broke down may leave half a path, which is somebody else's.
    let dirs: Vec<&Path> = text.lines().map(Path::new).filter(|dir| dir.ends_with(&own)).collect();
    for dir in &dirs {
        while !remove_dir(dir) {
            if Instant::now() > until {
                tracing::warn!(group = %dir.display(), "a control group is left: its processes do not end");
                break;
            }
            // A member may be frozen in the group of another hierarchy.
            dirs.iter().for_each(|dir| thaw(dir));
            kill_members(dir);
        }
    }
}

/// The name of a job's groups, also while its folder is being removed. Two installations, one a copy of the other, may have a job
/// of the same id, and the end of one must not end the other's.
fn group_name(folder: &Folder) -> String {
    let name = folder.path().file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    let jobs_dir = folder.path().parent().map(|dir| dir.display().to_string()).unwrap_or_default();
    format!("{}-{}", name.strip_prefix(DOOMED).unwrap_or(&name), base::derived_hex::<8>(&["group", &jobs_dir]))
}

/// Lets the members go on, from the outermost group inwards: one that is frozen in version 1 does not die.
fn thaw(dir: &Path) {
    for (file, value) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
        // Without making the file: of the two at most one is there.
        let file = fs::File::options().write(true).open(dir.join(file));
        let _ = file.and_then(|mut file| file.write_all(value.as_bytes()));
    }
    for below in folders_in(dir) {
        thaw(&below);
    }
}

fn kill_members(dir: &Path) {
    for below in folders_in(dir) {
        kill_members(&below);
    }
    // Version 2 since Linux 5.14 does it in one step.
    let at_once = fs::File::options().write(true).open(dir.join("cgroup.kill"));
    if at_once.and_then(|mut file| file.write_all(b"1")).is_ok() {
        return;
    }
    let members = fs::read_to_string(dir.join("cgroup.procs")).unwrap_or_default();
    for pid in members.lines().filter_map(|l| l.parse().ok()).filter_map(Pid::from_raw) {
        let _ = rustix::process::kill_process(pid, Signal::KILL);
    }
}

/// Which limits control groups can hold for a process like this one.
pub(crate) fn available() -> Available {
    let hierarchies = hierarchies();
    let can = |controller: &str| {
        let Some(found) = find(&hierarchies, controller) else { return false };
        let name = format!("headworks-probe-{}", rustix::process::getpid().as_raw_nonzero());
        make(found, controller, &name).is_some_and(|dir| remove_dir(&dir))
    };
    Available { cpu: can("cpu"), memory: can("memory"), pids: can("pids") }
}

/// What every process of the job inherits; the second line behind the control groups.
pub(super) fn set_process_limits(limits: &JobLimits) {
    use rustix::process::{getrlimit, setrlimit};
    let no_core = Rlimit { current: Some(0), maximum: getrlimit(Resource::Core).maximum };
    let _ = setrlimit(Resource::Core, no_core);
    let has = available_cheaply();
    if let (Some(bytes), false) = (limits.memory_bytes, has.memory) {
        // Private writable memory of each process alone; address space would stop programs that only reserve much.
        let _ = setrlimit(Resource::Data, Rlimit { current: Some(bytes), maximum: Some(bytes) });
    }
    if let (Some(processes), false) = (limits.processes, has.pids) {
        let _ = setrlimit(Resource::Nproc, Rlimit { current: Some(processes), maximum: Some(processes) });
    }
    if let (Some(cpus), false) = (limits.cpus, has.cpu) {
        let mut set = rustix::thread::CpuSet::new();
        let allowed = rustix::thread::sched_getaffinity(None).unwrap_or_default();
        let count = cpus.ceil().max(1.0) as usize;
        for cpu in (0..rustix::thread::CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu)).take(count) {
            set.set(cpu);
        }
        let _ = rustix::thread::sched_setaffinity(None, &set);
    }
}

/// Inside the job's view no group can be made; being in one that the supervisor made is what counts.
fn available_cheaply() -> Available {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let inside = |controller: &str| {
        own.lines().any(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (names, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            names.split(',').any(|n| n == controller || n.is_empty()) && path.contains(PARENT)
        })
    };
    Available { cpu: inside("cpu"), memory: inside("memory"), pids: inside("pids") }
}

const PARENT: &str = "headworks-jobs";

/// Controllers with their files: version 1, version 2, value. An empty name: nothing to write in that version.
fn wanted(limits: &JobLimits) -> Vec<(&'static str, Vec<[String; 3]>)> {
    let row = |v1: &str, v2: &str, value: String| [v1.to_owned(), v2.to_owned(), value];
    let mut wanted = Vec::new();
    if let Some(cpus) = limits.cpus {
        let quota = (cpus * PERIOD_MICROS).max(1000.0).round() as u64;
        let v2 = format!("{quota} {PERIOD_MICROS}");
        wanted.push(("cpu", vec![row("cpu.cfs_quota_us", "", quota.to_string()), row("", "cpu.max", v2)]));
    }
    if let Some(bytes) = limits.memory_bytes {
        let files = vec![
            row("memory.limit_in_bytes", "memory.max", bytes.to_string()),
            row("memory.memsw.limit_in_bytes", "", bytes.to_string()),
            row("", "memory.swap.max", "0".to_owned()),
        ];
        wanted.push(("memory", files));
    }
    if let Some(processes) = limits.processes {
        wanted.push(("pids", vec![row("pids.max", "pids.max", processes.to_string())]));
    }
    wanted
}

fn find<'a>(hierarchies: &'a [Hierarchy], controller: &str) -> Option<&'a Hierarchy> {
    let v1 = hierarchies.iter().find(|h| h.controllers.iter().any(|c| c == controller));
    v1.or_else(|| hierarchies.iter().find(|h| h.controllers.is_empty() && offers(&h.mount, controller)))
}

fn offers(dir: &Path, controller: &str) -> bool {
    fs::read_to_string(dir.join("cgroup.controllers"))
        .is_ok_and(|text| text.split_whitespace().any(|name| name == controller))
}

/// Makes `headworks-jobs/NAME` below this process's own group, or below the root where that is not allowed (in version 2
/// a group with processes cannot hand controllers on).
fn make(hierarchy: &Hierarchy, controller: &str, name: &str) -> Option<PathBuf> {
    let is_asked_for = hierarchy.controllers.is_empty() && !controller.is_empty();
    [hierarchy.mount.join(&hierarchy.own), hierarchy.mount.clone()].into_iter().find_map(|base| {
        let parent = base.join(PARENT);
        let dir = parent.join(name);
        for _ in 0..MAKE_TRIES {
            make_dir(&parent).ok()?;
            match make_dir(&dir) {
                // Whoever removes the last group takes the parent along.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                Err(_) => return None,
                Ok(()) => {
                    // Only now does the parent stay, with what it is given.
                    inherit_cpus(&base, &parent);
                    if is_asked_for {
                        for dir in [&base, &parent] {
                            let _ = fs::write(dir.join("cgroup.subtree_control"), format!("+{controller}"));
                        }
                    }
                    inherit_cpus(&parent, &dir);
                    if is_asked_for && !offers(&dir, controller) {
                        remove_dir(&dir);
                        return None;
                    }
                    return Some(dir);
                }
            }
        }
        None
    })
}

/// In version 1 a group of `cpuset` takes no process before it has processors and memory.
fn inherit_cpus(parent: &Path, dir: &Path) {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if let (Ok(theirs), Ok(own)) = (fs::read_to_string(parent.join(file)), fs::read_to_string(dir.join(file)))
            && own.trim().is_empty()
        {
            let _ = fs::write(dir.join(file), theirs.trim());
        }
    }
}

fn make_dir(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

/// Removes a group and those that the job has made below it; false when there is still somebody in one.
fn remove_dir(dir: &Path) -> bool {
    let is_removed = remove_with_all_below(dir);
    // Goes only when this was its last job.
    if let Some(parent) = dir.parent() {
        let _ = fs::remove_dir(parent);
    }
    is_removed
}

fn remove_with_all_below(dir: &Path) -> bool {
    let mut is_removed = true;
    for below in folders_in(dir) {
        is_removed &= remove_with_all_below(&below);
    }
    if !is_removed {
        return false;
    }
    // The last member may still be on its way out for a moment.
    let until = Instant::now() + LINGER;
    loop {
        match fs::remove_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::ResourceBusy => {}
            _ => return true,
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(END_LOOK);
    }
}

fn folders_in(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

fn hierarchies() -> Vec<Hierarchy> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    parse(&own, &mounts)
}

/// From the texts of `cgroup` and `mountinfo` in a process's folder of /proc.
fn parse(own: &str, mounts: &str) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for line in mounts.lines() {
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let (mut left, mut right) = (left.split(' ').skip(3), right.split(' '));
        let (Some(root), Some(mount)) = (left.next(), left.next()) else { continue };
        let (Some(kind), Some(options)) = (right.next(), right.nth(1)) else { continue };
        let is_v2 = match kind {
            "cgroup" => false,
            "cgroup2" => true,
            _ => continue,
        };
        let of_line = |l: &str| -> Option<(Vec<String>, String)> {
            let mut parts = l.splitn(3, ':').skip(1);
            let names = parts.next()?.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect();
            Some((names, parts.next()?.to_owned()))
        };
        let member = own.lines().filter_map(of_line).find(|(names, _)| {
            if is_v2 { names.is_empty() } else { names.iter().any(|n| options.split(',').any(|o| o == n)) }
        });
        let Some((controllers, path)) = member else { continue };
        // What is not below the mount's root cannot be seen through this mount: then its own root has to do.
        let own = Path::new(&path).strip_prefix(root).unwrap_or(Path::new("")).to_owned();
        found.push(Hierarchy { controllers, mount: mount.into(), own });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: JobLimits = JobLimits { cpus: Some(1.5), memory_bytes: Some(64 << 20), processes: Some(40) };

    /// The group of the job `one` below another one.
    fn group_of_one(root: &tempfile::TempDir, below: &str) -> PathBuf {
        Path::new(below).join(PARENT).join(group_name(&Folder::at(root.path().join("jobs/one"))))
    }

    /// A folder that looks like a mounted hierarchy of version 2; `groups` are those that may limit everything, and so may that of
    /// the job `one` below `limiting`.
    fn unified(own: &str, groups: &[&str], limiting: Option<&str>) -> (tempfile::TempDir, Vec<Hierarchy>) {
        let root = tempfile::tempdir().unwrap();
        let of_job = limiting.map(|below| group_of_one(&root, below));
        for group in groups.iter().map(PathBuf::from).chain(of_job) {
            let dir = root.path().join(group);
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("cgroup.controllers"), "cpuset cpu io memory pids\n").unwrap();
        }
        let mounts =
            format!("30 23 0:26 / {} rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n", root.path().display());
        let found = parse(&format!("0::{own}\n"), &mounts);
        (root, found)
    }

    fn job(root: &tempfile::TempDir) -> Folder {
        let folder = root.path().join("jobs/one");
        fs::create_dir_all(&folder).unwrap();
        Folder::at(folder)
    }

    #[test]
    fn in_version_2_a_job_gets_a_group_below_the_servers_own() {
        let below = "system.slice/headworks.service";
        let (root, found) = unified(&format!("/{below}"), &["", below], Some(below));
        let at = group_of_one(&root, below);
        let groups = Cgroups::create_in(&found, &job(&root), &LIMITS, false);
        assert_eq!(groups.dirs, [root.path().join(&at)]);
        let read = |file: &str| fs::read_to_string(root.path().join(&at).join(file)).unwrap();
        assert_eq!(read("cpu.max"), "150000 100000");
        assert_eq!((read("memory.max").as_str(), read("memory.swap.max").as_str()), ("67108864", "0"));
        assert_eq!(read("pids.max"), "40");
        for group in [below.to_owned(), format!("{below}/{PARENT}")] {
            let handed_on = fs::read_to_string(root.path().join(&group).join("cgroup.subtree_control")).unwrap();
            assert_eq!(handed_on, "+pids", "the last controller that {group} was asked to hand on");
        }
        fs::write(root.path().join(&at).join("memory.events"), "low 0\noom 3\noom_kill 2\n").unwrap();
        assert_eq!(groups.oom_kills(), 2);
        fs::write(root.path().join(&at).join("cgroup.procs"), "").unwrap();
        groups.add(77).unwrap();
        assert_eq!(read("cgroup.procs"), "77");
        let noted = fs::read_to_string(job(&root).cgroups()).unwrap();
        assert_eq!(noted, format!("{}\n", root.path().join(&at).display()));
    }

    #[test]
    fn in_version_2_a_group_that_hands_nothing_on_is_passed_over_for_the_root() {
        let (root, found) = unified("/user.slice", &["", "user.slice"], Some(""));
        let at = group_of_one(&root, "");
        let groups = Cgroups::create_in(&found, &job(&root), &LIMITS, false);
        assert_eq!(groups.dirs, [root.path().join(&at)]);
        assert!(!root.path().join("user.slice").join(&at).exists(), "what was tried is removed");
    }

    #[test]
    fn in_version_2_without_the_right_to_make_groups_there_is_none() {
        let (root, found) = unified("/user.slice", &["", "user.slice"], None);
        let folder = job(&root);
        fs::write(root.path().join(PARENT), "in the way").unwrap();
        fs::write(root.path().join("user.slice").join(PARENT), "in the way").unwrap();
        let groups = Cgroups::create_in(&found, &folder, &LIMITS, false);
        assert!(groups.dirs.is_empty() && groups.oom_kills() == 0);
    }

    #[test]
    fn a_group_is_made_while_others_remove_theirs_and_the_parent_with_them() {
        let root = tempfile::tempdir().unwrap();
        let place = |name: usize| {
            let hierarchy =
                Hierarchy { controllers: vec!["cpu".to_owned()], mount: root.path().into(), own: PathBuf::new() };
            for round in 0..500 {
                let made = make(&hierarchy, "cpu", &name.to_string());
                assert!(made.is_some_and(|dir| remove_dir(&dir)), "job {name}, round {round}");
            }
        };
        std::thread::scope(|scope| {
            for name in 0..4 {
                scope.spawn(move || place(name));
            }
        });
        assert_eq!(folders_in(root.path()), Vec::<PathBuf>::new(), "the last one takes the parent along");
    }

    #[test]
    fn only_groups_of_the_job_itself_are_removed_with_it() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str| {
            fs::create_dir_all(root.path().join(path)).unwrap();
            root.path().join(path).display().to_string()
        };
        let name = group_name(&Folder::at(root.path().join("jobs/one")));
        let elsewhere = group_name(&Folder::at(root.path().join("copy/jobs/one")));
        let own = make(&format!("cg/headworks-jobs/{name}"));
        let (other, half) = (make(&format!("cg/headworks-jobs/{elsewhere}")), make("c"));
        for folder in [make("jobs/one"), make("jobs/.doomed-one")] {
            fs::create_dir_all(&own).unwrap();
            let folder = Folder::at(folder);
            fs::write(folder.cgroups(), format!("{own}\n{other}\n{half}")).unwrap();
            remove_left(&folder);
            assert!(!Path::new(&own).exists() && Path::new(&other).exists() && Path::new(&half).exists());
        }
    }

    #[test]
    fn a_group_that_is_frozen_goes_on_before_it_is_killed() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("below");
        fs::create_dir(&below).unwrap();
        for (dir, file) in [(root.path(), "freezer.state"), (&below, "freezer.state"), (&below, "cgroup.freeze")] {
            fs::write(dir.join(file), "").unwrap();
        }
        thaw(root.path());
        let read = |path: &str| fs::read_to_string(root.path().join(path)).ok();
        assert_eq!(read("freezer.state").as_deref(), Some("THAWED"));
        assert_eq!(read("below/freezer.state").as_deref(), Some("THAWED"));
        assert_eq!(read("below/cgroup.freeze").as_deref(), Some("0"));
        assert_eq!(read("cgroup.freeze"), None, "nothing is made");
    }

    /// With the kernel's own groups, where this process may make some.
    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test is about processes")]
    fn the_members_of_a_frozen_group_end_and_no_end_waits_for_them_for_ever() {
        let root = tempfile::tempdir().unwrap();
        for found in hierarchies().iter().filter(|h| h.controllers.is_empty() || h.controllers == ["freezer"]) {
            let folder = Folder::at(root.path().join(format!("frozen-{}", std::process::id())));
            fs::create_dir_all(folder.path()).unwrap();
            let name = group_name(&folder);
            let Some(dir) = make(found, "", &name) else { continue };
            let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
            let groups = Cgroups { dirs: vec![dir.clone()], oom_counter: None };
            let set = |file: &str, value: &str| {
                let file = fs::File::options().write(true).open(dir.join(file));
                file.and_then(|mut file| file.write_all(value.as_bytes())).is_ok()
            };
            let is_frozen =
                groups.add(child.id()).is_ok() && (set("freezer.state", "FROZEN") || set("cgroup.freeze", "1"));
            if is_frozen {
                fs::write(folder.cgroups(), dir.as_os_str().as_encoded_bytes()).unwrap();
                remove_left_until(&folder, Instant::now());
                assert!(dir.exists() && child.try_wait().unwrap().is_none(), "no time, no end, and no waiting");
                remove_left(&folder);
                assert!(!dir.exists(), "{}", dir.display());
            }
            let _ = child.kill();
            child.wait().unwrap();
            remove_dir(&dir);
        }
    }

    #[test]
    fn controllers_that_version_1_has_are_taken_from_there() {
        let mounts = "40 23 0:30 / /cg/memory rw - cgroup cgroup rw,memory\n\
                      41 23 0:31 /docker/abc /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n\
                      42 23 0:32 / /cg/unified rw - cgroup2 cgroup2 rw\n";
        let own = "4:memory:/a\n3:cpu,cpuacct:/docker/abc/x\n1:name=systemd:/a\n0::/a\n";
        let found = parse(own, mounts);
        let place = |controller: &str| find(&found, controller).map(|h| h.mount.join(&h.own));
        assert_eq!(place("memory"), Some("/cg/memory/a".into()));
        assert_eq!(place("cpu"), Some("/cg/cpu/x".into()));
        assert_eq!(place("pids"), None, "nobody offers it");
    }

    #[test]
    fn a_group_outside_of_what_is_mounted_counts_as_the_mounts_root() {
        let mounts = "41 23 0:31 /docker/abc /cg rw - cgroup2 cgroup2 rw\n";
        let [found] = &parse("0::/docker/abcdef\n", mounts)[..] else { panic!("one hierarchy") };
        assert_eq!((found.mount.as_path(), found.own.as_path()), (Path::new("/cg"), Path::new("")));
    }
}
