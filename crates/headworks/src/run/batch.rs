//! The builds of a buildspec's `batch` section, side by side, with a tree of where each of them stands.

use std::collections::BTreeMap;
use std::time::Duration;

use base::Machine as _;
use devtools::codebuild::{start_build, start_build_batch, stop_build_batch};
use engine::build::{BuildState, BuildStatus, PhaseEnd};
use engine::build_batch::{BatchState, BuildBatch, Group, GroupState};
use platform::Cx;
use serde_json::{Value, json};
use store::{machine, outbox};

use super::follow::Following;
use super::interrupt::Interrupts;
use super::order::Order;
use super::project;
use super::show::Show;
use super::tree::Branch;
use crate::cli::CliError;

/// Between two looks; there may be many builds to look at.
const PAUSE: Duration = Duration::from_millis(20);

/// A batch that is over.
pub struct Ended {
    pub state: BatchState,
    /// The last build of each group that had one, by the group's identifier.
    pub builds: Vec<(String, BuildState)>,
}

impl Ended {
    /// Whether the batch succeeded.
    pub fn is_success(&self) -> bool {
        matches!(self.state.completed(), Some((BuildStatus::Succeeded, _)))
    }
}

/// Starts the batch and gives its id.
pub async fn start(cx: &Cx, order: &Order) -> Result<String, CliError> {
    project::rows(cx, order).await?;
    let build = start_build::Input { project_name: order.name.clone(), ..start_build::Input::default() };
    let input = start_build_batch::Input { build, ..start_build_batch::Input::default() };
    let started = start_build_batch(cx, input).await.map_err(project::refused)?;
    Ok(started.build_batch.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// Shows what happens until every build is over. The first interrupt stops the batch.
pub async fn follow(cx: &Cx, id: &str, show: &Show, interrupts: &Interrupts) -> Result<Ended, CliError> {
    let mut builds: BTreeMap<String, Following> = BTreeMap::new();
    let mut stopped = false;
    loop {
        let (state, at_rest) = look(cx, id).await?;
        let mut all_at_rest = at_rest;
        let mut ended = Vec::new();
        for group in &state.groups {
            let Some(run) = group.current() else { continue };
            let name = group.plan.identifier.clone();
            let following = builds.entry(run.build.clone()).or_insert_with(|| Following::of(&run.build, Some(&name)));
            match following.look(cx, show).await? {
                Some(look) => {
                    all_at_rest &= look.at_rest;
                    ended.push((name, look.state));
                }
                // Asked for, and not made yet.
                None => all_at_rest &= state.completed().is_some(),
            }
        }
        show.tree(&tree(&state, cx));
        if all_at_rest {
            show.tree_stays();
            return Ok(Ended { state, builds: ended });
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = interrupts.reach(1), if !stopped => {
                stopped = true;
                show.note("stopping the batch; once more ends it at once");
                let input = stop_build_batch::Input { id: id.to_owned() };
                stop_build_batch(cx, input).await.map_err(CliError::environment)?;
            }
        }
    }
}

async fn look(cx: &Cx, id: &str) -> Result<(BatchState, bool), CliError> {
    let read = async {
        let mut tx = cx.store.read().await?;
        let row = machine::get::<BuildBatch>(&mut tx, id).await?;
        let over = row.as_ref().is_some_and(|row| row.state.completed().is_some());
        let at_rest = over && outbox::of_machine(&mut tx, BuildBatch::KIND, id).await?.is_empty();
        Ok::<_, store::Error>((row, at_rest))
    };
    let (row, at_rest) = read.await.map_err(CliError::environment)?;
    let row = row.ok_or_else(|| CliError::internal(format!("the batch {id} is gone")))?;
    Ok((row.state, at_rest))
}

/// The tree, a branch for each build, in the buildspec's order; what depends on others stands further in.
fn tree(state: &BatchState, cx: &Cx) -> Vec<Branch> {
    let mut depths: BTreeMap<&str, usize> = BTreeMap::new();
    for group in &state.groups {
        // Who stands before what it depends on is drawn less deep, which is all.
        let above = group.plan.depends_on.iter().filter_map(|name| depths.get(name.as_str())).max();
        let depth = above.map_or(0, |depth| depth + 1);
        depths.insert(&group.plan.identifier, depth);
    }
    let now = cx.now();
    let branch = |group: &Group| {
        let (status, seconds) = match &group.state {
            GroupState::Waiting => ("waiting".to_owned(), None),
            GroupState::NeverBegan => ("NOT BEGUN".to_owned(), None),
            GroupState::Running(run) => ("running".to_owned(), Some(now.since(run.requested).as_secs())),
            GroupState::Ended(ending) if ending.status != BuildStatus::Succeeded && group.plan.ignore_failure => {
                (format!("{} (ignored)", ending.status.name()), None)
            }
            GroupState::Ended(ending) => (ending.status.name().to_owned(), None),
        };
        let depth = depths.get(group.plan.identifier.as_str()).copied().unwrap_or_default();
        Branch { name: group.plan.identifier.clone(), depth, status, seconds }
    };
    state.groups.iter().map(branch).collect()
}

/// Why the batch itself failed, beside its builds: a `batch` section that cannot be read, say.
pub fn problems(state: &BatchState) -> Vec<String> {
    let why = |end: &PhaseEnd| match end {
        PhaseEnd::Ended { status, context: Some(context), .. } if *status != BuildStatus::Succeeded => {
            Some(format!("{}: {}", context.status_code, context.message))
        }
        PhaseEnd::Ended { .. } | PhaseEnd::Open => None,
    };
    state.phases.iter().filter_map(|record| why(&record.end)).collect()
}

/// The groups for programs.
pub fn view(state: &BatchState) -> Vec<Value> {
    let group = |group: &Group| {
        let (status, build) = match &group.state {
            GroupState::Waiting => ("WAITING", None),
            GroupState::NeverBegan => ("NOT_BEGUN", None),
            GroupState::Running(run) => ("IN_PROGRESS", Some(&run.build)),
            GroupState::Ended(ending) => (ending.status.name(), Some(&ending.run.build)),
        };
        json!({ "identifier": group.plan.identifier, "dependsOn": group.plan.depends_on, "status": status, "build": build })
    };
    state.groups.iter().map(group).collect()
}
