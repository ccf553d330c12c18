//! A seeded simulation of builds under the driver and the executor of `build_world`.
//!
//! `SIM_SEED=n` replays one seed; `SIM_SEEDS=n` runs that many (10,000 unless said otherwise).

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::{JobLimits, Timestamp};
use engine::build::{
    ArtifactTarget, BuildspecFrom, Logs, OutputArtifact, OutputSection, Parent, Place, Purpose, Request, Source,
    SourceKind,
};

use engine::build_queue::Limits;

use crate::build_world::{Builds, buildspec, jump};
use crate::pipeline_world::scope;
use crate::rng::{Rng, each_seed};

#[test]
fn whatever_is_lost_repeated_or_late_every_build_ends_once_and_its_job_runs_at_most_once() {
    each_seed(simulate);
}

fn simulate(seed: u64) {
    let mut rng = Rng::new(seed);
    let mut now = Timestamp::from_secs(1_800_000_000);
    let mut builds = Builds::default();
    let count = 1 + rng.below(2);
    for n in 0..count {
        let request = a_request(&mut rng, n, now);
        builds.create(request, now);
    }
    for _ in 0..40 {
        match rng.below(100) {
            0..=2 => builds.stop_one(&mut rng, now),
            3..=5 => {
                let from = now;
                now = now + jump(&mut rng);
                builds.pass(&mut rng, (from, now), false);
            }
            _ => builds.disturb(&mut rng, now),
        }
    }
    for _ in 0..50 {
        if builds.is_quiet() {
            return builds.final_check(seed.is_multiple_of(4));
        }
        builds.clear_up(&mut rng, now);
        if !builds.all_completed() {
            let from = now;
            now = now + jump(&mut rng);
            builds.pass(&mut rng, (from, now), true);
        }
    }
    panic!("some build never ends");
}

fn a_request(rng: &mut Rng, n: usize, now: Timestamp) -> Request {
    let mut request = request(&format!("0f1e2d3c-0000-4000-8000-00000000000{n}"), now);
    if rng.chance(50) {
        request.source.kind = SourceKind::NoSource;
        request.buildspec = BuildspecFrom::Inline(buildspec(rng).to_owned());
    }
    if rng.chance(50) {
        let place = Place { bucket: "store".to_owned(), key: "p/Built/abc".to_owned() };
        request.artifacts = ArtifactTarget::Pipeline(vec![OutputArtifact {
            name: "Built".to_owned(),
            place,
            section: OutputSection::default(),
        }]);
    }
    if rng.chance(50) {
        request.parent = Some(Parent { kind: "x".to_owned(), id: "e1".to_owned(), key: "e1:Build:1".to_owned() });
    }
    request
}

/// A build of a repository without artifacts and without anybody who waits for it.
pub fn request(uuid: &str, now: Timestamp) -> Request {
    Request {
        id: format!("demo:{uuid}"),
        uuid: uuid.to_owned(),
        scope: scope(),
        project: "demo".to_owned(),
        number: 7,
        submitted: now,
        initiator: "root".to_owned(),
        source: Source {
            identifier: None,
            kind: SourceKind::CodeCommit {
                location: "https://git/v1/repos/r".to_owned(),
                repository: "r".to_owned(),
                depth: None,
                submodules: false,
            },
            version: None,
        },
        secondary_sources: Vec::new(),
        buildspec: BuildspecFrom::File("buildspec.yml".to_owned()),
        image: "aws/codebuild/standard:7.0".to_owned(),
        compute_type: "BUILD_GENERAL1_SMALL".to_owned(),
        environment_type: "LINUX_CONTAINER".to_owned(),
        privileged: false,
        variables: Vec::new(),
        artifacts: ArtifactTarget::NoArtifacts,
        secondary_artifacts: Vec::new(),
        logs: Logs::Disabled,
        timeout_minutes: 60,
        queued_timeout_minutes: 480,
        encryption_key: String::new(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
        work_dir: PathBuf::from("/work"),
        limits: JobLimits::default(),
        lenient_runtimes: false,
        echo: serde_json::Value::Null,
        parent: None,
        last_phase: None,
        batch: None,
        limited_by: Limits::default(),
        auto_retry: None,
        published: BTreeMap::new(),
        is_proposed: false,
        branch: None,
        purpose: Purpose::Build,
        debug_session: false,
        pipeline_region: None,
    }
}
