//! From what a batch section says to builds with identifiers. Linear in the number of builds and dependencies.

use std::collections::HashMap;

use formats::buildspec::{Batch, BatchEnv, BatchKind, BatchMatrix, BatchTask};
use serde::{Deserialize, Serialize};

/// No batch has more builds than this, whatever it may have by its restrictions.
pub const MAX_BUILDS: usize = 2_000;

/// One build of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedBuild {
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<String>,
    pub ignore_failure: bool,
    /// It waits at its breakpoints, whether or not the batch was started so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub debug_session: bool,
    /// A path in the source, the text itself, or an object's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub buildspec: Option<String>,
    pub env: Overrides,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

/// What a build changes of the project's environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overrides {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fleet: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,
    /// Values are literal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<(String, String)>,
}

/// Which part of a fan-out a build is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// From 0.
    pub current: u32,
    pub total: u32,
}

impl From<&BatchEnv> for Overrides {
    fn from(env: &BatchEnv) -> Self {
        Overrides {
            compute_type: env.compute_type.clone(),
            fleet: env.fleet.clone(),
            image: env.image.clone(),
            environment_type: env.environment_type.clone(),
            privileged: env.privileged_mode,
            variables: env.variables.clone(),
        }
    }
}

/// The builds of a batch in the order in which they are written; or all that is wrong with it.
pub fn plan(batch: &Batch) -> Result<Vec<PlannedBuild>, Vec<String>> {
    let builds = match &batch.kind {
        BatchKind::Graph(tasks) | BatchKind::List(tasks) => written(tasks)?,
        BatchKind::Matrix(matrix) => product(matrix)?,
        BatchKind::Fanout(fanout) => {
            count(usize::try_from(fanout.parallelism).ok())?;
            let shard = |current| PlannedBuild {
                identifier: format!("build{current}"),
                ignore_failure: fanout.ignore_failure,
                shard: Some(Shard { current, total: fanout.parallelism }),
                ..PlannedBuild::default()
            };
            (0..fanout.parallelism).map(shard).collect()
        }
    };
    check(&builds)?;
    Ok(builds)
}

fn count(builds: Option<usize>) -> Result<(), Vec<String>> {
    match builds {
        Some(0) => Err(vec!["the batch has no builds".to_owned()]),
        Some(1..=MAX_BUILDS) => Ok(()),
        Some(_) | None => Err(vec![format!("the batch has more than {MAX_BUILDS} builds")]),
    }
}

fn written(tasks: &[BatchTask]) -> Result<Vec<PlannedBuild>, Vec<String>> {
    count(Some(tasks.len()))?;
    let builds = tasks.iter().map(|task| PlannedBuild {
        identifier: task.identifier.clone(),
        depends_on: task.depend_on.clone(),
        ignore_failure: task.ignore_failure,
        debug_session: task.debug_session,
        buildspec: task.buildspec.clone(),
        env: Overrides::from(&task.env),
        shard: None,
    });
    Ok(builds.collect())
}

fn product(matrix: &BatchMatrix) -> Result<Vec<PlannedBuild>, Vec<String>> {
    count(Some(matrix.size()))?;
    let first = PlannedBuild {
        ignore_failure: matrix.ignore_failure,
        debug_session: matrix.debug_session,
        env: Overrides::from(&matrix.env),
        ..PlannedBuild::default()
    };
    let mut builds = vec![first];
    vary(&mut builds, &matrix.buildspecs, |build, value| build.buildspec = Some(value.clone()));
    vary(&mut builds, &matrix.compute_types, |build, value| build.env.compute_type = Some(value.clone()));
    vary(&mut builds, &matrix.images, |build, value| build.env.image = Some(value.clone()));
    vary(&mut builds, &matrix.fleets, |build, value| build.env.fleet = Some(value.clone()));
    for (name, values) in &matrix.variables {
        vary(&mut builds, values, |build, value| {
            build.env.variables.retain(|(other, _)| other != name);
            build.env.variables.push((name.clone(), value.clone()));
        });
    }
    for (n, build) in builds.iter_mut().enumerate() {
        build.identifier = format!("build{n}");
    }
    Ok(builds)
}

