//! What a deployment is made, run and checked with.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::{
    step::Step,
    tools::{PythonTool, TFLINT, cache, from_cache},
    workspace::Workspace,
};

/// The emulator of AWS; `full` is for `CloudFormation`.
const MINISTACK: PythonTool = PythonTool { name: "ministack", requirements: &["ministack[full]==1.5.33"] };
const SAM: PythonTool = PythonTool { name: "sam", requirements: &["aws-sam-cli==1.170.0"] };
const CFN_LINT: PythonTool = PythonTool { name: "cfn-lint", requirements: &["cfn-lint==1.58.0"] };
const CHECKOV: PythonTool = PythonTool { name: "checkov", requirements: &["checkov==3.3.30"] };
/// Its module and all that it needs are pinned in this folder.
const TERRAFORM_DOCS: &str = "tests/deploy/terraform-docs";
const SHELLCHECK: &str = "0.9.0-1";

/// Every tool's path.
pub(crate) struct Tools {
    pub ministack: PathBuf,
    pub sam: PathBuf,
    pub cfn_lint: PathBuf,
    pub checkov: PathBuf,
    pub tflint: PathBuf,
    pub terraform_docs: PathBuf,
    pub shellcheck: PathBuf,
    /// A Python that has AWS's SDK: SAM's.
    pub python: PathBuf,
}

impl Tools {
    /// Installs what is missing.
    pub(crate) fn ready(workspace: &Workspace) -> anyhow::Result<Self> {
        let sam = SAM.ready(workspace)?;
        Ok(Self {
            ministack: MINISTACK.ready(workspace)?,
            python: sam.with_file_name("python"),
            sam,
            cfn_lint: CFN_LINT.ready(workspace)?,
            checkov: CHECKOV.ready(workspace)?,
            tflint: TFLINT.ready(workspace)?,
            terraform_docs: terraform_docs(workspace)?,
            shellcheck: shellcheck(workspace)?,
        })
    }
}

/// What writes the module's tables of inputs and outputs.
pub(crate) fn terraform_docs(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let binary = cache()?.join("tools/terraform-docs-0.20.0/terraform-docs");
    if binary.exists() {
        from_cache(workspace, "terraform-docs");
    } else {
        let folder = workspace.root.join(TERRAFORM_DOCS).display().to_string();
        let output = binary.display().to_string();
        let build = ["build", "-C", &folder, "-o", &output, "github.com/terraform-docs/terraform-docs"];
        Step::binary("build terraform-docs (once per machine; needs Go)", Path::new("go"), &build)
            .env("GOTOOLCHAIN", "local")
            .env("GOWORK", "off")
            .env("CGO_ENABLED", "0")
            .run(workspace)?;
    }
    Ok(binary)
}

/// The machine's own, else Debian's.
fn shellcheck(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(own) =
        std::env::split_paths(&path).map(|dir| dir.join("shellcheck")).find(|file| file.is_file())
    {
        return Ok(own);
    }
    let folder = cache()?.join(format!("tools/shellcheck-{SHELLCHECK}"));
    let binary = folder.join("usr/bin/shellcheck");
    if !binary.exists() {
        std::fs::create_dir_all(&folder).context("failed to create a folder for shellcheck")?;
        let script = format!(
            "cd '{0}' && apt-get -q download shellcheck={SHELLCHECK} && dpkg -x shellcheck_*.deb .",
            folder.display()
        );
        Step::binary("unpack Debian's shellcheck (once per machine)", Path::new("sh"), &["-ec", &script])
            .run(workspace)?;
    }
    Ok(binary)
}
