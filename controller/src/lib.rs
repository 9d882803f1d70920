//! The in-cluster controller: the only part that holds host tokens, and the single source of truth.
//!
//! One folder a loop; data goes one way: `drain` takes commands, and `catch_up` what the ledger misses; `trigger` and `chat` read the
//! facts and plan; `runs` makes and cancels `IntegrationJob`s; `schedule` gives them slots, `job` runs them through Tekton, `report`
//! sends their statuses to the host. `config` keeps the hosts' webhooks as the configs want them.
//! Loops meet in Kubernetes objects; what they share beside is small and mostly pure. They run in one replica at a time, the
//! `leader`.

#![allow(missing_docs, reason = "nobody builds on this crate: its comments say why")]

pub mod backoff;
pub mod budget;
pub mod catch_up;
pub mod chat;
pub mod cluster;
pub mod config;
pub mod context;
pub mod drain;
mod error;
mod fitness;
pub mod host;
pub mod job;
pub mod key;
pub mod leader;
pub mod ledger;
mod merge_patch;
pub mod metrics;
pub mod outcome;
pub mod report;
pub mod retry;
pub mod runs;
pub mod schedule;
pub mod settings;
mod shutdown;
mod span;
pub mod stores;
pub mod trigger;
pub mod web;

pub use error::error_chain;
