//! Reads the reports that a build has written, and exports their files. Everything here may happen again: a report's id
//! comes of the effect's key, and closing one puts its content in the place of what was there.
//!
//! Deviation: exported files have names of our own, because AWS does not publish its own; a coverage report shows at most
//! 10,000 files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use base::{ApiError, ErrorKind, Scope};
use devtools::codebuild::{NewReport, OpenReport, ReportContent, S3ReportExportConfig, close_report, open_report};
use engine::build::{ArtifactPlan, BuildInput, Packaging, ReportPlan};
use formats::report::{
    CoverageReport, CoverageTotals, ReadError, ReportFormat, ReportKind, TestReport, detect, read_coverage, read_tests,
};
use platform::{Cx, s3};
use store::outbox::Claimed;
use store::{Error, Tx};

use super::answer;
use super::collect::{CollectError, Ground, collect};
use crate::PerformError;
use crate::archive::{Content, Member, pack};

/// The files of coverage reports that are kept; the sums are of all.
const MAX_FILES: usize = 10_000;
/// Files that are looked at for reports that nobody has named.
const MAX_LOOKED_AT: usize = 50_000;

/// What came of a build's reports.
#[derive(Clone, Debug, Default)]
pub(super) struct Reported {
    reports: Vec<(OpenReport, ReportContent)>,
    /// For the build's log.
    pub lines: Vec<String>,
    /// Why UPLOAD_ARTIFACTS fails, in AWS's words.
    pub failure: Option<String>,
}

impl Reported {
    /// Writes the reports and tells the build of them, in the transaction that takes the effect's result.
    pub async fn write(&self, tx: &mut Tx, claimed: &Claimed) -> Result<(), Error> {
        for (open, content) in &self.reports {
            close_report(tx, &claimed.scope, open, content).await?;
        }
        if !self.reports.is_empty() {
            let reports = self.reports.iter().map(|(open, _)| open.arn.clone()).collect();
            let told = BuildInput::Reported { key: claimed.key.clone(), reports };
            answer::step(tx, (&claimed.kind, &claimed.machine_id), told).await?;
        }
        Ok(())
    }
}

/// Reports that were begun and are not completed: nobody waits for the build's results any more.
pub(super) fn given_up(opened: Vec<Result<OpenReport, String>>) -> Reported {
    let reports = opened.into_iter().flatten().map(|open| (open, ReportContent::Incomplete)).collect();
    Reported { reports, ..Reported::default() }
}

/// Where the reports of a build are.
#[derive(Clone, Copy)]
pub(super) struct Where<'a> {
    pub ground: Ground<'a>,
    pub scratch: &'a Path,
    pub project: &'a str,
    pub build_arn: &'a str,
}

/// Begins every report, so that it can be seen while it is made.
pub(super) async fn open(
    cx: &Cx,
    claimed: &Claimed,
    place: Where<'_>,
    plans: &[ReportPlan],
) -> Result<Vec<Result<OpenReport, String>>, PerformError> {
    let news: Vec<NewReport> = plans
        .iter()
        .map(|plan| NewReport {
            key: format!("{}/{}", claimed.key, plan.group),
            project: place.project.to_owned(),
            build: place.build_arn.to_owned(),
            group: plan.group.clone(),
            kind: ReportFormat::parse(&plan.format).map_or(ReportKind::Test, ReportFormat::kind),
        })
        .collect();
    if news.is_empty() {
        return Ok(Vec::new());
    }
    let scope: Scope = claimed.scope.clone();
    let opened = cx.store.write(move |tx| {
        let (news, scope) = (news.clone(), scope.clone());
        Box::pin(async move {
            let mut opened = Vec::new();
            for new in &news {
                opened.push(open_report(tx, &scope, new).await?);
            }
            Ok::<_, Error>(opened)
        })
    });
    Ok(opened.await?)
}

