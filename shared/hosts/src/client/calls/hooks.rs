//! Calls about webhooks. A hook's id is what the host calls it: a number, or a UUID in braces.

use tidegate_model::RepositoryPath;

use crate::{
    client::{Hook, HookSpec, HostClient, HostError},
    v3::V3Hooks,
};

impl HostClient {
    /// Every webhook of a repository. More than a thousand are an error.
    ///
    /// `NotFound`: the repository, or the credential may not manage its hooks. Right, for every call about hooks: Webhooks
    /// write; `write:repository` and an administrator of the repository.
    pub async fn list_hooks(&self, repository: &RepositoryPath) -> Result<Vec<Hook>, HostError> {
        on_host!(self, client => client.list_hooks(repository).await)
    }

    /// Registers a webhook for the events that Tidegate uses, and returns its id.
    ///
    /// Not idempotent: whoever repeats it lists the hooks first. `NotFound`: as `list_hooks`. `Unsupported`: the hook's label wants a
    /// signature, and this host makes none: no hook is left there.
    pub async fn create_hook(
        &self,
        repository: &RepositoryPath,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        on_host!(self, client => client.create_hook(repository, spec).await)
    }

    /// Makes a webhook what it should be, and returns the id it has then: not every host lets a secret be changed in place. Where
    /// the id is another one, the old hook is still there, for the deliveries that it has to make yet.
    ///
    /// Idempotent where the id stays. `NotFound`: the hook, or as `list_hooks`. `Unsupported`: as `create_hook`; the hook is gone.
    pub async fn update_hook(
        &self,
        repository: &RepositoryPath,
        id: &str,
        spec: &HookSpec,
    ) -> Result<String, HostError> {
        on_host!(self, client => client.update_hook(repository, id, spec).await)
    }

    /// Removes a webhook.
    ///
    /// Idempotent: one that is gone already was removed well.
    pub async fn delete_hook(&self, repository: &RepositoryPath, id: &str) -> Result<(), HostError> {
        on_host!(self, client => client.delete_hook(repository, id).await)
    }
}
