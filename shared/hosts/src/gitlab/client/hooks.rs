//! Webhooks of a project. Source: <https://docs.gitlab.com/api/project_webhooks/>

use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::{Value, json};
use tidegate_model::RepositoryPath;

use super::{GitlabClient, project};
use crate::{
    api::{Answer, Api, Hook, HookSpec, HostError, segment},
    body::lenient,
    hook_label::HookLabel,
};

#[derive(Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "GitLab's own")]
struct ShownHook {
    id: u64,
    #[serde(default, deserialize_with = "lenient")]
    url: String,
    #[serde(default, deserialize_with = "lenient")]
    push_events: bool,
    #[serde(default, deserialize_with = "lenient")]
    tag_push_events: bool,
    #[serde(default, deserialize_with = "lenient")]
    merge_requests_events: bool,
    #[serde(default, deserialize_with = "lenient")]
    note_events: bool,
    #[serde(default, deserialize_with = "lenient")]
    enable_ssl_verification: bool,
    #[serde(default, deserialize_with = "lenient")]
    push_events_branch_filter: String,
    #[serde(default, deserialize_with = "lenient")]
    branch_filter_strategy: String,
    #[serde(default, deserialize_with = "lenient")]
    custom_webhook_template: String,
    #[serde(default, deserialize_with = "lenient")]
    custom_headers: Vec<IgnoredAny>,
    /// `executable`, `temporarily_disabled` or `disabled`. Old versions disable none.
    #[serde(default, deserialize_with = "lenient")]
    alert_status: Option<String>,
    /// Missing before 19.0, which knows no signatures.
    #[serde(default, deserialize_with = "lenient")]
    signing_token_present: Option<bool>,
}

impl ShownHook {
    fn is_active(&self) -> bool {
        self.alert_status.as_deref().is_none_or(|status| status == "executable")
    }

    /// Whether an edit leaves something of it that Tidegate doesn't want: no edit enables a hook that GitLab disabled, and none
    /// removes a header.
    fn resists_edits(&self) -> bool {
        !self.is_active() || !self.custom_headers.is_empty()
    }

    fn into_hook(self) -> Hook {
        let sends_all_branches =
            self.branch_filter_strategy == "all_branches" || self.push_events_branch_filter.is_empty();
        Hook {
            id: self.id.to_string(),
            active: self.is_active(),
            sends_json: self.custom_webhook_template.is_empty() && self.custom_headers.is_empty(),
            sends_all_events: self.push_events
                && self.tag_push_events
                && self.merge_requests_events
                && self.note_events
                && sends_all_branches,
            verifies_tls: self.enable_ssl_verification,
            has_secret: true,
            signed: self.signing_token_present,
            url: self.url,
        }
    }
}

impl GitlabClient {
    pub(crate) async fn list_hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        let read = |shown: ShownHook| Ok(shown.into_hook());
        self.api.list(&hooks_path(repository), Api::MAX_ITEMS, read).await?.complete("hooks")
    }

    pub(crate) async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let answer = self
            .api
            .write(Method::POST, &hooks_path(repository), &hook_body(spec), &[StatusCode::CREATED])
            .await?;
        Ok(self.signed_as_asked(repository, spec, &answer).await?.id.to_string())
    }

    /// A hook that an edit can't make right is replaced: the old one stays, for its caller to delete.
    pub(crate) async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let path = format!("{}/{}", hooks_path(repository), segment(id));
        let answer = self.api.write(Method::PUT, &path, &hook_body(spec), &[StatusCode::OK]).await?;
        if self.signed_as_asked(repository, spec, &answer).await?.resists_edits() {
            return self.create_hook(repository, spec).await;
        }
        Ok(id.to_owned())
    }

    pub(crate) async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        self.api.delete(&format!("{}/{}", hooks_path(repository), segment(id))).await
    }

    /// The hook, if it signs where it should. A GitLab without signatures ignores the key, and says nothing of it. Every delivery of
    /// such a hook would be refused, so it is removed again.
    async fn signed_as_asked(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
        answer: &Answer,
    ) -> Result<ShownHook, HostError> {
        let shown: ShownHook = answer.read()?;
        if spec.label == HookLabel::Gitlab && shown.signing_token_present != Some(true) {
            self.delete_hook(repository, &shown.id.to_string()).await?;
            return Err(HostError::Unsupported);
        }
        Ok(shown)
    }
}

fn hooks_path(repository: &RepositoryPath) -> String {
    format!("{}/hooks", project(repository))
}

fn hook_body(spec: &HookSpec) -> Value {
    // What signs is never sent in clear.
    let key = if spec.label == HookLabel::Gitlab { "signing_token" } else { "token" };
    json!({
        "url": spec.url,
        key: spec.secret.expose_secret(),
        "push_events": true,
        "tag_push_events": true,
        "merge_requests_events": true,
        "note_events": true,
        "enable_ssl_verification": true,
        "branch_filter_strategy": "all_branches",
        "push_events_branch_filter": "",
        "custom_webhook_template": "",
    })
}
