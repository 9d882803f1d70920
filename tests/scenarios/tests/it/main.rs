//! The scenarios, one file an area. Each starts its own world, says by its name what it proves, and ends by asserting
//! that nothing is left over.
//!
//! The people are `acme`, who owns the repository, `dora`, who may write to it, and `steve`, an outsider.
//!
//! `scenario!` above its function declares it, and says in which worlds it doesn't run and why.

mod approval;
mod bad_input;
mod bad_objects;
mod causes;
mod checkout_results;
mod claims;
mod comment_pointer;
mod comments;
mod commit_comment;
mod config;
mod config_recovers;
mod dead_letters;
mod deleted_refs;
mod deployed;
mod drain;
mod expansion;
mod git_of_jobs;
mod head_trust;
mod hooks;
mod host_faults;
mod kill;
mod kill_between;
mod leader;
mod limits;
mod missing_runs;
mod namespaces;
mod noise;
mod outage;
mod plugins;
mod pull_request;
mod push;
mod reach;
mod real;
mod retest;
mod rotation;
mod salt;
mod shared_runs;
mod skip;
mod status_truth;
mod status_truth_corrections;
mod stuck_commands;
mod surroundings;
mod trust;
mod webhook;

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_model::Host;
use tidegate_scenarios::WorldSpec;

fn main() -> Result<ExitCode> {
    tidegate_test_suite::main("scenarios")
}

/// The context of the config's own status.
const OWN_CONTEXT: &str = "tidegate/shop";

/// A world whose forge speaks Gitea's dialect.
fn gitea() -> WorldSpec {
    WorldSpec::new(Host::Gitea)
}

/// A world whose forge speaks GitHub's dialect. On the real cluster a Gitea takes its place.
fn github() -> WorldSpec {
    WorldSpec::new(Host::Github)
}

/// A world whose forge speaks a host's dialect.
fn on(host: Host) -> WorldSpec {
    WorldSpec::new(host)
}

/// One preSubmit job `unit` that succeeds when the file `ok` says yes.
fn unit() -> Value {
    json!({"preSubmit": [job("unit", "test \"$(cat ok)\" = yes")]})
}

/// A job with a script.
fn job(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "docker.io/library/busybox:1", "script": script})
}