/// Reads and exports what was opened.
pub(super) async fn read(
    cx: &Cx,
    place: Where<'_>,
    plans: &[ReportPlan],
    opened: Vec<Result<OpenReport, String>>,
) -> Result<Reported, PerformError> {
    let mut reported = Reported::default();
    let mut missing = Vec::new();
    for (plan, opened) in plans.iter().zip(opened) {
        let open = match opened {
            Ok(open) => open,
            Err(why) => {
                reported.lines.push(format!("Error processing report {}: {why}", plan.group));
                continue;
            }
        };
        let kind = ReportFormat::parse(&plan.format).map_or(ReportKind::Test, ReportFormat::kind);
        reported.lines.push(format!("Preparing to copy {} report {}", kind.name(), open.arn));
        let members = match found(place.ground, plan, &mut reported.lines).await? {
            Ok(members) => members,
            Err(why) => {
                reported.lines.push(format!("Error processing report {}: {why}", plan.group));
                missing.push(format!("{}: [report files not found in build]", plan.group));
                reported.reports.push((open, ReportContent::Incomplete));
                continue;
            }
        };
        reported.lines.push(format!("Found {} file(s)", members.len()));
        if let Err(why) = export(cx, place, &open, &members).await? {
            reported.lines.push(format!("Error exporting report {}: {why}", plan.group));
        }
        if let Some(S3ReportExportConfig { encryption_key: Some(key), .. }) = &open.export.s3_destination {
            reported.lines.push(format!("encryption key {key} is not used: reports are stored as they are"));
        }
        let format = plan.format.clone();
        let content = tokio::task::spawn_blocking(move || content(&format, &members));
        let content = match content.await.map_err(|e| PerformError::new("read a report", e))? {
            Ok(content) => content,
            Err(Unread::User(why)) => {
                reported.lines.push(format!("Error processing report {}: {why}", plan.group));
                ReportContent::Incomplete
            }
            Err(Unread::Io(e)) => return Err(PerformError::new("read a report", e)),
        };
        reported.reports.push((open, content));
    }
    if !missing.is_empty() {
        reported.failure = Some(format!("Error in UPLOAD_ARTIFACTS phase: [{}]", missing.join(" ")));
    }
    Ok(reported)
}

/// Reports in files that no section of the buildspec names, a group for each format.
pub(super) async fn discovered(
    ground: Ground<'_>,
    pattern: &str,
    named: &[ReportPlan],
) -> Result<Vec<ReportPlan>, PerformError> {
    let (dir, pattern, named) = (ground.source_dir.to_owned(), pattern.to_owned(), named.to_vec());
    let work = tokio::task::spawn_blocking(move || look_for(&dir, &pattern, &named));
    match work.await.map_err(|e| PerformError::new("look for reports", e))? {
        Ok(plans) => Ok(plans),
        // The pattern matches nothing, or is none: then there are no reports.
        Err(CollectError::User(_)) => Ok(Vec::new()),
        Err(CollectError::Io(e)) => Err(PerformError::new("look for reports", e)),
    }
}

fn look_for(source_dir: &Path, pattern: &str, named: &[ReportPlan]) -> Result<Vec<ReportPlan>, CollectError> {
    let (mut taken, mut untold) = (BTreeSet::new(), Vec::new());
    let ground = Ground { source_dir, outside: None };
    for plan in named {
        for member in collect(ground, &set(plan), &mut untold).unwrap_or_default() {
            if let Content::File { path, .. } = member.content {
                taken.insert(path);
            }
        }
    }
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    let everywhere = ReportPlan {
        group: String::new(),
        files: vec![pattern.to_owned(), format!("{pattern}/**/*")],
        base_directory: None,
        discard_paths: false,
        format: String::new(),
    };
    let mut found: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for member in collect(ground, &set(&everywhere), &mut untold)?.into_iter().take(MAX_LOOKED_AT) {
        let Content::File { path, .. } = &member.content else { continue };
        // Packages of others bring reports of their own tests.
        let foreign = member.name.split('/').any(|part| matches!(part, "node_modules" | ".git"));
        if foreign || taken.contains(path) {
            continue;
        }
        if let Some(format) = detect(&member.name, &mut BufReader::new(File::open(path)?)) {
            let plain = |c: char| if "*?[]{}!\\".contains(c) { format!("\\{c}") } else { c.to_string() };
            found.entry(format.name()).or_default().push(member.name.chars().map(plain).collect());
        }
    }
    let plan = |(format, files): (&'static str, Vec<String>)| ReportPlan {
        group: format!("{format}-AutoDiscovered"),
        files,
        base_directory: None,
        discard_paths: false,
        format: format.to_owned(),
    };
    Ok(found.into_iter().map(plan).collect())
}

async fn found(
    ground: Ground<'_>,
    plan: &ReportPlan,
    lines: &mut Vec<String>,
) -> Result<Result<Vec<Member>, String>, PerformError> {
    let (source_dir, outside, set) = (ground.source_dir.to_owned(), ground.outside.map(Path::to_owned), set(plan));
    let collected = tokio::task::spawn_blocking(move || {
        let mut told = Vec::new();
        let ground = Ground { source_dir: &source_dir, outside: outside.as_deref() };
        (collect(ground, &set, &mut told), told)
    });
    let (collected, told) = collected.await.map_err(|e| PerformError::new("look for reports", e))?;
    lines.extend(told);
    match collected {
        Ok(members) => Ok(Ok(once_each(members))),
        Err(CollectError::User(why)) => Ok(Err(why.replace("artifact", "report"))),
        Err(CollectError::Io(e)) => Err(PerformError::new("look for reports", e)),
    }
}

