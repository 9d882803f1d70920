//! Container images as archives of the OCI image layout, packed by `tests/cluster`'s own script, so that the release's
//! images and those of the tests are made alike.

use std::{fs, path::Path};

use anyhow::{Context as _, ensure};

use super::{cross::Cross, debian::Debian, release::Package};
use crate::{step::Step, workspace::Workspace};

const CLUSTER: &str = "tests/cluster/cluster";
const CONTROLLER: &str = "tidegate-controller";
const IMAGES: [&str; 2] = ["controller", "checkout"];

/// Packs the controller: the program with its shared libraries and the certificate authorities. Both are
/// this machine's, unless `from` names another place. The program runs as the user nobody.
pub(crate) fn controller(
    workspace: &Workspace,
    program: &Path,
    archive: &Path,
    name: &str,
    from: &[&str],
) -> anyhow::Result<()> {
    let file = format!("{}=/usr/bin/tidegate-controller", program.display());
    let archive = archive.display().to_string();
    let pack = ["image", &archive, name, "--certificates", "--file", &file];
    let entrypoint = ["--entrypoint", "/usr/bin/tidegate-controller", "--user", "65532"];
    let arguments = [&pack[..], &entrypoint, from].concat();
    Step::binary("pack the controller's image", Path::new(CLUSTER), &arguments).run(workspace).map(drop)
}

/// The images of a release: each one archive, with an index of what there is for amd64 and for arm64.
pub(super) fn release(package: &Package<'_>, cross: Option<&Cross>) -> anyhow::Result<()> {
    let workspace = package.workspace;
    ensure!(std::env::consts::ARCH == "x86_64", "images can only be built on amd64");
    let build = ["build", "--release", "--package", CONTROLLER];
    Step::cargo("build the controller", &build).run(workspace)?;
    let mut programs = vec![("amd64", workspace.binary("release", CONTROLLER))];
    if let Some(cross) = cross {
        programs.push(("arm64", cross.build(package, "release", CONTROLLER)?));
    }
    let work = workspace.target.join("package-images");
    if work.exists() {
        fs::remove_dir_all(&work).with_context(|| format!("failed to remove {}", work.display()))?;
    }
    let name = |image: &str| anyhow::Ok(format!("localhost/tidegate/{image}:{}", workspace.version()?));
    for (architecture, program) in &programs {
        let work = work.join(architecture);
        let debian = Debian::fetch(workspace, architecture, &work.join("debian"))?;
        let root = debian.root().display().to_string();
        let from = ["--root", &root, "--architecture", architecture];
        // The recipe of the other image is a component of the tests' cluster, and makes a folder `images`.
        let (images, checkout) = (work.join("images"), work.display().to_string());
        let build = ["build-component", "checkout", &checkout, &name("checkout")?];
        let build = [&build[..], &from].concat();
        Step::binary("pack the checkout step's image", Path::new(CLUSTER), &build).run(workspace)?;
        controller(workspace, program, &images.join("controller.tar"), &name("controller")?, &from)?;
        for image in IMAGES {
            debian.write_bill(package, image, &images.join(format!("{image}.tar")))?;
        }
    }
    let folder = package.folder("images")?;
    for image in IMAGES {
        let (archive, name) = (folder.join(format!("{image}.tar")).display().to_string(), name(image)?);
        let mut join = vec!["image".to_owned(), archive, name];
        for (architecture, _) in &programs {
            let single = work.join(architecture).join(format!("images/{image}.tar"));
            join.extend(["--join".to_owned(), single.display().to_string()]);
        }
        let join: Vec<&str> = join.iter().map(String::as_str).collect();
        Step::binary(&format!("put the {image} images together"), Path::new(CLUSTER), &join)
            .run(workspace)?;
    }
    Ok(())
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
            controller(&workspace, &program, &archive, "localhost/tidegate/controller:1", &[])
                .expect("it packs");
            fs::read(archive).expect("an archive")
        };
        let first = pack("first.tar", "a program");
        assert!(pack("second.tar", "a program") == first, "the same program gives other bytes");
        assert!(pack("third.tar", "another") != first, "another program gives the same bytes");
    }
}
