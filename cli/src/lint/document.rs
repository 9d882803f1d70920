//! One object: whether it is an `IntegrationConfig`, and what is wrong with it.

use kube::Resource;
use tidegate_model::ObjectName;
use tidegate_resources::{ConfigJobs, IntegrationConfig};
use tidegate_rules::jobs::{self, List};

use super::{Finding, schema::Schema, yaml::Node};

/// What an object claims to be.
pub(super) enum Kind {
    /// It is to be checked.
    IntegrationConfig,
    /// Somebody else's.
    Other(String),
    /// It has our kind's name, and belongs to another group of APIs.
    OtherApi {
        /// The version that it names.
        version: String,
        /// The version that there is.
        expected: String,
    },
    /// It doesn't say, or names a version that there isn't.
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
        return unknown("", "apiVersion or kind is missing: this is no object of Kubernetes".to_owned());
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

/// What is wrong with a config: first what the API server checks, then what the controller does.
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
        // What the schema can't say about a text, like a repository's path. Where it has said something already, this
        // would say it again.
        Err(error) if findings.is_empty() => {
            findings.push(Finding { path: error.path().to_string(), message: error.inner().to_string() });
        }
        Err(_) => {}
    }
    findings
}
