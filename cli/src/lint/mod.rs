//! `tidegate lint`: what is wrong with `IntegrationConfig`s, before a cluster sees them.

mod document;
mod schema;
mod yaml;

use std::{
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, ensure};

use self::{document::Kind, schema::Schema, yaml::Place};

/// Checks the configs of repositories (`IntegrationConfig`) in YAML files, offline: what the API server would refuse or drop, and what the controller
/// could not use.
///
/// Prints a line `FILE:LINE:COLUMN: PATH: MESSAGE` for each finding. Objects of other kinds are skipped, and named on
/// stderr. Exits with 0 when there is no finding, with 1 when there is one, with 2 when there was nothing to check.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// YAML files with one or more documents; - is stdin.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Something that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Finding {
    /// Where, like `spec.jobs.preSubmit[0].name`; empty for the whole object.
    path: String,
    /// What.
    message: String,
}

/// The size of a file that is still read. An object in Kubernetes has at most 1.5 MiB.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

#[derive(Default)]
struct Count {
    configs: usize,
    findings: usize,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let schema = Schema::new()?;
    let mut count = Count::default();
    for path in &arguments.files {
        file(path, &schema, &mut count)?;
    }
    ensure!(count.configs > 0 || count.findings > 0, "there is no IntegrationConfig to check");
    crate::complain(&format!("configs checked: {}, findings: {}", count.configs, count.findings));
    Ok(if count.findings == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn file(path: &Path, schema: &Schema, count: &mut Count) -> Result<()> {
    let name = path.display().to_string();
    let text = read(path).with_context(|| format!("failed to read {name}"))?;
    let mut findings: Vec<(Place, String)> = Vec::new();
    for document in yaml::documents(&text) {
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
                    crate::complain(&format!("{name}:{}: skipped, a {kind}", object.place.line));
                    continue;
                }
                Kind::Unknown(finding) => vec![finding],
                Kind::IntegrationConfig => {
                    count.configs += 1;
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
    count.findings += findings.len();
    for (Place { line, column }, text) in findings {
        crate::say(&format!("{name}:{line}:{column}: {text}"))?;
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
