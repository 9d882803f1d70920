//! A small Kubernetes API over objects in memory.

mod admission;
mod custom;
mod delete;
mod discovery;
pub(crate) mod failure;
pub(crate) mod names;
pub(crate) mod object;
mod patch;
pub(crate) mod refusal;
mod request;
mod schema;
pub(crate) mod selector;
pub(crate) mod served;
pub(crate) mod server;
pub(crate) mod store;
mod tekton;
mod watch;
mod write;