/// Each build once for each value; the values that come last vary fastest.
fn vary(builds: &mut Vec<PlannedBuild>, values: &[String], set: impl Fn(&mut PlannedBuild, &String)) {
    if values.is_empty() {
        return;
    }
    let mut varied = Vec::with_capacity(builds.len() * values.len());
    for build in builds.iter() {
        for value in values {
            let mut build = build.clone();
            set(&mut build, value);
            varied.push(build);
        }
    }
    *builds = varied;
}

fn check(builds: &[PlannedBuild]) -> Result<(), Vec<String>> {
    let mut problems = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::with_capacity(builds.len());
    for (n, build) in builds.iter().enumerate() {
        let id = build.identifier.as_str();
        let grammar = id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if id.is_empty() || id.len() >= 128 || !grammar {
            problems.push(format!(
                "identifier '{id}' must have letters, digits and underscores only, and fewer than 128 of them"
            ));
        }
        if places.insert(id, n).is_some() {
            problems.push(format!("identifier '{id}' is used twice"));
        }
    }
    for build in builds {
        for dependency in build.depends_on.iter().filter(|d| !places.contains_key(d.as_str())) {
            problems.push(format!("build '{}' depends on '{dependency}', which is no build", build.identifier));
        }
    }
    if problems.is_empty()
        && let Some(cycle) = cycle(builds, &places)
    {
        problems.push(format!("builds wait for one another: {}", cycle.join(" -> ")));
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Builds that wait for one another, the first again at the end.
fn cycle<'b>(builds: &'b [PlannedBuild], places: &HashMap<&str, usize>) -> Option<Vec<&'b str>> {
    let mut waits: Vec<usize> = builds.iter().map(|b| b.depends_on.len()).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); builds.len()];
    for (n, build) in builds.iter().enumerate() {
        for place in build.depends_on.iter().filter_map(|d| places.get(d.as_str())) {
            if let Some(list) = dependents.get_mut(*place) {
                list.push(n);
            }
        }
    }
    let mut ready: Vec<usize> = (0..builds.len()).filter(|n| waits.get(*n) == Some(&0)).collect();
    let mut left = builds.len();
    while let Some(n) = ready.pop() {
        left -= 1;
        for dependent in dependents.get(n).into_iter().flatten() {
            if let Some(count) = waits.get_mut(*dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.push(*dependent);
                }
            }
        }
    }
    if left == 0 {
        return None;
    }
    // Every build that is left waits for one that is left: following those must come back.
    let mut at = waits.iter().position(|count| *count > 0)?;
    let mut path: Vec<usize> = Vec::new();
    let mut seen = vec![false; builds.len()];
    while !*seen.get(at)? {
        *seen.get_mut(at)? = true;
        path.push(at);
        let next = builds.get(at)?.depends_on.iter().filter_map(|d| places.get(d.as_str()));
        at = *next.copied().collect::<Vec<_>>().iter().find(|n| waits.get(**n).is_some_and(|count| *count > 0))?;
    }
    let from = path.iter().position(|n| *n == at)?;
    let ring = path.iter().skip(from).chain(std::iter::once(&at));
    Some(ring.filter_map(|n| builds.get(*n)).map(|b| b.identifier.as_str()).collect())
}

#[cfg(test)]
mod tests {
    use formats::buildspec::read;

    use super::*;

    /// The section of a buildspec; `formats` finds most of what is wrong itself, so that it can show where.
    fn planned(section: &str) -> Result<Vec<PlannedBuild>, Vec<String>> {
        let text = format!("version: 0.2\nbatch: {section}\nphases: {{build: {{commands: [make]}}}}\n");
        let (spec, found) = read(&text);
        let Some(batch) = spec.and_then(|s| s.batch) else { panic!("{found:?}") };
        plan(&batch)
    }

    fn task(identifier: &str, depend_on: &[&str]) -> BatchTask {
        BatchTask {
            identifier: identifier.to_owned(),
            buildspec: None,
            debug_session: false,
            depend_on: depend_on.iter().map(|d| (*d).to_owned()).collect(),
            env: BatchEnv::default(),
            ignore_failure: false,
            span: formats::Span::START,
        }
    }

