//! Calls about commit statuses.

use tidegate_model::{CommitSha, CommitStatus, RepositoryPath};

use crate::{
    client::{HostClient, HostError, StatusFacts},
    v3::{V3, V3Lists},
};

impl HostClient {
    /// Writes a commit status. The host keeps the newest of each context.
    ///
    /// Idempotent: written twice, the host shows the same. `NotFound`: the repository, or on some hosts the commit; others
    /// answer 422 for it, or 500. 422 is final for this status. GitLab keeps the statuses of a fork's
    /// head in the fork: `Forbidden` where the credential may not write there. Right: Commit statuses write; `write:repository` and somebody who
    /// may push.
    pub async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        on_host!(self, client => client.set_status(repository, status).await)
    }

    /// The statuses of a commit, newest first; at most a thousand. The older statuses of a context may be among them.
    ///
    /// `NotFound`: the repository, or the commit. Right: Commit statuses read; `read:repository`.
    pub async fn list_statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        on_host!(self, client => client.list_statuses(repository, sha).await)
    }
}
