//! `cargo xtask cluster`: the same scenarios and transcripts on real Kubernetes, Tekton and Gitea.

use std::path::Path;

use crate::{
    step::Step,
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
    cluster("start Kubernetes, Tekton and Gitea (built first where the cache lacks them)", &["up"])
        .run(workspace)?;
    let result = inside(workspace, &cluster);
    let down = cluster("stop them", &["down"]).run(workspace);
    result.and(down.map(drop))
}

fn inside(workspace: &Workspace, cluster: &impl Fn(&str, &[&str]) -> Step) -> anyhow::Result<()> {
    let binary = workspace.binary("debug", "tidegate-controller").display().to_string();
    let archive = workspace.target.join("tidegate-controller.tar").display().to_string();
    let file = format!("{binary}=/usr/bin/tidegate-controller");
    let pack = ["image", &archive, CONTROLLER_IMAGE, "--certificates", "--file", &file];
    let entrypoint = ["--entrypoint", "/usr/bin/tidegate-controller", "--user", "65532"];
    cluster("pack the controller's image", &[&pack[..], &entrypoint].concat()).run(workspace)?;
    cluster("load it", &["load", &archive]).run(workspace)?;
    cluster("install the CRDs", &["exec", "kubectl", "apply", "--server-side", "-f", "crds/"])
        .run(workspace)?;
    for (name, package) in [("scenarios", "tidegate-scenarios"), ("transcripts", "tidegate-transcripts")] {
        let test = ["exec", "cargo", "test", "--offline", "-p", package, "--", "--test-threads=6"];
        cluster(&format!("{name} on the real cluster"), &test)
            .env("TIDEGATE_WORLD", "cluster")
            .run(workspace)?;
    }
    Ok(())
}
