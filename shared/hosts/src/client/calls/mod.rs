//! The calls of [`HostClient`](super::HostClient), with the contract of each.

mod comments;
mod hooks;
mod repository;
mod statuses;
