//! A Kubernetes cluster for one process: a small API over HTTP, and an executor that runs Tekton's `PipelineRun`s as local
//! processes.
//!
//! It serves what Tidegate uses, by a checked-in list (`api/served.rs`), with the semantics of the real API server: the
//! suite in `tests/transcripts` runs against both. Where they disagree, this one is wrong.

mod api;
mod cluster;
mod executor;

pub use cluster::{Cluster, ClusterSpec};
pub use executor::IMAGES_NOTICE;
