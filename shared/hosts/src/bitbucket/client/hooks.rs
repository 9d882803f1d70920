//! Webhooks of a repository.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-repositories/#api-repositories-workspace-repo-slug-hooks-get>

use http::{Method, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};
use tidegate_model::RepositoryPath;

use super::BitbucketClient;
use crate::{
    api::{Api, Hook, HookSpec, HostError, encoded},
    body::lenient,
};

const EVENTS: [&str; 9] = [
    "pullrequest:comment_created",
    "pullrequest:comment_updated",
    "pullrequest:created",
    "pullrequest:fulfilled",
    "pullrequest:push",
    "pullrequest:rejected",
    "pullrequest:updated",
    "repo:commit_comment_created",
    "repo:push",
];

#[derive(Deserialize)]
struct Shown {
    uuid: String,
    url: String,
    #[serde(default, deserialize_with = "lenient")]
    active: bool,
    #[serde(default, deserialize_with = "lenient")]
    events: Vec<String>,
    /// Whether it has a secret. Without one, its deliveries are not signed.
    #[serde(default, deserialize_with = "lenient")]
    secret_set: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    skip_cert_verification: bool,
}

impl BitbucketClient {
    pub(crate) async fn list_hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        let read = |shown: Shown| {
            let sends = |event: &str| shown.events.iter().any(|sent| sent == event);
            Ok(Hook {
                active: shown.active,
                sends_json: true,
                sends_all_events: EVENTS.into_iter().all(sends),
                verifies_tls: !shown.skip_cert_verification,
                has_secret: shown.secret_set != Some(false),
                signed: None,
                id: shown.uuid,
                url: shown.url,
            })
        };
        let path = format!("{}?pagelen=100", hooks_path(repository));
        self.list(&path, Api::MAX_ITEMS / 100, read).await?.complete("hooks")
    }

    pub(crate) async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        #[derive(Deserialize)]
        struct Created {
            uuid: String,
        }
        let path = hooks_path(repository);
        let answer = self.api.write(Method::POST, &path, &hook_body(spec), &[StatusCode::CREATED]).await?;
        Ok(answer.read::<Created>()?.uuid)
    }

    pub(crate) async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        let path = format!("{}/{}", hooks_path(repository), encoded(id));
        self.api.write(Method::PUT, &path, &hook_body(spec), &[StatusCode::OK]).await?;
        Ok(id.to_owned())
    }

    pub(crate) async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        self.api.delete(&format!("{}/{}", hooks_path(repository), encoded(id))).await
    }
}

fn hooks_path(repository: &RepositoryPath) -> String {
    format!("/repositories/{repository}/hooks")
}

fn hook_body(spec: &HookSpec) -> Value {
    json!({
        "description": "Tidegate",
        "url": spec.url,
        "active": true,
        "events": EVENTS,
        "secret": spec.secret.expose_secret(),
        "skip_cert_verification": false,
    })
}
