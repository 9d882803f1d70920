//! `IntegrationConfig`: the CI of one repository.

use kube::{CustomResource, KubeSchema, ResourceExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidegate_model::{Host, JobSpec, RepositoryPath, SecretKeyRef, Timeout};

use crate::{Condition, schema::structural};

mod site;

pub use site::site;

/// The CI of one repository: where it lies, and which jobs run before and after a merge.
#[derive(CustomResource, KubeSchema, Debug, Clone, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "tidegate.dev",
    version = "v1alpha1",
    kind = "IntegrationConfig",
    plural = "integrationconfigs",
    shortname = "ic",
    category = "tidegate",
    namespaced,
    status = "IntegrationConfigStatus",
    derive = "PartialEq",
    cel,
    doc = "The CI of one repository: where it lies, and which jobs run before and after a merge.",
    validation = Rule::new("size(self.metadata.name) <= 40").message("a config's name has at most 40 characters"),
    validation = Rule::new("!(self.metadata.name in ['merge', 'tree'])").message("merge and tree are reserved: the contexts tidegate/merge and tidegate/tree are Tidegate's own"),
    printcolumn(name = "Host", type_ = "string", json_path = ".spec.git.type"),
    printcolumn(name = "Repository", type_ = "string", json_path = ".spec.git.repository"),
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Ready')].reason"),
    printcolumn(name = "Webhook", type_ = "string", json_path = ".status.conditions[?(@.type=='WebhookRegistered')].status"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct IntegrationConfigSpec {
    /// The repository, and how to get at it.
    pub git: GitSpec,
    /// The jobs, by the occasion they run at.
    #[serde(default)]
    pub jobs: ConfigJobs,
    /// How long one run may take from its start, like 1h30m. Default: 1h. The operator's limit may be less: then the
    /// condition `WithinLimits` is False.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
    /// How many runs of this repository may be active at once. Default: the controller's setting. The operator's limit may be
    /// less: then the condition `WithinLimits` is False.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub max_concurrent_runs: Option<u32>,
}

impl IntegrationConfigSpec {
    /// How long one run may take when the config doesn't say.
    pub const DEFAULT_TIMEOUT: Timeout = Timeout::from_minutes(60);
}

/// The repository, and how to get at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    inline,
    extend("x-kubernetes-validations" = [
        {"rule": "has(self.tokenSecretRef) != has(self.githubApp)", "message": "git needs exactly one of tokenSecretRef and githubApp"},
        {"rule": "!has(self.githubApp) || self.type == 'github'", "message": "githubApp needs type github"},
        {"rule": "self.repository == oldSelf.repository", "message": "the repository of a config can't change: its hook and jobs belong to it; make another config"},
        {"rule": "self.type == oldSelf.type", "message": "the type of a config can't change: its hook and jobs belong to it; make another config"}
    ])
)]
pub struct GitSpec {
    /// The kind of host.
    #[serde(rename = "type")]
    pub type_: Host,
    /// The repository's path on the host: owner/name, on GitLab with all groups.
    pub repository: RepositoryPath,
    /// The address of the host's API. Default: that of the public site. For GitHub Enterprise Server `https://HOST/api/v3`, for a
    /// self-managed GitLab `https://HOST/api/v4`, for Gitea and Forgejo the address of the site. It holds no user name or
    /// password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 8, max = 512), regex(pattern = r"^https?://[^\s?#@/\\]+(/[^\s?#\\]*)?$"))]
    pub api_url: Option<String>,
    /// A token that may manage hooks, set statuses and read the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_secret_ref: Option<SecretKeyRef>,
    /// A GitHub App in place of the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github_app: Option<GithubApp>,
    /// A read-only token for the checkout step. Without it the checkout is anonymous: the other credentials never enter a
    /// run's pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clone_secret_ref: Option<SecretKeyRef>,
}

impl GitSpec {
    /// The address of the host's API, without a slash at the end.
    pub fn api_url(&self) -> &str {
        match &self.api_url {
            Some(url) => url.trim_end_matches('/'),
            None => self.type_.default_api_url(),
        }
    }

    /// Which site's API it is, however its address is spelled: see [`site()`].
    pub fn site(&self) -> String {
        site(self.api_url())
    }

    /// Whether both name one repository of one site.
    pub fn is_same_repository(&self, other: &Self) -> bool {
        self.type_ == other.type_
            && self.repository.is_same_as(&other.repository)
            && self.site() == other.site()
    }
}

/// An installed GitHub App.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct GithubApp {
    /// The App's id.
    pub app_id: u64,
    /// The id of its installation in the repository's account.
    pub installation_id: u64,
    /// The App's private key (PEM).
    pub private_key_secret_ref: SecretKeyRef,
}

