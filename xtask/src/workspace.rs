//! Where things lie.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use anyhow::{Context as _, ensure};

use crate::journal::Journal;

/// The binaries that a scene starts, and the demo, as arguments for cargo. `--workspace` keeps to the features that all
/// other builds have, so that nothing is compiled twice.
pub(crate) const DEMO: &[&str] = &[
    "--workspace",
    "--bin",
    "demo",
    "--bin",
    "tidegate-webhook",
    "--bin",
    "tidegate-integrator",
    "--bin",
    "tidegate-chatops",
    "--bin",
    "tidegate-controller",
];
/// Every binary that scenarios start, as arguments for cargo.
pub(crate) const BINARIES: &[&str] = &["--workspace", "--bins"];
/// Adds the binaries that measure.
pub(crate) const MEASURE: &[&str] = &["--features", "tidegate-scenarios/measure"];

/// Where things lie, and where they are written down.
#[derive(Clone)]
pub(crate) struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// What `cargo metadata` says of the workspace's own packages.
    pub metadata: Arc<serde_json::Value>,
    /// Where steps print.
    pub journal: Journal,
    /// Whether what cargo prints is read. Else cargo has the terminal, with its progress bar.
    pub counts: bool,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn find() -> anyhow::Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .context("failed to start cargo")?;
        ensure!(
            output.status.success(),
            "cargo metadata failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let metadata: serde_json::Value =
            serde_json::from_slice(&output.stdout).context("failed to read what cargo metadata prints")?;
        let path = |key: &str| {
            metadata[key]
                .as_str()
                .map(PathBuf::from)
                .with_context(|| format!("cargo metadata names no {key}"))
        };
        let (root, target) = (path("workspace_root")?, path("target_directory")?);
        Ok(Self { root, target, metadata: Arc::new(metadata), journal: Journal::new(), counts: false })
    }

    /// The same for a tier of `cargo ci`.
    pub(crate) fn tier(&self, tier: &'static str) -> Self {
        Self { journal: self.journal.tier(tier), ..self.clone() }
    }

    /// The same for steps that run in the background.
    pub(crate) fn lane(&self, name: &'static str) -> anyhow::Result<Self> {
        let journal = self.journal.lane(name, &self.target.join("ci"))?;
        Ok(Self { journal, counts: true, ..self.clone() })
    }

    /// The version of everything that is released: the workspace's.
    pub(crate) fn version(&self) -> anyhow::Result<&str> {
        let packages = self.metadata["packages"].as_array();
        let own = packages.into_iter().flatten().find(|package| package["name"] == "tidegate-controller");
        own.and_then(|package| package["version"].as_str()).context("tidegate-controller has no version")
    }

    /// The path of a built binary.
    pub(crate) fn binary(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(name)
    }

    /// A path shown without the part that differs from machine to machine.
    pub(crate) fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

/// The cargo that runs us.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
