//! What is to be run: the flags, checked, with all that can be found out before anything is started.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use engine::build::Phase;
use formats::buildspec::{self, Buildspec};

use super::aws::{self, OwnAws};
use super::own_values::Wanted;
use super::{Flags, env_file, secrets};
use crate::cli::CliError;

/// A buildspec is text that somebody wrote; more than this is something else.
const MAX_BUILDSPEC_BYTES: u64 = 1 << 20;
/// What a build is shown to have when no image is asked for.
pub const DEFAULT_IMAGE: &str = "aws/codebuild/standard:7.0";

const MINUTES: u32 = 60;
/// Whoever looks at a failed build takes part of the build's time.
const SHELL_MINUTES: u32 = 480;

/// One build to run.
#[derive(Clone, Debug)]
pub struct Order {
    /// The project's name, made of the folder's.
    pub name: String,
    /// All folders are absolute and without links.
    pub source: PathBuf,
    /// The build works in the sources' folders themselves.
    pub in_place: bool,
    /// Identifier and folder.
    pub secondary: Vec<(String, PathBuf)>,
    pub buildspec: Given,
    pub variables: Vec<(String, String)>,
    /// Values of parameters and secrets.
    pub secrets: Vec<secrets::Given>,
    /// Where artifacts are unpacked to.
    pub artifacts: Option<PathBuf>,
    /// Where the files of reports are put.
    pub reports: Option<PathBuf>,
    pub last_phase: Option<Phase>,
    pub image: String,
    pub privileged: bool,
    pub timeout_minutes: u32,
    /// The builds of the batch section, instead of the one build.
    pub batch: bool,
    /// A shell is opened where it fails.
    pub shell: bool,
    /// This machine's AWS in place of a private one.
    pub aws: Option<OwnAws>,
    /// Values that are asked for in that AWS.
    pub own_values: Option<Wanted>,
}

/// The buildspec.
#[derive(Clone, Debug)]
pub struct Given {
    /// The file on this machine.
    pub file: PathBuf,
    /// What a project's `buildspec` says: the path in the source, or the text of a file from elsewhere.
    pub member: String,
    /// `None` when it has errors: the build says which.
    pub spec: Option<Buildspec>,
}

impl Order {
    /// Checks the flags. `own` gives the variables of this process.
    pub fn of(flags: &Flags, own: impl Fn(&str) -> Option<String>) -> Result<Order, CliError> {
        refuse_unbuilt(flags)?;
        let (primary, secondary) = sources(flags)?;
        let source = folder("source", &primary)?;
        let named = flags.buildspec.as_ref().or(flags.buildspec_flag.as_ref());
        let buildspec = given(&source, named.map(PathBuf::as_path))?;
        if flags.batch && buildspec.spec.as_ref().is_some_and(|spec| spec.batch.is_none()) {
            let why = format!("{} has no batch section, so there is no batch to run", buildspec.file.display());
            return Err(CliError::user(why).hint("leave --batch out to run its one build"));
        }
        let variables = variables(flags, &own)?;
        let given = flags.secrets.iter().map(|text| secrets::flag(text, &own));
        let secrets = given.collect::<Result<Vec<_>, _>>()?;
        let aws = (flags.aws || flags.profile.is_some()).then(|| aws::own(flags.profile.as_deref()));
        let own_values = match &aws {
            Some(aws) => Wanted::of(buildspec.spec.as_ref(), aws, &secrets, &variables)?,
            None => secrets::check(buildspec.spec.as_ref(), &secrets).map(|()| None)?,
        };
        Ok(Order {
            name: project_name(&source),
            source,
            in_place: flags.mount_source,
            secondary,
            buildspec,
            variables,
            secrets,
            artifacts: flags.artifacts.clone(),
            reports: flags.reports.clone(),
            last_phase: flags.phase.as_deref().map(phase).transpose()?,
            image: flags.image.clone().unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            privileged: flags.privileged,
            timeout_minutes: flags.timeout.unwrap_or(if flags.shell { SHELL_MINUTES } else { MINUTES }),
            batch: flags.batch,
            shell: flags.shell,
            aws,
            own_values,
        })
    }

    /// What the builds of a pipeline have in common. `file` is the pipeline's.
    pub fn of_pipeline(flags: &Flags, file: PathBuf, own: impl Fn(&str) -> Option<String>) -> Result<Order, CliError> {
        let source = folder("source", Path::new(flags.sources.first().map_or(".", String::as_str)))?;
        Ok(Order {
            name: project_name(&source),
            source,
            in_place: false,
            secondary: Vec::new(),
            buildspec: Given { file, member: String::new(), spec: None },
            variables: variables(flags, &own)?,
            secrets: flags.secrets.iter().map(|text| secrets::flag(text, &own)).collect::<Result<Vec<_>, _>>()?,
            artifacts: flags.artifacts.clone(),
            reports: None,
            last_phase: None,
            image: flags.image.clone().unwrap_or_else(|| DEFAULT_IMAGE.to_owned()),
            privileged: flags.privileged,
            timeout_minutes: flags.timeout.unwrap_or(MINUTES),
            batch: false,
            shell: false,
            aws: None,
            own_values: None,
        })
    }

