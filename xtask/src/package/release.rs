//! Where a release is put together.

use std::{fs, path::PathBuf};

use anyhow::Context as _;

use crate::workspace::Workspace;

/// Where a release is put together.
pub(super) struct Package<'a> {
    pub workspace: &'a Workspace,
    pub folder: PathBuf,
    /// Whether programs may come from an earlier checkout with the same sources. Those of a release are compiled.
    pub reuses_programs: bool,
}

impl Package<'_> {
    /// A folder of the package, made where it is missing.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("failed to create {}", folder.display()))?;
        Ok(folder)
    }
}
