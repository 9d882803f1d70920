//! Where things lie.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

/// Packages whose binaries the sandbox starts, as arguments for cargo.
pub(crate) const BINARIES: &[&str] = &[
    "-p",
    "tidegate-webhook",
    "-p",
    "tidegate-integrator",
    "-p",
    "tidegate-chatops",
    "-p",
    "tidegate-controller",
    "-p",
    "tidegate-cli",
];

/// Where things lie.
pub(crate) struct Workspace {
    /// The repository.
    pub root: PathBuf,
    /// Cargo's target directory.
    pub target: PathBuf,
    /// What `cargo metadata` says of the workspace's own packages.
    pub metadata: serde_json::Value,
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
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")?, metadata })
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
