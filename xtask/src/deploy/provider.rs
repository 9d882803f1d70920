//! Where Terraform finds the AWS provider without a registry.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

/// Where it finds it.
pub(crate) enum Provider {
    /// By the machine's own configuration, or in a folder that Terraform looks into by itself.
    Configured,
    /// In a filesystem mirror that has to be configured.
    Mirror(PathBuf),
}

/// What the machine's configuration says; else the first folder of /opt that is a mirror.
pub(crate) fn find() -> Option<Provider> {
    let configured = env::var_os("TF_CLI_CONFIG_FILE").map(PathBuf::from);
    if configured.is_some_and(|file| file.is_file()) {
        return Some(Provider::Configured);
    }
    // Source: https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let implied =
        [home.join(".terraform.d"), "/usr/local/share/terraform".into(), "/usr/share/terraform".into()];
    if implied.iter().any(|folder| is_mirror(&folder.join("plugins"))) {
        return Some(Provider::Configured);
    }
    let mut folders = fs::read_dir("/opt").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.find(|folder| is_mirror(folder)).map(Provider::Mirror)
}

impl Provider {
    /// Writes the configuration that Terraform needs, if it needs one, and returns the file's path.
    pub(crate) fn configuration(&self, folder: &Path) -> anyhow::Result<Option<String>> {
        let Self::Mirror(mirror) = self else { return Ok(None) };
        let file = folder.join("terraformrc");
        let path = mirror.display().to_string();
        fs::write(
            &file,
            format!("provider_installation {{\n  filesystem_mirror {{\n    path = {path:?}\n  }}\n}}\n"),
        )
        .context("failed to write Terraform's configuration")?;
        Ok(Some(file.display().to_string()))
    }
}

/// Whether a folder holds a registry's folder with the AWS provider.
fn is_mirror(folder: &Path) -> bool {
    let mut hosts = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    hosts.any(|host| host.path().join("hashicorp/aws").is_dir())
}