    /// Every source's folder.
    pub fn folders(&self) -> Vec<PathBuf> {
        std::iter::once(&self.source).chain(self.secondary.iter().map(|(_, folder)| folder)).cloned().collect()
    }
}

fn variables(flags: &Flags, own: impl Fn(&str) -> Option<String>) -> Result<Vec<(String, String)>, CliError> {
    let mut variables = Vec::new();
    for file in &flags.env_file {
        variables.extend(env_file::read(file)?);
    }
    for text in &flags.env {
        variables.push(env_file::flag(text, &own)?);
    }
    Ok(variables)
}

/// What is asked for and would not happen.
fn refuse_unbuilt(flags: &Flags) -> Result<(), CliError> {
    if flags.mount_source && flags.batch {
        return Err(CliError::user(
            "-m (--mount-source) is for one build: those of a batch would write over one another",
        )
        .hint("leave it out: each build works on a copy of its own then"));
    }
    if flags.mount_source && flags.watch {
        return Err(CliError::user(
            "-m (--mount-source) cannot be watched: what the build writes would start it again",
        )
        .hint("leave it out: the build works on a copy then"));
    }
    let with_batch = [("--phase", flags.phase.is_some()), ("--shell", flags.shell)];
    if let Some((flag, _)) = with_batch.into_iter().find(|(_, given)| *given && flags.batch) {
        return Err(CliError::user(format!("{flag} is for one build, not for a batch")));
    }
    Ok(())
}

/// The primary source and the secondary ones. As with codebuild_build.sh, the first `-s` is the primary source and those
/// behind it are `ID:DIR`.
fn sources(flags: &Flags) -> Result<(PathBuf, Vec<(String, PathBuf)>), CliError> {
    let mut given = flags.sources.iter();
    let primary = given.next().map_or_else(|| PathBuf::from("."), PathBuf::from);
    let behind = given.map(|text| (text, text.split_once(':'), "-s", "ID:DIR"));
    let named = flags.secondary_sources.iter().map(|text| (text, text.split_once('='), "--secondary-source", "ID=DIR"));
    let (mut secondary, mut seen) = (Vec::new(), BTreeSet::new());
    for (text, parts, flag, form) in behind.chain(named) {
        let (id, dir) = parts.ok_or_else(|| CliError::user(format!("{flag} '{text}' is not {form}")))?;
        let plain = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if id.is_empty() || id.len() >= 128 || !plain {
            let why = "letters, digits and _ make one, fewer than 128";
            return Err(CliError::user(format!("{flag}: '{id}' is no identifier of a source: {why}")));
        }
        if !seen.insert(id.to_owned()) {
            return Err(CliError::user(format!("{flag}: the source {id} is given twice")));
        }
        secondary.push((id.to_owned(), folder(&format!("source {id}"), Path::new(dir))?));
    }
    Ok((primary, secondary))
}

pub(super) fn folder(what: &str, path: &Path) -> Result<PathBuf, CliError> {
    let bad = |why: String| CliError::user(format!("the {what} {}: {why}", path.display()));
    let real = path.canonicalize().map_err(|e| bad(e.to_string()))?;
    if !real.is_dir() {
        return Err(
            bad("it is not a folder".to_owned()).hint("name the folder with --source and the buildspec by itself")
        );
    }
    if real.to_str().is_none() {
        return Err(bad("its path is not text in UTF-8".to_owned()));
    }
    Ok(real)
}

/// A named buildspec is looked for from here, then in the source.
pub(super) fn given(source: &Path, named: Option<&Path>) -> Result<Given, CliError> {
    let candidates = match named {
        None => vec![source.join("buildspec.yml")],
        Some(named) => vec![named.to_owned(), source.join(named)],
    };
    let Some(file) = candidates.iter().find_map(|path| path.canonicalize().ok().filter(|real| real.is_file())) else {
        let shown = candidates.first().map(|path| path.display().to_string()).unwrap_or_default();
        return Err(CliError::user(format!("there is no buildspec at {shown}"))
            .hint("name it: headworks run FILE; its folder may be given with --source DIR"));
    };
    let bad = |why: String| CliError::user(format!("cannot read the buildspec {}: {why}", file.display()));
    if file.metadata().map_err(|e| bad(e.to_string()))?.len() > MAX_BUILDSPEC_BYTES {
        return Err(bad(format!("it has more than {MAX_BUILDSPEC_BYTES} bytes")));
    }
    let text = std::fs::read(&file).map_err(|e| bad(e.to_string()))?;
    let text = String::from_utf8(text).map_err(|_| bad("it is not text in UTF-8".to_owned()))?;
    let (spec, _) = buildspec::read(&text);
    let inside = file.strip_prefix(source).ok().and_then(Path::to_str);
    let member = match inside.filter(|path| is_taken_for_a_path(path)) {
        Some(path) => path.to_owned(),
        // With a line's end even an empty file is taken for a text.
        None => format!("{text}\n"),
    };
    Ok(Given { file, member, spec })
}

