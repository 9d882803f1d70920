//! What of Debian is in an image: packages of its architecture, fetched by apt and unpacked in a folder, so that an image
//! holds what Debian has and not what this machine happens to have; and a bill of materials of those whose files are in it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{release::Package, sbom};
use crate::{step::Step, workspace::Workspace};

/// What the images are made of; apt adds what these need.
const PACKAGES: [&str; 4] = ["busybox-static", "ca-certificates", "git", "libgcc-s1"];

/// Packages of one architecture.
pub(super) struct Debian {
    architecture: String,
    folder: PathBuf,
}

impl Debian {
    /// Fetches the packages from the sources that this machine's apt has, without a change to what is installed.
    pub(super) fn fetch(workspace: &Workspace, architecture: &str, folder: &Path) -> anyhow::Result<Self> {
        let debian = Self { architecture: architecture.to_owned(), folder: folder.to_owned() };
        for name in ["lists/partial", "cache/archives/partial", "root"] {
            fs::create_dir_all(folder.join(name)).with_context(|| format!("failed to create {name}"))?;
        }
        fs::write(folder.join("status"), "").context("failed to write an empty list of what is installed")?;
        let settings = [
            format!("APT::Architecture={architecture}"),
            format!("APT::Architectures={architecture}"),
            format!("Dir::State::Lists={}", folder.join("lists").display()),
            format!("Dir::State::status={}", folder.join("status").display()),
            format!("Dir::Cache={}", folder.join("cache").display()),
            "APT::Install-Recommends=false".to_owned(),
            // The folder is ours; apt's own user could not write to it.
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=true".to_owned(),
        ];
        let settings: Vec<&str> = settings.iter().flat_map(|setting| ["--option", setting]).collect();
        let apt = |name: &str, arguments: &[&str]| {
            let arguments = [&settings[..], &["--quiet", "--quiet"], arguments].concat();
            Step::binary(name, Path::new("apt-get"), &arguments).output(workspace).map(drop)
        };
        apt(&format!("list Debian's packages for {architecture}"), &["update"])?;
        let install = [&["install", "--yes", "--download-only"][..], &PACKAGES].concat();
        apt(&format!("fetch Debian's packages for {architecture}"), &install)?;
        for archive in debian.archives()? {
            ask("dpkg-deb", &["--extract".as_ref(), archive.as_os_str(), debian.root().as_os_str()])?;
        }
        Ok(debian)
    }

    /// Where the packages are unpacked.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    fn archives(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut archives = Vec::new();
        for entry in fs::read_dir(self.folder.join("cache/archives")).context("failed to list packages")? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "deb") {
                archives.push(path);
            }
        }
        archives.sort();
        Ok(archives)
    }

    /// Writes `sbom/IMAGE-image-ARCHITECTURE.cdx.json` of an image's archive.
    pub(super) fn write_bill(
        &self,
        package: &Package<'_>,
        image: &str,
        archive: &Path,
    ) -> anyhow::Result<()> {
        let packages = self.packages(&files(archive)?)?;
        let components: Vec<_> =
            packages.iter().map(|(name, version)| component(name, version, &self.architecture)).collect();
        sbom::write(package, "container", &format!("{image}-image-{}", self.architecture), &components)
    }

    /// The packages that files belong to, with their versions. Files that are nobody's are left out: our own program and
    /// the lists of users.
    fn packages(&self, files: &BTreeSet<String>) -> anyhow::Result<BTreeSet<(String, String)>> {
        let mut packages = BTreeSet::new();
        for archive in self.archives()? {
            let contents = ask("dpkg-deb", &["--contents".as_ref(), archive.as_os_str()])?;
            // Mode, owner, size, date, time, path, and where a link leads to.
            let mut paths = contents.lines().filter_map(|line| line.split_whitespace().nth(5));
            let format = "--showformat=${Package} ${Version}".as_ref();
            let shown = ask("dpkg-deb", &["--show".as_ref(), format, archive.as_os_str()])?;
            let (name, version) = shown.split_once(' ').context("a package has no version")?;
            // The bundle of authorities is put together from its package's files.
            let bundled = name == "ca-certificates" && files.contains("/etc/ssl/certs/ca-certificates.crt");
            if bundled || paths.any(|path| files.contains(path.trim_start_matches('.'))) {
                packages.insert((name.to_owned(), version.to_owned()));
            }
        }
        Ok(packages)
    }
}

