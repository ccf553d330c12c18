//! The store's promises, on both engines.

#[cfg(test)]
mod advance;
#[cfg(test)]
mod group_commit;
#[cfg(test)]
mod line;
#[cfg(test)]
mod opening;
