//! `cargo xtask chart`: the Helm chart as an operator meets it: what it renders, and what it refuses.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, bail, ensure};

use crate::{package::dated_in_chart, tools::HELM, workspace::Workspace};

const FOLDER: &str = "infra/kubernetes";

/// Renders every set of values in `snapshots`, and writes the result next to it, or compares. Then runs the chart
/// with every file of `invalid-values`.
pub(crate) fn run(workspace: &Workspace, check: bool) -> anyhow::Result<()> {
    let chart = Chart { helm: HELM.ready(workspace)?, folder: workspace.root.join(FOLDER) };
    let mut faults = Vec::new();
    for values in files(&chart.folder.join("snapshots"), ".values.yaml")? {
        chart.lint(&values, &mut faults)?;
        chart.snapshot(&values, check, &mut faults)?;
    }
    for values in files(&chart.folder.join("invalid-values"), ".yaml")? {
        chart.refusal(&values, &mut faults)?;
    }
    settings(workspace, &chart.folder, &mut faults)?;
    version(workspace, &chart.folder, &mut faults)?;
    let dated = dated_in_chart(workspace, &chart.helm)?;
    faults.extend(dated.into_iter().map(|file| format!("the packed chart is not reproducible: {file}")));
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        say!(workspace, "chart: {fault}");
    }
    bail!("{} faults in {FOLDER}", faults.len());
}

struct Chart {
    helm: PathBuf,
    folder: PathBuf,
}

impl Chart {
    fn helm(&self, arguments: &[&str], values: &[&Path]) -> anyhow::Result<Output> {
        let mut command = Command::new(&self.helm);
        command.args(arguments).arg(self.folder.join("tidegate")).args(["--namespace", "tidegate"]);
        for file in values {
            command.arg("--values").arg(file);
        }
        command.output().context("failed to start helm")
    }

    fn lint(&self, values: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
        let output = self.helm(&["lint", "--strict", "--quiet"], &[values])?;
        if !output.status.success() {
            faults.push(format!("helm lint --strict, {}:\n{}", values.display(), said(&output)));
        }
        Ok(())
    }

    fn snapshot(&self, values: &Path, check: bool, faults: &mut Vec<String>) -> anyhow::Result<()> {
        let output = self.helm(&["template", "tidegate"], &[values])?;
        ensure!(output.status.success(), "helm template, {}:\n{}", values.display(), said(&output));
        let path = PathBuf::from(values.display().to_string().replace(".values.yaml", ".yaml"));
        if !check {
            return fs::write(&path, output.stdout)
                .with_context(|| format!("failed to write {}", path.display()));
        }
        if fs::read(&path).ok().as_deref() != Some(&output.stdout[..]) {
            faults.push(format!("{} is stale: run cargo xtask chart and review the diff", path.display()));
        }
        Ok(())
    }

    /// Values that the chart has to refuse: laid over the minimal ones, and the first line says with which words.
    fn refusal(&self, values: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
        let text = fs::read_to_string(values)?;
        let words = text.lines().next().and_then(|line| line.strip_prefix("# error: "));
        let words = words.with_context(|| format!("{} doesn't begin with '# error: '", values.display()))?;
        let minimal = self.folder.join("snapshots/minimal.values.yaml");
        let output = self.helm(&["template", "tidegate"], &[&minimal, values])?;
        if output.status.success() || !said(&output).contains(words) {
            faults.push(format!(
                "{} should be refused with {words:?}, but helm said:\n{}",
                values.display(),
                said(&output)
            ));
        }
        Ok(())
    }
}

/// Every setting of the controller can be set by a value, and every value sets one.
fn settings(workspace: &Workspace, folder: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let variables = |path: &Path| -> anyhow::Result<BTreeSet<String>> {
        let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let words = text.split(|c: char| c != '_' && !c.is_ascii_uppercase());
        Ok(words.filter(|word| word.starts_with("TIDEGATE_")).map(str::to_owned).collect())
    };
    let mut told = variables(&folder.join("snapshots/complete.yaml"))?;
    told.extend(variables(&folder.join("snapshots/namespaces.yaml"))?);
    let mut read = variables(&workspace.root.join("controller/src/settings.rs"))?;
    read.extend(variables(&workspace.root.join("shared/telemetry/src/subscriber.rs"))?);
    // Its port is the container's, and nobody outside sees it.
    read.remove("TIDEGATE_LISTEN");
    for name in read.symmetric_difference(&told) {
        faults.push(format!("{name} is a setting of the controller or a value of the chart, but not both"));
    }
    Ok(())
}

/// Chart and controller bear the workspace's version.
fn version(workspace: &Workspace, folder: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let path = folder.join("tidegate/Chart.yaml");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    for key in ["version", "appVersion"] {
        let wanted = format!("{key}: {}", workspace.version()?);
        if !text.lines().any(|line| line == wanted) {
            faults.push(format!("{} lacks the line {wanted:?}, the workspace's version", path.display()));
        }
    }
    Ok(())
}

fn files(folder: &Path, ending: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.display().to_string().ends_with(ending));
    paths.sort();
    ensure!(!paths.is_empty(), "{} has no *{ending}", folder.display());
    Ok(paths)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
