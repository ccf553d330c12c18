//! Checks a decoded input against the model's constraints, with AWS's own wording.

mod check;
mod pattern;
mod wording;

pub(crate) use check::check;
pub(crate) use pattern::Pattern;
