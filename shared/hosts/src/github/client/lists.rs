//! Lists of pull requests, branches and tags on GitHub.

use tidegate_model::{GitRef, RefName, RepositoryPath};

use super::{
    GithubClient,
    answers::{NamedRef, PullRequest},
    comments::has_next,
};
use crate::client::{HostError, Listing, PullRequestFacts, RefFacts};

impl GithubClient {
    const MAX_REF_PAGES: u32 = 50;

    /// Oldest first, so that a new one doesn't move the others to another page.
    ///
    /// Source: <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>
    pub(crate) async fn open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        let mut listing = Listing::new();
        for page in 1..=Self::MAX_PAGES {
            let path = format!(
                "/repos/{repository}/pulls?state=open&sort=created&direction=asc&per_page=100&page={page}"
            );
            let answer = self.api.get_page(&path).await?;
            listing.add(answer.items()?, PullRequest::into_facts);
            if !has_next(&answer) {
                return Ok(listing);
            }
        }
        listing.is_cut = true;
        Ok(listing)
    }

    /// Sources: <https://docs.github.com/en/rest/branches/branches#list-branches>,
    /// <https://docs.github.com/en/rest/repos/repos#list-repository-tags>
    pub(crate) async fn refs(&self, repository: &RepositoryPath) -> Result<Listing<RefFacts>, HostError> {
        let mut listing = Listing::new();
        self.list_refs(&mut listing, &format!("/repos/{repository}/branches"), GitRef::Branch).await?;
        self.list_refs(&mut listing, &format!("/repos/{repository}/tags"), GitRef::Tag).await?;
        Ok(listing)
    }

    async fn list_refs(
        &self,
        listing: &mut Listing<RefFacts>,
        path: &str,
        kind: fn(RefName) -> GitRef,
    ) -> Result<(), HostError> {
        for page in 1..=Self::MAX_REF_PAGES {
            let answer = self.api.get_page(&format!("{path}?per_page=100&page={page}")).await?;
            listing.add(answer.items()?, |NamedRef { name, commit }| {
                Ok(RefFacts { reference: kind(name), sha: commit.sha })
            });
            if !has_next(&answer) {
                return Ok(());
            }
        }
        listing.is_cut = true;
        Ok(())
    }
}
