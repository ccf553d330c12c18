//! Which files become artifacts, and where they go.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use formats::buildspec::{ArtifactSpec, Artifacts};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use super::{ArtifactTarget, Context, OutputSection, Request};

/// One set of files and its destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactPlan {
    pub identifier: Option<String>,
    pub files: Vec<String>,
    pub exclude: Vec<String>,
    /// Relative to the source folder; may hold patterns.
    pub base_directory: Option<String>,
    pub discard_paths: bool,
    pub keep_symlinks: bool,
    pub bucket: String,
    /// The zip's key, or the folder's without a slash at the end (empty = the bucket's root).
    pub key: String,
    pub packaging: Packaging,
    /// The variable whose value takes the place of the key's last part, when the name needs a shell.
    pub name_variable: Option<String>,
}

/// How artifacts are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packaging {
    Zip,
    Folder,
}

impl ArtifactPlan {
    /// The plan with its name as the shell expanded it.
    pub(super) fn named(&self, values: &BTreeMap<String, String>) -> ArtifactPlan {
        let mut plan = self.clone();
        if let Some(name) = self.name_variable.as_ref().and_then(|v| values.get(v)).filter(|n| !n.trim().is_empty()) {
            let folder = self.key.rsplit_once('/').map_or("", |(folder, _)| folder);
            plan.key = join(&[folder, name.trim()]);
        }
        plan
    }

    /// The plan with its paths as the shell expanded them: `texts` has each with the variable that holds what it became.
    /// A path within the source folder may be absolute: `$CODEBUILD_SRC_DIR/out`.
    pub(super) fn expanded(
        mut self,
        texts: &[(String, String)],
        values: &BTreeMap<String, String>,
        source_dir: &Path,
    ) -> ArtifactPlan {
        let expand = |text: &mut String| {
            let variable = texts.iter().find(|(written, _)| written == text).map(|(_, variable)| variable);
            if let Some(value) = variable.and_then(|variable| values.get(variable)) {
                value.clone_into(text);
            }
            if let Ok(relative) = Path::new(text.as_str()).strip_prefix(source_dir) {
                *text = relative.to_string_lossy().into_owned();
            }
        };
        self.files.iter_mut().chain(&mut self.exclude).chain(&mut self.base_directory).for_each(expand);
        // What became of a variable that is not set matches nothing.
        self.files.retain(|file| !file.is_empty());
        self.base_directory = self.base_directory.filter(|base| !base.is_empty());
        self
    }

    /// The paths that only a shell can tell.
    pub(super) fn texts_for_shell(&self) -> impl Iterator<Item = &String> {
        let all = self.files.iter().chain(&self.exclude).chain(&self.base_directory);
        all.filter(|text| text.contains(['$', '`']))
    }
}

/// The sets that the request's targets want of the buildspec; or why UPLOAD_ARTIFACTS must fail.
pub(super) fn plan(request: &Request, artifacts: Option<&Artifacts>) -> Result<Vec<ArtifactPlan>, Context> {
    let mut sets = Vec::new();
    for target in std::iter::once(&request.artifacts).chain(&request.secondary_artifacts) {
        match target {
            ArtifactTarget::NoArtifacts => {}
            ArtifactTarget::S3 { identifier, bucket, name, override_name, zip, by_build_id, .. } => {
                let spec = match identifier {
                    None => artifacts.map(|a| &a.primary),
                    Some(id) => Some(secondary(artifacts, id)?),
                };
                // The section is optional: a build may be run for its commands alone.
                let Some(spec) = spec.filter(|s| !s.files.is_empty()) else { continue };
                let wanted = spec.name.as_deref().filter(|_| *override_name).unwrap_or(name);
                let needs_shell = wanted.contains(['$', '`']);
                let key = destination_key(target, &request.uuid, wanted);
                let packaging = if *zip { Packaging::Zip } else { Packaging::Folder };
                let variable = needs_shell.then(|| format!("HEADWORKS_ARTIFACT_NAME_{}", sets.len()));
                let mut set = set(identifier.clone(), spec, bucket, key, packaging, variable);
                // As published: `PREFIX/BUILD-ID/NAME`; without the build's id it has no meaning.
                if let Some(prefix) = spec.s3_prefix.as_ref().filter(|_| *by_build_id) {
                    set.key = join(&[prefix, &set.key]);
                }
                sets.push(set);
            }
            ArtifactTarget::Pipeline(outputs) => {
                for output in outputs {
                    let spec = match (&output.section, outputs.len()) {
                        (OutputSection::ByNumber, 1) | (OutputSection::Primary, _) => {
                            artifacts.map(|a| &a.primary).ok_or_else(no_match)?
                        }
                        (OutputSection::ByNumber, _) => secondary(artifacts, &output.name)?,
                        (OutputSection::Secondary(identifier), _) => secondary(artifacts, identifier)?,
                    };
                    let (bucket, key) = (&output.place.bucket, output.place.key.clone());
                    sets.push(set(Some(output.name.clone()), spec, bucket, key, Packaging::Zip, None));
                }
            }
        }
    }
    Ok(sets)
}

