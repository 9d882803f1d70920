//! Rules of the house that no other tool checks.

mod circles;
mod paths;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

use crate::workspace::Workspace;

/// The longest source file, in lines. Tests are in child modules and may be longer.
const MAX_LINES: usize = 400;

/// Which of our packages a package may depend on (design: data goes one way). A package that is missing here may depend
/// on none. Dev-dependencies are free.
const ARROWS: &[(&str, &[&str])] = &[
    ("tidegate-model", &[]),
    ("tidegate-rules", &["tidegate-model"]),
    ("tidegate-test-suite", &["tidegate-model"]),
    ("tidegate-hosts", &["tidegate-model"]),
    ("tidegate-resources", &["tidegate-model"]),
    ("tidegate-aws", &[]),
    ("tidegate-queue", &["tidegate-model", "tidegate-aws"]),
    ("tidegate-telemetry", &["tidegate-model"]),
    ("tidegate-keys", &["tidegate-model", "tidegate-hosts", "tidegate-telemetry"]),
    (
        "tidegate-webhook",
        &[
            "tidegate-model",
            "tidegate-hosts",
            "tidegate-aws",
            "tidegate-queue",
            "tidegate-keys",
            "tidegate-telemetry",
        ],
    ),
    ("tidegate-plugin", &["tidegate-model", "tidegate-aws", "tidegate-queue", "tidegate-telemetry"]),
    ("tidegate-integrator", &["tidegate-plugin", "tidegate-rules"]),
    ("tidegate-chatops", &["tidegate-plugin", "tidegate-rules"]),
    (
        "tidegate-controller",
        &[
            "tidegate-model",
            "tidegate-rules",
            "tidegate-hosts",
            "tidegate-resources",
            "tidegate-aws",
            "tidegate-queue",
            "tidegate-keys",
            "tidegate-telemetry",
        ],
    ),
    (
        "tidegate-cli",
        &[
            "tidegate-model",
            "tidegate-rules",
            "tidegate-hosts",
            "tidegate-resources",
            "tidegate-aws",
            "tidegate-queue",
            "tidegate-keys",
        ],
    ),
    ("tidegate-sandbox-gate", &[]),
    ("tidegate-sandbox-cloud", &["tidegate-model", "tidegate-resources", "tidegate-sandbox-gate"]),
    ("tidegate-sandbox-forge", &["tidegate-model", "tidegate-resources", "tidegate-sandbox-gate"]),
    ("tidegate-sandbox-cluster", &["tidegate-model", "tidegate-resources", "tidegate-sandbox-gate"]),
    ("tidegate-transcripts", &["tidegate-model", "tidegate-resources"]),
    (
        "tidegate-scenarios",
        &[
            "tidegate-model",
            "tidegate-resources",
            "tidegate-sandbox-gate",
            "tidegate-sandbox-cloud",
            "tidegate-sandbox-forge",
            "tidegate-sandbox-cluster",
        ],
    ),
    ("tidegate-generate", &["tidegate-resources"]),
    ("tidegate-benches", &["tidegate-hosts"]),
];

/// The most lines of code that the rooms of the sandbox may have (ADR 14 and 17). A room is what begins with the first path, without
/// what begins with one of the others.
const BUDGETS: &[(&str, &[&str], usize)] = &[
    ("sandbox/cluster/src/", &["sandbox/cluster/src/executor"], 2_500),
    ("sandbox/cluster/src/executor", &[], 1_000),
    (
        "sandbox/forge/src/",
        &[
            "sandbox/forge/src/github/",
            "sandbox/forge/src/gitlab/",
            "sandbox/forge/src/gitea/",
            "sandbox/forge/src/bitbucket/",
        ],
        2_400,
    ),
    ("sandbox/forge/src/github/", &[], 800),
    ("sandbox/forge/src/gitlab/", &[], 950),
    ("sandbox/forge/src/gitea/", &[], 500),
    ("sandbox/forge/src/bitbucket/", &[], 950),
];

/// The folders whose modules must not need each other in a circle.
const WITHOUT_CIRCLES: [&str; 5] = ["shared/", "functions/", "controller/", "cli/", "xtask/"];

/// Words that mean unfinished work. Written apart so that this file doesn't hold them.
const UNFINISHED: &[&str] = &[concat!("FIX", "ME"), concat!("X", "XX"), concat!("#[ig", "nore")];

/// Tests that declare what they run by `scenario!`. Without Rust's own test harness its attributes do nothing.
const OWN_HARNESS: [&str; 2] = ["tests/scenarios/tests/", "tests/transcripts/tests/"];

pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    packages(workspace, &mut faults)?;
    let tracked = tracked(workspace)?;
    for path in &tracked {
        file(workspace, path, &mut faults)?;
    }
    budgets(workspace, &tracked, &mut faults)?;
    no_circles(workspace, &tracked, &mut faults)?;
    if faults.is_empty() {
        return Ok(());
    }
    for fault in &faults {
        say!(workspace, "tidy: {fault}");
    }
    bail!("{} faults", faults.len());
}

