//! `tidegate lint`: checks `IntegrationConfig`s without a cluster.

mod document;
mod finding;
mod schema;
mod yaml;

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};

use self::{document::Kind, finding::Finding, schema::Schema, yaml::Place};

use crate::console;

/// Checks `IntegrationConfig`s in YAML files, offline: finds what the API server would refuse or drop, and what the
/// controller could not use.
///
/// Prints a line `FILE:LINE:COLUMN: PATH: MESSAGE` for each finding. Objects of other kinds are skipped, and named on
/// stderr. Exits with 0 if there is no finding, with 1 if there is one, with 2 if a file can't be read or contains no
/// config; all other files are checked anyway.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// YAML files with one or more documents; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// The maximum size of a file. An object in Kubernetes has at most 1.5 MiB.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Default)]
struct Count {
    configs: usize,
    findings: usize,
    /// Files that could not be read, that contained nothing to check, or whose configs have an unknown API version.
    unchecked: usize,
}

/// The exit code when a file was not checked.
const UNCHECKED: u8 = 2;

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let schema = Schema::new()?;
    let mut count = Count::default();
    for path in &arguments.files {
        let name = path.display().to_string();
        match read(path) {
            Ok(text) => file(&name, &text, &schema, &mut count)?,
            Err(error) => {
                count.unchecked += 1;
                console::eprint_line(&format!("failed to read {name}: {error:#}"));
            }
        }
    }
    let Count { configs, findings, unchecked } = count;
    let files = if unchecked == 0 { String::new() } else { format!(", files not checked: {unchecked}") };
    if configs > 0 || findings > 0 {
        console::eprint_line(&format!("configs checked: {configs}, findings: {findings}{files}"));
    }
    Ok(match (unchecked, findings) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::FAILURE,
        (_, _) => ExitCode::from(UNCHECKED),
    })
}

fn file(name: &str, text: &[u8], schema: &Schema, count: &mut Count) -> Result<()> {
    let mut findings: Vec<(Place, String)> = Vec::new();
    let (mut configs, mut strangers) = (0, 0);
    for document in yaml::documents(text) {
        let document = match document {
            Ok(document) => document,
            Err(error) => {
                findings.push((error.place, error.message));
                continue;
            }
        };
        for object in document::objects(&document) {
            let found = match document::kind(object) {
                Kind::Other(kind) => {
                    console::eprint_line(&format!("{name}:{}: skipped, a {kind}", object.place.line));
                    continue;
                }
                Kind::OtherApi { version, expected } => {
                    strangers += 1;
                    let line = object.place.line;
                    console::eprint_line(&format!(
                        "{name}:{line}: skipped, an IntegrationConfig of {version}: expected {expected}"
                    ));
                    continue;
                }
                Kind::Unknown(finding) => vec![finding],
                Kind::IntegrationConfig => {
                    configs += 1;
                    document::check(object, schema)
                }
            };
            findings.extend(found.into_iter().map(|Finding { path, message }| {
                let text = if path.is_empty() { message } else { format!("{path}: {message}") };
                (object.locate(&path), text)
            }));
        }
    }
    findings.sort();
    if configs == 0 {
        console::eprint_line(&format!("{name}: there is no IntegrationConfig to check"));
    }
    if configs == 0 || strangers > 0 {
        count.unchecked += 1;
    }
    count.configs += configs;
    count.findings += findings.len();
    for (Place { line, column }, text) in findings {
        console::print_line(&format!("{name}:{line}:{column}: {text}"))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(MAX_BYTES + 1).read_to_end(&mut text)?;
    } else {
        std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut text)?;
    }
    ensure!(text.len() as u64 <= MAX_BYTES, "it is longer than 16 MiB");
    std::str::from_utf8(&text).context("it is not UTF-8")?;
    Ok(text)
}