fn secondary<'a>(artifacts: Option<&'a Artifacts>, identifier: &str) -> Result<&'a ArtifactSpec, Context> {
    let found = artifacts.and_then(|a| a.secondary.iter().find(|(id, _)| id == identifier));
    found.map(|(_, spec)| spec).ok_or_else(|| {
        Context::new("CLIENT_ERROR", format!("no definition for secondary artifact {identifier} in buildspec"))
    })
}

/// AWS's words for patterns that match nothing.
fn no_match() -> Context {
    Context::new("CLIENT_ERROR", "no matching artifact paths found")
}

fn set(
    identifier: Option<String>,
    spec: &ArtifactSpec,
    bucket: &str,
    key: String,
    packaging: Packaging,
    name_variable: Option<String>,
) -> ArtifactPlan {
    ArtifactPlan {
        identifier,
        files: spec.files.clone(),
        exclude: spec.exclude_paths.clone(),
        base_directory: spec.base_directory.clone(),
        discard_paths: spec.discard_paths,
        keep_symlinks: spec.enable_symlinks,
        bucket: bucket.to_owned(),
        key,
        packaging,
        name_variable,
    }
}

/// `[path/][build id/][name]`; a name of `/` stands for nothing.
pub fn destination_key(target: &ArtifactTarget, uuid: &str, name: &str) -> String {
    match target {
        ArtifactTarget::NoArtifacts | ArtifactTarget::Pipeline(_) => name.to_owned(),
        ArtifactTarget::S3 { path, by_build_id, .. } => join(&[path, if *by_build_id { uuid } else { "" }, name]),
    }
}

fn join(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts.iter().map(|p| p.trim_matches('/')).filter(|p| !p.is_empty()).collect();
    parts.join("/")
}

/// Decides by path which files belong to a set.
#[derive(Debug)]
pub struct FileMatcher {
    files: GlobSet,
    exclude: GlobSet,
    /// Folders that are excluded with all that is in them.
    shut: GlobSet,
    reaches: Vec<Reach>,
    /// A pattern names `.git` itself.
    wants_git: bool,
}

impl FileMatcher {
    /// Patterns are relative to the base directory: `**/*` is everything below it, `*` does not cross a slash.
    pub fn new(files: &[String], exclude: &[String]) -> Result<Self, String> {
        let wants_git = files.iter().any(|pattern| pattern.trim().trim_start_matches("./").starts_with(".git/"));
        let whole = |pattern: &String| {
            let pattern = pattern.trim();
            pattern.strip_suffix("/**/*").or(pattern.strip_suffix("/**")).map(str::to_owned)
        };
        let shut = set_of(&exclude.iter().filter_map(whole).collect::<Vec<_>>());
        Ok(FileMatcher {
            files: set_of(files)?,
            exclude: set_of(exclude)?,
            // What can be read with its end alone shuts nothing.
            shut: shut.unwrap_or_else(|_| GlobSet::empty()),
            reaches: files.iter().map(|pattern| Reach::of(pattern)).collect(),
            wants_git,
        })
    }

    /// True for a path (with `/`, relative to the base directory) that belongs to the set.
    ///
    /// Deviation: what lies in `.git` belongs to a set only when a pattern begins with `.git/`: nobody who writes
    /// `**/*` means the history.
    pub fn matches(&self, path: &str) -> bool {
        let of_git = path.split('/').any(|part| part == ".git");
        if of_git && !self.wants_git {
            return false;
        }
        self.files.is_match(path) && !self.exclude.is_match(path)
    }

