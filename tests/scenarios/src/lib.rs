//! Tidegate end to end: its real binaries, in a world that is swapped around them.
//!
//! A [`World`] is everything outside: cloud, forge and cluster. A [`Scene`] is one repository in it with its config, and
//! the verbs of scenarios. Scenarios are in `tests/it`; the demo and the benches are binaries here.

mod cloud;
mod controller;
mod delivery;
mod forge;
mod gitea;
pub mod process;
mod scene;
mod world;

pub use cloud::{
    COMMANDS, Cloud, DEAD_LETTERS, DeadLetter, Deployed, EVENTS, GITHUB_APP_SECRET, MASTER_KEY,
    PLUGIN_COMMANDS, PLUGIN_DEAD_LETTERS, cloud,
};
pub use controller::{Controller, LogLine};
pub use delivery::{Delivery, SignedHook, signature};
pub use forge::Forge;
pub use scene::{OWNER, REPOSITORY, Scene};
pub use world::{World, WorldSpec, is_deployed, is_real};
