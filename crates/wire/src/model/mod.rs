//! The published service models: shapes, constraints, protocols, errors.
//!
//! The index of all services is read at first use of [`models`]; the shapes of one service are read when something
//! asks for its first operation.

mod embedded;
mod load;
mod service;
mod shape;
mod uri;

pub use service::{Models, Operation, Protocol, Service, models};
pub(crate) use shape::{
    ErrorTrait, Kind, Location, Member, Namespace, PatternText, Shape, ShapeId, Shapes, Structure, TimeFormat,
};
pub(crate) use uri::{Segment, UriTemplate};
