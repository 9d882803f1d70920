//! Programs of the release profile, kept between checkouts by what they are made of.
//!
//! Cargo takes a new checkout for changed, and one program's link-time optimisation takes minutes.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Instant, SystemTime},
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

use super::release::Package;
use crate::{
    dependencies::{self, Key},
    journal::Outcome,
    step::Step,
    tools::cache,
    workspace::Workspace,
};

/// See `[profile.release]` in Cargo.toml.
pub(super) const PROFILE: &str = "release";
/// How many builds are kept, of a few MB each.
const KEPT: usize = 12;

/// Builds packages, and no others: cargo would give them the features that their neighbours ask for. For a release they are
/// compiled, for a test they may come from an earlier checkout with the same sources.
pub(super) fn build(package: &Package<'_>, names: &[&str]) -> anyhow::Result<()> {
    let step = format!("build {}", names.join(" and "));
    if !package.reuses_programs {
        return compile(package.workspace, &step, names);
    }
    let kept = store()?.join(digest(package.workspace, names)?);
    let start = Instant::now();
    if kept.is_dir() {
        for name in names {
            dependencies::place(&kept.join(name), &package.workspace.binary(PROFILE, name))?;
        }
        // So that it is kept longer than those that nobody uses.
        let _ = fs::File::open(&kept).and_then(|folder| folder.set_modified(SystemTime::now()));
        let outcome = Outcome { tests: None, source: "from the cache".to_owned() };
        package.workspace.journal.record(&step, start.elapsed(), outcome);
        return Ok(());
    }
    compile(package.workspace, &step, names)?;
    keep(package.workspace, names, &kept)
}

fn compile(workspace: &Workspace, step: &str, names: &[&str]) -> anyhow::Result<()> {
    let mut arguments = vec!["build", "--profile", PROFILE];
    arguments.extend(names.iter().flat_map(|name| ["--package", name]));
    Step::cargo(step, &arguments).run(workspace).map(drop)
}

fn keep(workspace: &Workspace, names: &[&str], kept: &Path) -> anyhow::Result<()> {
    let store = store()?;
    let partial = store.join(format!("partial-{}", std::process::id()));
    for name in names {
        dependencies::place(&workspace.binary(PROFILE, name), &partial.join(name))?;
    }
    // Another checkout may have been quicker.
    if fs::rename(&partial, kept).is_err() {
        fs::remove_dir_all(&partial).context("failed to remove a copy")?;
    }
    for old in dependencies::by_age(&store)?.into_iter().skip(KEPT) {
        fs::remove_dir_all(&old).with_context(|| format!("failed to remove {}", old.display()))?;
    }
    Ok(())
}

fn store() -> anyhow::Result<PathBuf> {
    Ok(cache()?.join("programs"))
}

/// What the programs are made of: compiler, lock file, profiles, cargo's settings, and every file of their packages and of our
/// packages that those depend on.
fn digest(workspace: &Workspace, names: &[&str]) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    let mut update = |name: &str, content: &[u8]| {
        for part in [name.as_bytes(), content] {
            digest.update(part.len().to_le_bytes());
            digest.update(part);
        }
    };
    update("key", Key::of(workspace)?.name().as_bytes());
    update("names", names.join(" ").as_bytes());
    let is_setting = |name: &str| name.starts_with("CARGO_PROFILE_") || name.ends_with("RUSTFLAGS");
    let settings: BTreeSet<_> = env::vars().filter(|(name, _)| is_setting(name)).collect();
    for (name, value) in settings {
        update(&name, value.as_bytes());
    }
    let folders = folders(workspace, names)?;
    for file in files(workspace, &folders)? {
        let path = workspace.root.join(&file);
        update(&file, &fs::read(&path).with_context(|| format!("failed to read {file}"))?);
    }
    Ok(hex::encode(&digest.finalize()[..12]))
}

/// The folders of packages, and of our packages that they depend on.
fn folders(workspace: &Workspace, names: &[&str]) -> anyhow::Result<BTreeSet<PathBuf>> {
    let packages = workspace.metadata["packages"].as_array().context("cargo metadata names no packages")?;
    let mut folders = BTreeSet::new();
    let mut left: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    while let Some(name) = left.pop() {
        let package = packages.iter().find(|package| package["name"] == *name);
        let package = package.with_context(|| format!("cargo metadata names no package {name}"))?;
        let manifest = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
        if folders.insert(manifest.with_context(|| format!("{name} has no manifest"))?.to_owned()) {
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let ours = dependencies.filter(|it| it["path"].is_string() && it["kind"] != "dev");
            left.extend(ours.filter_map(|it| it["name"].as_str()).map(str::to_owned));
        }
    }
    Ok(folders)
}

/// The files in these folders and cargo's settings, committed or not, in order.
fn files(workspace: &Workspace, folders: &BTreeSet<PathBuf>) -> anyhow::Result<BTreeSet<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ".cargo"]);
    let output = git.args(folders).current_dir(&workspace.root).output().context("failed to start git")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).context("a file's name is not UTF-8")?;
    let files = listed.split('\0').filter(|file| !file.is_empty() && workspace.root.join(file).is_file());
    Ok(files.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_functions_sources_are_those_of_its_packages_and_no_others() {
        let workspace = Workspace::find().expect("a workspace");
        let folders = folders(&workspace, &["tidegate-webhook"]).expect("folders");
        let has = |folder: &str| folders.contains(&workspace.root.join(folder));
        assert!(has("functions/webhook") && has("shared/hosts") && has("shared/model"), "{folders:?}");
        assert!(!has("controller") && !has("sandbox/forge"), "{folders:?}");
        let files = files(&workspace, &folders).expect("files");
        for file in [".cargo/config.toml", "functions/webhook/Cargo.toml", "shared/model/src/host.rs"] {
            assert!(files.contains(file), "{file}");
        }
    }

    #[test]
    fn other_packages_have_another_digest_and_the_same_have_the_same() {
        let workspace = Workspace::find().expect("a workspace");
        let of = |names: &[&str]| digest(&workspace, names).expect("a digest");
        assert_eq!(of(&["tidegate-chatops"]), of(&["tidegate-chatops"]));
        assert_ne!(of(&["tidegate-chatops"]), of(&["tidegate-integrator"]));
    }
}
