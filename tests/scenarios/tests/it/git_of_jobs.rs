//! What the git of a job finds in the code that was checked out for it: the table in docs/jobs.md.

use anyhow::Result;
use serde_json::{Value, json};
use tidegate_scenarios::{OWNER, REPOSITORY, Scene};
use tidegate_test_suite::scenario;

use crate::{gitea, job};

/// Fails when git can't do something that the manual promises. The job has no credential.
const SCRIPT: &str = r#"set -ex
git blame -s a.txt | grep 'line 4'
git log -p --format=%s | grep '^+line 1$'
git diff HEAD~3 -- a.txt | grep '^+line 4$'
test "$(git tag --list)" = v1
git describe --tags | grep '^v1'
test "$(git rev-parse origin/main)" = "$(git rev-parse refs/tidegate/base)" || test "$TIDEGATE_BASE_REF" = refs/tags/v1
test "$(git fsck --connectivity-only 2>/dev/null)" = ''
test "$(stat -c %a a.txt dir/run | tr '\n' ' ')" = '664 664 '
test -z "$(find ./* -perm -002)"
echo more >>a.txt
git -c user.name=CI -c user.email=ci@localhost commit --quiet --all --message more
"#;

/// What a job does that wants its submodules. Nothing of them was checked out.
const SUBMODULE: &str = "set -ex
test -z \"$(ls library)\"
git submodule --quiet update --init
test \"$(cat library/name)\" = library
git submodule status | grep '^ '
";

/// A job in an image that has git.
fn with_git(name: &str, script: &str) -> Value {
    let mut job = job(name, script);
    job["image"] = "localhost/tidegate/checkout:dev".into();
    // A job's own settings of git take the place of Tidegate's.
    job["env"] = json!([
        {"name": "GIT_CONFIG_COUNT", "value": "1"},
        {"name": "GIT_CONFIG_KEY_0", "value": "init.defaultBranch"},
        {"name": "GIT_CONFIG_VALUE_0", "value": "main"},
    ]);
    job
}

scenario!(git_works_in_jobs_and_conflicts_name_files_in_whole_characters);
async fn git_works_in_jobs_and_conflicts_name_files_in_whole_characters() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    let config = scene.config(&jobs(SCRIPT));
    history_works(&scene, config).await?;

    let theirs = scene.push("manual", "dora", &[("説明書.md", "theirs\n")]).await?;
    scene.push("main", OWNER, &[("説明書.md", "ours\n")]).await?;
    scene.open("dora", "manual").await?;
    let description = scene.status(&theirs, "history", "failure").await?.description.unwrap_or_default();
    assert!(description.contains("conflict in 説明書.md"), "{description}");
    scene.end().await
}

scenario!(
    git_and_public_submodules_work_in_jobs_of_a_private_repository,
    only_on_cluster = "the sandbox mounts no clone credential"
);
async fn git_and_public_submodules_work_in_jobs_of_a_private_repository() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    add_submodule(&scene).await?;
    scene.world.forge.make_private(REPOSITORY).await?;
    scene.create_secret("clone", "token", &scene.world.forge.clone_token(OWNER).await?).await?;
    let mut config = scene.config(&jobs(&format!("{SCRIPT}{SUBMODULE}")));
    config["spec"]["git"]["cloneSecretRef"] = json!({"name": "clone", "key": "token"});
    history_works(&scene, config).await?;
    scene.end().await
}

scenario!(
    public_submodules_work_in_jobs_of_a_public_repository,
    only_on_cluster = "its forge writes files alone; real git shows it beside the checkout's script"
);
async fn public_submodules_work_in_jobs_of_a_public_repository() -> Result<()> {
    let scene = Scene::prepare(gitea()).await?;
    add_submodule(&scene).await?;
    history_works(&scene, scene.config(&jobs(SUBMODULE))).await?;
    scene.end().await
}

/// Makes a public repository, and a submodule of it on `main`.
async fn add_submodule(scene: &Scene) -> Result<()> {
    const LIBRARY: &str = "acme/library";
    let forge = &scene.world.forge;
    forge.create_repository(LIBRARY).await?;
    let library = forge.commit(LIBRARY, "main", OWNER, &[("name", "library\n")], "Name it").await?;
    forge.commit_submodule(REPOSITORY, "main", OWNER, &forge.git_url(LIBRARY), &library).await
}

/// A job of pull requests, and one of the tag `v1`.
fn jobs(script: &str) -> Value {
    let mut release = with_git("release", script);
    release["when"] = json!({"tags": ["v1"]});
    json!({"preSubmit": [with_git("history", script)], "postSubmit": [release]})
}

/// Applies the config of a repository with some history, and runs the jobs of a tag and of a pull request.
async fn history_works(scene: &Scene, config: Value) -> Result<()> {
    let mut newest = scene.push("main", OWNER, &[("a.txt", "line 1\n"), ("dir/run", "run\n")]).await?;
    for number in 2..=4 {
        newest = scene.push("main", OWNER, &[("a.txt", &format!("line {number}\n"))]).await?;
    }
    scene.apply(config).await?;
    scene.wait_until_registered().await?;
    scene.world.forge.push_tag(REPOSITORY, "v1", &newest, OWNER).await?;
    scene.status(&newest, "release", "success").await?;
    let fix = scene.push("fix", "dora", &[("b.txt", "new\n")]).await?;
    scene.open("dora", "fix").await?;
    scene.status(&fix, "history", "success").await?;
    Ok(())
}
