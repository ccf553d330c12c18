//! Tests of the machines through their public face: scenarios as text, and a seeded simulation.

mod pipeline_events;
mod pipeline_scenarios;
mod pipeline_world;
mod simulation;
