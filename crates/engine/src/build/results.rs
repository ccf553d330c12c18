//! What a build leaves besides its artifacts: reports and a cache.
//!
//! Deviation: a cache's key is settled before the build's shell begins, so it holds variables and `codebuild-hash-files`
//! and no other command; without paths nothing is kept.

use std::collections::BTreeMap;
use std::path::Path;

use base::{JobStep, StepFailure};
use formats::buildspec::Buildspec;
use serde::{Deserialize, Serialize};

use super::{Context, Place, Request, SourceKind};

/// What UPLOAD_ARTIFACTS does besides storing artifacts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    pub project: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<ReportPlan>,
    /// Pattern of files that are reported when they look like reports.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discover: Option<String>,
    /// Present when the build's end fills the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache: Option<CachePlan>,
    /// Why there are no artifacts, when that was known before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Context>,
}

/// One report group's files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportPlan {
    /// A group's ARN, or the part of its name behind the project's.
    pub group: String,
    pub files: Vec<String>,
    /// Relative to the source folder; may hold patterns.
    pub base_directory: Option<String>,
    /// Names of exported files are without their folders.
    #[serde(default)]
    pub discard_paths: bool,
    /// The format as the buildspec names it.
    pub format: String,
}

/// What is kept from build to build, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachePlan {
    pub place: CachePlace,
    /// Whose builds share it: a project's name, or what projects agreed on.
    pub namespace: String,
    /// Patterns: relative to the source folder, or absolute.
    pub paths: Vec<String>,
    /// With variables put in; may hold `$(codebuild-hash-files ...)`.
    pub key: Option<String>,
    pub fallback_keys: Vec<String>,
    pub restores: bool,
    pub saves: bool,
}

/// Where a cache is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CachePlace {
    /// Archives below this key.
    S3(Place),
    /// Archives in a folder of the server.
    Local,
}

/// The reports that a buildspec asks for. `expand` puts variables into the names of groups.
pub(super) fn reports(spec: &Buildspec, expand: impl Fn(&str) -> Result<String, String>) -> Vec<ReportPlan> {
    let plan = |report: &formats::buildspec::Report| ReportPlan {
        group: expand(&report.group).unwrap_or_else(|_| report.group.clone()),
        files: report.files.clone(),
        base_directory: report.base_directory.clone(),
        discard_paths: report.discard_paths,
        format: report.file_format.name().to_owned(),
    };
    spec.reports.iter().map(plan).collect()
}

/// Where reports are looked for that no section names.
///
/// Deviation: CodeBuild looks for them in every build; here in those that set one of its two variables for it, because
/// looking at every file takes longer than many a build.
pub(super) fn discover(env: &BTreeMap<String, String>) -> Option<String> {
    let switch = env.get("CODEBUILD_CONFIG_AUTO_DISCOVER").map(|value| value.trim().eq_ignore_ascii_case("true"));
    let place = env.get("CODEBUILD_CONFIG_AUTO_DISCOVER_DIR").map(|dir| dir.trim()).filter(|dir| !dir.is_empty());
    match (switch, place) {
        (Some(false), _) | (None, None) => None,
        (Some(true), None) => Some("**/*".to_owned()),
        (Some(true) | None, Some(place)) => Some(place.to_owned()),
    }
}

/// What the project's cache and the buildspec's section come to, with lines for the log. `expand` puts variables in.
pub(super) fn cache(
    request: &Request,
    spec: &Buildspec,
    expand: impl Fn(&str) -> Result<String, String>,
) -> (Option<CachePlan>, Vec<String>) {
    let asked = |pointer: &str| request.echo.pointer(pointer).and_then(serde_json::Value::as_str);
    let kind = asked("/cache/type").unwrap_or("NO_CACHE");
    let mut notes = Vec::new();
    let place = match kind {
        "S3" => {
            let location = asked("/cache/location").unwrap_or_default();
            let location = location.strip_prefix("arn:aws:s3:::").unwrap_or(location);
            let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
            Some(CachePlace::S3(Place { bucket: bucket.to_owned(), key: prefix.trim_matches('/').to_owned() }))
        }
        "LOCAL" => {
            if request.has_local_cache("LOCAL_SOURCE_CACHE") {
                notes.extend(source_cache_note(request));
            }
            // What becomes of LOCAL_DOCKER_LAYER_CACHE says whoever knows whether the build has a container engine.
            request.has_local_cache("LOCAL_CUSTOM_CACHE").then_some(CachePlace::Local)
        }
        _ => None,
    };
    let (Some(place), Some(spec)) = (place, spec.cache.as_ref().filter(|cache| !cache.paths.is_empty())) else {
        if kind == "S3" || request.has_local_cache("LOCAL_CUSTOM_CACHE") {
            notes.push(format!("cache {kind} keeps nothing: the buildspec lists no cache paths"));
        }
        return (None, notes);
    };
    let mut keys = Vec::new();
    for key in spec.key.iter().chain(&spec.fallback_keys) {
        match expand(key) {
            Ok(key) => keys.push(key),
            Err(why) => {
                notes.push(format!("the cache is not used: key '{key}' {why}"));
                return (None, notes);
            }
        }
    }
    let key = spec.key.is_some().then(|| keys.remove(0));
    let saves = spec.action.saves() && request.may_fill_caches();
    if spec.action.saves() && !saves {
        notes.push("the cache is not written: the build is of a pull request".to_owned());
    }
    let namespace = request.cache_namespace().to_owned();
    let plan = CachePlan {
        place,
        namespace,
        paths: spec.paths.clone(),
        key,
        fallback_keys: keys,
        restores: spec.action.restores(),
        saves,
    };
    (Some(plan), notes)
}

