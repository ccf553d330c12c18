//! Shells in builds and sandboxes that run: `headworks attach`, and `headworks run --shell`.
//!
//! * [`frame`]: what goes over the connection, either way.
//! * [`relay`]: from the connection to the shell's terminal, where the job is.
//! * [`user`]: from the connection to the terminal at which the user sits.
//! * [`command`]: the command line.
//!
//! The connection is that of a signed request (`StartSandboxConnection` with an `Upgrade` header): so it is the policies that
//! decide who comes in, there is no port of its own, and it works from wherever the API can be reached. `headworks run`, which
//! has no server, puts both ends into one process.

pub mod command;
mod frame;
mod relay;
mod user;

pub use command::{Flags, run};
pub use frame::{PROTOCOL, TERM_HEADER, WINDOW_HEADER};
pub use relay::relay;
pub use user::{End, Seat, is_kind};
