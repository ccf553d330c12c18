//! What the `cache` section says.

/// What is kept from build to build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    /// Patterns: relative to the source folder, or absolute.
    pub paths: Vec<String>,
    /// Shell expansions are allowed, `$(codebuild-hash-files package-lock.json)` among them.
    pub key: Option<String>,
    /// Prefixes to look for, in this order, when there is nothing under the key.
    pub fallback_keys: Vec<String>,
    pub action: CacheAction,
}

impl Cache {
    /// How many fallback keys CodeBuild looks at.
    pub const MAX_FALLBACK_KEYS: usize = 5;
}

/// Which halves of caching happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheAction {
    #[default]
    RestoreAndSave,
    Restore,
    Save,
}

impl CacheAction {
    /// True when the build begins with what is in the cache.
    pub fn restores(self) -> bool {
        self != CacheAction::Save
    }

    /// True when the build's end fills the cache.
    pub fn saves(self) -> bool {
        self != CacheAction::Restore
    }
}
