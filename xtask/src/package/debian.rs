//! What of Debian is in an image: a bill of materials from the image's own list of files.

use std::{collections::BTreeSet, path::Path, process::Command};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{Package, sbom};

/// Writes `sbom/NAME-image.cdx.json` for the archive `images/NAME-amd64.tar`.
pub(super) fn write(package: &Package<'_>, name: &str) -> anyhow::Result<()> {
    let files = files(&package.folder.join(format!("images/{name}-amd64.tar")))?;
    let components: Vec<_> =
        packages(&files)?.iter().map(|(name, version)| component(name, version)).collect();
    sbom::write(package, "container", &format!("{name}-image"), &components)
}

fn component(name: &str, version: &str) -> Value {
    // https://github.com/package-url/purl-spec: a version's colon is encoded.
    let purl =
        format!("pkg:deb/debian/{name}@{}?arch=amd64", version.replace(':', "%3A").replace('+', "%2B"));
    json!({"type": "library", "name": name, "version": version, "purl": purl})
}

/// The files in an image of one layer, without links, as absolute paths.
fn files(archive: &Path) -> anyhow::Result<Vec<String>> {
    let tar = |arguments: &[&str]| -> anyhow::Result<Vec<u8>> {
        let output =
            Command::new("tar").args(arguments).arg(archive).output().context("failed to start tar")?;
        ensure!(output.status.success(), "tar failed: {}", String::from_utf8_lossy(&output.stderr));
        Ok(output.stdout)
    };
    // The layer is the one blob that is itself a tar: list every member of the archive through a second tar.
    let list = tar(&["--extract", "--to-command=tar --list --verbose 2>/dev/null || true", "--file"])?;
    let text = String::from_utf8(list).context("a path is not UTF-8")?;
    // Mode, owner, size, date, time, path. busybox' links bear the names of other packages' programs.
    let file =
        |line: &str| (line.starts_with('-')).then(|| line.split_whitespace().nth(5).map(str::to_owned));
    Ok(text.lines().filter_map(file).flatten().map(|path| format!("/{path}")).collect())
}

/// The Debian packages that files belong to, with their versions. Files that are nobody's are left out: our own program
/// and the lists of users.
fn packages(files: &[String]) -> anyhow::Result<BTreeSet<(String, String)>> {
    // The loader is named by the old place of /usr/lib, packages by either.
    let everywhere = files.iter().flat_map(|file| [file.clone(), format!("/usr{file}")]);
    let output = Command::new("dpkg-query").arg("--search").args(everywhere).output();
    let output = output.context("failed to start dpkg-query")?;
    // Its exit code says only that some files were nobody's.
    let found = String::from_utf8(output.stdout).context("dpkg-query's answer is not UTF-8")?;
    let owners = found.lines().filter(|line| !line.starts_with("diversion by "));
    let mut names: BTreeSet<_> =
        owners.filter_map(|line| line.split([':', ',']).next()).map(str::to_owned).collect();
    // This one is put together from its package's files.
    if files.iter().any(|file| file == "/etc/ssl/certs/ca-certificates.crt") {
        names.insert("ca-certificates".to_owned());
    }
    let mut packages = BTreeSet::new();
    for name in names {
        let show = ["--show", "--showformat", "${Version}\n", &name];
        let output = Command::new("dpkg-query").args(show).output().context("failed to start dpkg-query")?;
        let version = String::from_utf8_lossy(&output.stdout);
        let version = version.lines().next().with_context(|| format!("{name} has no version"))?;
        packages.insert((name, version.to_owned()));
    }
    Ok(packages)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_s_own_files_name_their_packages() {
        let folder = tempfile::tempdir().expect("a folder");
        let archive = folder.path().join("image.tar");
        // A program of this machine, as an image of the tests' script: its libraries are in it, too.
        let workspace = crate::workspace::Workspace::find().expect("a workspace");
        super::super::controller_image(&workspace, Path::new("/bin/ls"), &archive, "localhost/x:1")
            .expect("it packs");
        let names: Vec<_> = packages(&files(&archive).expect("files"))
            .expect("packages")
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert!(names.contains(&"libc6".to_owned()), "{names:?}");
        assert!(names.contains(&"ca-certificates".to_owned()), "{names:?}");
        assert!(!names.contains(&"coreutils".to_owned()), "it lies in no place of coreutils: {names:?}");
    }

    #[test]
    fn a_version_s_epoch_is_encoded_in_the_package_url() {
        let component = component("git", "1:2.39.5-0+deb12u3");
        assert_eq!(component["purl"], "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?arch=amd64");
    }
}
