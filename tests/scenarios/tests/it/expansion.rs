//! Neither Tekton nor Kubernetes changes text that comes from outside.

use anyhow::Result;
use serde_json::json;
use tidegate_scenarios::Scene;
use tidegate_test_suite::scenario;

use crate::{gitea, job};

scenario!(a_branch_that_looks_like_a_variable_reaches_the_job_as_it_is);
async fn a_branch_that_looks_like_a_variable_reaches_the_job_as_it_is() -> Result<()> {
    // Tekton, Kubernetes, and what Kubernetes takes for an escape of its own.
    let branches = ["rel/$(context.taskRun.name)", "rel/$(CI)", "rel/$$(CI)", "rel/$(TIDEGATE_DOLLAR)"];
    let mut build = job("build", "test \"$TIDEGATE_BASE_REF $SEEN\" = \"$(cat ref) $(cat ref)\"");
    build["env"] = json!([{"name": "SEEN", "value": "$(TIDEGATE_BASE_REF)"}]);
    build["when"] = json!({"branches": ["rel/**"]});
    let scene = Scene::set(gitea(), &json!({"postSubmit": [build]})).await?;
    for branch in branches {
        let pushed = scene.push(branch, "dora", &[("ref", &format!("refs/heads/{branch}\n"))]).await?;
        scene.status(&pushed, "build", "success").await?;
    }
    scene.end().await
}
