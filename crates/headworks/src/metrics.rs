//! What `/metrics` tells: Prometheus text.

use std::time::Duration;

use executor::{JobEntry, JobState};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use store::setback::{self, Held};
use store::tables::{approval_notice, codestar_notifications_target, events_target};
use store::{Store, machine, outbox};

/// The counters that the server keeps, and the gauges that are read when asked for.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<ServiceLabels, Histogram>,
    machines: Family<MachineLabels, Gauge>,
    transitions: Family<MachineLabels, Counter>,
    missed: Family<MissedLabels, Counter>,
    jobs: Family<JobLabels, Gauge>,
    rule_targets: Family<RuleLabels, Counter>,
    outbox_rows: Gauge,
    outbox_age_seconds: Gauge,
    held: Family<HeldLabels, Gauge>,
    notices: Family<NoticeLabels, Gauge>,
    approval_notices: Family<NoticeLabels, Gauge>,
    disk_free_bytes: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    service: String,
    operation: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ServiceLabels {
    service: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MachineLabels {
    kind: String,
    status: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MissedLabels {
    kind: String,
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct JobLabels {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RuleLabels {
    rule: String,
    result: &'static str,
}

/// Every state of a job, with its word.
const JOB_STATES: [(JobState, &str); 4] = [
    (JobState::Waiting, "waiting"),
    (JobState::Running, "running"),
    (JobState::Ended, "ended"),
    (JobState::Lost, "lost"),
];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HeldLabels {
    what: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct NoticeLabels {
    result: &'static str,
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("headworks");
        let requests = Family::default();
        registry.register("requests", "API requests by service, operation and HTTP status", requests.clone());
        let seconds: Family<ServiceLabels, Histogram> = Family::new_with_constructor(|| {
            Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0])
        });
        let help = "Time from the request's head to the answer's head";
        registry.register_with_unit("request_duration", help, Unit::Seconds, seconds.clone());
        let machines: Family<MachineLabels, Gauge> = Family::default();
        let help = "Executions and jobs by kind of machine and status";
        registry.register("machines", help, machines.clone());
        let transitions: Family<MachineLabels, Counter> = Family::default();
        let help = "Steps of executions and jobs since the start, by the status that they led to";
        registry.register("transitions", help, transitions.clone());
        let missed: Family<MissedLabels, Counter> = Family::default();
        let help = "Inputs of executions and jobs since the start that led to nothing: refused, or stale";
        registry.register("inputs_missed", help, missed.clone());
        let jobs: Family<JobLabels, Gauge> = Family::default();
        registry.register("jobs", "Jobs that the executor keeps, by state", jobs.clone());
        let rule_targets: Family<RuleLabels, Counter> = Family::default();
        let help = "Targets of event rules that were started, or could not be; the log says why";
        registry.register("rule_targets", help, rule_targets.clone());
        let outbox_rows = Gauge::default();
        registry.register("outbox_rows", "Effects that are committed and not yet done", outbox_rows.clone());
        let outbox_age_seconds = Gauge::default();
        let help = "Age of the oldest effect that is not yet done";
        registry.register_with_unit("outbox_age", help, Unit::Seconds, outbox_age_seconds.clone());
        let held: Family<HeldLabels, Gauge> = Family::default();
        let help = "Effects, events and timers that have failed and wait to be tried again; the log says why";
        registry.register("held", help, held.clone());
        let notices: Family<NoticeLabels, Gauge> = Family::default();
        let help = "Notices of the notification rules that there are: sent, and those that could not be";
        registry.register("notices", help, notices.clone());
        let approval_notices: Family<NoticeLabels, Gauge> = Family::default();
        let help = "Notices of approvals: sent, and those that could not be";
        registry.register("approval_notices", help, approval_notices.clone());
        let disk_free_bytes = Gauge::default();
        let help = "Free space where the data folder is";
        registry.register_with_unit("disk_free", help, Unit::Bytes, disk_free_bytes.clone());
        Metrics {
            registry,
            requests,
            seconds,
            machines,
            transitions,
            missed,
            jobs,
            rule_targets,
            outbox_rows,
            outbox_age_seconds,
            held,
            notices,
            approval_notices,
            disk_free_bytes,
        }
    }

    /// Counts one answered request.
    pub fn request(&self, service: &str, operation: &str, status: u16, took: Duration) {
        let labels = RequestLabels { service: service.to_owned(), operation: operation.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        let labels = ServiceLabels { service: service.to_owned() };
        self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Reads the gauges and prints everything. Without `jobs` the executor cannot say which there are.
    pub async fn render(
        &self,
        store: &Store,
        jobs: Option<&[JobEntry]>,
        disk_free_bytes: Option<u64>,
    ) -> Result<String, store::Error> {
        let mut tx = store.read().await?;
        self.machines.clear();
        for (kind, status, count) in machine::counts(&mut tx).await? {
            self.machines.get_or_create(&MachineLabels { kind, status }).set(count);
        }
        // A counter knows only `inc`, and the store keeps these: a fresh one each time says what the store says.
        self.transitions.clear();
        for (kind, status, count) in machine::transitions(store) {
            let status = status.to_owned();
            self.transitions.get_or_create(&MachineLabels { kind, status }).inc_by(count);
        }
        self.missed.clear();
        for (kind, missed, count) in machine::missed(store) {
            self.missed.get_or_create(&MissedLabels { kind, result: missed.name() }).inc_by(count);
        }
        self.rule_targets.clear();
        for events_target::Count { rule, started, failed } in events_target::counts(&mut tx).await? {
            for (result, count) in [("started", started), ("failed", failed)] {
                let labels = RuleLabels { rule: rule.clone(), result };
                self.rule_targets.get_or_create(&labels).inc_by(u64::try_from(count).unwrap_or(0));
            }
        }
        self.jobs.clear();
        for (state, name) in JOB_STATES.into_iter().filter(|_| jobs.is_some()) {
            let count = jobs.unwrap_or_default().iter().filter(|job| job.state == state).count();
            self.jobs.get_or_create(&JobLabels { state: name }).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let depth = outbox::depth(&mut tx).await?;
        self.outbox_rows.set(depth.rows);
        let age = depth.oldest.map_or(0, |oldest| store.clock().now().since(oldest).as_secs());
        self.outbox_age_seconds.set(i64::try_from(age).unwrap_or(i64::MAX));
        let Held { effects, events, timers } = setback::held(&mut tx).await?;
        for (what, count) in [("effect", effects), ("event", events), ("timer", timers)] {
            self.held.get_or_create(&HeldLabels { what }).set(count);
        }
        let told = codestar_notifications_target::told(&mut tx).await?;
        for (result, count) in [("sent", told.sent), ("unsent", told.unsent)] {
            self.notices.get_or_create(&NoticeLabels { result }).set(count);
        }
        let told = approval_notice::told(&mut tx).await?;
        for (result, count) in [("sent", told.sent), ("unsent", told.unsent)] {
            self.approval_notices.get_or_create(&NoticeLabels { result }).set(count);
        }
        if let Some(free) = disk_free_bytes {
            self.disk_free_bytes.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
