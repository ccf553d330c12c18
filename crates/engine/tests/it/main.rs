//! Tests of the machines through their public face: scenarios as text, and a seeded simulation.

#![expect(clippy::unwrap_used, reason = "tests may unwrap, and so may what they share")]

mod batch_planning;
mod batch_scenarios;
mod batch_simulation;
mod batch_world;
mod build_simulation;
mod build_world;
mod pipeline_declare;
mod pipeline_events;
mod pipeline_report;
mod pipeline_scenarios;
mod pipeline_work;
mod pipeline_world;
mod queue_simulation;
mod rng;
mod simulation;
mod simulation_approvals;
mod simulation_checks;
mod simulation_emitted;
mod simulation_matrix;
mod simulation_outside;
mod simulation_pipelines;
mod simulation_seen;
mod trigger_scenarios;