/// Every package inherits the lints, says what it is, and depends only where the arrows point.
fn packages(workspace: &Workspace, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let arrows: BTreeMap<_, _> = ARROWS.iter().copied().collect();
    let packages = workspace.metadata["packages"].as_array().context("cargo metadata names no packages")?;
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        let manifest = PathBuf::from(package["manifest_path"].as_str().unwrap_or_default());
        let text = fs::read_to_string(&manifest)
            .with_context(|| format!("failed to read the manifest of {name}"))?;
        if !text.contains("[lints]\nworkspace = true") {
            faults.push(format!("{name} doesn't inherit the workspace's lints"));
        }
        if package["description"].as_str().is_none_or(|text| text.len() < 10) {
            faults.push(format!("{name} has no description"));
        }
        let allowed = arrows.get(name).copied().unwrap_or_default();
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let on = dependency["name"].as_str().unwrap_or_default();
            let is_ours = dependency["path"].is_string();
            if is_ours && dependency["kind"] != "dev" && !allowed.contains(&on) {
                faults.push(format!("{name} must not depend on {on}: see ARROWS in xtask/src/tidy.rs"));
            }
        }
    }
    Ok(())
}

fn tracked(workspace: &Workspace) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&workspace.root)
        .output()
        .context("failed to start git")?;
    let list = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    Ok(list
        .split_terminator('\0')
        .map(|path| workspace.root.join(path))
        .filter(|path| path.is_file())
        .collect())
}

fn budgets(workspace: &Workspace, tracked: &[PathBuf], faults: &mut Vec<String>) -> anyhow::Result<()> {
    for (room, others, budget) in BUDGETS {
        let mut lines = 0;
        for path in tracked {
            let shown = workspace.relative(path).display().to_string();
            let is_other = others.iter().any(|other| shown.starts_with(other));
            if shown.starts_with(room) && shown.ends_with(".rs") && !is_test(&shown) && !is_other {
                lines += lines_of_code(&fs::read_to_string(path)?);
            }
        }
        if lines > *budget {
            faults.push(format!("{room} has {lines} lines of code, more than {budget}: see ADR 17"));
        }
    }
    Ok(())
}

/// Modules of a crate need each other in one direction.
fn no_circles(workspace: &Workspace, tracked: &[PathBuf], faults: &mut Vec<String>) -> anyhow::Result<()> {
    let mut crates: BTreeMap<String, Vec<circles::Source>> = BTreeMap::new();
    for path in tracked {
        let shown = workspace.relative(path).display().to_string();
        let Some((room, path_in_room)) = shown.split_once("/src/") else { continue };
        if shown.ends_with(".rs") && WITHOUT_CIRCLES.iter().any(|folder| shown.starts_with(folder)) {
            let source = circles::Source { path: path_in_room.to_owned(), text: fs::read_to_string(path)? };
            crates.entry(room.to_owned()).or_default().push(source);
        }
    }
    for (room, mut sources) in crates {
        // A program beside a library is a crate of its own.
        if sources.iter().any(|source| source.path == "lib.rs") {
            sources.retain(|source| source.path != "main.rs");
        }
        for (parent, circle) in circles::find(&sources) {
            faults
                .push(format!("modules of {room}/src, in `{parent}`, need each other in a circle: {circle}"));
        }
    }
    Ok(())
}

/// Lines that are neither blank, nor a comment, nor a test module at the end of the file.
fn lines_of_code(text: &str) -> usize {
    let code = text.lines().take_while(|line| *line != "#[cfg(test)]").map(str::trim_start);
    code.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn file(workspace: &Workspace, path: &Path, faults: &mut Vec<String>) -> anyhow::Result<()> {
    let shown = workspace.relative(path).display().to_string();
    // Recorded payloads are other people's words.
    if shown.starts_with("tests/payloads/") {
        return Ok(());
    }
    let bytes = fs::read(path).with_context(|| format!("failed to read {shown}"))?;
    let Ok(text) = String::from_utf8(bytes) else {
        return Ok(());
    };
    if shown.ends_with(".rs") {
        let lines = text.lines().count();
        if !is_test(&shown) && lines > MAX_LINES {
            faults.push(format!("{shown} has {lines} lines, more than {MAX_LINES}: split it"));
        }
        let unfinished = UNFINISHED.iter().filter(|word| text.contains(**word));
        faults.extend(unfinished.map(|word| format!("{shown} holds {word}")));
        if OWN_HARNESS.iter().any(|folder| shown.starts_with(folder))
            && (text.contains("::test]") || text.contains("#[test]"))
        {
            faults.push(format!(
                "{shown} holds a test attribute, which nothing runs there: declare it with scenario!"
            ));
        }
    }
    // A path into this checkout or this home directory works on one machine only.
    let home = std::env::var("HOME").unwrap_or_default();
    for folder in [workspace.root.display().to_string(), home] {
        if folder.len() > 1 && text.contains(&format!("{folder}/")) {
            faults.push(format!("{shown} holds a path of this machine, below {folder}"));
        }
    }
    Ok(())
}
