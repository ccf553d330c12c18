//! The loop that does what was decided: claims effects from the outbox, performs them, hands results back as
//! inputs; fires timers; delivers events. Decides nothing about the domain.

pub mod archive;
mod build;
mod build_batch;
mod bus;
mod claims;
mod content;
mod cx;
mod disk;
mod driver;
mod first;
mod leftover;
mod notices;
mod performer;
mod pipeline;
mod retention;
mod rules;
mod scratch;
mod sweep;

pub use build::{BuildPerformer, BuildResume, SandboxPerformer};
pub use build_batch::BuildBatchPerformer;
pub use bus::Subscriber;
pub use content::ContentSweep;
pub use cx::{DriverCx, Stopping};
pub use disk::DiskSweep;
pub use driver::{Driver, DriverHandle};
pub use first::First;
pub use leftover::LeftoverSweep;
pub use notices::{NoticePerformer, NoticeWriter};
pub use performer::{PerformError, Performer};
pub use pipeline::{PipelinePerformer, PipelineStarter, PollSweep, TriggerPerformer};
pub use retention::{LogSweep, ReportSweep, SandboxSweep, SecretSweep, SessionSweep};
pub use rules::{RuleTargets, ScheduleReplan};
pub use sweep::Sweep;
