//! Compiled third-party crates, kept between checkouts: what cargo made of them in one is linked into the next.
//!
//! Cargo could share one build directory between checkouts, but it takes a source file for unchanged when it is older
//! than what was made of it: two checkouts with different sources would take each other's crates. So only crates from
//! registries are kept, which never change.

use std::{
    collections::HashSet,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

use crate::{journal::Outcome, tools::cache, workspace::Workspace};

/// The folders of cargo's profiles that are kept. What is optimised for a release is made for the functions.
const PROFILES: [&str; 2] = ["debug", "release"];
/// The content of a profile's folder: a unit's files have its crate's name or its package's, a dash, and a hash.
const FOLDERS: [&str; 3] = [".fingerprint", "build", "deps"];
/// How many are kept.
const KEPT: usize = 3;
/// One that is larger has collected what nobody needs any more, and is not handed on to another state of Cargo.lock.
const MAX_BYTES: u64 = 6 << 30;
/// Files that are replaced and never changed, so that they may be linked.
const LINKED: [&str; 5] = ["rlib", "rmeta", "so", "a", "o"];

/// Puts what is kept into a new target folder, in place of what is there: that is this very program and its crates, which
/// were compiled a moment ago. Crates of two compilations don't fit together, even under the same name: they hold paths. So a
/// folder in which more was compiled is left to cargo, whatever Cargo.lock says since.
pub(crate) fn restore(workspace: &Workspace) -> anyhow::Result<()> {
    let mark = workspace.target.join("dependencies");
    let key = Key::of(workspace)?;
    if mark.exists() {
        return Ok(());
    }
    let start = Instant::now();
    let exact = store()?.join(key.name());
    let found = if exact.is_dir() { Some(exact) } else { newest(&key)? };
    let source = match found {
        Some(folder) => {
            empty(&workspace.target)?;
            let units = copy(workspace, &folder, &workspace.target)?;
            // So that it is kept longer than those that nobody uses.
            let _ = fs::File::open(&folder).and_then(|folder| folder.set_modified(SystemTime::now()));
            format!("{units} files from the cache")
        }
        None => "nothing is cached".to_owned(),
    };
    fs::create_dir_all(&workspace.target).context("failed to create the target folder")?;
    fs::write(&mark, key.name()).with_context(|| format!("failed to write {}", mark.display()))?;
    let outcome = Outcome { tests: None, source };
    workspace.journal.record("compiled dependencies of an earlier checkout", start.elapsed(), outcome);
    Ok(())
}

/// Removes every compiled crate from a target folder. Programs stay.
fn empty(target: &Path) -> anyhow::Result<()> {
    for folder in PROFILES.iter().flat_map(|profile| FOLDERS.map(|folder| target.join(profile).join(folder)))
    {
        if folder.is_dir() {
            fs::remove_dir_all(&folder).with_context(|| format!("failed to empty {}", folder.display()))?;
        }
    }
    Ok(())
}

/// Keeps what was compiled for this state of Cargo.lock, unless it is kept already.
pub(crate) fn save(workspace: &Workspace) -> anyhow::Result<()> {
    let key = Key::of(workspace)?;
    let (store, folder) = (store()?, store()?.join(key.name()));
    if folder.is_dir() {
        return Ok(());
    }
    let start = Instant::now();
    fs::create_dir_all(&store).with_context(|| format!("failed to create {}", store.display()))?;
    let partial = store.join(format!("partial-{}", std::process::id()));
    let units = copy(workspace, &workspace.target, &partial)?;
    // Another checkout may have been quicker.
    if fs::rename(&partial, &folder).is_err() {
        fs::remove_dir_all(&partial).context("failed to remove a copy")?;
    }
    for old in by_age(&store)?.into_iter().skip(KEPT) {
        fs::remove_dir_all(&old).with_context(|| format!("failed to remove {}", old.display()))?;
    }
    let outcome = Outcome { tests: None, source: format!("{units} files kept") };
    workspace.journal.record("compiled dependencies for the next checkout", start.elapsed(), outcome);
    Ok(())
}

/// What a kept folder depends on: the compiler, and what is compiled how.
pub(crate) struct Key {
    compiler: String,
    sources: String,
}

impl Key {
    pub(crate) fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
        let output = Command::new(rustc)
            .arg("-vV")
            .current_dir(&workspace.root)
            .output()
            .context("failed to start rustc")?;
        ensure!(output.status.success(), "rustc -vV failed ({})", output.status);
        let mut sources = Sha256::new();
        for name in ["Cargo.lock", "Cargo.toml"] {
            let path = workspace.root.join(name);
            sources.update(fs::read(&path).with_context(|| format!("failed to read {}", path.display()))?);
        }
        Ok(Self { compiler: short(&Sha256::digest(&output.stdout)), sources: short(&sources.finalize()) })
    }

    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.compiler, self.sources)
    }
}

fn short(digest: &[u8]) -> String {
    hex::encode(&digest[..6])
}

fn store() -> anyhow::Result<PathBuf> {
    Ok(cache()?.join("dependencies"))
}

/// The one that was used last with this compiler, and isn't too large.
fn newest(key: &Key) -> anyhow::Result<Option<PathBuf>> {
    let prefix = format!("{}-", key.compiler);
    let has_prefix = |path: &PathBuf| {
        path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with(&prefix))
    };
    let found = by_age(&store()?)?.into_iter().find(has_prefix);
    Ok(match found {
        Some(folder) if size(&folder)? <= MAX_BYTES => Some(folder),
        _ => None,
    })
}

