//! The steps of the tiers that need no more than this machine.

use super::Coverage;
use crate::{
    chart, demo,
    step::Step,
    tidy,
    tools::{DENY, HELM, SHEAR},
    workspace::{BINARIES, MEASURE, Workspace},
};

/// On which hosts core scenarios run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Hosts {
    /// Each on one, which its name chooses.
    One,
    /// Each on all.
    All,
}

/// The inner loop: format, lints, unit tests, scenarios on the sandbox.
pub(super) fn fast(workspace: &Workspace, coverage: &Coverage, hosts: Hosts) -> anyhow::Result<()> {
    Step::cargo("format", &["fmt", "--all", "--check"]).run(workspace)?;
    workspace.journal.timed("tidy", || tidy::run(workspace))?;
    lints().run(workspace)?;
    Step::cargo("build the binaries", &[&["build"], BINARIES].concat()).run(workspace)?;
    crds(true).run(workspace)?;
    let tests = Step::cargo(
        "unit tests and scenarios on the sandbox",
        &["test", "--workspace", "--no-fail-fast", "--quiet"],
    );
    // Scenes mostly wait for one another's processes.
    let tests = coverage.of(tests).env("RUST_TEST_THREADS", "14");
    let tests = match hosts {
        Hosts::One => tests,
        Hosts::All => tests.env("TIDEGATE_ALL_HOSTS", "1"),
    };
    tests.run(workspace)?;
    Ok(())
}

/// What is checked beside the inner loop.
pub(super) fn sandbox(workspace: &Workspace) -> anyhow::Result<()> {
    let doc = ["doc", "--workspace", "--no-deps", "--document-private-items"];
    Step::cargo("documentation", &doc).env("RUSTDOCFLAGS", "-D warnings").run(workspace)?;
    let deny = DENY.ready(workspace)?;
    // Advisories need a database from a host that a machine without internet doesn't reach; the rest is local.
    let checks = ["check", "bans", "licenses", "sources"];
    Step::binary("licences, bans and sources", &deny, &checks).run(workspace)?;
    let shear = SHEAR.ready(workspace)?;
    let unused = ["--check-test-targets", "--deny-warnings", "--offline"];
    Step::binary("unused dependencies, files and test targets", &shear, &unused).run(workspace)?;
    workspace.journal.timed("the demo", || demo::scene(workspace, false))
}

/// What needs helm.
pub(super) fn chart(workspace: &Workspace, coverage: &Coverage) -> anyhow::Result<()> {
    workspace.journal.timed("the chart", || chart::run(workspace, true))?;
    let helm = HELM.ready(workspace)?.display().to_string();
    let scenes = ["test", "--workspace", "--lib", "--quiet", "chart"];
    coverage.of(Step::cargo("the chart in a scene", &scenes)).env("TIDEGATE_HELM", &helm).run(workspace)?;
    Ok(())
}

/// Lints, with every warning an error.
fn lints() -> Step {
    let lints = [&["clippy", "--workspace", "--all-targets"], MEASURE, &["--", "-D", "warnings"]].concat();
    Step::cargo("lints", &lints)
}

/// The CRDs' YAML: written, or checked.
pub(crate) fn crds(check: bool) -> Step {
    let run = ["run", "--quiet", "--bin", "tidegate-generate", "--", "crds"];
    if check {
        Step::cargo("crds/ is what the Rust types say", &[&run[..], &["--check"]].concat())
    } else {
        Step::cargo("write crds/", &run)
    }
}