    /// True for the path of a folder (as `matches` takes it) that has nothing for the set.
    pub fn passes_over(&self, folder: &str) -> bool {
        let of_git = folder.rsplit('/').next() == Some(".git");
        of_git && !self.wants_git
            || self.shut.is_match(folder)
            || !self.reaches.iter().any(|reach| reach.may_go_into(folder))
    }
}

/// Where the matches of a pattern can be.
#[derive(Debug)]
struct Reach {
    /// The folder that the pattern begins with.
    below: PathBuf,
    /// In so many folders at most.
    depth: usize,
}

impl Reach {
    fn of(pattern: &str) -> Reach {
        let relative = pattern.trim().trim_start_matches("./");
        let plain = |part: &&str| !part.contains(['*', '?', '[', '{', '\\']);
        let depth = if relative.contains("**") { usize::MAX } else { relative.matches('/').count() };
        Reach { below: relative.split('/').take_while(plain).collect(), depth }
    }

    fn may_go_into(&self, folder: &str) -> bool {
        let folder = Path::new(folder);
        folder.components().count() <= self.depth && (folder.starts_with(&self.below) || self.below.starts_with(folder))
    }
}

fn set_of(patterns: &[String]) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let relative = pattern.trim().trim_start_matches("./");
        let glob = GlobBuilder::new(relative)
            .literal_separator(true)
            .backslash_escape(true)
            .build()
            .map_err(|e| format!("the pattern '{pattern}' cannot be read: {}", e.kind()))?;
        set.add(glob);
    }
    set.build().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(files: &[&str], exclude: &[&str]) -> FileMatcher {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        FileMatcher::new(&own(files), &own(exclude)).unwrap()
    }

    #[test]
    fn two_stars_cross_folders_and_one_does_not() {
        let all = matcher(&["**/*"], &["**/*.tmp"]);
        for yes in ["a", ".hidden", "a/b/c.txt"] {
            assert!(all.matches(yes), "{yes}");
        }
        assert!(!all.matches("x/y.tmp"));
        assert!(!all.matches(".git/config") && !all.matches("sub/.git") && all.matches(".github/x"));
        assert!(matcher(&["./.git/**/*"], &[]).matches(".git/config"));
        let flat = matcher(&["./dist/*", "README.md"], &[]);
        assert!(flat.matches("dist/a") && flat.matches("README.md"));
        assert!(!flat.matches("dist/a/b") && !flat.matches("x/README.md"));
        let deep = matcher(&["dist/**/*"], &[]);
        assert!(deep.matches("dist/a") && deep.matches("dist/a/b") && !deep.matches("other"));
    }

    #[test]
    fn a_folder_is_passed_over_only_if_nothing_in_it_can_match() {
        for (files, exclude, into, over) in [
            (&["**/*"][..], &[][..], &["a", "a/b/c"][..], &[".git", "a/.git"][..]),
            (&["dist/**/*"], &[], &["dist", "dist/a/b"], &["distant", "other", "a/dist"]),
            (&["./a/b/*.js"], &[], &["a", "a/b"], &["a/c", "a/b/c", "b"]),
            (&["*/x", "b/{c,d/e}/f"], &[], &["a", "b/d/e"], &["a/b", "c/d"]),
            (&["a/b"], &[], &["a"], &["a/b", "b"]),
            (&["a\\/b"], &[], &["a"], &[]),
            (&["**/*"], &["**/node_modules/**/*", "out/**", "x/*"], &["a", "x", "outer"], &["out", "a/node_modules"]),
            (&["**/*"], &["a\\/**", "**/*.tmp"], &["a", "b.tmp"], &[]),
        ] {
            let matcher = matcher(files, exclude);
            for folder in into {
                assert!(!matcher.passes_over(folder), "{files:?} {folder}");
            }
            for folder in over {
                assert!(matcher.passes_over(folder), "{files:?} {folder}");
            }
        }
    }

    #[test]
    fn the_key_has_path_build_and_name() {
        let target = |path: &str, by_build_id| ArtifactTarget::S3 {
            identifier: None,
            bucket: "b".to_owned(),
            path: path.to_owned(),
            by_build_id,
            name: String::new(),
            override_name: false,
            zip: true,
        };
        assert_eq!(destination_key(&target("/out/", true), "u-1", "a.zip"), "out/u-1/a.zip");
        assert_eq!(destination_key(&target("", false), "u-1", "a.zip"), "a.zip");
        assert_eq!(destination_key(&target("out", true), "u-1", "/"), "out/u-1");
    }
}