/// A project's `buildspec` may be a path, a text or the ARN of an object; its looks decide.
fn is_taken_for_a_path(path: &str) -> bool {
    !(path.contains('\n') || path.contains("version:") || path.starts_with('{') || path.starts_with("arn:"))
}

fn phase(name: &str) -> Result<Phase, CliError> {
    let wanted = name.to_ascii_uppercase().replace('-', "_");
    Phase::of_step(&wanted).ok_or_else(|| {
        CliError::user(format!("--phase {name}: there is no such phase"))
            .hint("a buildspec's phases are install, pre_build, build and post_build")
    })
}

/// What CodeBuild takes for a project's name.
fn project_name(source: &Path) -> String {
    let folder = source.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    let name: String = folder.chars().map(plain).take(100).collect();
    let name = name.trim_start_matches(['-', '_']);
    if name.len() < 2 { format!("build-{name}").trim_end_matches('-').to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        flags: Flags,
    }

    fn order(words: &[&str]) -> Result<Order, CliError> {
        let line = Line::try_parse_from(std::iter::once("run").chain(words.iter().copied())).unwrap();
        Order::of(&line.flags, |_| None)
    }

    fn source() -> tempfile::TempDir {
        let dir = tempfile::Builder::new().prefix("my app").tempdir().unwrap();
        std::fs::write(dir.path().join("buildspec.yml"), "version: 0.2\nphases:\n  build:\n    commands: [true]\n")
            .unwrap();
        dir
    }

    #[test]
    fn the_flags_of_codebuild_build_sh_mean_what_they_mean_there() {
        let (source, other, out) = (source(), source(), tempfile::tempdir().unwrap());
        let (s, o) = (source.path().to_str().unwrap(), other.path().to_str().unwrap());
        let env = out.path().join("vars.env");
        std::fs::write(&env, "A=1\n").unwrap();
        let (a, e) = (out.path().to_str().unwrap(), env.to_str().unwrap());
        let words =
            ["-m", "-i", "img", "-a", a, "-s", s, "-s", &format!("Lib:{o}"), "-b", "buildspec.yml", "-d", "-e", e];
        let order = order(&words).unwrap();
        assert_eq!((order.image.as_str(), order.privileged, order.in_place), ("img", true, true));
        assert_eq!(order.artifacts.as_deref(), Some(out.path()));
        assert_eq!(order.secondary, [("Lib".to_owned(), other.path().canonicalize().unwrap())]);
        assert_eq!(order.variables, [("A".to_owned(), "1".to_owned())]);
        assert_eq!(order.buildspec.member, "buildspec.yml");
        assert!(order.name.starts_with("my-app"), "{}", order.name);
    }

    #[test]
    fn a_buildspec_from_elsewhere_goes_along_as_its_text() {
        let (source, other) = (source(), source());
        let file = other.path().join("buildspec.yml");
        let order = order(&["-s", source.path().to_str().unwrap(), file.to_str().unwrap()]).unwrap();
        assert!(order.buildspec.member.starts_with("version: 0.2\n"));
        assert!(order.buildspec.spec.is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let dir = source();
        let s = dir.path().to_str().unwrap();
        let why = |words: &[&str]| order(words).unwrap_err().to_string();
        assert!(why(&["-s", "/nowhere/at/all"]).contains("the source /nowhere/at/all"));
        assert!(why(&["-s", s, "nothing.yml"]).contains("there is no buildspec at nothing.yml"));
        assert!(why(&["-s", s, "-s", "lib"]).contains("-s 'lib' is not ID:DIR"));
        assert!(why(&["-s", s, "--secondary-source", &format!("a-b={s}")]).contains("no identifier"));
        assert!(why(&["-s", s, "--secondary-source", &format!("a={s}"), "-s", &format!("a:{s}")]).contains("twice"));
        assert!(why(&["-s", s, "--phase", "test"]).contains("there is no such phase"));
        assert!(why(&["-s", s, "-m", "--batch"]).contains("-m (--mount-source) is for one build"));
        assert!(why(&["-s", s, "-m", "--watch"]).contains("-m (--mount-source) cannot be watched"));
    }

    #[test]
    fn phases_are_named_as_in_the_buildspec() {
        let dir = source();
        let order = order(&["-s", dir.path().to_str().unwrap(), "--phase", "pre_build"]).unwrap();
        assert_eq!(order.last_phase, Some(Phase::PreBuild));
    }

    #[test]
    fn a_folder_of_any_name_makes_a_projects_name() {
        assert_eq!(project_name(Path::new("/a/my app.v2")), "my-app-v2");
        assert_eq!(project_name(Path::new("/a/_x")), "build-x");
        assert_eq!(project_name(Path::new("/")), "build");
    }
}
