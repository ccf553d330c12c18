//! Images that were pulled with credentials: that the engine has them does not mean that every project may.
//!
//! Who asks for one of them (or comes with credentials) must be let in by the registry each time; layers that are here
//! already are not fetched again by that. An image has many names (with and without its tag or its registry, its digest, its
//! id), so what counts is the id of the image that a name leads to.

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
    /// One id a line; a name where an earlier version has written it.
    file: PathBuf,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// `None` until the file is read.
    ids: Option<BTreeSet<String>>,
    /// When a registry let somebody in, by [`key`].
    allowed: HashMap<String, Instant>,
}

impl PrivateImages {
    pub fn new(file: PathBuf) -> Self {
        PrivateImages { file, known: Mutex::default() }
    }

    /// Whether an image that the engine has may be used without asking its registry: the one that it takes the name
    /// `image` for.
    pub fn may_use(&self, image: &str, id: &str, login: Option<&RegistryLogin>) -> io::Result<bool> {
        let mut known = self.lock();
        let ids = self.ids(&mut known)?;
        let is_public = login.is_none() && !ids.contains(bare(id)) && !ids.contains(image);
        let is_let_in = || known.allowed.get(&key(bare(id), login)).is_some_and(|since| since.elapsed() < ALLOWED_LIFE);
        Ok(is_public || is_let_in())
    }

    /// The registry has given the image to whoever came with `login`.
    pub fn allow(&self, image: &str, id: &str, login: Option<&RegistryLogin>) -> io::Result<()> {
        let mut known = self.lock();
        let ids = self.ids(&mut known)?;
        let mut changed = ids.clone();
        match login {
            Some(_) => {
                changed.insert(bare(id).to_owned());
            }
            // Everybody may have it.
            None => changed.retain(|known| known != bare(id) && known != image),
        }
        if changed != *ids {
            let text: String = changed.iter().map(|id| format!("{id}\n")).collect();
            write_durably(&self.file, text.as_bytes())?;
            *ids = changed;
        }
        known.allowed.retain(|_, since| since.elapsed() < ALLOWED_LIFE);
        known.allowed.insert(key(bare(id), login), Instant::now());
        Ok(())
    }

    /// A list that cannot be read may name any image.
    fn ids<'k>(&self, known: &'k mut Known) -> io::Result<&'k mut BTreeSet<String>> {
        let ids = match known.ids.take() {
            Some(ids) => ids,
            None => match fs::read_to_string(&self.file) {
                Ok(text) => text.lines().map(str::to_owned).collect(),
                Err(e) if e.kind() == io::ErrorKind::NotFound => BTreeSet::new(),
                Err(e) => return Err(io::Error::new(e.kind(), format!("{}: {e}", self.file.display()))),
            },
        };
        Ok(known.ids.insert(ids))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Not every engine says of what kind an id is.
fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

/// One image for one user; a password that was mended makes another key.
pub(super) fn key(image: &str, login: Option<&RegistryLogin>) -> String {
    match login {
        None => image.to_owned(),
        Some(login) => {
            let who = base::derived_hex::<24>(&["registry", &login.username, login.password.expose()]);
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
        let may_use = |images: &PrivateImages, name: &str, id: &str, password: Option<&str>| {
            images.may_use(name, id, password.map(login).as_ref()).unwrap()
        };
        assert!(may_use(&images, "r/i:1", "sha256:1a", None), "pulled by hand, say");
        assert!(!may_use(&images, "r/i:1", "sha256:1a", Some("p")), "the registry has not said so");
        images.allow("r/i:1", "sha256:1a", Some(&login("p"))).unwrap();
        assert!(may_use(&images, "r/i:1", "sha256:1a", Some("p")));
        assert!(!may_use(&images, "r/i:1", "sha256:1a", Some("q")));
        let images = PrivateImages::new(file);
        for name in ["r/i:1", "r/i", "docker.io/r/i:1", "r/i@sha256:9", "1a", "sha256:1a"] {
            assert!(!may_use(&images, name, "1a", None), "{name}");
        }
        assert!(may_use(&images, "r/i:1", "sha256:2b", None), "the name is another image's now");
        images.allow("r/i", "sha256:1a", None).unwrap();
        assert!(may_use(&images, "r/i:1", "sha256:1a", None), "it has become public");
    }

    #[test]
    fn names_that_an_earlier_version_wrote_still_count() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("private-images");
        fs::write(&file, "r/i:1\n").unwrap();
        let images = PrivateImages::new(file);
        assert!(!images.may_use("r/i:1", "sha256:1a", None).unwrap());
        images.allow("r/i:1", "sha256:1a", None).unwrap();
        assert!(images.may_use("r/i:1", "sha256:1a", None).unwrap());
    }

    #[test]
    fn a_list_that_cannot_be_read_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let images = PrivateImages::new(dir.path().to_owned());
        assert!(images.may_use("r/i:1", "sha256:1a", None).unwrap_err().to_string().contains("directory"));
        assert!(images.allow("r/i:1", "sha256:1a", Some(&login("p"))).is_err());
    }
}
