//! What the targets of event rules do. The rules themselves are `platform::events`.

mod deliver;
#[cfg(test)]
mod guard_tests;
#[cfg(test)]
mod tests;

pub use deliver::deliver;
