//! The CRDs' YAML in `crds/`, generated from the Rust types.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};
use kube::CustomResourceExt as _;
use tidegate_resources::{IntegrationConfig, IntegrationJob, IntegrationLedger};

const HEADER: &str =
    "# Generated from shared/resources by `cargo xtask crds`. Change the Rust types, not this file.\n";

/// Writes the CRDs into `crds/`; with `check` it fails instead when a file differs from its type.
pub fn run(check: bool) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crds");
    for (file, crd) in [
        ("integrationconfigs.yaml", IntegrationConfig::crd()),
        ("integrationjobs.yaml", IntegrationJob::crd()),
        ("integrationledgers.yaml", IntegrationLedger::crd()),
    ] {
        let yaml =
            serde_saphyr::to_string(&crd).with_context(|| format!("failed to write {file} as YAML"))?;
        let wanted = format!("{HEADER}{yaml}");
        let path = folder.join(file);
        if check {
            let present = fs::read_to_string(&path).with_context(|| format!("failed to read crds/{file}"))?;
            ensure!(
                present == wanted,
                "crds/{file} is stale: its Rust type has changed; run `cargo xtask crds` and commit the result"
            );
        } else {
            fs::create_dir_all(&folder).context("failed to create crds/")?;
            fs::write(&path, wanted).with_context(|| format!("failed to write crds/{file}"))?;
        }
    }
    Ok(())
}
