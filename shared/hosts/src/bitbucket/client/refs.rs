//! Branches, tags and commits.
//!
//! Sources: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-refs/>,
//! <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>

use serde::Deserialize;
use tidegate_model::{CommitSha, GitRef, RefName, RepositoryPath};

use super::BitbucketClient;
use crate::api::{Api, HostError, Listing, RefFacts, encoded, optional};

#[derive(Deserialize)]
pub(super) struct NamedRef {
    pub(super) name: RefName,
    pub(super) target: Commit,
}

/// A commit; of an annotated tag the one behind the tag object.
#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) hash: CommitSha,
}

impl BitbucketClient {
    const REFS_PER_PAGE: u32 = 100;

    pub(crate) async fn list_refs(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<RefFacts>, HostError> {
        let of_kind = async |list: &str, kind: fn(RefName) -> GitRef| {
            let read = |NamedRef { name, target }| Ok(RefFacts { reference: kind(name), sha: target.hash });
            self.list(&refs_path(repository, list), Api::MAX_REFS / Self::REFS_PER_PAGE, read).await
        };
        let branches = of_kind("branches", GitRef::Branch).await?;
        Ok(branches.and(of_kind("tags", GitRef::Tag).await?))
    }

    pub(super) async fn list_branches(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<NamedRef>, HostError> {
        self.list(&refs_path(repository, "branches"), Api::MAX_REFS / Self::REFS_PER_PAGE, Ok).await
    }

    pub(crate) async fn read_ref(
        &self,
        repository: &RepositoryPath,
        reference: &GitRef,
    ) -> Result<Option<CommitSha>, HostError> {
        #[derive(Deserialize)]
        struct Shown {
            target: Commit,
        }
        let (list, name) = match reference {
            GitRef::Branch(name) => ("branches", name),
            GitRef::Tag(name) => ("tags", name),
        };
        let name = encoded(name.as_str());
        let path = format!("/repositories/{repository}/refs/{list}/{name}?fields=target.hash");
        let shown: Option<Shown> = optional(self.api.get(&path).await)?;
        Ok(shown.map(|shown| shown.target.hash))
    }

    /// A commit is the best common ancestor of itself and another one exactly if it is an ancestor of the other.
    pub(crate) async fn is_ancestor(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
        of: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = format!("/repositories/{repository}/merge-base/{sha}..{of}?fields=hash");
        let base: Option<Commit> = optional(self.api.get(&path).await)?;
        Ok(base.is_some_and(|base| base.hash == *sha))
    }

    /// A commit that is missing and a repository that is hidden are both 404.
    pub(crate) async fn has_commit(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<bool, HostError> {
        let path = format!("/repositories/{repository}/commit/{sha}?fields=hash");
        match optional(self.api.get::<Commit>(&path).await)? {
            Some(commit) => Ok(commit.hash == *sha),
            None => self.read_repository(repository).await.map(|_| false),
        }
    }
}

fn refs_path(repository: &RepositoryPath, list: &str) -> String {
    format!("/repositories/{repository}/refs/{list}?pagelen=100&fields=next,values.name,values.target.hash")
}
