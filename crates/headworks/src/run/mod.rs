//! `headworks run`: one build of a folder, or one execution of a pipeline ([`pipeline`]), without a server.
//!
//! It is the thinnest path over what a server does. A private installation is opened on a temporary data folder, with
//! the same store, driver and executor; the working copy becomes the source of a project, StartBuild starts the build,
//! and what the build's row and its log say is shown while it happens. When the command ends, all of it is gone.
//!
//! Jobs are tied to this process (`executor::HostConfig::tied`): however it ends, none runs on. What a killed command
//! left on disk, a later one removes (`private`).

mod aws;
mod batch;
mod changes;
mod deliver;
mod env_file;
mod flags;
mod follow;
mod interrupt;
mod keys;
mod order;
mod own_values;
mod pipeline;
mod private;
mod project;
mod reports;
mod secrets;
mod show;
mod story;
mod tree;

pub use flags::Flags;
pub(crate) use interrupt::Interrupts;
pub use story::run;
