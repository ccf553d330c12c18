//! Follows a build: its phases and its log, until nothing more will come.

use std::time::Duration;

use base::{ErrorKind, Machine as _};
use devtools::codebuild::stop_build;
use engine::build::{Build, BuildState, Logs, PhaseEnd};
use executor::shim::Visit;
use executor::{HostConfig, shim};
use platform::logs::get_log_events;
use platform::{Cx, logs};
use store::{machine, outbox};

use super::interrupt::Interrupts;
use super::show::{Show, is_success};
use crate::attach::{Seat, relay};
use crate::cli::CliError;

/// Between two looks while something happens, and while nothing does. The tables are in this process; a look is cheap.
const PAUSE: Duration = Duration::from_millis(5);
const LONG_PAUSE: Duration = Duration::from_millis(40);
/// What is on its way between a shell and its terminal.
const CARRIED_LEN: usize = 64 << 10;

/// A build that is followed, and what of it has been shown.
pub struct Following {
    id: String,
    /// Its name among others that run beside it.
    name: Option<String>,
    phases: usize,
    token: Option<String>,
}

/// What a look has found.
pub struct Look {
    pub state: BuildState,
    /// Nothing more is to be done for it: its last lines are written after its end.
    pub at_rest: bool,
    /// Something was shown.
    pub moved: bool,
}

impl Following {
    /// Follows the build from its beginning.
    pub fn of(id: &str, name: Option<&str>) -> Following {
        Following { id: id.to_owned(), name: name.map(str::to_owned), phases: 0, token: None }
    }

    /// Shows what came since the last look. `None` when there is no such build.
    pub async fn look(&mut self, cx: &Cx, show: &Show) -> Result<Option<Look>, CliError> {
        let read = async {
            let mut tx = cx.store.read().await?;
            let row = machine::get::<Build>(&mut tx, &self.id).await?;
            let over = row.as_ref().is_some_and(|row| row.state.completed().is_some());
            let at_rest = over && outbox::of_machine(&mut tx, Build::KIND, &self.id).await?.is_empty();
            Ok::<_, store::Error>((row, at_rest))
        };
        let (row, at_rest) = read.await.map_err(CliError::environment)?;
        let Some(state) = row.map(|row| row.state) else { return Ok(None) };
        let moved = self.news(cx, &state, show).await?;
        Ok(Some(Look { state, at_rest, moved }))
    }

    /// Lines come before the phases that ended after them. True when there was anything.
    async fn news(&mut self, cx: &Cx, state: &BuildState, show: &Show) -> Result<bool, CliError> {
        let mut moved = false;
        if let Logs::CloudWatch { group, stream } = &state.request.logs {
            loop {
                let input = get_log_events::Input {
                    log_group_name: Some(group.clone()),
                    log_group_identifier: None,
                    log_stream_name: stream.clone(),
                    start_time: None,
                    end_time: None,
                    next_token: self.token.clone(),
                    limit: None,
                    start_from_head: true,
                };
                let page = match logs::get_log_events(cx, input).await {
                    Ok(page) => page,
                    // No line yet.
                    Err(e) if e.kind == ErrorKind::Client => break,
                    Err(e) => return Err(CliError::environment(e)),
                };
                self.token = Some(page.next_forward_token);
                if page.events.is_empty() {
                    break;
                }
                show.lines(self.name.as_deref(), &page.events);
                moved = true;
            }
        }
        for record in state.phases.iter().skip(self.phases) {
            if record.end == PhaseEnd::Open && state.completed().is_none() {
                break;
            }
            show.phase(self.name.as_deref(), record);
            self.phases += 1;
            moved = true;
        }
        Ok(moved)
    }
}

/// Shows what happens until the build is over and its last line is there. The first interrupt stops the build. With
/// `want_shell` a shell is opened where a command fails.
pub async fn follow(
    cx: &Cx,
    id: &str,
    want_shell: bool,
    show: &Show,
    interrupts: &Interrupts,
) -> Result<BuildState, CliError> {
    let mut following = Following::of(id, None);
    let (mut stopped, mut visited, mut pause) = (false, false, PAUSE);
    loop {
        let look = following.look(cx, show).await?;
        let Look { state, at_rest, moved } =
            look.ok_or_else(|| CliError::internal(format!("the build {id} is gone")))?;
        if at_rest {
            if want_shell && !visited && !stopped && !is_success(&state) {
                show.note("no shell was opened: no command failed in a sandbox of this machine");
            }
            return Ok(state);
        }
        if want_shell && is_held(cx, &state) {
            visited = true;
            // All that came before the failure, first.
            while following.news(cx, &state, show).await? {}
            visit(cx, &state, show).await?;
        }
        pause = if moved { PAUSE } else { (pause * 2).min(LONG_PAUSE) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = interrupts.reach(1), if !stopped => {
                stopped = true;
                show.note("stopping the build; once more ends it at once");
                stop_build(cx, stop_build::Input { id: id.to_owned() }).await.map_err(CliError::environment)?;
            }
        }
    }
}

/// Whether the build's job waits where it failed.
fn is_held(cx: &Cx, state: &BuildState) -> bool {
    shim::is_held(&HostConfig::new(&cx.site.data_dir).jobs_dir(), &state.request.uuid)
}

/// Opens a shell in the job; it goes on when the user leaves it.
async fn visit(cx: &Cx, state: &BuildState, show: &Show) -> Result<(), CliError> {
    let (jobs, job) = (HostConfig::new(&cx.site.data_dir).jobs_dir(), state.request.uuid.clone());
    show.note("the build waits; this is a shell where it does, and the build goes on when you leave it");
    let mut seat = Seat::take();
    let failed = |e: &dyn std::fmt::Display| CliError::environment(format!("the shell could not be opened: {e}"));
    let visited = match Visit::open(&jobs, &job, &seat.terminal()) {
        Ok(visit) => {
            let (here, there) = tokio::io::duplex(CARRIED_LEN);
            tokio::spawn(relay(visit, there, jobs.clone(), job.clone()));
            seat.talk(here).await.map(drop).map_err(|e| failed(&e))
        }
        Err(e) => Err(failed(&e)),
    };
    drop(seat);
    shim::resume(&jobs, &job).map_err(CliError::environment)?;
    visited
}
