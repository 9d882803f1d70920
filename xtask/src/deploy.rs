//! `cargo xtask deploy`: infra/terraform and infra/sam are checked, deployed on an emulator of AWS, put to work, compared and
//! taken down again.

mod checks;
mod deployment;
mod ministack;
mod provider;
mod tools;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use crate::{
    coverage::Coverage,
    package::{self, Scope, StartupBudget},
    step::Step,
    workspace::{BINARIES, Workspace},
};
use deployment::Deployment;
pub(crate) use deployment::Prepared;
use ministack::Ministack;
use tools::Tools;

/// The module's sources, as git knows them, are copied here: Terraform writes beside what it reads.
const COPY: &str = "deploy/terraform";
/// Which example is deployed: the minimal one and a third-party plugin.
const EXAMPLE: &str = "examples/custom-plugin";
/// The areas of scenarios that don't need failures of the cloud itself.
const AREAS: [&str; 9] = [
    "config::",
    "dead_letters::",
    "deployed::",
    "drain::",
    "pull_request::",
    "push::",
    "rotation::",
    "trust::",
    "webhook::",
];
/// What the example's alarms lose on their way back: the emulator's answer in XML lacks it. Its JSON has
/// it, and that is what the two stacks are compared by.
const LOST: [&str; 6] =
    ["actions_enabled", "alarm_description", "dimensions", "period", "statistic", "treat_missing_data"];

/// What this machine lacks for a deployment; `None` where it lacks nothing.
pub(crate) fn lacks() -> Option<String> {
    for program in ["terraform", "python3", "make"] {
        if Command::new(program).arg("--version").output().is_err() {
            return Some(format!("{program} is not installed."));
        }
    }
    let none = "Terraform has no filesystem mirror with the AWS provider: set TF_CLI_CONFIG_FILE to a file that names one.";
    provider::find().is_none().then(|| none.to_owned())
}

impl Prepared {
    /// Installs and builds what is missing.
    pub(crate) fn ready(workspace: &Workspace) -> anyhow::Result<Self> {
        let folder = workspace.target.join("deploy");
        fs::create_dir_all(&folder).context("failed to create a folder")?;
        let provider =
            provider::find().context("Terraform has no filesystem mirror with the AWS provider")?;
        let configuration = provider.configuration(&folder)?;
        let tools = Tools::ready(workspace)?;
        let packages = package(workspace)?;
        Ok(Self { tools, configuration, packages, folder })
    }
}

/// Checks the templates, deploys both, puts them to work, compares them, and removes them.
pub(crate) fn stacks(workspace: &Workspace, prepared: &Prepared, coverage: &Coverage) -> anyhow::Result<()> {
    let deployment = Deployment { workspace, prepared, coverage };
    deployment.copy_module()?;
    checks::run(&deployment)?;
    deployment.terraform_stack()?;
    deployment.sam_stack()?;
    let files = ["terraform.json", "sam.json"].map(|name| deployment.folder.join(name).display().to_string());
    deployment.inventory("both stacks are the same", None, &["compare", &files[0], &files[1]])
}

/// Writes the module's tables of inputs and outputs.
pub(crate) fn write_tables(workspace: &Workspace) -> anyhow::Result<()> {
    checks::tables(workspace, &tools::terraform_docs(workspace)?, false)
}

/// The release's zips for this machine, and what is to be known of them.
fn package(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    Step::cargo("build the binaries", &[&["build"], BINARIES].concat()).run(workspace)?;
    package::run(workspace, Scope::Report(StartupBudget::Report))?;
    Ok(workspace.target.join("package/functions").join(architecture()))
}

