//! No bytes may bring a decoder down.
