//! Tools that `cargo ci` needs and a fresh machine lacks: installed once, by version, outside the tree.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{step::Step, workspace::Workspace};

/// A cargo subcommand from crates.io.
pub(crate) struct Tool {
    /// The crate, and the binary it installs.
    pub name: &'static str,
    /// The exact version.
    pub version: &'static str,
}

pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
pub(crate) const MACHETE: Tool = Tool { name: "cargo-machete", version: "0.9.2" };

/// A program from `PyPI` with what it needs, in a virtual environment of its own.
pub(crate) struct PythonTool {
    /// The program's name.
    pub name: &'static str,
    /// What pip installs, with exact versions. The first names the folder.
    pub requirements: &'static [&'static str],
}

impl PythonTool {
    /// The tool's path; installs it first where it is missing.
    pub(crate) fn ready(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        let folder = cache()?.join("tools").join(self.requirements.join("-").replace("==", "-"));
        let binary = folder.join("bin").join(self.name);
        if !binary.exists() {
            let environment = ["-m", "venv", "--clear", &folder.display().to_string()];
            Step::binary(&format!("make a place for {}", self.name), Path::new("python3"), &environment)
                .run(workspace)?;
            let install = [&["install", "--quiet"][..], self.requirements].concat();
            let pip = folder.join("bin/pip");
            Step::binary(&format!("install {} (once a machine)", self.name), &pip, &install)
                .run(workspace)?;
        }
        Ok(binary)
    }
}

impl Tool {
    /// The tool's path; installs it first where it is missing.
    pub(crate) fn ready(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        let root = cache()?.join("tools").join(format!("{}-{}", self.name, self.version));
        let binary = root.join("bin").join(self.name);
        if !binary.exists() {
            let root = root.display().to_string();
            Step::cargo(
                &format!("install {} {} (once a machine)", self.name, self.version),
                &["install", "--locked", "--quiet", "--root", &root, "--version", self.version, self.name],
            )
            .env("CARGO_TARGET_DIR", &workspace.target.join("tools").display().to_string())
            .run(workspace)?;
        }
        Ok(binary)
    }
}

/// Where things are kept that belong to the machine and not to a checkout.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("tidegate"))
}