fn component(name: &str, version: &str, architecture: &str) -> Value {
    // https://github.com/package-url/purl-spec: a version's colon is encoded.
    let encoded = version.replace(':', "%3A").replace('+', "%2B");
    let purl = format!("pkg:deb/debian/{name}@{encoded}?arch={architecture}");
    json!({"type": "library", "name": name, "version": version, "purl": purl})
}

/// What a program prints.
fn ask(program: &str, arguments: &[&std::ffi::OsStr]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output();
    let output = output.with_context(|| format!("failed to start {program}"))?;
    ensure!(output.status.success(), "{program} failed: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).with_context(|| format!("{program}'s answer is not UTF-8"))
}

/// The files in an image of one layer, without links, as absolute paths.
fn files(archive: &Path) -> anyhow::Result<BTreeSet<String>> {
    // The layer is the one blob that is itself a tar: list every member of the archive through a second tar.
    let list = "--to-command=tar --list --verbose 2>/dev/null || true".as_ref();
    let text = ask("tar", &["--extract".as_ref(), list, "--file".as_ref(), archive.as_os_str()])?;
    // Mode, owner, size, date, time, path. busybox' links bear the names of other packages' programs.
    let file = |line: &str| line.starts_with('-').then(|| line.split_whitespace().nth(5).map(str::to_owned));
    Ok(text.lines().filter_map(file).flatten().map(|path| format!("/{path}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_s_own_files_name_their_packages() {
        let folder = tempfile::tempdir().expect("a folder");
        let debian = Debian { architecture: "arm64".to_owned(), folder: folder.path().to_owned() };
        let archives = folder.path().join("cache/archives");
        fs::create_dir_all(&archives).expect("a folder");
        for (name, path) in
            [("ours", "usr/bin/ours"), ("ca-certificates", "usr/share/x"), ("other", "usr/bin/other")]
        {
            let tree = folder.path().join(name);
            fs::create_dir_all(tree.join("DEBIAN")).expect("a folder");
            let control = format!(
                "Package: {name}\nVersion: 1:2.3\nArchitecture: arm64\nMaintainer: nobody\nDescription: a test\n"
            );
            fs::write(tree.join("DEBIAN/control"), control).expect("a file");
            fs::create_dir_all(tree.join(path).with_file_name("")).expect("a folder");
            fs::write(tree.join(path), name).expect("a file");
            let archive = archives.join(format!("{name}.deb"));
            ask("dpkg-deb", &["--build".as_ref(), tree.as_os_str(), archive.as_os_str()]).expect("it packs");
            ask("dpkg-deb", &["--extract".as_ref(), archive.as_os_str(), debian.root().as_os_str()])
                .expect("a root");
        }
        let workspace = Workspace::find().expect("a workspace");
        let (root, image) = (debian.root().display().to_string(), folder.path().join("image.tar"));
        let from = ["--root", &root, "--architecture", "arm64", "--packaged", "/usr/bin/ours"];
        let program = folder.path().join("other/usr/bin/other");
        super::super::controller_image(&workspace, &program, &image, "localhost/x:1", &from)
            .expect("it packs");
        let packages = debian.packages(&files(&image).expect("files")).expect("packages");
        let expected = ["ca-certificates", "ours"].map(|name| (name.to_owned(), "1:2.3".to_owned()));
        assert_eq!(packages, expected.into());
    }

    #[test]
    fn a_version_s_epoch_is_encoded_in_the_package_url() {
        let component = component("git", "1:2.39.5-0+deb12u3", "arm64");
        assert_eq!(component["purl"], "pkg:deb/debian/git@1%3A2.39.5-0%2Bdeb12u3?arch=arm64");
    }
}
