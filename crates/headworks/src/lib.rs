//! The binary's parts: command line, configuration, HTTP listener, registry of operations, wiring.

mod answers;
mod attach;
mod authenticate;
pub mod cli;
mod client;
pub mod config;
mod demo;
mod dial;
mod front;
mod git_http;
mod git_push;
mod installation;
mod installation_key;
mod metrics;
mod pipeline;
pub mod registry;
mod root_key;
mod run;
mod runner;
mod server;
mod tls;
mod up;
mod worker;
