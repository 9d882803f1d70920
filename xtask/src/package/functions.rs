//! The Lambda functions' zips.

use std::{fs, path::PathBuf};

use anyhow::{bail, ensure};

use super::{
    cross::Cross,
    programs::{PROFILE, build},
    release::Package,
    zip,
};

/// The functions, by the names of their zips; a package has the prefix `tidegate-`.
const FUNCTIONS: [&str; 3] = ["webhook", "integrator", "chatops"];
/// The C library of `provided.al2023`, the functions' runtime: 2.34 (<https://docs.aws.amazon.com/linux/al2023/ug/compare-with-al2.html>).
const GLIBC_MINOR: u32 = 34;

/// A function that was built and packed.
pub(super) struct Function {
    pub name: &'static str,
    /// Of the zip, in bytes.
    pub size: usize,
}

/// Builds and packs the functions for this machine's own architecture.
pub(super) fn native(package: &Package<'_>) -> anyhow::Result<Vec<Function>> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86_64",
        "aarch64" => "arm64",
        other => bail!("Lambda has no {other}"),
    };
    let folder = package.folder(&format!("functions/{architecture}"))?;
    build(package, &["tidegate-webhook"])?;
    // Their crates have the same features, so that they may be built together: each program is optimised by one thread.
    build(package, &["tidegate-integrator", "tidegate-chatops"])?;
    let pack = |name: &'static str| {
        let program = program(package, &format!("tidegate-{name}"));
        check_glibc(&fs::read(&program)?, name)?;
        let size = zip::write(&program, &folder.join(format!("{name}.zip")))?;
        Ok(Function { name, size })
    };
    FUNCTIONS.into_iter().map(pack).collect()
}

/// Where a built package's program is.
pub(super) fn program(package: &Package<'_>, name: &str) -> PathBuf {
    package.workspace.binary(PROFILE, name)
}

/// The same for arm64.
pub(super) fn arm64(package: &Package<'_>, cross: &Cross) -> anyhow::Result<()> {
    let folder = package.folder("functions/arm64")?;
    for name in FUNCTIONS {
        let program = cross.build(package, PROFILE, &format!("tidegate-{name}"))?;
        check_glibc(&fs::read(&program)?, name)?;
        zip::write(&program, &folder.join(format!("{name}.zip")))?;
    }
    Ok(())
}

/// Fails where a program needs a newer C library than the functions' runtime has.
fn check_glibc(program: &[u8], name: &str) -> anyhow::Result<()> {
    let needed = newest_glibc(program);
    ensure!(
        needed <= GLIBC_MINOR,
        "{name} needs glibc 2.{needed}, and provided.al2023 has 2.{GLIBC_MINOR}: build it on an older system"
    );
    Ok(())
}

/// The newest minor version of glibc 2 that a program's symbols name; 0 where it names none.
fn newest_glibc(program: &[u8]) -> u32 {
    const PREFIX: &[u8] = b"GLIBC_2.";
    let versions = program.windows(PREFIX.len()).enumerate().filter(|(_, window)| *window == PREFIX);
    let minor = |(at, _): (usize, &[u8])| {
        let digits = program[at + PREFIX.len()..].iter().take_while(|byte| byte.is_ascii_digit());
        let text: String = digits.map(|&byte| char::from(byte)).collect();
        text.parse().ok()
    };
    versions.filter_map(minor).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_for_a_newer_c_library_is_refused() {
        assert_eq!(newest_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.17\0GLIBC_PRIVATE"), 34);
        assert_eq!(newest_glibc(b"static"), 0);
        assert!(check_glibc(b"GLIBC_2.34", "webhook").is_ok());
        let error = check_glibc(b"GLIBC_2.36", "webhook").expect_err("too new").to_string();
        assert!(error.contains("webhook needs glibc 2.36"), "{error}");
    }
}
