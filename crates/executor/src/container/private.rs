//! Images that were pulled with credentials: that the engine has them does not mean that every project may.
//!
//! Who asks for one of them (or comes with credentials) must be let in by the registry each time; layers that are here
//! already are not fetched again by that.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::RegistryLogin;

use crate::folder::write_durably;

/// How long a registry's word counts: from the look before a build to the build's start, and for a swarm of builds.
const ALLOWED_LIFE: Duration = Duration::from_secs(300);

/// What is known of images and credentials.
pub(super) struct PrivateImages {
    /// One name a line.
    file: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// `None` until the file is read.
    names: Option<BTreeSet<String>>,
    /// When a registry let somebody in, by [`key`].
    allowed: HashMap<String, Instant>,
}

impl PrivateImages {
    pub fn new(file: PathBuf) -> Self {
        PrivateImages { file, known: Mutex::default() }
    }

    /// Whether an image that the engine has may be used without asking its registry.
    pub fn may_use(&self, image: &str, login: Option<&RegistryLogin>) -> bool {
        let mut known = self.lock();
        let is_public = login.is_none() && !self.names(&mut known).contains(image);
        is_public || known.allowed.get(&key(image, login)).is_some_and(|since| since.elapsed() < ALLOWED_LIFE)
    }

    /// The registry has given the image to whoever came with `login`.
    pub fn allow(&self, image: &str, login: Option<&RegistryLogin>) -> io::Result<()> {
        let mut known = self.lock();
        let names = self.names(&mut known);
        let has_changed = match login {
            Some(_) => names.insert(image.to_owned()),
            // Everybody may have it.
            None => names.remove(image),
        };
        if has_changed {
            let text: String = names.iter().map(|name| format!("{name}\n")).collect();
            write_durably(&self.file, text.as_bytes())?;
        }
        known.allowed.retain(|_, since| since.elapsed() < ALLOWED_LIFE);
        known.allowed.insert(key(image, login), Instant::now());
        Ok(())
    }

    fn names<'k>(&self, known: &'k mut Known) -> &'k mut BTreeSet<String> {
        known.names.get_or_insert_with(|| {
            fs::read_to_string(&self.file).unwrap_or_default().lines().map(str::to_owned).collect()
        })
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One image for one user; a password that was mended makes another key.
pub(super) fn key(image: &str, login: Option<&RegistryLogin>) -> String {
    match login {
        None => image.to_owned(),
        Some(login) => {
            let who = base::derived_hex(&["registry", &login.username, login.password.expose()], 24);
            format!("{who}@{image}")
        }
    }
}

#[cfg(test)]
mod tests {
    use base::Secret;

    use super::*;

    fn login(password: &str) -> RegistryLogin {
        RegistryLogin { username: "u".into(), password: Secret::new(password.into()), server: None }
    }

    #[test]
    fn an_image_that_was_pulled_with_credentials_is_nobody_elses_also_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("private-images");
        let images = PrivateImages::new(file.clone());
        assert!(images.may_use("r/i:1", None), "pulled by hand, say");
        assert!(!images.may_use("r/i:1", Some(&login("p"))), "the registry has not said so");
        images.allow("r/i:1", Some(&login("p"))).unwrap();
        assert!(images.may_use("r/i:1", Some(&login("p"))));
        assert!(!images.may_use("r/i:1", Some(&login("q"))) && !images.may_use("r/i:1", None));
        let images = PrivateImages::new(file);
        assert!(!images.may_use("r/i:1", None) && images.may_use("r/i:2", None));
        images.allow("r/i:1", None).unwrap();
        assert!(images.may_use("r/i:1", None), "it has become public");
    }
}
