//! One object: decides whether it is an `IntegrationConfig`, and checks it.

use kube::Resource;
use tidegate_model::ObjectName;
use tidegate_resources::{ConfigJobs, IntegrationConfig};
use tidegate_rules::jobs::{self, List};

use super::{finding::Finding, schema::Schema, yaml::Node};

/// What an object claims to be.
pub(super) enum Kind {
    /// An `IntegrationConfig` to check.
    IntegrationConfig,
    /// An object of another kind.
    Other(String),
    /// It has our kind's name, and belongs to another group of APIs.
    OtherApi {
        /// The version that it names.
        version: String,
        /// The supported version.
        expected: String,
    },
    /// It names no version, or an unknown one.
    Unknown(Finding),
}

/// The objects in a document: those of a list (`kubectl get -o yaml` prints one), or the document itself.
pub(super) fn objects(document: &Node) -> Vec<&Node> {
    let is_list = document.get("kind").and_then(Node::text).is_some_and(|kind| kind.ends_with("List"));
    match document.get("items").and_then(Node::items) {
        Some(items) if is_list => items.iter().collect(),
        _ => vec![document],
    }
}

pub(super) fn kind(object: &Node) -> Kind {
    let text = |field: &str| object.get(field).and_then(Node::text);
    let unknown = |path: &str, message: String| Kind::Unknown(Finding { path: path.to_owned(), message });
    let (Some(kind), Some(version)) = (text("kind"), text("apiVersion")) else {
        return unknown("", "apiVersion or kind is missing: this isn't a Kubernetes object".to_owned());
    };
    let (own_kind, own_version) = (IntegrationConfig::kind(&()), IntegrationConfig::api_version(&()));
    let group = IntegrationConfig::group(&());
    if version.split('/').next() != Some(&*group) {
        if kind == own_kind {
            Kind::OtherApi { version: version.to_owned(), expected: own_version.into_owned() }
        } else {
            Kind::Other(kind.to_owned())
        }
    } else if version != own_version {
        unknown("apiVersion", format!("expected {own_version}"))
    } else if kind == "IntegrationJob" {
        Kind::Other(kind.to_owned())
    } else if kind != own_kind {
        unknown("kind", format!("{group} has no such kind; expected {own_kind}"))
    } else {
        Kind::IntegrationConfig
    }
}

/// The faults of a config: first by the API server's checks, then by the controller's.
pub(super) fn check(object: &Node, schema: &Schema) -> Vec<Finding> {
    let json = object.to_json();
    let mut findings = schema.check(&json);
    for name in ["namespace", "name"] {
        let text = json["metadata"][name].as_str();
        if let Some(Err(error)) = text.map(str::parse::<ObjectName>) {
            findings.push(Finding { path: format!("metadata.{name}"), message: error.to_string() });
        }
    }
    match serde_path_to_error::deserialize::<_, IntegrationConfig>(&json) {
        Ok(config) => {
            let ConfigJobs { pre_submit, post_submit } = &config.spec.jobs;
            let lists = [(List::PreSubmit, pre_submit), (List::PostSubmit, post_submit)];
            let problems = lists.into_iter().flat_map(|(list, jobs)| jobs::check(list, jobs));
            findings.extend(
                problems.map(|problem| Finding { path: problem.path(), message: problem.cause.to_string() }),
            );
        }
        // Rules of a text that the schema can't express, like those of a repository's path. Skipped where the schema has
        // a finding already.
        Err(error) if findings.is_empty() => {
            findings.push(Finding { path: error.path().to_string(), message: error.inner().to_string() });
        }
        Err(_) => {}
    }
    findings
}
