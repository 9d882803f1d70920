//! A function's zip: one file, `bootstrap`, undated, so that the same program gives the same bytes.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use anyhow::Context as _;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// What Lambda starts (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html>).
const BOOTSTRAP: &str = "bootstrap";

/// Packs a program.
pub(super) fn pack(program: &[u8]) -> anyhow::Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(BOOTSTRAP, options)?;
    zip.write_all(program)?;
    Ok(zip.finish()?.into_inner())
}

/// Packs a program into a file, and returns the zip's size in bytes.
pub(super) fn write(program: &Path, zip: &Path) -> anyhow::Result<usize> {
    let program = fs::read(program).with_context(|| format!("failed to read {}", program.display()))?;
    let bytes = pack(&program)?;
    fs::write(zip, &bytes).with_context(|| format!("failed to write {}", zip.display()))?;
    Ok(bytes.len())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn the_same_program_gives_the_same_zip() {
        let first = pack(b"a program").expect("it packs");
        assert_eq!(pack(b"a program").expect("it packs"), first);
        assert_ne!(pack(b"another").expect("it packs"), first);
    }

    #[test]
    fn a_zip_holds_one_undated_program_that_may_be_started() {
        let zip = pack(b"a program").expect("it packs");
        let mut archive = ZipArchive::new(Cursor::new(zip)).expect("a zip");
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_name("bootstrap").expect("bootstrap");
        assert_eq!(file.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        assert_eq!(file.last_modified(), Some(DateTime::default()), "the time of packing is in it");
        let mut content = Vec::new();
        file.read_to_end(&mut content).expect("it unpacks");
        assert_eq!(content, b"a program");
    }
}