/// Why keeping the history of sources spares nothing.
fn source_cache_note(request: &Request) -> Option<String> {
    let why = match &request.source.kind {
        SourceKind::Git(git) if git.depth.is_none() => return None,
        SourceKind::Git(_) => "has no effect with gitCloneDepth, which fetches little in any case",
        SourceKind::CodeCommit { .. } => "is not needed: the repository is at hand on this server",
        SourceKind::NoSource | SourceKind::S3(_) | SourceKind::Pipeline { .. } | SourceKind::Local { .. } => {
            "has no effect: the source is no git repository"
        }
    };
    Some(format!("cache mode LOCAL_SOURCE_CACHE {why}"))
}

impl Request {
    /// Whether the project asks for this mode of a local cache.
    pub fn has_local_cache(&self, mode: &str) -> bool {
        let modes = self.echo.pointer("/cache/modes").and_then(serde_json::Value::as_array);
        self.echo.pointer("/cache/type").and_then(serde_json::Value::as_str) == Some("LOCAL")
            && modes.is_some_and(|modes| modes.iter().any(|m| m == mode))
    }

    /// The name that the project's caches go by.
    pub fn cache_namespace(&self) -> &str {
        let asked = self.echo.pointer("/cache/cacheNamespace").and_then(serde_json::Value::as_str);
        asked.filter(|name| !name.is_empty()).unwrap_or(&self.project)
    }

    /// Whether what the build leaves may reach other builds. A pull request is built before anybody has agreed to it: one
    /// that a webhook brought is known whatever its version looks like, one that somebody names by its version.
    pub fn may_fill_caches(&self) -> bool {
        let names = |version: &str| PULL_REQUESTS.iter().any(|prefix| version.starts_with(prefix));
        let mut sources = std::iter::once(&self.source).chain(&self.secondary_sources);
        !self.is_proposed && !sources.any(|source| source.version.as_deref().is_some_and(names))
    }
}

/// How the versions begin that name a pull request, at all hosts.
const PULL_REQUESTS: [&str; 4] = ["pr/", "mr/", "refs/pull/", "refs/merge-requests/"];

