//! Words that every crate uses: identifiers, time, secrets, errors, and the seams to the outside. No I/O.

mod arn;
mod clock;
mod error;
mod event;
mod ids;
mod job;
mod machine;
mod page;
mod secret;
mod tags;
mod timestamp;

pub use arn::{AccountId, Arn, Partition, Region, Scope};
pub use clock::{Clock, FakeClock, Ids, RandomIds, SequentialIds, SystemClock};
pub use error::{ApiError, ErrorKind, ServiceError};
pub use event::Event;
pub use ids::{derived_hex, derived_uuid};
pub use job::{
    CommandEnd, CommandOrder, CommandRecord, JobContainer, JobFile, JobFileContent, JobHold, JobLayers, JobLimits,
    JobMount, JobOutcome, JobRoute, JobSpec, JobStep, JobTimeout, JobTrust, RegistryLogin, StepFailure, StepOutcome,
    StepRecord, StepRetry,
};
pub use machine::{Effect, Machine, Step, Tell, TimerChange};
pub use page::{PageToken, PageTokenError};
pub use secret::Secret;
pub use tags::Tags;
pub use timestamp::Timestamp;
