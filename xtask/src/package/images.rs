//! Container images as archives of the OCI image layout, packed by `tests/cluster`'s own script, so that the release's
//! images and those of the tests are made alike.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};

use super::Package;
use crate::{step::Step, workspace::Workspace};

const CLUSTER: &str = "tests/cluster/cluster";

/// Packs the controller: the program with its shared libraries and the web's authorities, started by nobody.
pub(crate) fn controller(
    workspace: &Workspace,
    program: &Path,
    archive: &Path,
    name: &str,
) -> anyhow::Result<()> {
    let file = format!("{}=/usr/bin/tidegate-controller", program.display());
    let archive = archive.display().to_string();
    let pack = ["image", &archive, name, "--certificates", "--file", &file];
    let entrypoint = ["--entrypoint", "/usr/bin/tidegate-controller", "--user", "65532"];
    let step =
        Step::binary("pack the controller's image", Path::new(CLUSTER), &[&pack[..], &entrypoint].concat());
    step.run(workspace).map(drop)
}

/// The images of a release, for this machine's architecture: they hold libraries and programs of this machine.
pub(super) fn release(package: &Package<'_>) -> anyhow::Result<()> {
    let workspace = package.workspace;
    ensure!(std::env::consts::ARCH == "x86_64", "images are made on amd64 only");
    println!(
        "\n!!! SKIPPED: images for arm64: they hold git and libraries of Debian on the machine that packs them\n"
    );
    let version = package.workspace.version()?;
    let build = ["build", "--release", "--package", "tidegate-controller"];
    Step::cargo("build the controller", &build).run(workspace)?;
    let folder = package.folder("images")?;
    let controller_archive = folder.join("controller-amd64.tar");
    let program = workspace.binary("release", "tidegate-controller");
    controller(
        workspace,
        &program,
        &controller_archive,
        &format!("localhost/tidegate/controller:{version}"),
    )?;

    // The recipe is a component of the tests' cluster, and makes a folder `images`.
    let work = package.workspace.target.join("package-checkout");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to remove {}", work.display()))?;
    }
    fs::create_dir_all(&work)?;
    let name = format!("localhost/tidegate/checkout:{version}");
    let build = ["build-component", "checkout", &work.display().to_string(), &name];
    Step::binary("pack the checkout step's image", Path::new(CLUSTER), &build).run(workspace)?;
    fs::rename(work.join("images/checkout.tar"), folder.join("checkout-amd64.tar"))
        .context("the recipe made no images/checkout.tar")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_files_give_the_same_image() {
        let workspace = Workspace::find().expect("a workspace");
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("program");
        let pack = |archive: &str, content: &str| {
            // A new file each time, with another date and in another folder's order.
            fs::write(&program, content).expect("a program");
            let archive = folder.path().join(archive);
            controller(&workspace, &program, &archive, "localhost/tidegate/controller:1").expect("it packs");
            fs::read(archive).expect("an archive")
        };
        let first = pack("first.tar", "a program");
        assert!(pack("second.tar", "a program") == first, "the same program gives other bytes");
        assert!(pack("third.tar", "another") != first, "another program gives the same bytes");
    }
}
