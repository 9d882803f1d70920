//! One deployment's surroundings.

use std::path::PathBuf;

use super::tools::Tools;
use crate::{coverage::Coverage, workspace::Workspace};

/// What a deployment needs, installed and built.
pub(crate) struct Prepared {
    pub(super) tools: Tools,
    /// Terraform's, where the machine has none of its own.
    pub(super) configuration: Option<String>,
    pub(super) packages: PathBuf,
    pub(super) folder: PathBuf,
}

/// One deployment's surroundings.
pub(super) struct Deployment<'a> {
    pub(super) workspace: &'a Workspace,
    pub(super) prepared: &'a Prepared,
    pub(super) coverage: &'a Coverage,
}

impl std::ops::Deref for Deployment<'_> {
    type Target = Prepared;

    fn deref(&self) -> &Prepared {
        self.prepared
    }
}
