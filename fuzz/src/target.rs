//! The targets by name.

use crate::{buildspec, extraction, report, webhook};

/// Something that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "buildspec", run: buildspec::run },
    Target { name: "report", run: report::run },
    Target { name: "archive", run: extraction::run_source },
    Target { name: "cache", run: extraction::run_cache },
    Target { name: "webhook", run: webhook::run },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}
