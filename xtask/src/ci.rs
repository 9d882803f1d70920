//! `cargo ci`: every check and test, in tiers, each with its time and budget.

use std::time::{Duration, Instant};

use anyhow::bail;

use crate::{
    chart, cluster, deploy,
    step::Step,
    tidy,
    tools::{DENY, HELM, MACHETE},
    workspace::{BINARIES, Workspace},
};

/// A tier's name, and how long it may take.
struct Tier {
    name: &'static str,
    budget: Duration,
    /// Whether the budget holds where everything was built before, or on a machine that has nothing.
    machine: &'static str,
}

const FAST: Tier = Tier { name: "fast", budget: Duration::from_mins(3), machine: "warm" };
const SANDBOX: Tier = Tier { name: "sandbox", budget: Duration::from_mins(20), machine: "bare" };
const CLUSTER: Tier = Tier { name: "cluster", budget: Duration::from_mins(30), machine: "bare" };

const DEPLOY: Tier = Tier { name: "deploy", budget: Duration::from_mins(15), machine: "bare" };

/// What ran, and how long it took.
#[derive(Default)]
struct Report(Vec<(String, Duration)>);

pub(crate) fn run(workspace: &Workspace, fast_only: bool, complete: bool) -> anyhow::Result<()> {
    let mut report = Report::default();
    let start = Instant::now();
    let mut result = tier(&FAST, &mut report, |report| fast(workspace, report));
    if result.is_ok() && !fast_only {
        result = tier(&SANDBOX, &mut report, |report| sandbox(workspace, report))
            .and_then(|()| tier(&CLUSTER, &mut report, |report| real_cluster(workspace, report, complete)))
            .and_then(|()| tier(&DEPLOY, &mut report, |report| deployment(workspace, report, complete)));
    }
    println!("\n{:>8}  step", "seconds");
    for (name, took) in &report.0 {
        println!("{:>8.1}  {name}", took.as_secs_f64());
    }
    println!("{:>8.1}  in all", start.elapsed().as_secs_f64());
    if let Err(error) = &result {
        println!("\ncargo ci: FAILED: {error:#}");
        bail!("a step failed");
    }
    println!("\ncargo ci: everything passed");
    Ok(())
}

fn tier(
    tier: &Tier,
    report: &mut Report,
    steps: impl FnOnce(&mut Report) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let minutes = tier.budget.as_secs() / 60;
    println!("═══ tier {} (budget on a {} machine: {minutes} minutes)", tier.name, tier.machine);
    let start = Instant::now();
    let result = steps(report);
    let took = start.elapsed();
    let over = if took > tier.budget { ", over its budget" } else { "" };
    println!("═══ tier {}: {:.0} s{over}\n", tier.name, took.as_secs_f64());
    report.0.push((format!("tier {}{over}", tier.name), took));
    result
}

/// The inner loop: format, lints, unit tests, scenarios on the sandbox.
fn fast(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    report.step(workspace, &Step::cargo("format", &["fmt", "--all", "--check"]))?;
    report.timed("tidy", || tidy::run(workspace))?;
    report.step(workspace, &clippy())?;
    report.step(workspace, &crds(true))?;
    let binaries = Step::cargo(
        "build the binaries",
        &[&["build", "--bins", "-p", "tidegate-scenarios"][..], BINARIES].concat(),
    );
    report.step(workspace, &binaries)?;
    report.step(
        workspace,
        &Step::cargo("unit tests and scenarios on the sandbox", &["test", "--workspace", "--no-fail-fast"]),
    )
}

/// What needs no more than this machine, beside the inner loop.
fn sandbox(workspace: &Workspace, report: &mut Report) -> anyhow::Result<()> {
    let doc = Step::cargo(
        "documentation",
        &["doc", "--workspace", "--no-deps", "--document-private-items", "--quiet"],
    );
    report.step(workspace, &doc.env("RUSTDOCFLAGS", "-D warnings"))?;
    let deny = DENY.ready(workspace)?;
    // Advisories need a database from a host that a machine without internet doesn't reach; the rest is local.
    let checks = ["check", "bans", "licenses", "sources"];
    report.step(workspace, &Step::binary("licences, bans and sources", &deny, &checks))?;
    let machete = MACHETE.ready(workspace)?;
    report.step(workspace, &Step::binary("unused dependencies", &machete, &[]))?;
    report.timed("the chart", || chart::run(workspace, true))?;
    let helm = HELM.ready(workspace)?.display().to_string();
    let scenes = ["test", "--quiet", "-p", "tidegate-scenarios", "--lib", "chart"];
    report.step(workspace, &Step::cargo("the chart in a scene", &scenes).env("TIDEGATE_HELM", &helm))?;
    report.step(workspace, &Step::cargo("the demo", &["demo"]))
}

/// The same scenarios and transcripts on real Kubernetes, Tekton and Gitea.
fn real_cluster(workspace: &Workspace, report: &mut Report, complete: bool) -> anyhow::Result<()> {
    if let Some(lacking) = cluster::lacks(workspace)? {
        return skip("cluster", &lacking, complete, report);
    }
    report.timed("scenarios and transcripts on the real cluster", || cluster::tests(workspace))
}

/// Terraform's and SAM's stacks on an emulator of AWS, put to work.
fn deployment(workspace: &Workspace, report: &mut Report, complete: bool) -> anyhow::Result<()> {
    if let Some(lacking) = deploy::lacks() {
        return skip("deploy", &lacking, complete, report);
    }
    report.timed("both stacks deployed, compared and removed", || deploy::run(workspace))
}

/// Leaves a tier out, loudly; where nothing may be left out, that is a failure.
fn skip(tier: &str, lacking: &str, complete: bool, report: &mut Report) -> anyhow::Result<()> {
    if complete {
        bail!("the tier {tier} can't run here: {lacking}");
    }
    println!("!!! SKIPPED: the tier {tier} did not run. {lacking}");
    report.0.push((format!("SKIPPED: {tier}"), Duration::ZERO));
    Ok(())
}

/// Lints, with every warning an error.
fn clippy() -> Step {
    Step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
}

/// The CRDs' YAML: written, or checked.
pub(crate) fn crds(check: bool) -> Step {
    let run = ["run", "--quiet", "--package", "tidegate-generate", "--", "crds"];
    if check {
        Step::cargo("crds/ is what the Rust types say", &[&run[..], &["--check"]].concat())
    } else {
        Step::cargo("write crds/", &run)
    }
}

impl Report {
    fn step(&mut self, workspace: &Workspace, step: &Step) -> anyhow::Result<()> {
        self.timed(step.name(), || step.run(workspace).map(drop))
    }

    fn timed(&mut self, name: &str, work: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        let start = Instant::now();
        let result = work();
        self.0.push((name.to_owned(), start.elapsed()));
        result
    }
}
