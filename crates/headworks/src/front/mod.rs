//! The front: an address of this machine where we answer as AWS's hosts would.
//!
//! Builds find it because their list of hosts and their name service say so, and trust it because its certificates come
//! from the installation's own authority, which is in their bundle. It needs ports 443 and 53, so it is there for a server
//! that is root, has CAP_NET_BIND_SERVICE, or runs where `net.ipv4.ip_unprivileged_port_start` is low; otherwise builds
//! reach us by `AWS_ENDPOINT_URL` alone, or, with the setting `front = "always"`, get a network of their own in which those
//! ports lead to others of ours.

mod address;
mod bundle;
mod certificates;
mod dns;
mod names;

pub(crate) use address::{Bound, SHIFT, bind};
pub(crate) use bundle::{bundle_paths, write_bundle};
pub(crate) use certificates::server_config;
pub(crate) use dns::answer_names;
pub(crate) use names::prefixes;
