//! Pull requests, with the full ids of their heads. Bitbucket shows 12 digits of them, and two commits that share those are cheap to
//! make. So the full id is read from the list of the pull request's commits, or from its branch, and has to begin with what is shown.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>

use std::collections::HashMap;

use serde::Deserialize;
use tidegate_model::{CommitHint, CommitSha, GitRef, Login, PullRequestNumber, RefName, RepositoryPath};

use super::{BitbucketClient, refs::Commit};
use crate::{
    api::{Api, HeadFacts, HostError, Listing, PullRequestFacts, optional},
    bitbucket::{
        account::{Kind, Shown as ShownAccount, author},
        payload::End,
    },
    body::{lenient, object},
};

#[derive(Deserialize)]
struct Shown {
    id: PullRequestNumber,
    state: String,
    #[serde(default, deserialize_with = "lenient")]
    draft: bool,
    #[serde(default, deserialize_with = "lenient")]
    title: String,
    #[serde(default, deserialize_with = "lenient")]
    author: Option<ShownAccount>,
    #[serde(default, deserialize_with = "object")]
    source: Option<End>,
    #[serde(default, deserialize_with = "object")]
    destination: Option<End>,
}

/// A list of commits.
#[derive(Deserialize)]
struct Commits {
    values: Vec<Commit>,
}

impl Shown {
    fn is_merged(&self) -> bool {
        self.state == "MERGED"
    }

    /// An unknown state is not final.
    fn is_open(&self) -> bool {
        !matches!(&*self.state, "MERGED" | "DECLINED" | "SUPERSEDED")
    }

    fn hint(&self) -> Option<&CommitHint> {
        self.source.as_ref()?.hint()
    }

    fn branch(&self) -> Option<&RefName> {
        self.source.as_ref()?.branch()
    }

    /// `None` when the fork was deleted or can't be seen.
    fn repository(&self) -> Option<&RepositoryPath> {
        self.source.as_ref()?.repository()
    }

    fn fork_of(&self, base: &RepositoryPath) -> Option<&RepositoryPath> {
        self.repository().filter(|repository| !repository.is_same_as(base))
    }

    /// A closed one whose base the host shows no more is as good as gone.
    fn into_facts(mut self, sha: CommitSha, owner: Option<Login>) -> Result<PullRequestFacts, HostError> {
        let base = self.destination.as_ref().and_then(End::branch).cloned();
        let base = match base {
            Some(base) => base,
            None if self.is_open() => {
                return Err(HostError::unreadable(&"an open pull request without destination.branch.name"));
            }
            None => return Err(HostError::NotFound),
        };
        Ok(PullRequestFacts {
            number: self.id,
            open: self.is_open(),
            merged: self.is_merged(),
            head: HeadFacts {
                sha,
                branch: self.branch().cloned(),
                repository: self.repository().cloned(),
                owner,
            },
            base,
            author: author(self.author.take()).account.id,
            title: self.title,
            draft: self.draft,
        })
    }
}

/// Most likely the head moved between two answers. Then another try finds it.
fn no_head(shown: &Shown) -> HostError {
    match shown.hint() {
        Some(hint) => HostError::unavailable(format!("the host shows no commit that begins with {hint} yet")),
        None => HostError::unreadable(&"an open pull request without a readable source.commit.hash"),
    }
}

impl BitbucketClient {
    const PULL_REQUESTS_PER_PAGE: u32 = 50;

    pub(crate) async fn read_pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<PullRequestFacts>, HostError> {
        let path = format!("/repositories/{repository}/pullrequests/{number}");
        let (shown, newest) =
            tokio::join!(self.api.get::<Shown>(&path), self.newest_commit(repository, number));
        let Some(shown) = optional(shown)? else { return Ok(None) };
        let Some(sha) = self.head(&shown, newest?).await? else {
            return if shown.is_open() { Err(no_head(&shown)) } else { Ok(None) };
        };
        let owner = match shown.fork_of(repository).filter(|_| shown.is_open()) {
            Some(fork) => self.owner(fork).await?,
            None => None,
        };
        optional(shown.into_facts(sha, owner))
    }

