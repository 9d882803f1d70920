//! Every decision of Tidegate, pure and synchronous: facts and time come in as arguments, decisions go out as values.
//!
//! Nothing here knows a host's API, Kubernetes or a queue.

#![allow(missing_docs, reason = "only our own crates use these: their comments say why")]

pub mod chatops;
pub mod filters;
pub mod graph;
pub mod integrator;
pub mod jobs;
pub mod ledger;
pub mod pool;
pub mod schedule;
pub mod skip;
pub mod small_map;
pub mod status;
pub mod tekton_variables;
pub mod trust;
