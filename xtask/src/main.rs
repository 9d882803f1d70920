//! The repository's own commands. They build binaries and start them by path; nothing of Tidegate is linked in here.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for a terminal")]

/// Prints a line where the steps of a workspace print.
macro_rules! say {
    ($workspace:expr, $($text:tt)*) => { $workspace.journal.print(format_args!($($text)*)) };
}

mod chart;
mod ci;
mod cluster;
mod coverage;
mod demo;
mod dependencies;
mod deploy;
mod journal;
mod package;
mod prose;
mod step;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    coverage::Coverage,
    package::{Scope, StartupBudget},
    step::Step,
    workspace::Workspace,
};

#[derive(Parser)]
#[command(about, version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Watch Tidegate do its main job on this machine: a pull request and a push, from webhook to commit status.
    Demo {
        /// Leave everything up at the end, with addresses and what to try, until Ctrl-C.
        #[arg(long)]
        keep: bool,
    },
    /// Run every check and test.
    Ci {
        /// Only what the inner loop needs: format, lints, unit tests, scenarios on the sandbox.
        #[arg(long)]
        fast: bool,
        /// Fail where this machine lacks what a tier needs, instead of skipping the tier.
        #[arg(long, conflicts_with = "fast")]
        complete: bool,
    },
    /// Run scenarios on the sandbox: those whose names contain one of these words.
    Scene {
        /// Words of the scenarios' names.
        #[arg(required = true)]
        names: Vec<String>,
    },
    /// Run the scenarios and transcripts on real Kubernetes, Tekton and Gitea: Debian 12, root, Go, half an hour at first.
    Cluster {
        /// Only scenarios whose names contain one of these words.
        names: Vec<String>,
    },
    /// Check the Terraform module and the SAM template, deploy both on an emulator of AWS, run the scenarios there.
    Deploy {
        /// Only write the module's tables of inputs and outputs.
        #[arg(long)]
        tables: bool,
    },
    /// Write the CRDs' YAML in crds/ from the Rust types.
    Crds {
        /// Change nothing; fail when a file is stale.
        #[arg(long)]
        check: bool,
    },
    /// Render the Helm chart into infra/kubernetes/snapshots, and show that it refuses bad values.
    Chart {
        /// Change nothing; fail when a snapshot is stale.
        #[arg(long)]
        check: bool,
    },
    /// Put a release together in target/package: the functions' zips, images, the chart, SBOMs, checksums.
    Package {
        /// Only the functions' zips for this machine's architecture.
        #[arg(long, conflicts_with = "report")]
        functions: bool,
        /// Only these, and print their sizes, starts, memory, and what a million webhooks cost.
        #[arg(long)]
        report: bool,
    },
    /// Check the texts with vale: forbidden turns, terms, and (as warnings) long sentences.
    Prose,
    /// Check what no other tool checks: file lengths, dependency arrows, inherited lints, paths of this machine.
    Tidy,
    /// Run the benches and print their figures.
    Bench {
        /// Measure on real Kubernetes, Tekton and Gitea in place of the sandbox.
        #[arg(long)]
        cluster: bool,
    },
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match *command {
        Command::Demo { keep } => demo::run(&workspace, keep),
        Command::Ci { fast, complete } => ci::run(
            &workspace,
            match (fast, complete) {
                (true, _) => ci::Extent::Fast,
                (_, true) => ci::Extent::Complete,
                _ => ci::Extent::Possible,
            },
        ),
        Command::Scene { ref names } => scene(&workspace, names),
        Command::Cluster { ref names } => {
            cluster::build(&workspace)?;
            cluster::tests(&workspace, &Coverage::begin(&workspace)?, names)
        }
        Command::Deploy { tables: true } => deploy::write_tables(&workspace),
        Command::Deploy { tables: false } => {
            deploy::stacks(&workspace, &deploy::Prepared::ready(&workspace)?, &Coverage::begin(&workspace)?)
        }
        Command::Crds { check } => ci::crds(check).run(&workspace).map(drop),
        Command::Chart { check } => chart::run(&workspace, check),
        Command::Package { functions, report } => package::run(
            &workspace,
            match (functions, report) {
                (true, _) => Scope::Functions,
                (_, true) => Scope::Report(StartupBudget::Enforce),
                _ => Scope::All,
            },
        ),
        Command::Prose => prose::run(&workspace, prose::Level::Warnings),
        Command::Tidy => tidy::run(&workspace),
        Command::Bench { cluster: true } => cluster::bench(&workspace),
        Command::Bench { cluster: false } => bench(&workspace),
    }
}

fn scene(workspace: &Workspace, names: &[String]) -> anyhow::Result<()> {
    Step::cargo("build the binaries", &[&["build"], workspace::BINARIES].concat()).run(workspace)?;
    let names = names.iter().map(String::as_str);
    let test: Vec<&str> =
        ["test", "--workspace", "--test", "scenarios", "--examples", "--"].into_iter().chain(names).collect();
    Step::cargo("scenarios on the sandbox", &test).run(workspace).map(drop)
}

fn bench(workspace: &Workspace) -> anyhow::Result<()> {
    Step::cargo("normalise a payload", &["bench", "-p", "tidegate-benches"]).run(workspace)?;
    let build = [&["build", "--release"], workspace::BINARIES, workspace::MEASURE].concat();
    Step::cargo("build the functions, the controller and the bench", &build).run(workspace)?;
    Step::binary("the bench on the sandbox", &workspace.binary("release", "bench"), &[]).run(workspace)?;
    Ok(())
}
