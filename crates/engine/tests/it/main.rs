//! Tests of the machines through their public face: scenarios as text, and a seeded simulation.

#![expect(clippy::unwrap_used, reason = "tests may unwrap, and so may what they share")]

mod pipeline_events;
mod pipeline_scenarios;
mod pipeline_world;
mod simulation;
