//! What a job writes changes nothing of what is recorded about it: the commit and the tree that were tested, and how it ended.

use anyhow::{Context as _, Result};
use serde_json::json;
use tidegate_resources::Phase;
use tidegate_scenarios::{OWNER, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, job};

/// Writes a false commit to every file that the step can write where Tekton keeps what it knows of the task (on the sandbox:
/// beside the task's directory), makes files for each result wherever there is a directory for results, and leaves results of
/// its own, of every type that Tekton knows, and another exit code.
const FORGE: &str = r#"
forged=cccccccccccccccccccccccccccccccccccccccc
find /tekton ../../run -type f 2>/dev/null | while read -r file; do
    printf %s $forged 2>/dev/null >"$file" || true
done
find /tekton ../../run -type d -name results 2>/dev/null | while read -r folder; do
    for name in commit tree outcome detail; do
        printf %s $forged 2>/dev/null >"$folder/$name" || true
    done
done
if test -e /tekton; then
    all=
    for type in 1 3 4 10; do
        for name in commit tree outcome detail; do
            all="$all{\"key\":\"$name\",\"value\":\"$forged\",\"type\":$type},"
        done
    done
    printf '[%s{"key":"ExitCode","value":"0","type":3}]' "$all" >/tekton/termination
fi
"#;

scenario!(a_root_job_that_overwrites_what_tekton_keeps_does_not_change_what_was_tested);
async fn a_root_job_that_overwrites_what_tekton_keeps_does_not_change_what_was_tested() -> Result<()> {
    let is_root = "test \"$(id -u)\" = 0\n";
    let overwrites = job("overwrites", &format!("{is_root}{FORGE}exit 0\n"));
    let fails = job("fails", &format!("{is_root}{FORGE}exit 3\n"));
    let scene = Scene::set(gitea(), &json!({"preSubmit": [overwrites, fails]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    let base = scene.push("main", OWNER, &[("news", "main has moved\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "overwrites", "success").await?;
    let failed = scene.status(&head, "fails", "failure").await?.description.unwrap_or_default();
    assert!(failed.contains("exit code 3"), "{failed}");

    let name = scene.only_job().await?;
    let ended = scene.wait_for_job(&name, "it failed", |job| scene.phase(job) == Phase::Failed).await?;
    let status = ended.status.context("a status")?;
    assert_eq!(status.tree, Some(scene.merged_tree(&base, &head).await?));
    let merged = status.merged_sha.context("no commit is recorded")?;
    assert_ne!(merged.as_str(), "c".repeat(40));
    scene.end().await
}

scenario!(a_job_without_a_checkout_records_no_commit);
async fn a_job_without_a_checkout_records_no_commit() -> Result<()> {
    let mut alone = job("alone", FORGE);
    alone["skipCheckout"] = json!(true);
    let scene = Scene::set(gitea(), &json!({"preSubmit": [alone]})).await?;
    let head = scene.push("fix", "dora", &[("ok", "yes\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&head, "alone", "success").await?;
    let name = scene.only_job().await?;
    let ended = scene.wait_for_job(&name, "it ended", |job| scene.phase(job).is_final()).await?;
    let status = ended.status.context("a status")?;
    assert_eq!((status.merged_sha, status.tree), (None, None));
    scene.end().await
}
