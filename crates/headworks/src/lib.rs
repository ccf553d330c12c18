//! headworks
