//! `tidegate`, run as people run it.

mod command;
mod dlq;
mod lint;
mod normalize;
mod send;
