//! The cluster as its users see it: by a client.

mod bench;
mod executor;
mod serving;
mod stopping;
