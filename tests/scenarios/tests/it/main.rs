//! The scenarios, one file an area. Each starts its own world, says by its name what it proves, and ends by asserting
//! that nothing is left over.

mod approval;
mod bad_input;
mod comments;
mod config;
mod dead_letters;
mod deployed;
mod drain;
mod host_faults;
mod kill;
mod leader;
mod namespaces;
mod outage;
mod plugins;
mod pull_request;
mod push;
mod real;
mod rotation;
mod skip;
mod trust;
mod webhook;

use std::io::Write as _;

use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_scenarios::{WorldSpec, is_deployed, is_real};

/// A world whose forge speaks Gitea's dialect.
fn gitea() -> WorldSpec {
    WorldSpec::new(Host::Gitea)
}

/// Whether a scenario is left to the sandbox, because `reason` holds in the real world. Says so loudly.
fn sandbox_only(reason: &str) -> bool {
    skip_where(is_real(), "real cluster", reason)
}

/// Whether a scenario is left to the real cluster, because `reason` holds of the sandbox. Says so loudly.
fn real_only(reason: &str) -> bool {
    skip_where(!is_real(), "sandbox", reason)
}

/// Whether a scenario is left to a deployed cloud, because only that can be asked it. Says so loudly.
fn deployed_only() -> bool {
    skip_where(!is_deployed(), "sandbox", "it asks a deployed cloud")
}

/// Whether a scenario is not for a deployed cloud, because `reason` holds there. Says so loudly.
fn not_deployed(reason: &str) -> bool {
    skip_where(is_deployed(), "deployed cloud", reason)
}

fn skip_where(skipped: bool, world: &str, reason: &str) -> bool {
    if skipped {
        // Not by eprintln, which the test harness keeps to itself.
        writeln!(std::io::stderr(), "skipped on the {world}: {reason}").expect("stderr is open");
    }
    skipped
}

/// A world whose forge speaks GitHub's dialect. On the real cluster a Gitea takes its place.
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
