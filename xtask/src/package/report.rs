//! `cargo xtask package --report`: the functions' sizes, starts, memory and price, against what they must reach.

use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::{
    cost::{self, Measured},
    functions::{self, Function},
    programs,
    release::Package,
    start::StartupBudget,
};
use crate::{step::Step, workspace::MEASURE};

/// The largest zip, in bytes, and what it should rather be.
const MAX_SIZE: usize = 3_500_000;
const AIM: usize = 2_500_000;
/// How much longer than an empty function one may take from exec to the first `/next`.
const MAX_START_RATIO: f64 = 1.5;
/// The largest memory of a warm function, in MiB.
const MAX_RESIDENT_MIB: f64 = 16.0;
/// The package of the function that does nothing.
const EMPTY: &str = "tidegate-empty-function";

/// Measures, prints, and fails where something is larger than it may be.
pub(super) fn run(package: &Package<'_>, functions: &[Function], start: StartupBudget) -> anyhow::Result<()> {
    programs::build(package, &[EMPTY])?;
    let empty = functions::program(package, EMPTY);
    let build = [&["build", "--workspace", "--bin", "functions"], MEASURE].concat();
    Step::cargo("build the measuring program", &build).run(package.workspace)?;
    let folder = empty.parent().context("a function's path has no folder")?;
    say!(package.workspace, "── measure starts, memory and processor time\n");
    let output = Command::new(package.workspace.binary("debug", "functions"))
        .args([folder.as_os_str(), "--empty".as_ref(), EMPTY.as_ref()])
        .output()
        .context("failed to start the measuring program")?;
    ensure!(output.status.success(), "measuring failed: {}", String::from_utf8_lossy(&output.stderr));
    let measured: Value = serde_json::from_slice(&output.stdout).context("it printed no JSON")?;
    let figure = |function: &str, name: &str| {
        let figure = measured["functions"][function][name].as_f64();
        figure.with_context(|| format!("{function} has no {name}"))
    };

    say!(
        package.workspace,
        "load average {}; median of {} alternating starts",
        measured["load"],
        measured["starts"]
    );
    say!(package.workspace, "zip MB   start ms   of empty   warm MiB  CPU ms per event   function");
    let empty_ms = figure(EMPTY, "startP50Ms")?;
    say!(package.workspace, "{:>6}   {empty_ms:>8.2}   {:>8.2}   {:>8}   {:>15}   (empty)", "", 1.0, "", "");
    let mut faults = Vec::new();
    let mut plugin_cpu_ms: f64 = 0.0;
    for function in functions {
        let name = format!("tidegate-{}", function.name);
        let start_ms = figure(&name, "startP50Ms")?;
        let (resident, cpu_ms) = (figure(&name, "residentMib")?, figure(&name, "cpuMs")?);
        let ratio = start_ms / empty_ms;
        say!(
            package.workspace,
            "{:>6.2}   {start_ms:>8.2}   {ratio:>8.2}   {resident:>8.1}   {cpu_ms:>15.3}   {}",
            megabytes(function.size),
            function.name
        );
        if function.name != "webhook" {
            plugin_cpu_ms = plugin_cpu_ms.max(cpu_ms);
        }
        let limits = [
            (function.size > MAX_SIZE, "zip"),
            (start == StartupBudget::Enforce && ratio > MAX_START_RATIO, "start"),
            (resident > MAX_RESIDENT_MIB, "memory"),
        ];
        faults.extend(
            limits
                .into_iter()
                .filter(|(over, _)| *over)
                .map(|(_, what)| format!("{}: {what}", function.name)),
        );
    }
    say!(
        package.workspace,
        "limits: {} MB (target {}), {MAX_START_RATIO} times an empty function's start, {MAX_RESIDENT_MIB} MiB\n",
        megabytes(MAX_SIZE),
        megabytes(AIM)
    );
    let deliveries = measured["deliveries"].as_f64().context("no number of deliveries")?;
    let log_bytes = measured["logBytes"].as_f64().context("no logBytes")?;
    let table = cost::table(&Measured {
        webhook_cpu_ms: figure("tidegate-webhook", "cpuMs")?,
        plugin_cpu_ms,
        // Two kinds of deliveries were sent, so many of each.
        log_bytes: log_bytes / (2.0 * deliveries),
    });
    say!(package.workspace, "{table}");
    if faults.is_empty() {
        return Ok(());
    }
    bail!("larger than allowed: {}", faults.join(", "))
}

#[expect(clippy::cast_precision_loss, reason = "sizes of zips are far below 2^52")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