    fn graph(tasks: Vec<BatchTask>) -> Result<Vec<PlannedBuild>, Vec<String>> {
        plan(&Batch { fast_fail: false, kind: BatchKind::Graph(tasks) })
    }

    #[test]
    fn what_is_wrong_with_a_graph_is_said_by_name() {
        let twice = graph(vec![task("a", &[]), task("a", &["nobody"]), task("b-c", &[])]).unwrap_err();
        assert_eq!(twice.len(), 3, "{twice:?}");
        assert!(twice[0].contains("'a' is used twice") && twice[1].contains("'b-c'"), "{twice:?}");
        assert!(twice[2].contains("'a' depends on 'nobody', which is no build"));
        let ring = graph(vec![task("x", &["c"]), task("a", &["b"]), task("b", &["c"]), task("c", &["a"])]).unwrap_err();
        assert_eq!(ring, ["builds wait for one another: c -> a -> b -> c"]);
        assert!(graph(vec![task("a", &["a"])]).unwrap_err()[0].contains("a -> a"));
        assert_eq!(graph(Vec::new()).unwrap_err(), ["the batch has no builds"]);
        assert_eq!(graph(vec![task("a", &["b"]), task("b", &[])]).unwrap().len(), 2);
    }

    #[test]
    fn a_matrix_is_the_product_of_what_varies() {
        let builds = planned(
            "{build-matrix: {static: {env: {privileged-mode: true}}, dynamic: {env: {image: [i1, i2], variables: {A: [1, 2], B: [x]}}}}}",
        )
        .unwrap();
        let short = |b: &PlannedBuild| {
            let variables: Vec<String> = b.env.variables.iter().map(|(k, v)| format!("{k}={v}")).collect();
            format!("{} {} {}", b.identifier, b.env.image.clone().unwrap(), variables.join(","))
        };
        let all: Vec<String> = builds.iter().map(short).collect();
        assert_eq!(all, ["build0 i1 A=1,B=x", "build1 i1 A=2,B=x", "build2 i2 A=1,B=x", "build3 i2 A=2,B=x"]);
        assert!(builds.iter().all(|b| b.env.privileged == Some(true)));
        let variables = (0..8).map(|n| (format!("V{n}"), vec!["1".to_owned(); 100])).collect();
        let huge = BatchMatrix { variables, ..BatchMatrix::default() };
        assert!(plan(&Batch { fast_fail: true, kind: BatchKind::Matrix(Box::new(huge)) }).is_err());
    }

    #[test]
    fn a_buildspec_may_be_a_batch_and_nothing_else() {
        let text = "version: 0.2\nbatch: {build-list: [{identifier: a, buildspec: a.yml}, {buildspec: b.yml}]}\n";
        let (spec, found) = read(text);
        let Some(batch) = spec.and_then(|s| s.batch) else { panic!("{found:?}") };
        let builds = plan(&batch).unwrap();
        let of: Vec<_> = builds.iter().map(|b| (b.identifier.as_str(), b.buildspec.as_deref())).collect();
        assert_eq!(of, [("a", Some("a.yml")), ("build1", Some("b.yml"))]);
    }

    #[test]
    fn builds_have_debug_sessions_where_their_section_says_so() {
        let debugged = |section: &str| -> Vec<bool> {
            planned(section).unwrap().iter().map(|build| build.debug_session).collect()
        };
        assert_eq!(debugged("{build-list: [{identifier: a}, {identifier: b, debug-session: true}]}"), [false, true]);
        assert_eq!(debugged("{build-graph: [{identifier: a, debug-session: true}, {identifier: b}]}"), [true, false]);
        let matrix = "{build-matrix: {static: {debug-session: true}, dynamic: {env: {variables: {A: [1, 2]}}}}}";
        assert_eq!(debugged(matrix), [true, true]);
    }

    #[test]
    fn a_fanout_gives_each_build_its_shard() {
        let builds = planned("{build-fanout: {parallelism: 3, ignore-failure: true}}").unwrap();
        assert_eq!(builds[2].shard, Some(Shard { current: 2, total: 3 }));
        assert!(builds.iter().all(|b| b.ignore_failure));
    }
}
