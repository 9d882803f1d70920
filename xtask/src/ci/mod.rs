//! `cargo ci`: every check and test, in tiers, each with its time and budget. What takes long to build or mostly waits runs
//! beside them.

mod tiers;

use std::{
    fs,
    thread::{self, Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};

use crate::{
    cluster,
    coverage::Coverage,
    dependencies, deploy,
    journal::Outcome,
    prose,
    tools::{HELM, VALE},
    workspace::Workspace,
};
pub(crate) use tiers::crds;

/// A tier's name, and how long it may take.
struct Tier {
    name: &'static str,
    budget: Duration,
    /// Whether the budget holds where everything was built before, or on a machine that has nothing.
    machine: &'static str,
}

const FAST: Tier = Tier { name: "fast", budget: Duration::from_mins(2), machine: "warm" };
const SANDBOX: Tier = Tier { name: "sandbox", budget: Duration::from_mins(5), machine: "warm" };
const CLUSTER: Tier = Tier { name: "cluster", budget: Duration::from_mins(10), machine: "warm" };
const DEPLOY: Tier = Tier { name: "deploy", budget: Duration::from_mins(10), machine: "warm" };

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The inner loop.
    Fast,
    /// What this machine can run.
    Possible,
    /// Everything; what this machine can't run is a failure.
    Complete,
}

pub(crate) fn run(workspace: &Workspace, extent: Extent) -> anyhow::Result<()> {
    let workspace = Workspace { counts: true, ..workspace.clone() };
    let start = Instant::now();
    let coverage = Coverage::begin(&workspace)?;
    let result = all(&workspace, extent, &coverage);
    println!("\n{}", workspace.journal);
    coverage.print()?;
    println!("\n{:.0} s in all; load average {}", start.elapsed().as_secs_f64(), load());
    if let Err(error) = &result {
        println!("\ncargo ci: FAILED: {error:#}");
        bail!("a step failed");
    }
    println!("\ncargo ci: everything passed");
    Ok(())
}

fn all(workspace: &Workspace, extent: Extent, coverage: &Coverage) -> anyhow::Result<()> {
    dependencies::restore(&workspace.tier(FAST.name))?;
    if extent == Extent::Fast {
        tier(workspace, &FAST, |workspace| tiers::fast(workspace, coverage, tiers::Hosts::One))?;
        return dependencies::save(&workspace.tier(FAST.name));
    }
    // Whoever lacks something hears of it now, and not in half an hour.
    let lacks = Lacks {
        cluster: lacking(&CLUSTER, cluster::lacks(workspace)?, workspace, extent)?,
        deploy: lacking(&DEPLOY, deploy::lacks(), workspace, extent)?,
    };
    thread::scope(|scope| {
        let result = tiers(scope, workspace, &lacks, coverage);
        if result.is_err() {
            // What runs in the background ends with its step.
            workspace.journal.stop();
        }
        result
    })?;
    if extent == Extent::Complete {
        coverage.complete()?;
    }
    dependencies::save(workspace)
}

/// Which tiers this machine can't run.
struct Lacks {
    cluster: bool,
    deploy: bool,
}

/// The tiers one after the other, and beside them what they will need.
fn tiers<'scope>(
    scope: &'scope Scope<'scope, '_>,
    workspace: &Workspace,
    lacks: &Lacks,
    coverage: &'scope Coverage,
) -> anyhow::Result<()> {
    let tools = Background::start(scope, workspace, "tools", |lane| {
        let lane = lane.tier(SANDBOX.name);
        HELM.ready(&lane)?;
        VALE.ready(&lane).map(drop)
    })?;
    let components = (!lacks.cluster)
        .then(|| {
            Background::start(scope, workspace, "components", |lane| cluster::build(&lane.tier(CLUSTER.name)))
        })
        .transpose()?;
    tier(workspace, &FAST, |workspace| tiers::fast(workspace, coverage, tiers::Hosts::All))?;
    let prepared = (!lacks.deploy)
        .then(|| {
            Background::start(scope, workspace, "release", |lane| {
                deploy::Prepared::ready(&lane.tier(DEPLOY.name))
            })
        })
        .transpose()?;
    tier(workspace, &SANDBOX, |workspace| {
        tiers::sandbox(workspace)?;
        tools.wait()?;
        prose::run(workspace, prose::Level::Errors)?;
        tiers::chart(workspace, coverage)
    })?;
    components.map(Background::wait).transpose()?;
    // Both wait most of the time: for pods, and for the emulator.
    let deployed = prepared
        .map(|prepared| {
            let prepared = prepared.wait()?;
            Background::start(scope, workspace, "deploy", move |lane| {
                tier(lane, &DEPLOY, |workspace| deploy::stacks(workspace, &prepared, coverage))
            })
        })
        .transpose()?;
    if !lacks.cluster {
        tier(workspace, &CLUSTER, |workspace| cluster::tests(workspace, coverage, &[]))?;
    }
    deployed.map(Background::wait).transpose()?;
    Ok(())
}

/// Steps beside those that people watch.
struct Background<'scope, T> {
    workspace: Workspace,
    name: &'static str,
    thread: ScopedJoinHandle<'scope, anyhow::Result<T>>,
}

impl<'scope, T: Send + 'scope> Background<'scope, T> {
    fn start(
        scope: &'scope Scope<'scope, '_>,
        workspace: &Workspace,
        name: &'static str,
        work: impl FnOnce(&Workspace) -> anyhow::Result<T> + Send + 'scope,
    ) -> anyhow::Result<Self> {
        let workspace = workspace.lane(name)?;
        let lane = workspace.clone();
        Ok(Self { workspace, name, thread: scope.spawn(move || work(&lane)) })
    }

    /// Waits until it has ended. Where it failed, the end of its log is shown.
    fn wait(self) -> anyhow::Result<T> {
        let Ok(result) = self.thread.join() else { bail!("what runs {} panicked", self.name) };
        result.inspect_err(|_| println!("{}", self.workspace.journal.tail()))
    }
}

fn tier<T>(
    workspace: &Workspace,
    tier: &Tier,
    steps: impl FnOnce(&Workspace) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let workspace = workspace.tier(tier.name);
    let minutes = tier.budget.as_secs() / 60;
    say!(workspace, "═══ tier {} (budget on a {} machine: {minutes} minutes)", tier.name, tier.machine);
    let start = Instant::now();
    let result = steps(&workspace);
    let took = start.elapsed();
    let over = if took > tier.budget { "over its budget" } else { "" };
    say!(workspace, "═══ tier {}: {:.0} s {over}\n", tier.name, took.as_secs_f64());
    let outcome = Outcome { tests: None, source: over.to_owned() };
    workspace.journal.record("all steps of the tier", took, outcome);
    result
}

/// Whether a tier is left out, loudly; where nothing may be left out, that is a failure.
fn lacking(
    tier: &Tier,
    lacking: Option<String>,
    workspace: &Workspace,
    extent: Extent,
) -> anyhow::Result<bool> {
    let Some(lacking) = lacking else { return Ok(false) };
    if extent == Extent::Complete {
        bail!("the tier {} can't run here: {lacking}", tier.name);
    }
    println!("!!! SKIPPED: the tier {} does not run. {lacking}", tier.name);
    let outcome = Outcome { tests: None, source: lacking };
    workspace.tier(tier.name).journal.record("SKIPPED", Duration::ZERO, outcome);
    Ok(true)
}

/// The machine's load average.
fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").context("no load average").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
