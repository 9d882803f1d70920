//! The `ChatOps` plugin: which comment asks for what.
//!
//! Its route, queue and function exist; its commands (`/test`, `/retest`, …) are added one file each.

use tidegate_model::{Command, Event};

/// The commands that an event gives rise to. No comment is a command yet.
pub fn commands(event: &Event) -> Vec<Command> {
    match event {
        Event::Comment(_) | Event::PullRequest(_) | Event::Push(_) => Vec::new(),
    }
}