    /// Oldest first, so that a new one doesn't move the others to another page.
    ///
    /// The branches of the repository hold most of the heads, a hundred to a page. Each head of a fork takes a call.
    pub(crate) async fn list_open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        let path = format!(
            "/repositories/{repository}/pullrequests?state=OPEN&sort=created_on&pagelen={}",
            Self::PULL_REQUESTS_PER_PAGE
        );
        let shown: Listing<Shown> =
            self.list(&path, Api::MAX_ITEMS / Self::PULL_REQUESTS_PER_PAGE, Ok).await?;
        let is_own = |shown: &Shown| shown.repository().is_some_and(|head| head.is_same_as(repository));
        let branches: HashMap<RefName, CommitSha> = if shown.items.iter().any(is_own) {
            let listed = self.list_branches(repository).await?.items.into_iter();
            listed.map(|branch| (branch.name, branch.target.hash)).collect()
        } else {
            HashMap::new()
        };
        let mut listing = Listing::new();
        (listing.unreadable, listing.is_truncated) = (shown.unreadable, shown.is_truncated);
        for shown in shown.items {
            let at_branch = shown.branch().filter(|_| is_own(&shown)).and_then(|name| branches.get(name));
            let head = match at_branch.filter(|commit| shown.hint().is_some_and(|hint| hint.may_be(commit))) {
                Some(commit) => Some(commit.clone()),
                None => self.head(&shown, self.newest_commit(repository, shown.id).await?).await?,
            };
            match head.and_then(|sha| shown.into_facts(sha, None).ok()) {
                Some(facts) => listing.items.push(facts),
                None => listing.unreadable += 1,
            }
        }
        Ok(listing)
    }

    /// The full id of a head: that of the newest commit of the pull request, else that of its branch. `None` where neither begins
    /// with what is shown.
    async fn head(&self, shown: &Shown, newest: Option<CommitSha>) -> Result<Option<CommitSha>, HostError> {
        let Some(hint) = shown.hint() else { return Ok(None) };
        if let Some(newest) = newest.filter(|newest| hint.may_be(newest)) {
            return Ok(Some(newest));
        }
        let (true, Some(source), Some(branch)) = (shown.is_open(), shown.repository(), shown.branch()) else {
            return Ok(None);
        };
        let target = match self.read_ref(source, &GitRef::Branch(branch.clone())).await {
            Err(HostError::Forbidden { .. }) => None,
            other => other?,
        };
        Ok(target.filter(|target| hint.may_be(target)))
    }

    /// The newest comes first, as in `git log`, though the API's description calls the list chronological. Where it is that, the
    /// branch is read. The list is empty, or none at all, when the branch is gone.
    async fn newest_commit(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<CommitSha>, HostError> {
        let path = format!("/repositories/{repository}/pullrequests/{number}/commits");
        let listed = self.api.get::<Commits>(&format!("{path}?pagelen=1&fields=values.hash")).await;
        Ok(optional(listed)?.and_then(|commits| commits.values.into_iter().next()).map(|commit| commit.hash))
    }

    /// The person that a repository belongs to. What belongs to a team, and what can't be seen, belongs to nobody here.
    async fn owner(&self, repository: &RepositoryPath) -> Result<Option<Login>, HostError> {
        #[derive(Deserialize)]
        struct Owned {
            #[serde(default, deserialize_with = "lenient")]
            owner: Option<ShownAccount>,
        }
        let path = format!("/repositories/{repository}?fields=owner.uuid,owner.type");
        let shown: Option<Owned> = match self.api.get(&path).await {
            Err(HostError::Forbidden { .. }) => None,
            other => optional(other)?,
        };
        let owner = shown.and_then(|shown| shown.owner).filter(|owner| owner.kind == Kind::User);
        Ok(owner.map(|owner| owner.uuid))
    }
}
