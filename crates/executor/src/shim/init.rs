//! The first process of a job: sets up the job's view, then starts shells and reaps whatever ends.

use std::fs;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::keeper::{Keeper, Order};
use super::session::message;
use super::supervisor::control_inside;
use super::user::User;
use super::{Plan, sandbox, shell};
use crate::folder::Folder;
use crate::nested::SOCKET;

const BASH: &str = "/bin/bash";
/// What shells answer for a command that is there and cannot be run.
const CANNOT_RUN: i32 = 126;

/// Runs until it is killed, which is how every job ends.
pub(super) fn run(folder: &Folder) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if is_let_go()? {
        return Ok(());
    }
    let ready = set_up(folder);
    let (reply, ready) = match ready {
        Ok(ready) => (vec![message::READY], Some(ready)),
        Err(reason) => ([&[message::ERROR], reason.as_bytes()].concat(), None),
    };
    say(&reply)?;
    let Some((plan, mut keeper)) = ready else { return Ok(()) };
    let inside = control_inside(folder, &plan);
    let mut is_first = true;
    let mut buffer = [0; 512];
    loop {
        let user = match recv(rustix::stdio::stdin(), &mut buffer[..], RecvFlags::empty()) {
            // The supervisor is gone.
            Ok((0, _)) => return Ok(()),
            Ok((n, _)) => String::from_utf8_lossy(buffer.get(1..n).unwrap_or_default()).into_owned(),
            Err(Errno::INTR) => continue,
            Err(e) => return Err(e.into()),
        };
        // Not before: only now this process, and what it starts, is in the job's control groups.
        if let (Some(mut keeper), Some(nested)) = (keeper.take(), plan.nested.clone()) {
            let order = Order { nested, socket: inside.join(SOCKET), view: None };
            if let Err(reason) = keeper.begin(&order) {
                eprintln!("The container engine of this build did not start: {reason}");
            }
        }
        if is_first {
            // What the groups do not limit; the keeper and its engine have no other limits than theirs.
            super::cgroup::set_process_limits(&plan.spec.limits);
        }
        let status = run_shell(&plan, &inside, &user, is_first).unwrap_or_else(|error| {
            eprintln!("{}: {error}", plan.spec.shell);
            127
        });
        is_first = false;
        say(format!("{}{status}", char::from(message::ENDED)).as_bytes())?;
    }
}

/// Whether the supervisor was gone before the kernel was asked to tell: then nothing may be made for the job any more.
fn is_let_go() -> io::Result<bool> {
    let stdin = rustix::stdio::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::empty())];
    poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
    Ok(fds.iter().any(|fd| !fd.revents().is_empty()))
}

fn say(text: &[u8]) -> io::Result<()> {
    send(rustix::stdio::stdin(), text, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn set_up(folder: &Folder) -> Result<(Plan, Option<Keeper>), String> {
    let text = fs::read(folder.taken_plan()).map_err(|e| format!("the plan cannot be read: {e}"))?;
    let plan: Plan = serde_json::from_slice(&text).map_err(|e| format!("the plan cannot be read: {e}"))?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let mut keeper = None;
    if plan.sandbox.isolated {
        sandbox::enter(folder, &plan).map_err(|e| e.to_string())?;
        if plan.nested.is_some() {
            // It needs what this process gives up now.
            keeper = Some(Keeper::spawn(folder).map_err(|e| format!("the container engine's keeper: {e}"))?);
        }
        sandbox::drop_privileges().map_err(|e| e.to_string())?;
    } else {
        // What loses its parent becomes this process's child, so that it can be found and killed.
        let me = Some(rustix::process::getpid());
        rustix::process::set_child_subreaper(me).map_err(|e| format!("cannot become a subreaper: {e}"))?;
    }
    if !plan.spec.current_dir.is_dir() {
        return Err(format!("the folder {} does not exist inside the job", plan.spec.current_dir.display()));
    }
    Ok((plan, keeper))
}

/// Starts a shell and reaps until it ends; returns its status, 128 + n for signal n.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
fn run_shell(plan: &Plan, inside: &Path, user: &str, is_first: bool) -> io::Result<i32> {
    let program = match plan.spec.shell.as_str() {
        "" | "sh" => "/bin/sh",
        "bash" => BASH,
        other => other,
    };
    let user = match user {
        "" => {
            User::give_back(inside, plan.spec.env.get("HOME"));
            None
        }
        name => match User::find(name) {
            Some(user) => Some(user),
            None => {
                eprintln!("run-as: there is no user {name} in this build environment");
                return Ok(CANNOT_RUN);
            }
        },
    };
    let leaked = leaked_descriptors();
    let mut words: Vec<String> = Vec::new();
    if !leaked.is_empty() && Path::new(BASH).exists() {
        // Only bash can close any descriptor by its number.
        let close: String = leaked.iter().map(|n| format!(" {n}<&-")).collect();
        words.extend([BASH.to_owned(), "-c".to_owned(), format!("exec{close}; exec \"$0\" \"$@\"")]);
    }
    if let Some(user) = &user {
        user.take_over(inside)?;
        words.extend(user.wrapper());
    }
    words.push(program.to_owned());
    let (first, rest) = words.split_first().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(first);
    command.args(rest);
    if let Some(user) = user.filter(|user| user.wrapper().is_empty()) {
        command.gid(user.gid).uid(user.uid);
    }
    command.args(shell::arguments(inside)).env_clear().envs(&plan.spec.env).stdin(Stdio::null());
    let path = plan.spec.env.get("PATH").map_or("", String::as_str);
    command.env("PATH", format!("{path}:{}", inside.join(shell::PROGRAMS).display()));
    if let (true, Some(name)) = (is_first, &plan.spec.succeeding_variable) {
        command.env(name, "1");
    }
    // A later shell goes where the last one was; when that folder is gone, this is where it finds itself.
    let child = command.current_dir(&plan.spec.current_dir).spawn()?;
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(child.id()) => {
                return Ok(status_number(status));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Descriptors that whoever started the server has left open for everybody; ours all close themselves.
fn leaked_descriptors() -> Vec<u32> {
    const CLOEXEC: u32 = 0o2_000_000;
    let own = fs::read_dir("/proc/self/fdinfo").into_iter().flatten().flatten();
    let leaked = own.filter_map(|entry| {
        let number: u32 = entry.file_name().to_str()?.parse().ok()?;
        let text = fs::read_to_string(entry.path()).ok()?;
        let flags = text.lines().find_map(|l| l.strip_prefix("flags:"))?;
        (number > 2 && u32::from_str_radix(flags.trim(), 8).ok()? & CLOEXEC == 0).then_some(number)
    });
    leaked.collect()
}

fn status_number(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|s| 128 + s)).unwrap_or(1)
}

/// Kills everything below a process, again and again until there is nothing; for jobs without a PID namespace.
pub(super) fn kill_descendants(of: u32) {
    for _ in 0..1000 {
        let found = descendants(of);
        if found.is_empty() {
            return;
        }
        for pid in found.into_iter().filter_map(|pid| i32::try_from(pid).ok()).filter_map(Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        rustix::thread::sched_yield();
    }
}

/// The living ones.
fn descendants(of: u32) -> Vec<u32> {
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // The name is in brackets and may hold anything; state and parent follow the last bracket.
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let state = fields.next();
        if let (Some(parent), Some(state)) = (fields.next().and_then(|p| p.parse().ok()), state)
            && state != "Z"
        {
            parents.push((pid, parent));
        }
    }
    let mut found = vec![of];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, p)| *p == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.remove(0);
    found
}