impl Deployment<'_> {
    fn copy_module(&self) -> anyhow::Result<()> {
        let copy = self.workspace.target.join(COPY);
        if copy.exists() {
            fs::remove_dir_all(&copy).context("failed to clear away the last copy of the module")?;
        }
        let (from, to) = ("infra/terraform".to_owned(), copy.display().to_string());
        Step::binary("copy the module", Path::new("cp"), &["-R", &from, &to]).run(self.workspace)?;
        // What `terraform test` plans with: packages are hashed, and never read.
        let packages = copy.join("tests/packages");
        fs::create_dir_all(&packages).context("failed to create a folder for empty packages")?;
        for function in ["webhook", "integrator", "chatops"] {
            fs::write(packages.join(format!("{function}.zip")), "")
                .context("failed to write an empty package")?;
        }
        Ok(())
    }

    /// A call of Terraform in a folder of the module's copy.
    fn terraform(&self, name: &str, folder: &str, arguments: &[&str]) -> Step {
        let folder = self.workspace.target.join(COPY).join(folder);
        let chdir = format!("-chdir={}", folder.display());
        let step = Step::binary(name, Path::new("terraform"), &[&[chdir.as_str()][..], arguments].concat())
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1");
        match &self.configuration {
            Some(file) => step.env("TF_CLI_CONFIG_FILE", file),
            None => step,
        }
    }

    fn inventory(&self, name: &str, cloud: Option<&Ministack>, arguments: &[&str]) -> anyhow::Result<()> {
        let arguments = [&["tests/deploy/inventory.py"][..], arguments].concat();
        let step = Step::binary(name, &self.tools.python, &arguments);
        let step = match cloud {
            Some(cloud) => cloud.tell(step),
            None => step.env("AWS_ENDPOINT_URL", "none"),
        };
        step.run(self.workspace).map(drop)
    }

    fn show(&self, cloud: &Ministack, name: &str) -> anyhow::Result<()> {
        let path = self.folder.join(name).display().to_string();
        self.inventory("list the resources", Some(cloud), &["show", &path])
    }

    /// Deploys by Terraform, looks for drift, runs the scenarios, and takes the stack down.
    fn terraform_stack(&self) -> anyhow::Result<()> {
        let cloud = Ministack::start(&self.tools, &self.folder)?;
        let packages = self.packages.display().to_string();
        let plugin = self.packages.join("integrator.zip").display().to_string();
        let terraform = |name: &str, arguments: &[&str]| {
            cloud
                .tell(self.terraform(name, EXAMPLE, arguments))
                .env("TF_VAR_packages_dir", &packages)
                .env("TF_VAR_plugin_package", &plugin)
                .env("TF_VAR_architecture", architecture())
        };
        let unasked = ["-auto-approve", "-no-color", "-input=false", "-parallelism=20"];
        terraform("terraform apply", &[&["apply"][..], &unasked].concat()).output(self.workspace)?;
        let plan = self.folder.join("plan").display().to_string();
        let out = format!("-out={plan}");
        terraform("terraform plan again", &["plan", "-no-color", "-input=false", "-parallelism=20", &out])
            .output(self.workspace)?;
        let shown = terraform("what it would change", &["show", "-json", &plan]).output(self.workspace)?;
        no_drift(&shown)?;
        self.show(&cloud, "terraform.json")?;
        self.scenarios(&cloud, "terraform", &AREAS)?;
        terraform("terraform destroy", &[&["destroy"][..], &unasked].concat()).output(self.workspace)?;
        self.inventory("nothing is left behind", Some(&cloud), &["empty"])?;
        cloud.stop()
    }

    /// Deploys by SAM, runs the scenarios that show that it works, and takes the stack down.
    fn sam_stack(&self) -> anyhow::Result<()> {
        let cloud = Ministack::start(&self.tools, &self.folder)?;
        let sam = |name: &str, arguments: &[&str]| {
            let config = self.workspace.root.join("infra/sam/samconfig.toml").display().to_string();
            let step =
                Step::binary(name, &self.tools.sam, &[arguments, &["--config-file", &config]].concat())
                    .env("SAM_CLI_TELEMETRY", "0")
                    .env("PACKAGES", &self.packages.display().to_string());
            cloud.tell(step)
        };
        let folder = self.folder.join("sam").display().to_string();
        let template = format!("{folder}/template.yaml");
        let build = ["build", "--template-file", "infra/sam/template.yaml", "--build-dir", &folder];
        sam("sam build", &build).output(self.workspace)?;
        let architecture = format!("Architecture={}", architecture());
        let quietly = ["--no-confirm-changeset", "--no-progressbar", "--parameter-overrides", &architecture];
        sam("sam deploy", &[&["deploy", "--template-file", &template][..], &quietly].concat())
            .output(self.workspace)?;
        self.show(&cloud, "sam.json")?;
        self.scenarios(
            &cloud,
            "sam",
            &["tested_merged_and_its_push_built", "webhook::", "deployed::a_delivery"],
        )?;
        sam("sam delete", &["delete", "--no-prompts", "--stack-name", "tidegate"]).output(self.workspace)?;
        self.inventory("nothing is left behind", Some(&cloud), &["empty"])?;
        cloud.stop()
    }

    /// The scenarios on a deployed stack, or those whose names hold one of these words. One after the other: they share it.
    fn scenarios(&self, cloud: &Ministack, stack: &str, only: &[&str]) -> anyhow::Result<()> {
        let gateway = cloud.tell(Step::binary(
            "gateway",
            &self.tools.python,
            &["tests/deploy/inventory.py", "gateway"],
        ));
        let gateway = gateway.output(self.workspace)?;
        let test = ["test", "--workspace", "--test", "scenarios", "--", "--test-threads=1"];
        let step = Step::cargo(&format!("scenarios on the stack of {stack}"), &[&test[..], only].concat());
        self.coverage
            .of(step)
            .env("TIDEGATE_WORLD", "deployed")
            .env("TIDEGATE_DEPLOYED_STACK", stack)
            .env("TIDEGATE_DEPLOYED_ENDPOINT", cloud.endpoint())
            .env("TIDEGATE_DEPLOYED_GATEWAY", gateway.trim())
            .run(self.workspace)
            .map(drop)
    }
}

/// This machine's architecture, as Lambda calls it.
fn architecture() -> &'static str {
    if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }
}

/// That a second plan changes nothing but what the emulator loses.
fn no_drift(plan: &str) -> anyhow::Result<()> {
    let plan: serde_json::Value = serde_json::from_str(plan).context("failed to read the plan")?;
    let changes = plan["resource_changes"].as_array().context("the plan names no resources")?;
    ensure!(changes.len() > 50, "the plan names only {} resources", changes.len());
    let mut drifted = Vec::new();
    for resource in changes {
        let change = &resource["change"];
        let is_lossy = resource["type"] == "aws_cloudwatch_metric_alarm" && change["actions"][0] == "update";
        if change["actions"][0] == "no-op" || change["actions"][0] == "read" {
            continue;
        }
        let after = change["after"].as_object().context("a change to nothing")?;
        let differing: Vec<_> =
            after.iter().filter(|(key, value)| **value != change["before"][*key]).collect();
        if !is_lossy || differing.iter().any(|(key, _)| !LOST.contains(&key.as_str())) {
            drifted.push(format!("{}: {differing:?}", resource["address"]));
        }
    }
    ensure!(drifted.is_empty(), "the second plan would change:\n{}", drifted.join("\n"));
    Ok(())
}
