//! The operations against a real store and a real folder, on every engine.

mod buckets;
mod conditions;
mod events;
mod ground;
mod listing;
mod multipart;
mod objects;
mod versions;
