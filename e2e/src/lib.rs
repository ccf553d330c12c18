//! Stories with real clients against the real binary. See `README.md`; the stories are in `stories/`.

mod story;

pub use story::{tell, tell_later};
