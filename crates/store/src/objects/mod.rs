//! Objects on local disk.
