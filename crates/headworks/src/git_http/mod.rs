//! Git's smart HTTP at `/v1/repos/NAME`: who may, which repository, and the two services.

mod credentials;
mod keys;
mod routes;
mod serve;
#[cfg(test)]
mod tests;

pub use keys::answer;
