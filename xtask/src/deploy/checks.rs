//! What can be said of the templates without deploying them.

use std::{path::Path, process::Command};

use anyhow::{Context as _, ensure};

use super::deployment::Deployment;
use crate::{step::Step, workspace::Workspace};

const EXAMPLES: [&str; 3] = ["minimal", "complete", "custom-plugin"];
const TEMPLATE: &str = "infra/sam/template.yaml";
/// Its tables of inputs and outputs are generated.
const MODULE: &str = "infra/terraform";

pub(crate) fn run(of: &Deployment<'_>) -> anyhow::Result<()> {
    let fmt = ["fmt", "-check", "-diff", "-recursive", MODULE];
    Step::binary("terraform fmt", Path::new("terraform"), &fmt).run(of.workspace)?;
    for example in EXAMPLES {
        let folder = format!("examples/{example}");
        let init = ["init", "-backend=false", "-input=false", "-no-color"];
        of.terraform(&format!("terraform init, {example}"), &folder, &init).output(of.workspace)?;
        of.terraform(&format!("terraform validate, {example}"), &folder, &["validate", "-no-color"])
            .run(of.workspace)?;
    }
    of.terraform("terraform init, the module", "", &["init", "-backend=false", "-input=false", "-no-color"])
        .output(of.workspace)?;
    of.terraform("terraform test: what inputs refuse, what switches make", "", &["test", "-no-color"])
        .run(of.workspace)?;
    let tools = &of.tools;
    tables(of.workspace, &tools.terraform_docs, true)?;
    let binary = |name: &str, path: &Path, arguments: &[&str]| {
        Step::binary(name, path, arguments)
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("SAM_CLI_TELEMETRY", "0")
            .run(of.workspace)
    };
    let config = format!("--config={}", of.workspace.root.join("infra/.tflint.hcl").display());
    binary("tflint", &tools.tflint, &["--chdir=infra/terraform", "--recursive", &config])?;
    binary("cfn-lint", &tools.cfn_lint, &[TEMPLATE])?;
    binary("sam validate --lint", &tools.sam, &["validate", "--lint", "--template", TEMPLATE])?;
    let checkov = ["--config-file", "infra/.checkov.yaml", "-d", "infra/terraform", "-d", "infra/sam"];
    binary("checkov", &tools.checkov, &checkov)?;
    shellcheck(of)
}

/// Writes the module's tables of inputs and outputs, or checks that they are what the module says.
pub(crate) fn tables(workspace: &Workspace, terraform_docs: &Path, check: bool) -> anyhow::Result<()> {
    let check: &[&str] = if check { &["--output-check"] } else { &[] };
    let config = ["--config", "infra/terraform/.terraform-docs.yaml"];
    let arguments = [&config[..], check, &[MODULE]].concat();
    Step::binary("the module's tables of inputs and outputs", terraform_docs, &arguments).run(workspace)?;
    Ok(())
}

/// Every script that git knows.
fn shellcheck(of: &Deployment<'_>) -> anyhow::Result<()> {
    let found = Command::new("git")
        .args(["grep", "-lE", "^#!.*[/ ](sh|bash)$", "--", ":!*.md"])
        .current_dir(&of.workspace.root)
        .output()
        .context("failed to start git")?;
    let scripts = String::from_utf8(found.stdout).context("a script's name is not UTF-8")?;
    let scripts: Vec<&str> = scripts.lines().collect();
    ensure!(!scripts.is_empty(), "git finds no script");
    // SC2016: text in single quotes is meant for another shell.
    let arguments = [&["--external-sources", "--exclude=SC2016"][..], &scripts].concat();
    Step::binary("shellcheck", &of.tools.shellcheck, &arguments).run(of.workspace).map(drop)
}
