//! Webhooks of a repository.

use http::{Method, StatusCode};
use serde_json::Value;
use tidegate_model::RepositoryPath;

use super::{V3, answers::ShownHook};
use crate::api::{Api, Hook, HostError, encoded};

/// The calls about hooks.
pub(crate) trait V3Hooks: V3 {
    /// Source: <https://docs.github.com/en/rest/repos/webhooks>
    async fn list_hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        let read = |shown: ShownHook| Ok(shown.into_hook(&Self::DIALECT));
        let hooks = self.api().list(&format!("/repos/{repository}/hooks"), Api::MAX_ITEMS, read).await?;
        Ok(hooks.complete("hooks")?.into_iter().flatten().collect())
    }

    /// Registers what the body says, and returns the hook's id.
    async fn post_hook(&self, repository: &RepositoryPath, body: &Value) -> Result<String, HostError> {
        let path = format!("/repos/{repository}/hooks");
        let answer = self.api().write(Method::POST, &path, body, &[StatusCode::CREATED]).await?;
        Ok(answer.read::<ShownHook>()?.id.to_string())
    }

    async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        self.api().delete(&format!("/repos/{repository}/hooks/{}", encoded(id))).await
    }
}

impl<C: V3> V3Hooks for C {}
