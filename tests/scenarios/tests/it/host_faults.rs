//! A host that fails, limits, is slow, or answers nonsense. Each fault meets one read of the drain and one status.

use std::time::Duration;

use anyhow::Result;
use tidegate_model::Host;
use tidegate_sandbox_forge::Fault;
use tidegate_sandbox_gate::Moment;
use tidegate_scenarios::{Scene, WorldSpec};
use tidegate_test_suite::scenario;

use crate::{gitea, github, on, unit};

scenario!(
    a_status_reaches_a_host_that_failed_for_a_moment,
    on_hosts,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_status_reaches_a_host_that_failed_for_a_moment(host: Host) -> Result<()> {
    survives(on(host), Fault::Status(500), Fault::Status(502)).await
}

scenario!(
    a_status_reaches_a_host_that_refused_the_credential_for_a_moment,
    on_hosts,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_status_reaches_a_host_that_refused_the_credential_for_a_moment(host: Host) -> Result<()> {
    survives(on(host), Fault::Status(401), Fault::Status(403)).await
}

scenario!(
    a_rate_limited_request_is_retried_when_the_host_allows_it,
    on_hosts,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_rate_limited_request_is_retried_when_the_host_allows_it(host: Host) -> Result<()> {
    let limited = || Fault::RateLimited { retry_after: Duration::from_secs(1) };
    survives(on(host), limited(), limited()).await
}

scenario!(
    a_request_is_retried_when_the_host_answers_nonsense,
    on_hosts,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_request_is_retried_when_the_host_answers_nonsense(host: Host) -> Result<()> {
    survives(on(host), Fault::Nonsense, Fault::Nonsense).await
}

scenario!(
    a_request_is_retried_when_the_host_does_not_answer,
    long,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_request_is_retried_when_the_host_does_not_answer() -> Result<()> {
    let never = || Fault::Held(tidegate_sandbox_gate::Gate::default(), Moment::Before);
    survives(gitea(), never(), never()).await
}

scenario!(
    a_status_that_meets_404_or_no_201_is_written_later_on_gitea,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_status_that_meets_404_or_no_201_is_written_later_on_gitea() -> Result<()> {
    keeps_its_status(gitea(), Fault::Status(404)).await?;
    keeps_its_status(gitea(), Fault::Nonsense).await
}

scenario!(
    a_status_that_meets_404_or_no_201_is_written_later_on_github,
    not_on_cluster = "a real host can't be told to fail"
);
async fn a_status_that_meets_404_or_no_201_is_written_later_on_github() -> Result<()> {
    keeps_its_status(github(), Fault::Status(404)).await?;
    keeps_its_status(github(), Fault::Nonsense).await
}

/// Every status that the run has is refused once, in words that say nothing about the status.
async fn keeps_its_status(spec: WorldSpec, fault: Fault) -> Result<()> {
    let scene = Scene::set(spec, &unit()).await?;
    scene.world.forge.sandbox()?.fail_next(3, Some("POST"), "statuses/", fault);
    let head = scene.push("fix", "dora", &[("ok", "no\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "failure").await?;
    scene.settle_jobs(1).await?;
    assert_eq!(scene.events("StatusRefused").await?, [""; 0]);
    scene.end().await
}

/// Dora's pull request ends green although the first read and the first status meet a fault, and no fault is met twice.
async fn survives(spec: WorldSpec, read: Fault, write: Fault) -> Result<()> {
    let of_pull_request = match spec.dialect {
        Host::Github | Host::Gitea => "pulls/1",
        Host::Gitlab => "merge_requests/1",
        Host::Bitbucket => "pullrequests/1",
    };
    let scene = Scene::set(spec, &unit()).await?;
    let forge = scene.world.forge.sandbox()?;
    forge.fail_next(1, Some("GET"), of_pull_request, read);
    forge.fail_next(1, Some("POST"), "statuses/", write);
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "unit", "success").await?;
    scene.settle_jobs(1).await?;
    assert_eq!(scene.states(&head, "unit").await?.last().map(String::as_str), Some("success"));
    scene.end().await
}
