//! Branch names reach the job as they are: neither Tekton nor Kubernetes changes text that comes from outside, and every name
//! that git allows is built.

use anyhow::Result;
use serde_json::json;
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, job};

scenario!(a_branch_or_tag_that_looks_like_a_variable_reaches_the_job_as_it_is);
async fn a_branch_or_tag_that_looks_like_a_variable_reaches_the_job_as_it_is() -> Result<()> {
    // Tekton, Kubernetes, and what Kubernetes takes for an escape of its own.
    let branches = ["rel/$(context.taskRun.name)", "rel/$(CI)", "rel/$$(CI)", "rel/$(TIDEGATE_DOLLAR)"];
    let mut build = job("build", "test \"$TIDEGATE_BASE_REF $SEEN\" = \"$(cat ref) $(cat ref)\"");
    build["env"] = json!([{"name": "SEEN", "value": "$(TIDEGATE_BASE_REF)"}]);
    build["when"] = json!({"branches": ["rel/**"], "tags": ["v*"]});
    let scene = Scene::set(gitea(), &json!({"postSubmit": [build]})).await?;
    for branch in branches {
        let pushed = scene.push(branch, "dora", &[("ref", &format!("refs/heads/{branch}\n"))]).await?;
        scene.status(&pushed, "build", "success").await?;
    }
    let tagged = scene.push("tagged", "dora", &[("ref", "refs/tags/v$(CI)\n")]).await?;
    scene.world.forge.push_tag(REPOSITORY, "v$(CI)", &tagged, OWNER).await?;
    scene.status(&tagged, "build", "success").await?;
    scene.end().await
}

scenario!(a_branch_of_any_name_that_git_allows_is_built);
async fn a_branch_of_any_name_that_git_allows_is_built() -> Result<()> {
    let mut build = job("build", "test \"$TIDEGATE_BASE_REF\" = \"$(cat ref)\"");
    build["when"] = json!({"skipBranches": ["main"]});
    let scene = Scene::set(gitea(), &json!({"postSubmit": [build]})).await?;
    // The last one is refs/heads/refs/heads/x.
    let long = format!("{}{}", "l/".repeat(22), "x".repeat(200));
    for branch in ["@", "-x", "a\u{3000}b", "a\u{85}b", "it's-$(id)", &long, "refs/heads/x"] {
        let pushed = scene.push(branch, "dora", &[("ref", &format!("refs/heads/{branch}\n"))]).await?;
        scene.status(&pushed, "build", "success").await?;
    }
    scene.end().await
}
