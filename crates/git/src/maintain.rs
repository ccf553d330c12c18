//! Upkeep: few packs instead of one per push.

use std::ffi::OsStr;
use std::fs::{self, File};

use crate::process::{collect, git, spawn};
use crate::{Error, Repository, quarantine};

/// With more packs than this, reads slow down enough to pay for joining them.
const MANY_PACKS: usize = 40;

impl Repository {
    /// Deletes what a killed server left behind. To be called before the repository is served.
    pub fn recover(&self) -> Result<(), Error> {
        quarantine::sweep(self)
    }

    /// Joins packs if there are many. Safe beside reads and pushes; deletes no object. Tells whether it did anything.
    pub async fn maintain(&self) -> Result<bool, Error> {
        let packs = self.dir().join("objects/pack");
        let count = fs::read_dir(&packs)
            .map_err(Error::io("listing", &packs))?
            .filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "pack")))
            .count();
        if count <= MANY_PACKS {
            return Ok(false);
        }
        let path = self.dir().join("maintain.lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&path);
        let lock = lock.map_err(Error::io("opening", &path))?;
        // Held until the function ends; whoever has it does the work for us too.
        if lock.try_lock().is_err() {
            return Ok(false);
        }
        let args = ["repack", "-d", "-q", "--geometric=2"].map(OsStr::new);
        let mut child = spawn(&mut git(self.dir(), &args), "repack")?;
        drop(child.stdin.take());
        let stderr = collect(child.stderr.take()).await;
        let status = child.wait().await.map_err(Error::io("waiting for git repack in", self.dir()))?;
        if status.success() {
            return Ok(true);
        }
        Err(Error::Git { command: "repack", status: status.to_string(), stderr })
    }
}
