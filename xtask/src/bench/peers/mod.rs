//! The same work on others, both from PyPI (`xtask/python/bench.txt`).

pub mod buildbot;
pub mod moto;
