//! Tells followers that something has changed in a job's folder: one inotify instance for all of them, because a user may
//! have only a hundred or so.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A journal grows, is closed by a dying shim, or an outcome is moved in.
const EVENTS: WatchFlags = WatchFlags::MODIFY
    .union(WatchFlags::CLOSE_WRITE)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::ONLYDIR);

type Watched = Mutex<HashMap<i32, Entry>>;

struct Entry {
    followers: usize,
    changed: watch::Sender<()>,
}

/// The shared instance.
pub(super) struct Watcher {
    fd: Arc<AsyncFd<OwnedFd>>,
    watched: Arc<Watched>,
    task: JoinHandle<()>,
}

/// One follower's interest in one folder.
pub(super) struct Subscription {
    watcher: Arc<Watcher>,
    descriptor: i32,
    changed: watch::Receiver<()>,
}

impl Watcher {
    /// Must be called in a tokio runtime, which then does the waiting.
    #[expect(deprecated, reason = "its safe form is sound here: the descriptor is owned and never replaced")]
    pub fn start() -> io::Result<Arc<Watcher>> {
        let fd = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let fd = Arc::new(AsyncFd::new(fd)?);
        let watched = Arc::new(Watched::default());
        let task = tokio::spawn(deliver(fd.clone(), watched.clone()));
        Ok(Arc::new(Watcher { fd, watched, task }))
    }

    pub fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }

    /// From now on no change of the folder is missed.
    pub fn subscribe(self: &Arc<Self>, dir: &Path) -> io::Result<Subscription> {
        let mut watched = lock(&self.watched);
        // The kernel gives the same descriptor for the same folder.
        let descriptor = inotify::add_watch(self.fd.get_ref(), dir, EVENTS)?;
        let entry =
            watched.entry(descriptor).or_insert_with(|| Entry { followers: 0, changed: watch::Sender::new(()) });
        entry.followers += 1;
        let changed = entry.changed.subscribe();
        Ok(Subscription { watcher: self.clone(), descriptor, changed })
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Subscription {
    /// Waits for a change since the last call.
    pub async fn changed(&mut self) {
        // An error means that the watch is gone with its folder: then looking again is right, too.
        let _ = self.changed.changed().await;
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut watched = lock(&self.watcher.watched);
        let Some(entry) = watched.get_mut(&self.descriptor) else { return };
        entry.followers -= 1;
        if entry.followers == 0 {
            watched.remove(&self.descriptor);
            let _ = inotify::remove_watch(self.watcher.fd.get_ref(), self.descriptor);
        }
    }
}

async fn deliver(fd: Arc<AsyncFd<OwnedFd>>, watched: Arc<Watched>) {
    let mut buffer = [MaybeUninit::uninit(); 16 << 10];
    loop {
        let Ok(mut ready) = fd.readable().await else { return };
        let mut events = inotify::Reader::new(fd.get_ref(), &mut buffer);
        loop {
            match events.next() {
                Ok(event) => {
                    let watched = lock(&watched);
                    if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                        watched.values().for_each(|entry| entry.changed.send_replace(()));
                    } else if let Some(entry) = watched.get(&event.wd()) {
                        entry.changed.send_replace(());
                    }
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break ready.clear_ready(),
                Err(_) => return,
            }
        }
    }
}

fn lock(watched: &Watched) -> MutexGuard<'_, HashMap<i32, Entry>> {
    watched.lock().unwrap_or_else(PoisonError::into_inner)
}
