//! `cargo xtask cluster`: the same scenarios and transcripts on real Kubernetes, Tekton and Gitea.

use std::path::Path;

use crate::{
    package::controller_image,
    step::Step,
    tools::HELM,
    workspace::{BINARIES, Workspace},
};

const CONTROLLER_IMAGE: &str = "localhost/tidegate/controller:dev";

pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let cluster =
        |name: &str, arguments: &[&str]| Step::binary(name, Path::new("tests/cluster/cluster"), arguments);
    cluster("what this machine can do", &["check"]).run(workspace)?;
    Step::cargo(
        "build the binaries",
        &[&["build", "--bins", "-p", "tidegate-scenarios"][..], BINARIES].concat(),
    )
    .run(workspace)?;
    // Inside there is no network, so nothing may be left to build.
    let tests = ["test", "--no-run", "-p", "tidegate-scenarios", "-p", "tidegate-transcripts"];
    Step::cargo("build the tests", &tests).run(workspace)?;
    let helm = HELM.ready(workspace)?;
    cluster("start Kubernetes, Tekton and Gitea (built first where the cache lacks them)", &["up"])
        .run(workspace)?;
    let result = inside(workspace, &helm, &cluster);
    let down = cluster("stop them", &["down"]).run(workspace);
    result.and(down.map(drop))
}

fn inside(
    workspace: &Workspace,
    helm: &Path,
    cluster: &impl Fn(&str, &[&str]) -> Step,
) -> anyhow::Result<()> {
    let archive = workspace.target.join("tidegate-controller.tar");
    controller_image(
        workspace,
        &workspace.binary("debug", "tidegate-controller"),
        &archive,
        CONTROLLER_IMAGE,
    )?;
    let archive = archive.display().to_string();
    cluster("load it", &["load", &archive]).run(workspace)?;
    cluster("install the CRDs", &["exec", "kubectl", "apply", "--server-side", "-f", "crds/"])
        .run(workspace)?;
    // What the chart renders, against the real types. The complete snapshot needs the definitions of Prometheus' operator.
    for namespace in ["tidegate", "shop", "web"] {
        let make = format!("kubectl get namespace {namespace} || kubectl create namespace {namespace}");
        cluster(&format!("make the namespace {namespace}"), &["exec", "sh", "-c", &make]).run(workspace)?;
    }
    for snapshot in ["minimal", "one-namespace", "static-keys"] {
        let file = format!("infra/kubernetes/snapshots/{snapshot}.yaml");
        let apply = [
            "exec",
            "kubectl",
            "apply",
            "--server-side",
            "--dry-run=server",
            "--validate=strict",
            "-f",
            &file,
        ];
        cluster(&format!("dry run of the chart, {snapshot}"), &apply).run(workspace)?;
    }
    for (name, package) in [("scenarios", "tidegate-scenarios"), ("transcripts", "tidegate-transcripts")] {
        let test = ["exec", "cargo", "test", "--offline", "-p", package, "--", "--test-threads=6"];
        cluster(&format!("{name} on the real cluster"), &test)
            .env("TIDEGATE_WORLD", "cluster")
            .env("TIDEGATE_HELM", &helm.display().to_string())
            .run(workspace)?;
    }
    Ok(())
}
