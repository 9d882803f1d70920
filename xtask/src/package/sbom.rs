//! Software bills of materials: `CycloneDX` by `cargo cyclonedx`, one for each program.

use std::fs;

use anyhow::Context as _;

use super::Package;
use crate::{step::Step, tools::CYCLONEDX};

/// The packages whose programs are released, and where they lie.
const PROGRAMS: [(&str, &str); 4] = [
    ("tidegate-webhook", "functions/webhook"),
    ("tidegate-integrator", "functions/integrator"),
    ("tidegate-chatops", "functions/chatops"),
    ("tidegate-controller", "controller"),
];

pub(super) fn write(package: &Package<'_>) -> anyhow::Result<()> {
    let tool = CYCLONEDX.ready(package.workspace)?;
    let folder = package.folder("sbom")?;
    for (name, place) in PROGRAMS {
        let manifest = format!("{place}/Cargo.toml");
        let file = format!("{name}.cdx");
        let arguments = [
            &["cyclonedx", "--manifest-path", &manifest, "--format", "json"][..],
            &["--no-build-deps", "--override-filename", &file, "--quiet"],
        ]
        .concat();
        // With a fixed date it writes neither the time nor a random serial number.
        let step = Step::binary(&format!("list what {name} is made of"), &tool, &arguments);
        step.env("SOURCE_DATE_EPOCH", &super::UNDATED.to_string()).run(package.workspace)?;
        // It knows no other place than beside the manifest.
        let written = package.workspace.root.join(place).join(format!("{file}.json"));
        fs::rename(&written, folder.join(format!("{file}.json")))
            .with_context(|| format!("cargo cyclonedx wrote no {}", written.display()))?;
    }
    Ok(())
}
