//! Software bills of materials in `CycloneDX`: what each program is made of.
//!
//! From `cargo tree`, which resolves the features of one package alone, as it is built. `cargo cyclonedx` lists what the
//! whole workspace would have: reqwest in the webhook function, for one.

use std::{collections::BTreeSet, fs, process::Command};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::release::Package;
use crate::workspace::cargo;

/// The packages whose programs are released.
const PROGRAMS: [&str; 4] =
    ["tidegate-webhook", "tidegate-integrator", "tidegate-chatops", "tidegate-controller"];

pub(super) fn programs(package: &Package<'_>) -> anyhow::Result<()> {
    for name in PROGRAMS {
        let tree = ["tree", "--locked", "--package", name, "--edges", "normal", "--prefix", "none"];
        let output = Command::new(cargo())
            .args(tree)
            .args(["--format", "{p}|{l}"])
            .current_dir(&package.workspace.root)
            .output()
            .context("failed to start cargo")?;
        ensure!(output.status.success(), "cargo tree failed: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).context("cargo tree's answer is not UTF-8")?;
        // A package that was listed above comes again with an asterisk.
        let lines: BTreeSet<_> = text.lines().map(|line| line.trim_end_matches(" (*)")).collect();
        let crates = lines.into_iter().filter_map(component).filter(|component| component["name"] != name);
        write(package, "application", name, &crates.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// Writes `sbom/NAME.cdx.json`. It bears neither date nor serial number: the same contents give the same bytes.
pub(super) fn write(
    package: &Package<'_>,
    kind: &str,
    name: &str,
    components: &[Value],
) -> anyhow::Result<()> {
    ensure!(!components.is_empty(), "{name} has no components");
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": kind, "name": name, "version": package.workspace.version()?}},
        "components": components,
    });
    let path = package.folder("sbom")?.join(format!("{name}.cdx.json"));
    let text = serde_json::to_string_pretty(&bill)? + "\n";
    fs::write(&path, text).with_context(|| format!("failed to write {}", path.display()))
}

/// A crate, from a line like `url v2.5.8|MIT OR Apache-2.0`. Our own have their path behind the version, and
/// procedural macros, which are no part of a program, a word that marks them.
fn component(line: &str) -> Option<Value> {
    let (package, licence) = line.split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    if package.ends_with("(proc-macro)") {
        return None;
    }
    let mut component = json!({
        "type": "library", "name": name, "version": version,
        "purl": format!("pkg:cargo/{name}@{}", version.replace('+', "%2B")),
    });
    // Old manifests write a slash.
    if !licence.is_empty() {
        component["licenses"] = json!([{"expression": licence.replace('/', " OR ")}]);
    }
    Some(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_cargo_tree_becomes_a_component() {
        let url = component("url v2.5.8|MIT/Apache-2.0").expect("a component");
        assert_eq!(url["purl"], "pkg:cargo/url@2.5.8");
        assert_eq!(url["licenses"][0]["expression"], "MIT OR Apache-2.0");
        let own =
            component("tidegate-model v0.1.0 (/somewhere/shared/model)|Apache-2.0").expect("a component");
        assert_eq!((&own["name"], &own["version"]), (&"tidegate-model".into(), &"0.1.0".into()));
        assert!(!own.to_string().contains("somewhere"), "a path of this machine");
        assert_eq!(component("serde_derive v1.0.1 (proc-macro)|MIT"), None);
        assert_eq!(component(""), None);
    }
}