/// Puts variables into a key. `$(codebuild-hash-files ...)` stays, for whoever sees the files; other commands are not
/// run, because a key is settled before the build's shell begins.
pub(super) fn expand_key(text: &str, env: &BTreeMap<String, String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['$', '`']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        if from.starts_with('`') {
            return Err("holds a command other than codebuild-hash-files".to_owned());
        }
        let after = from.get(1..).unwrap_or_default();
        if let Some(command) = after.strip_prefix('(') {
            let end = command.find(')').ok_or("holds a command that does not end")?;
            let (command, left) = command.split_at(end);
            if !command.trim_start().starts_with("codebuild-hash-files") {
                return Err("holds a command other than codebuild-hash-files".to_owned());
            }
            out.push_str(&format!("$({})", command.trim()));
            rest = left.get(1..).unwrap_or_default();
            continue;
        }
        let (name, left) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or("holds a variable that does not end")?,
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        if name.is_empty() {
            out.push('$');
        } else {
            out.push_str(env.get(name).map_or("", String::as_str));
        }
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

impl CachePlan {
    /// Where the job finds what was restored, and where it leaves what only it can see.
    pub const IN: &'static str = "cache-in";
    pub const OUT: &'static str = "cache-out";

    /// Steps of ours around those of the buildspec.
    pub(super) fn add_steps(&self, steps: &mut Vec<JobStep>, work_dir: &Path, source_dir: &Path) {
        let step = |name: &str, commands: Vec<String>| JobStep {
            name: name.to_owned(),
            commands,
            on_failure: StepFailure::Continue,
            quiet: true,
            ..JobStep::default()
        };
        if self.restores {
            steps.insert(0, step("RESTORE_CACHE", self.restore_commands(work_dir, source_dir)));
        }
        let save = self.save_commands(work_dir);
        if self.saves && !save.is_empty() {
            steps.push(step("SAVE_CACHE", save));
        }
    }

    /// Commands that put what was restored where it belongs, inside the job.
    fn restore_commands(&self, work_dir: &Path, source_dir: &Path) -> Vec<String> {
        let from = quoted(&work_dir.join(CachePlan::IN).to_string_lossy());
        let source = quoted(&source_dir.to_string_lossy());
        vec![format!(
            "if [ -d {from} ]; then\nif [ -d {from}/src ]; then cp -RP {from}/src/. {source}/; fi\n\
             if [ -d {from}/abs ]; then cp -RP {from}/abs/. /; fi\nrm -rf {from}\nfi\n:"
        )]
    }

    /// Commands that put what lies outside of the job's folder where it can be seen from outside of the job.
    fn save_commands(&self, work_dir: &Path) -> Vec<String> {
        let to = work_dir.join(CachePlan::OUT);
        let mut roots: Vec<&str> = self.paths.iter().filter(|p| p.starts_with('/')).map(|p| fixed_part(p)).collect();
        roots.sort_unstable();
        roots.dedup();
        let commands = roots.into_iter().map(|root| {
            let parent = root.rsplit_once('/').map_or("", |(parent, _)| parent);
            let into = quoted(&format!("{}{parent}", to.to_string_lossy()));
            let root = quoted(root);
            format!(
                "if [ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] && [ -e {root} ]; then mkdir -p {into} && cp -RP {root} {into}/; \
                 fi\n:"
            )
        });
        commands.collect()
    }

    /// Patterns below the source folder.
    pub fn relative_paths(&self) -> Vec<String> {
        let mut found: Vec<String> = self.paths.iter().filter(|p| !p.starts_with('/')).cloned().collect();
        // A folder's name alone means all that is in it.
        found.extend(found.clone().iter().map(|p| format!("{}/**/*", p.trim_end_matches('/'))));
        found
    }

    /// Absolute patterns, without the slash that they begin with.
    pub fn absolute_paths(&self) -> Vec<String> {
        let absolute = self.paths.iter().filter(|p| p.starts_with('/'));
        let mut found: Vec<String> = absolute.map(|p| p.trim_start_matches('/').to_owned()).collect();
        found.extend(found.clone().iter().map(|p| format!("{}/**/*", p.trim_end_matches('/'))));
        found
    }
}

/// The folders of an absolute pattern before the first that is a pattern itself.
fn fixed_part(pattern: &str) -> &str {
    let end = match pattern.find(['*', '?', '[', '{']) {
        Some(at) => pattern.get(..at).and_then(|head| head.rfind('/')).unwrap_or(0),
        None => pattern.trim_end_matches('/').len(),
    };
    pattern.get(..end).unwrap_or_default()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_key_are_put_in_and_other_commands_are_refused() {
        let env = BTreeMap::from([("A".to_owned(), "1".to_owned()), ("B_C".to_owned(), "x y".to_owned())]);
        for (text, expanded) in [
            ("npm-$A-${B_C}-$NONE-", "npm-1-x y--"),
            ("k-$( codebuild-hash-files 'a/**' b )-$A", "k-$(codebuild-hash-files 'a/**' b)-1"),
            ("cost $ 5", "cost $ 5"),
        ] {
            assert_eq!(expand_key(text, &env).as_deref(), Ok(expanded));
        }
        for text in ["$(date)", "`date`", "$(codebuild-hash-files", "${A"] {
            assert!(expand_key(text, &env).is_err(), "{text}");
        }
    }

    #[test]
    fn what_lies_outside_is_copied_from_the_folder_before_the_first_pattern() {
        for (pattern, fixed) in [
            ("/root/.m2/**/*", "/root/.m2"),
            ("/root/.cache/pip", "/root/.cache/pip"),
            ("/opt/a*/b", "/opt"),
            ("/*", ""),
        ] {
            assert_eq!(fixed_part(pattern), fixed);
        }
        let plan = CachePlan {
            place: CachePlace::Local,
            namespace: "p".to_owned(),
            paths: vec!["/root/.m2/**/*".to_owned(), "node_modules".to_owned(), "/root/.m2/x".to_owned()],
            key: None,
            fallback_keys: Vec::new(),
            restores: true,
            saves: true,
        };
        let commands = plan.save_commands(Path::new("/w/it's"));
        assert_eq!(
            commands[0],
            "if [ \"$CODEBUILD_BUILD_SUCCEEDING\" = 1 ] && [ -e '/root/.m2' ]; then mkdir -p \
             '/w/it'\\''s/cache-out/root' && cp -RP '/root/.m2' '/w/it'\\''s/cache-out/root'/; fi\n:"
        );
        assert_eq!(commands.len(), 2);
        assert_eq!(plan.relative_paths(), ["node_modules", "node_modules/**/*"]);
    }
}
