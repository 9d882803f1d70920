//! Calls about a repository, its pull requests, refs and people.

use tidegate_model::{CommitSha, GitRef, Login, PullRequestNumber, RepositoryPath};

use crate::{
    client::{AccountFacts, HostClient, HostError, Listing, PullRequestFacts, RefFacts},
    v3::{V3, V3Lists},
};

impl HostClient {
    /// The path of a repository as the host has it now. A renamed one is found by its old path, too.
    ///
    /// `NotFound`: the repository is gone, or hidden from the credential. Right: Metadata read; `read:repository`.
    pub async fn read_repository(&self, repository: &RepositoryPath) -> Result<RepositoryPath, HostError> {
        on_host!(self, client => client.read_repository(repository).await)
    }

    /// Whether the credential belongs to somebody who may set commit statuses in a repository: the owner of a token, or an App's
    /// installation.
    ///
    /// `NotFound`: the repository, or the App's installation, is gone or hidden. Right: as `read_repository`.
    pub async fn check_status_right(&self, repository: &RepositoryPath) -> Result<bool, HostError> {
        on_host!(self, client => client.check_status_right(repository).await)
    }

    /// Which right the credential lacks to find out who may write to a repository, for people; `None` when it lacks none, as far
    /// as the host can be asked.
    ///
    /// Right: none of its own, as it looks for rights.
    pub async fn find_missing_right(&self, repository: &RepositoryPath) -> Result<Option<String>, HostError> {
        on_host!(self, client => client.find_missing_right(repository).await)
    }

    /// A pull request as it is now. `None` when no pull request has this number, and for a closed one whose commits the host
    /// has dropped.
    ///
    /// Right: Pull requests read; `read:repository`.
    pub async fn read_pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<PullRequestFacts>, HostError> {
        on_host!(self, client => client.read_pull_request(repository, number).await)
    }

    /// The open pull requests of a repository, oldest first; at most a thousand. Where the host shows only the number of a fork, the
    /// head's repository is `None`.
    ///
    /// `NotFound`: the repository. Right: as `read_pull_request`.
    pub async fn list_open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        on_host!(self, client => client.list_open_pull_requests(repository).await)
    }

    /// The branches of a repository, then its tags; at most five thousand of each.
    ///
    /// `NotFound`: the repository. Right: Contents read; `read:repository`.
    pub async fn list_refs(&self, repository: &RepositoryPath) -> Result<Listing<RefFacts>, HostError> {
        on_host!(self, client => client.list_refs(repository).await)
    }

    /// The commit that a branch or tag leads to, through any tag objects; `None` when it is gone.
    ///
    /// Right: as `list_refs`.
    pub async fn read_ref(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        on_host!(self, client => client.read_ref(repository, reference).await)
    }

    /// What an account is, and what it may do with the code of a repository. One that the host doesn't know may do nothing.
    ///
    /// What the credential may not find out counts as not so: see [`HostClient::find_missing_right`]. Right: Metadata read and
    /// a credential of somebody who may push; `read:repository` and an administrator of the repository, and
    /// `read:organization` of an owner where the repository belongs to an organisation.
    pub async fn read_account(
        &self,
        repository: &RepositoryPath,
        login: &Login,
    ) -> Result<AccountFacts, HostError> {
        on_host!(self, client => client.read_account(repository, login).await)
    }

    /// Whether a commit can be reached from another. One that is not there can't.
    ///
    /// Right: as `list_refs`.
    pub async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        on_host!(self, client => client.is_ancestor(repository, sha, of).await)
    }

    /// Whether a repository has a commit.
    ///
    /// `NotFound`: the repository. It is never `false` for a repository that can't be read. Right: as `list_refs`.
    pub async fn has_commit(&self, repository: &RepositoryPath, sha: &CommitSha) -> Result<bool, HostError> {
        on_host!(self, client => client.has_commit(repository, sha).await)
    }
}