/// All of them, the youngest first. What a killed command left counts as old.
pub(crate) fn by_age(store: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !store.is_dir() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for path in entries(store)? {
        let is_partial =
            path.file_name().and_then(OsStr::to_str).is_some_and(|name| name.starts_with("partial"));
        let used = fs::metadata(&path)?.modified()?;
        // Nobody needs longer to copy.
        let is_left = is_partial && used.elapsed().unwrap_or_default() > Duration::from_hours(1);
        if is_left {
            fs::remove_dir_all(&path).with_context(|| format!("failed to remove {}", path.display()))?;
        } else if !is_partial {
            found.push((used, path));
        }
    }
    found.sort();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for path in entries(folder)? {
        bytes += if path.is_dir() { size(&path)? } else { path.metadata()?.len() };
    }
    Ok(bytes)
}

/// Brings the units of third-party crates from one folder of profiles into another. Returns how many
/// files it brought.
fn copy(workspace: &Workspace, from: &Path, to: &Path) -> anyhow::Result<usize> {
    let ours = our_names(workspace);
    let mut files = 0;
    for folder in PROFILES.iter().flat_map(|profile| FOLDERS.map(|folder| Path::new(profile).join(folder))) {
        let source = from.join(&folder);
        if !source.is_dir() {
            continue;
        }
        for path in entries(&source)? {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if crate_of(name).is_some_and(|unit| !ours.contains(unit)) {
                files += place(&path, &to.join(&folder).join(name))?;
            }
        }
    }
    Ok(files)
}

/// The names of our own packages, crates and programs, in both spellings.
fn our_names(workspace: &Workspace) -> HashSet<String> {
    let packages = workspace.metadata["packages"].as_array().into_iter().flatten();
    packages
        .flat_map(|package| {
            let targets = package["targets"].as_array().into_iter().flatten();
            targets.chain([package]).filter_map(|named| named["name"].as_str())
        })
        .flat_map(|name| [name.to_owned(), name.replace('-', "_")])
        .collect()
}

/// The crate or package that a file or folder belongs to: `libserde-0123456789abcdef.rlib`, `serde-0123456789abcdef`.
fn crate_of(name: &str) -> Option<&str> {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let (unit, hash) = stem.rsplit_once('-')?;
    let is_hash = hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_library = ["rlib", "rmeta", "so"].contains(&extension);
    is_hash.then(|| if is_library { unit.strip_prefix("lib").unwrap_or(unit) } else { unit })
}

/// Links or copies a file, or a folder with all that is in it, over what is there. Cargo compares times, so they are kept.
pub(crate) fn place(from: &Path, to: &Path) -> anyhow::Result<usize> {
    if from.is_dir() {
        let name = |path: &Path| path.file_name().map(OsStr::to_owned).unwrap_or_default();
        return entries(from)?.iter().map(|path| place(path, &to.join(name(path)))).sum();
    }
    if to.exists() {
        // Not written over: the file may be a link to what another checkout has.
        fs::remove_file(to).with_context(|| format!("failed to replace {}", to.display()))?;
    }
    let folder = to.parent().context("a file has a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let is_linked = from.extension().and_then(OsStr::to_str).is_some_and(|ending| LINKED.contains(&ending));
    // A link needs both on one file system.
    if is_linked && fs::hard_link(from, to).is_ok() {
        return Ok(1);
    }
    let failed = || format!("failed to copy {} to {}", from.display(), to.display());
    fs::copy(from, to).with_context(failed)?;
    let modified = fs::metadata(from)?.modified()?;
    fs::File::options().append(true).open(to)?.set_modified(modified).with_context(failed)?;
    Ok(1)
}

fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    listed.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_known_by_the_name_before_its_hash() {
        assert_eq!(crate_of("libserde_json-0123456789abcdef.rlib"), Some("serde_json"));
        assert_eq!(crate_of("libc-0123456789abcdef.d"), Some("libc"));
        assert_eq!(crate_of("serde-json-0123456789abcdef"), Some("serde-json"));
        assert_eq!(crate_of("tidegate-controller"), None);
        assert_eq!(crate_of("serde_json-0123456789abcde.rlib"), None);
    }

    #[test]
    fn no_crate_of_an_earlier_compilation_stays_beside_restored_ones_and_programs_do() {
        let folder = tempfile::tempdir().expect("a folder");
        for file in
            ["debug/deps/libserde-0123456789abcdef.rlib", "debug/.fingerprint/serde/lib", "debug/xtask"]
        {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            fs::write(file, "x").expect("written");
        }
        empty(folder.path()).expect("emptied");
        let left: Vec<_> = entries(&folder.path().join("debug")).expect("listed");
        assert_eq!(left, [folder.path().join("debug/xtask")]);
    }

    #[test]
    fn a_placed_file_keeps_its_time_and_replaces_a_younger_one_without_a_change_to_its_source() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("to"));
        fs::create_dir_all(from.join("unit")).expect("a folder");
        fs::write(from.join("unit/output"), "new").expect("written");
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let file = fs::File::options().append(true).open(from.join("unit/output")).expect("it opens");
        file.set_modified(long_ago).expect("its time");
        assert_eq!(place(&from, &to).expect("placed"), 1);
        let placed = to.join("unit/output");
        assert_eq!(fs::metadata(&placed).and_then(|it| it.modified()).expect("a time"), long_ago);
        fs::write(&placed, "changed by cargo").expect("written");
        assert_eq!(fs::read_to_string(from.join("unit/output")).expect("read"), "new");
        assert_eq!(place(&from, &to).expect("placed"), 1);
        assert_eq!(fs::read_to_string(&placed).expect("read"), "new");
        assert_eq!(fs::metadata(&placed).and_then(|it| it.modified()).expect("a time"), long_ago);
    }
}
