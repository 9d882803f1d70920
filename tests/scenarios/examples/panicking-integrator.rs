//! The Integrator, except that it panics at the first pull request of its process: a plugin with a bug.

use std::sync::atomic::{AtomicBool, Ordering};

use tidegate_model::{Command, Event, EventKind};

static IS_FIRST: AtomicBool = AtomicBool::new(true);

fn commands(event: &Event) -> Vec<Command> {
    let is_first = event.kind() == EventKind::PullRequest && IS_FIRST.swap(false, Ordering::Relaxed);
    assert!(!is_first, "the bug of this plugin");
    tidegate_rules::integrator::commands(event)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tidegate_plugin::run("integrator", commands).await
}
