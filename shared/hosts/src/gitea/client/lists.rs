//! Lists of pull requests, branches and tags on Gitea. Source: `routers/api/v1/repo/{pull,branch,tag}.go` of Gitea 1.26.

use tidegate_model::{GitRef, RefName, RepositoryPath};

use super::{
    GiteaClient,
    answers::{NamedRef, PullRequest},
};
use crate::client::{Answer, HostError, Listing, PullRequestFacts, RefFacts};

impl GiteaClient {
    const MAX_REF_PAGES: u32 = 100;

    /// Oldest first, so that a new one doesn't move the others to another page.
    pub(crate) async fn open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        let mut listing = Listing::new();
        let mut seen = 0;
        for page in 1..=Self::MAX_PAGES {
            let path =
                format!("/api/v1/repos/{repository}/pulls?state=open&sort=oldest&limit=50&page={page}");
            let answer = self.api.get_page(&path).await?;
            let length = listing.add(answer.items()?, PullRequest::into_facts);
            seen += length;
            if is_last(&answer, length, seen) {
                return Ok(listing);
            }
        }
        listing.is_cut = true;
        Ok(listing)
    }

    pub(crate) async fn refs(&self, repository: &RepositoryPath) -> Result<Listing<RefFacts>, HostError> {
        let mut listing = Listing::new();
        self.list_refs(&mut listing, &format!("/api/v1/repos/{repository}/branches"), GitRef::Branch).await?;
        self.list_refs(&mut listing, &format!("/api/v1/repos/{repository}/tags"), GitRef::Tag).await?;
        Ok(listing)
    }

    async fn list_refs(
        &self,
        listing: &mut Listing<RefFacts>,
        path: &str,
        kind: fn(RefName) -> GitRef,
    ) -> Result<(), HostError> {
        let mut seen = 0;
        for page in 1..=Self::MAX_REF_PAGES {
            let answer = self.api.get_page(&format!("{path}?limit=50&page={page}")).await?;
            let length = listing.add(answer.items()?, |NamedRef { name, commit }| {
                Ok(RefFacts { reference: kind(name), sha: commit.sha })
            });
            seen += length;
            if is_last(&answer, length, seen) {
                return Ok(());
            }
        }
        listing.is_cut = true;
        Ok(())
    }
}

/// An operator can make pages shorter than what is asked for, so only the total tells the last one. Without it, an empty page does.
fn is_last(answer: &Answer, length: usize, seen: usize) -> bool {
    let total: Option<usize> = answer.header("x-total-count").and_then(|count| count.parse().ok());
    length == 0 || total.is_some_and(|total| seen >= total)
}
