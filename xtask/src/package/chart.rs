//! The Helm chart as an archive.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, ensure};

use super::release::Package;
use crate::{step::Step, tools::HELM, workspace::Workspace};

/// The date of everything in a release, so that the same sources give the same bytes: 1 January 1980, in seconds since
/// 1970. A zip knows no earlier one.
const UNDATED: u64 = 315_532_800;

const CHART: &str = "infra/kubernetes/tidegate";

pub(super) fn pack(package: &Package<'_>) -> anyhow::Result<()> {
    let helm = HELM.ready(package.workspace)?;
    archive(package.workspace, &helm, package.workspace.version()?, &package.folder("chart")?)
}

/// Packs the chart separately from the release, and returns the archive's files whose date isn't the fixed one.
pub(crate) fn dated(workspace: &Workspace, helm: &Path) -> anyhow::Result<Vec<String>> {
    let folder = workspace.target.join("package-chart/check");
    archive(workspace, helm, "0.0.0", &folder)?;
    let mut tar = Command::new("tar");
    tar.args(["--list", "--verbose", "--utc", "--gzip", "--file"]).arg(folder.join("tidegate-0.0.0.tgz"));
    let output = tar.output().context("failed to start tar")?;
    ensure!(output.status.success(), "tar failed: {}", String::from_utf8_lossy(&output.stderr));
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        list.contains("tidegate/definitions/integrationjobs.yaml"),
        "the CRDs are not in the chart:\n{list}"
    );
    Ok(list.lines().filter(|line| !line.contains(" 1980-01-01 00:00 ")).map(str::to_owned).collect())
}

/// Packs a copy whose files have one fixed date: helm puts theirs into the archive.
fn archive(workspace: &Workspace, helm: &Path, version: &str, folder: &Path) -> anyhow::Result<()> {
    let copy = workspace.target.join("package-chart/tidegate");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("failed to remove {}", copy.display()))?;
    }
    copy_undated(&workspace.root.join(CHART), &copy)?;
    let (copy, folder) = (copy.display().to_string(), folder.display().to_string());
    let pack = ["package", &copy, "--destination", &folder];
    let versions = ["--version", version, "--app-version", version];
    Step::binary("pack the chart", helm, &[&pack[..], &versions].concat()).run(workspace).map(drop)
}

/// Copies a folder with what its links lead to.
fn copy_undated(from: &Path, to: &Path) -> anyhow::Result<()> {
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(UNDATED);
    fs::create_dir_all(to).with_context(|| format!("failed to create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("failed to list {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_undated(&source, &target)?;
        } else {
            fs::copy(&source, &target).with_context(|| format!("failed to copy {}", source.display()))?;
            fs::File::options().write(true).open(&target)?.set_modified(date)?;
        }
    }
    Ok(())
}
