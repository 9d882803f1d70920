//! Lists of pull requests, refs and statuses.

use tidegate_model::{CommitSha, GitRef, RefName, RepositoryPath};

use super::{
    V3,
    answers::{NamedRef, PullRequest, ShownStatus},
};
use crate::api::{Api, HostError, Listing, PullRequestFacts, RefFacts, StatusFacts};

/// The calls that list.
pub(crate) trait V3Lists: V3 {
    /// Oldest first, so that a new one doesn't move the others to another page.
    ///
    /// Sources: <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>, `routers/api/v1/repo/pull.go` of Gitea 1.26.
    async fn list_open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        let path = format!("/repos/{repository}/pulls?state=open&{}", Self::DIALECT.oldest_first);
        let read = |shown: PullRequest| shown.into_facts(&Self::DIALECT);
        self.api().list(&path, Api::MAX_ITEMS, read).await
    }

    /// Sources: <https://docs.github.com/en/rest/branches/branches#list-branches>,
    /// <https://docs.github.com/en/rest/repos/repos#list-repository-tags>, `branch.go` and `tag.go` in
    /// `routers/api/v1/repo` of Gitea 1.26.
    async fn list_refs(&self, repository: &RepositoryPath) -> Result<Listing<RefFacts>, HostError> {
        let of_kind = async |list: &str, kind: fn(RefName) -> GitRef| {
            let path = format!("/repos/{repository}/{list}");
            let read = |NamedRef { name, commit }| Ok(RefFacts { reference: kind(name), sha: commit.sha });
            self.api().list(&path, Api::MAX_REFS, read).await
        };
        let branches = of_kind("branches", GitRef::Branch).await?;
        Ok(branches.and(of_kind("tags", GitRef::Tag).await?))
    }

    /// Source: <https://docs.github.com/en/rest/commits/statuses#list-commit-statuses-for-a-reference>
    async fn list_statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        let path = format!("/repos/{repository}/commits/{sha}/statuses{}", Self::DIALECT.newest_status_first);
        let read = |shown: ShownStatus| Ok(shown.into_facts());
        Ok(self.api().list(&path, Api::MAX_ITEMS, read).await?.items)
    }
}

impl<C: V3> V3Lists for C {}
