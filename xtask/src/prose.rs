//! The prose linter: vale, with the rules in `.vale`.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context as _, ensure};

use crate::{step::Step, tools::VALE, workspace::Workspace};

/// The files that are checked: all Markdown, all comments in Rust, and `infra`.
const CHECKED: [&str; 8] = [
    "*.md",
    "*.rs",
    "infra/*.hcl",
    "infra/*.tf",
    "infra/*.tpl",
    "infra/*.yaml",
    // The CRDs' texts come from Rust.
    ":!infra/kubernetes/snapshots",
    // It quotes a licence.
    ":!tests/payloads",
];

/// Files whose every line breaks a rule.
const BAD: &str = ".vale/bad";

/// The one rule whose findings are warnings.
const WARNING: &str = ":Tidegate.Length:";

/// Which findings are shown.
#[derive(Clone, Copy)]
pub(crate) enum Level {
    /// Forbidden turns and wrong terms.
    Errors,
    /// Long sentences, too. They never fail.
    Warnings,
}

/// Checks the texts, and that the linter refuses each bad line.
pub(crate) fn run(workspace: &Workspace, level: Level) -> anyhow::Result<()> {
    let vale = VALE.ready(workspace)?;
    refuses_bad_lines(workspace, &vale)?;
    let files = files(workspace)?;
    let level = match level {
        Level::Errors => "--minAlertLevel=error",
        Level::Warnings => "--minAlertLevel=warning",
    };
    let options = ["--output=line", "--no-exit", level];
    let arguments: Vec<&str> = options.into_iter().chain(files.iter().map(String::as_str)).collect();
    let findings = Step::binary("prose", &vale, &arguments).output(workspace)?;
    for finding in findings.lines() {
        say!(workspace, "{finding}");
    }
    let errors = findings.lines().filter(|finding| !finding.contains(WARNING)).count();
    ensure!(errors == 0, "{errors} faults in the prose: see .vale/Tidegate");
    Ok(())
}

fn files(workspace: &Workspace) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"])
        .args(CHECKED)
        .arg(format!(":!{BAD}"))
        .current_dir(&workspace.root)
        .output()
        .context("failed to start git")?;
    let list = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let files: Vec<String> = list
        .split_terminator('\0')
        .filter(|path| workspace.root.join(path).is_file())
        .map(str::to_owned)
        .collect();
    ensure!(files.len() > 100, "git lists only {} files for the prose linter", files.len());
    Ok(files)
}

fn refuses_bad_lines(workspace: &Workspace, vale: &Path) -> anyhow::Result<()> {
    let arguments = ["--output=line", "--no-exit", "--minAlertLevel=error", BAD];
    let findings = Step::binary("prose: bad lines are refused", vale, &arguments).output(workspace)?;
    // FILE:LINE:COLUMN:RULE:MESSAGE
    let found: BTreeSet<String> = findings
        .lines()
        .filter_map(|finding| {
            finding.splitn(3, ':').take(2).map(str::to_owned).reduce(|file, line| file + ":" + &line)
        })
        .collect();
    let folder = workspace.root.join(BAD);
    for entry in fs::read_dir(&folder).with_context(|| format!("failed to list {BAD}"))? {
        let path = entry.with_context(|| format!("failed to list {BAD}"))?.path();
        let shown = workspace.relative(&path).display().to_string();
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {shown}"))?;
        for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            ensure!(
                found.contains(&format!("{shown}:{number}")),
                "vale accepts a bad line, {shown}:{number}: {line}"
            );
        }
    }
    Ok(())
}
