//! `cargo xtask package`: what a release consists of, in `target/package`.
//!
//! ```text
//! functions/{x86_64,arm64}/{webhook,integrator,chatops}.zip   each holds one file, `bootstrap`
//! images/{controller,checkout}.tar                            OCI archives, each with an index of both architectures
//! chart/tidegate-VERSION.tgz
//! sbom/{PROGRAM,IMAGE-image-ARCHITECTURE}.cdx.json            CycloneDX: crates, and Debian's packages
//! SHA256SUMS
//! ```

mod chart;
mod checksums;
mod cost;
mod cross;
mod debian;
mod functions;
mod images;
mod programs;
mod release;
mod report;
mod sbom;
mod start;
mod zip;

use std::fs;

use anyhow::Context as _;

use self::release::Package;
pub(crate) use self::start::StartupBudget;
use crate::workspace::Workspace;
pub(crate) use chart::dated as dated_in_chart;
pub(crate) use images::controller as controller_image;

/// What is made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The functions for this machine's architecture.
    Functions,
    /// These, and their sizes, starts and costs: what a deployment test needs.
    Report(StartupBudget),
    /// All of a release.
    All,
}

pub(crate) fn run(workspace: &Workspace, scope: Scope) -> anyhow::Result<()> {
    let package =
        Package { workspace, folder: workspace.target.join("package"), reuses_programs: scope != Scope::All };
    // What an earlier run left would get into the list of checksums.
    if scope == Scope::All && package.folder.exists() {
        fs::remove_dir_all(&package.folder)
            .with_context(|| format!("failed to remove {}", package.folder.display()))?;
    }
    let native = functions::native(&package)?;
    if scope == Scope::All {
        let cross = cross::Cross::ready(&package);
        if let Some(cross) = &cross {
            functions::arm64(&package, cross)?;
        }
        images::release(&package, cross.as_ref())?;
        chart::pack(&package)?;
        sbom::programs(&package)?;
    }
    checksums::write(&package)?;
    if let Scope::Report(start) = scope {
        report::run(&package, &native, start)?;
    }
    say!(workspace, "\nthe release is in {}", workspace.relative(&package.folder).display());
    Ok(())
}
