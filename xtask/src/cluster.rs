//! Real Kubernetes, Tekton and Gitea, built and started by `tests/cluster`: the same scenarios and transcripts, and the bench.

use std::{path::Path, process::Command};

use anyhow::{Context as _, bail};

use crate::{
    coverage::Coverage,
    package::controller_image,
    step::Step,
    tools::HELM,
    workspace::{BINARIES, MEASURE, Workspace},
};

const HARNESS: &str = "tests/cluster/cluster";
/// How many scenes run at once. Each has a controller and pods, and the deploy tier runs beside them: six made two cores wait.
const SCENES: usize = 4;
const CONTROLLER_IMAGE: &str = "localhost/tidegate/controller:dev";
/// What `check` ends with where the machine lacks something.
const LACKS: i32 = 3;

/// What this machine lacks for a cluster; `None` where it lacks nothing.
pub(crate) fn lacks(workspace: &Workspace) -> anyhow::Result<Option<String>> {
    let output = Command::new(workspace.root.join(HARNESS))
        .arg("check")
        .output()
        .with_context(|| format!("failed to start {HARNESS}"))?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
    match output.status.code() {
        Some(0) => Ok(None),
        Some(LACKS) => Ok(Some(said)),
        _ => bail!("{HARNESS} check failed ({}): {said}", output.status),
    }
}

/// Builds the cluster's components where the cache lacks them.
pub(crate) fn build(workspace: &Workspace) -> anyhow::Result<()> {
    harness("the components of Kubernetes, Tekton and Gitea", &["build"]).counted().run(workspace).map(drop)
}

/// The steps of the tests: the cluster is up from the first to the last but one.
///
/// With names, only the scenarios that contain one of them run.
pub(crate) fn tests(workspace: &Workspace, coverage: &Coverage, names: &[String]) -> anyhow::Result<()> {
    // Inside there is no network, so nothing may be left to build. The whole workspace, as other features are another build.
    Step::cargo("build the tests", &["test", "--no-run", "--workspace"]).run(workspace)?;
    with_cluster(workspace, "debug", &[], |helm| {
        if names.is_empty() {
            dry_run_the_chart(workspace)?;
        }
        let suites = if names.is_empty() { &["scenarios", "transcripts"][..] } else { &["scenarios"] };
        for test in suites {
            let threads = format!("--test-threads={SCENES}");
            let arguments =
                ["exec", "cargo", "test", "--offline", "--workspace", "--test", test, "--", &threads];
            let arguments: Vec<&str> =
                arguments.into_iter().chain(names.iter().map(String::as_str)).collect();
            let step = harness(&format!("{test} on the real cluster"), &arguments).env("TIDEGATE_HELM", helm);
            coverage.of(step).counted().run(workspace)?;
        }
        Ok(())
    })
}

/// The bench, of release binaries.
pub(crate) fn bench(workspace: &Workspace) -> anyhow::Result<()> {
    with_cluster(workspace, "release", MEASURE, |helm| {
        let bench = workspace.binary("release", "bench").display().to_string();
        let bench = harness("the bench on the real cluster", &["exec", &bench]).env("TIDEGATE_HELM", helm);
        bench.run(workspace).map(drop)
    })
}

/// What the chart renders, against the real types. The complete snapshot needs the definitions of Prometheus' operator.
fn dry_run_the_chart(workspace: &Workspace) -> anyhow::Result<()> {
    for namespace in ["tidegate", "shop", "web"] {
        let make = format!("kubectl get namespace {namespace} || kubectl create namespace {namespace}");
        harness(&format!("make the namespace {namespace}"), &["exec", "sh", "-c", &make]).run(workspace)?;
    }
    let apply = ["exec", "kubectl", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f"];
    for snapshot in ["minimal", "namespaces", "static-keys"] {
        let file = format!("infra/kubernetes/snapshots/{snapshot}.yaml");
        harness(&format!("dry run of the chart, {snapshot}"), &[&apply[..], &[&file]].concat())
            .run(workspace)?;
    }
    Ok(())
}

/// Builds the binaries, starts the cluster with the controller's image and the CRDs in it, works, and ends the cluster. The
/// work gets the path of helm.
fn with_cluster(
    workspace: &Workspace,
    profile: &str,
    features: &[&str],
    work: impl FnOnce(&str) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let release: &[&str] = if profile == "release" { &["--release"] } else { &[] };
    let build = [&["build"], BINARIES, features, release].concat();
    Step::cargo("build the binaries", &build).run(workspace)?;
    let helm = HELM.ready(workspace)?.display().to_string();
    harness("start Kubernetes, Tekton and Gitea (built first where the cache lacks them)", &["up"])
        .run(workspace)?;
    let result = install(workspace, profile).and_then(|()| work(&helm));
    let down = harness("stop them", &["down"]).run(workspace);
    result.and(down.map(drop))
}

fn install(workspace: &Workspace, profile: &str) -> anyhow::Result<()> {
    let archive = workspace.target.join("tidegate-controller.tar");
    let binary = workspace.binary(profile, "tidegate-controller");
    controller_image(workspace, &binary, &archive, CONTROLLER_IMAGE, &[])?;
    let archive = archive.display().to_string();
    harness("load it", &["load", &archive]).run(workspace)?;
    harness("install the CRDs", &["exec", "kubectl", "apply", "--server-side", "-f", "crds/"])
        .run(workspace)?;
    Ok(())
}

fn harness(name: &str, arguments: &[&str]) -> Step {
    Step::binary(name, Path::new(HARNESS), arguments).env("TIDEGATE_WORLD", "cluster")
}