/// A file counts once, though links lead to it under other names as well.
fn once_each(mut members: Vec<Member>) -> Vec<Member> {
    let own = |member: &Member| matches!(&member.content, Content::File { path, .. } if path.ends_with(&member.name));
    members.sort_by_cached_key(|member| (!own(member), member.name.clone()));
    let mut seen = BTreeSet::new();
    members.retain(|member| seen.insert(member.content.clone()));
    members
}

/// Report files are found as artifacts are.
fn set(plan: &ReportPlan) -> ArtifactPlan {
    ArtifactPlan {
        identifier: None,
        files: plan.files.clone(),
        exclude: Vec::new(),
        base_directory: plan.base_directory.clone(),
        discard_paths: plan.discard_paths,
        keep_symlinks: false,
        bucket: String::new(),
        key: String::new(),
        packaging: Packaging::Folder,
        name_variable: None,
    }
}

enum Unread {
    User(String),
    Io(std::io::Error),
}

fn content(format: &str, members: &[Member]) -> Result<ReportContent, Unread> {
    let Some(format) = ReportFormat::parse(format) else {
        return Err(Unread::User(format!("the file format {format} is not known")));
    };
    let files = members.iter().filter_map(|member| match &member.content {
        Content::File { path, .. } => Some((member.name.as_str(), path)),
        Content::Link { .. } => None,
    });
    let refused = |name: &str, e: ReadError| match e {
        ReadError::Invalid(found) => Unread::User(found.in_file(name).to_string()),
        ReadError::Io(e) => Unread::Io(e),
    };
    let open =
        |path: &PathBuf| File::open(path).map(|file| BufReader::with_capacity(64 << 10, file)).map_err(Unread::Io);
    match format.kind() {
        ReportKind::Test => {
            let mut all = TestReport::default();
            for (name, path) in files {
                let mut report = read_tests(format, &mut open(path)?).map_err(|e| refused(name, e))?;
                report.set_file(name);
                all.merge(report);
            }
            Ok(ReportContent::Tests(all))
        }
        ReportKind::CodeCoverage => {
            let mut all = CoverageReport::default();
            for (name, path) in files {
                all.merge(read_coverage(format, &mut open(path)?).map_err(|e| refused(name, e))?);
            }
            let mut files = all.into_files();
            let totals = files.iter().fold(CoverageTotals::default(), |sum, file| sum.plus(file.totals));
            let truncated = files.len() > MAX_FILES;
            files.truncate(MAX_FILES);
            Ok(ReportContent::Coverage { totals, files, truncated })
        }
    }
}

/// Stores the files as they are, one by one or as a zip, below a folder of the report's own.
///
/// AWS does not publish how it names what it exports; here it is `PATH/REPORT-UUID/FILE` or `PATH/REPORT-UUID.zip`.
async fn export(
    cx: &Cx,
    place: Where<'_>,
    open: &OpenReport,
    members: &[Member],
) -> Result<Result<(), String>, PerformError> {
    let Some(S3ReportExportConfig { bucket: Some(bucket), path, packaging, .. }) = &open.export.s3_destination else {
        return Ok(Ok(()));
    };
    let uuid = open.arn.rsplit(':').next().unwrap_or_default();
    let path = path.as_deref().unwrap_or_default().trim_matches('/');
    let folder = if path.is_empty() { uuid.to_owned() } else { format!("{path}/{uuid}") };
    let stored = async {
        if packaging.as_deref() == Some("ZIP") {
            let (members, zip) = (members.to_vec(), place.scratch.join(format!("report-{uuid}.zip")));
            let to = zip.clone();
            let packed = tokio::task::spawn_blocking(move || {
                let file = File::create(&to).map_err(|e| e.to_string())?;
                pack(&members, file).map(drop).map_err(|e| e.to_string())
            });
            packed.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
            let describe = s3::Describe { content_type: Some("application/zip".to_owned()), ..Default::default() };
            s3::put_file(cx, bucket, &format!("{folder}.zip"), &zip, describe).await?;
            return Ok::<_, ApiError>(());
        }
        for member in members {
            let Content::File { path, .. } = &member.content else { continue };
            s3::put_file(cx, bucket, &format!("{folder}/{}", member.name), path, s3::Describe::default()).await?;
        }
        Ok(())
    };
    match stored.await {
        Ok(()) => Ok(Ok(())),
        Err(e) if e.kind == ErrorKind::Client => Ok(Err(format!("{}: {}", e.code, e.message))),
        Err(e) => Err(PerformError::new("export a report", e)),
    }
}
