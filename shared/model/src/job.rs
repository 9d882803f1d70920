//! One entry of `spec.jobs.*`: what users write, and what an `IntegrationJob` copies.
//!
//! The doc comments are the descriptions in the CRD, the bounds limit CEL's cost and the objects' size in etcd.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{JobName, Timeout};

/// One job: one Tekton task, one commit status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    inline,
    extend("x-kubernetes-validations" = [
        {"rule": "has(self.script) != has(self.command)", "message": "a job needs exactly one of script and command"},
        {"rule": "!has(self.after) || !(self.name in self.after)", "message": "a job can't run after itself"}
    ])
)]
pub struct JobSpec {
    /// The job's name, unique in the config. It is the last part of the commit status' context.
    pub name: JobName,
    /// The image of the container that runs the job.
    #[schemars(
        length(min = 1, max = 512),
        extend("x-kubernetes-validations" = [{
            "rule": "!self.contains('$(')",
            "message": "an image can't contain $(: write its name out, as Tekton would replace a variable in it"
        }])
    )]
    pub image: String,
    /// The command and its fixed arguments, run without a shell. Exclusive with script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(min = 1, max = 32), inner(length(max = 4096)))]
    pub command: Vec<String>,
    /// Arguments behind the command or the script.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), inner(length(max = 4096)))]
    pub args: Vec<String>,
    /// A script, run by its #! line or by sh. Exclusive with command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16384))]
    pub script: Option<String>,
    /// Environment variables of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub env: Vec<EnvVar>,
    /// Names of jobs of the same list that must have succeeded before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "set"))]
    pub after: Vec<JobName>,
    /// For which branches and tags the job runs. Without it: for all.
    #[serde(default, skip_serializing_if = "When::is_empty")]
    pub when: When,
    /// How long the job may run, like 30m. Without it: as long as the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
    /// Whether the run counts as succeeded although this job failed. Its own status still shows the failure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// Whether the job starts in an empty directory instead of the merged code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub skip_checkout: bool,
}

impl JobSpec {
    /// The names of the Secrets that the job's environment reads.
    pub fn secret_names(&self) -> impl Iterator<Item = &str> {
        self.env.iter().filter_map(|var| var.secret_key_ref.as_ref()).map(|secret| secret.name.as_str())
    }
}

/// An environment variable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    inline,
    extend("x-kubernetes-validations" = [
        {"rule": "has(self.value) != has(self.secretKeyRef)", "message": "a variable needs exactly one of value and secretKeyRef"},
        {"rule": "!self.name.startsWith('TIDEGATE_')", "message": "names that start with TIDEGATE_ are reserved"}
    ])
)]
pub struct EnvVar {
    /// The variable's name.
    #[schemars(length(min = 1, max = 128), regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"))]
    pub name: String,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub value: Option<String>,
    /// A Secret of the config's own namespace that holds the value. Runs of forks never get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeyRef>,
}

/// One key of a Secret in the config's own namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"))]
    pub name: String,
    /// The key in the Secret's data.
    #[schemars(length(min = 1, max = 253), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// For which branches and tags a job runs. For a pull request the branch is the one it wants to merge into.
///
/// Patterns are globs: `*` matches within a part between slashes, `**` across them, `?` one character, `{a,b}` either.
/// A push of a tag is judged by tags and skipTags, everything else by branches and skipBranches. A job that names only
/// branches doesn't run for tags, one that names only tags doesn't run for branches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct When {
    /// Branches the job runs for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub branches: Vec<String>,
    /// Branches the job does not run for. Wins over branches.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub skip_branches: Vec<String>,
    /// Tags the job runs for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub tags: Vec<String>,
    /// Tags the job does not run for. Wins over tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 255)))]
    pub skip_tags: Vec<String>,
}

impl When {
    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}