/// The jobs of a config, by the occasion they run at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(
    inline,
    extend("x-kubernetes-validations" = [
        {"rule": "!has(self.preSubmit) || !has(self.postSubmit) || !self.preSubmit.exists(a, self.postSubmit.exists(b, a.name == b.name))",
         "message": "a job's name is unique in its config: preSubmit and postSubmit share one"},
        {"rule": "(has(self.preSubmit) ? size(self.preSubmit) : 0) + (has(self.postSubmit) ? size(self.postSubmit) : 0) <= 50",
         "message": "a config has at most 50 jobs in all"}
    ])
)]
pub struct ConfigJobs {
    /// Jobs that run for a pull request, on the merged code.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub pre_submit: Vec<JobSpec>,
    /// Jobs that run when a branch or tag was pushed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub post_submit: Vec<JobSpec>,
}

/// What the controller observed about a config.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = structural)]
pub struct IntegrationConfigStatus {
    /// Ready, `WebhookRegistered` and `WithinLimits`, each with a reason.
    #[serde(default)]
    #[schemars(length(max = 16))]
    pub conditions: Vec<Condition>,
    /// The webhook on the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookStatus>,
    /// What the host has shown that the config's credential may do. Without it the config gets no event and conflicts with no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<CredentialProof>,
    /// The generation that was looked at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
}

/// That a host let a credential manage the hooks of the config's repository. It holds for that Secret and that host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct CredentialProof {
    /// The address of the host's API.
    #[schemars(length(max = 512))]
    pub api_url: String,
    /// The Secret.
    pub secret: SecretKeyRef,
}

impl CredentialProof {
    /// What a host proves by letting a config's credential manage hooks or set statuses. `None` where the config names no credential.
    pub fn for_git(git: &GitSpec) -> Option<Self> {
        let app = git.github_app.as_ref().map(|app| &app.private_key_secret_ref);
        let secret = git.token_secret_ref.as_ref().or(app)?.clone();
        Some(Self { api_url: git.api_url().to_owned(), secret })
    }
}

impl IntegrationConfig {
    /// Its uid, a part of the identity of all that is made from it: a config that was deleted and created again under its name is another one. Empty
    /// for a config that didn't come from a cluster.
    pub fn identity(&self) -> String {
        self.uid().unwrap_or_default()
    }

    /// Its name for people: namespace/name.
    pub fn display_name(&self) -> String {
        format!("{}/{}", self.namespace().unwrap_or_default(), self.name_any())
    }

    /// Whether the host has shown that the config's present credential may manage the hooks or set the statuses of its repository: whoever made the
    /// config has a right there, and doesn't only claim it.
    pub fn is_proven(&self) -> bool {
        let proof = self.status.as_ref().and_then(|status| status.proof.as_ref());
        proof.is_some() && proof == CredentialProof::for_git(&self.spec.git).as_ref()
    }
}

/// The webhook on the host. Its secret is derived from the master key and the salt, and stored nowhere.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct WebhookStatus {
    /// The random part of the hook's path; a new one rotates this hook alone.
    #[schemars(length(min = 16, max = 64))]
    pub salt: String,
    /// The hook's id on the host, once it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub id: Option<String>,
    /// The id of the master key that its secret is derived from, once it is registered. It reveals nothing about the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub key_id: Option<String>,
    /// The address the hook delivers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub url: Option<String>,
    /// The salts before this one, the oldest first, as long as events of their hooks may still be queued.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 4))]
    pub retired: Vec<RetiredSalt>,
    /// The digest of the annotation `tidegate.dev/rotate-webhook` that the salt was made for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub rotation: Option<String>,
    /// When the host last showed the hook as it should be, to the hour (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub seen_at: Option<String>,
    /// When the host last delivered nothing, because the hook was deleted or disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<DeliveryGap>,
}

/// A time in which the host delivered nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct DeliveryGap {
    /// When the hook was last seen as it should be (RFC 3339). Unset when it never was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub since: Option<String>,
    /// When the hook was repaired (RFC 3339).
    #[schemars(length(max = 40))]
    pub until: String,
}

/// A salt that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub struct RetiredSalt {
    /// The salt.
    #[schemars(length(min = 16, max = 64))]
    pub salt: String,
    /// Since when the host shows the new hook and no other (RFC 3339): events that came later don't count. Unset while the host
    /// may still show the old hook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 40))]
    pub until: Option<String>,
}

impl WebhookStatus {
    /// How many replaced salts are remembered.
    pub const MAX_RETIRED: usize = 4;

    /// The salt of the hook that was registered last, while it is another than the present one.
    pub fn replaced_salt(&self) -> Option<&str> {
        let (_, salt) = self.url.as_ref()?.rsplit_once('/')?;
        (salt != self.salt).then_some(salt)
    }
}

#[cfg(test)]
mod tests;
