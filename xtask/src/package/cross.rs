//! Programs for arm64 on another machine, by cargo-lambda: zig is the linker, and the C compiler of what is not Rust.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};

use super::release::Package;
use crate::{
    step::Step,
    tools::{self, CARGO_LAMBDA},
};

const TARGET: &str = "aarch64-unknown-linux-gnu";
/// `EM_AARCH64` of the ELF header, and where that has the machine.
const MACHINE: [u8; 2] = [183, 0];
const MACHINE_AT: usize = 18;

/// The compiler of arm64 programs.
pub(super) struct Cross(PathBuf);

impl Cross {
    /// Installs what is missing. Prints which tools or target are missing: a release is then of one
    /// architecture.
    pub(super) fn ready(package: &Package<'_>) -> Option<Self> {
        let ready = CARGO_LAMBDA.ready(package.workspace).and_then(|tool| {
            let mut rustup = Command::new("rustup");
            let added = rustup.args(["target", "add", TARGET]).current_dir(&package.workspace.root).status();
            ensure!(added.context("failed to start rustup")?.success(), "rustup has no target {TARGET}");
            Ok(Self(tool))
        });
        ready
            .inspect_err(|error| say!(package.workspace, "\n!!! SKIPPED: everything for arm64: {error:#}\n"))
            .ok()
    }

    /// Builds one package's program alone.
    pub(super) fn build(&self, package: &Package<'_>, profile: &str, name: &str) -> anyhow::Result<PathBuf> {
        let folder = package.workspace.target.join("package-arm64");
        let lambda_dir = folder.display().to_string();
        let arguments = ["lambda", "build", "--profile", profile, "--arm64", "--package", name];
        let arguments = [&arguments[..], &["--lambda-dir", &lambda_dir]].concat();
        Step::binary(&format!("build {name} for arm64"), &self.0, &arguments)
            .env("PATH", &tools::path_with(&self.0)?)
            .run(package.workspace)?;
        let program = folder.join(name).join("bootstrap");
        check_machine(&program)?;
        Ok(program)
    }
}

/// Fails if a program isn't for arm64.
fn check_machine(program: &Path) -> anyhow::Result<()> {
    let content = fs::read(program).with_context(|| format!("failed to read {}", program.display()))?;
    let machine = content.get(MACHINE_AT..MACHINE_AT + MACHINE.len());
    ensure!(
        content.starts_with(b"\x7fELF") && machine == Some(&MACHINE),
        "{} is not an arm64 program",
        program.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_of_this_machine_is_not_taken_for_one_of_arm64() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        let mut content = b"\x7fELF".to_vec();
        content.resize(MACHINE_AT, 0);
        fs::write(&program, [&content[..], &MACHINE].concat()).expect("a program");
        assert!(check_machine(&program).is_ok());
        // EM_X86_64.
        fs::write(&program, [&content[..], &[62, 0]].concat()).expect("a program");
        assert!(check_machine(&program).is_err());
        fs::write(&program, "").expect("a file");
        assert!(check_machine(&program).is_err());
    }
}
