//! `SHA256SUMS`, as `sha256sum --check` reads it.

use std::{fs, path::Path};

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::release::Package;

const NAME: &str = "SHA256SUMS";

pub(super) fn write(package: &Package<'_>) -> anyhow::Result<()> {
    let path = package.folder.join(NAME);
    fs::write(&path, list(&package.folder)?).with_context(|| format!("failed to write {}", path.display()))
}

/// A line for each file below a folder, in the order of their paths.
fn list(folder: &Path) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).with_context(|| format!("failed to list {}", next.display()))? {
            let path = entry?.path();
            let shown = path.strip_prefix(folder)?.display().to_string();
            if path.is_dir() {
                folders.push(path);
            } else if shown != NAME {
                let content = fs::read(&path).with_context(|| format!("failed to read {shown}"))?;
                lines.push((shown, hex::encode(Sha256::digest(content))));
            }
        }
    }
    lines.sort();
    Ok(lines.into_iter().fold(String::new(), |text, (shown, digest)| text + &digest + "  " + &shown + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_but_the_list_itself_is_listed_in_order() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("images")).expect("a folder");
        for (name, content) in [("z", "abc"), ("images/a", ""), (NAME, "old")] {
            fs::write(folder.path().join(name), content).expect("a file");
        }
        // Both digests are in FIPS 180-4's examples.
        let expected = "\
            e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  images/a\n\
            ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  z\n";
        assert_eq!(list(folder.path()).expect("a list"), expected);
    }
}
