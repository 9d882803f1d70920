//! The scenarios, one file an area. Each starts its own world, says by its name what it proves, and ends by asserting
//! that nothing is left over.

mod config;
mod drain;
mod pull_request;
mod push;
mod trust;
mod webhook;

use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_scenarios::WorldSpec;

/// A world whose forge speaks Gitea's dialect.
fn gitea() -> WorldSpec {
    WorldSpec::new(Host::Gitea)
}

/// A world whose forge speaks GitHub's dialect.
fn github() -> WorldSpec {
    WorldSpec::new(Host::Github)
}

/// One preSubmit job `unit` that succeeds when the file `ok` says yes.
fn unit() -> Value {
    json!({"preSubmit": [job("unit", "test \"$(cat ok)\" = yes")]})
}

/// A job with a script.
fn job(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "docker.io/library/busybox:1", "script": script})
}
