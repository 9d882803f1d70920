//! Pull requests, as people act on them.

use anyhow::{Context as _, Result, bail, ensure};
use tidegate_model::{CommitSha, Host, RepositoryPath};

use crate::{
    Forge, PullRequest, PullRequestState, User,
    event::{Event, PullRequestChange},
    state::{found, now},
};

/// What git says about a pull request.
struct Facts {
    head_sha: CommitSha,
    base_sha: CommitSha,
    merge_base: CommitSha,
    /// The tree of the merge, if there is no conflict.
    merged_tree: Option<String>,
}

impl Forge {
    /// Opens a pull request from `head`, a branch or `owner:branch` of a fork, into a branch; returns its number.
    pub async fn open_pull_request(
        &self,
        repo: &str,
        author: &str,
        head: &str,
        base: &str,
        title: &str,
    ) -> Result<u64> {
        let (path, author) = (self.path(repo)?, self.user(author)?);
        let (head_repository, head) = match head.split_once(':') {
            None => (path.clone(), head),
            Some((owner, branch)) => (self.fork_of(&path, owner)?, branch),
        };
        let _turn = self.inner.turn.lock().await;
        let number = self.state().repository(repo)?.pulls.len() as u64 + 1;
        let facts = self.facts(&path, number, (&head_repository, head), base).await?;
        let pull = PullRequest {
            number,
            title: title.to_owned(),
            author: author.clone(),
            head_repository,
            head: head.to_owned(),
            head_sha: facts.head_sha,
            base: base.to_owned(),
            stack_base: None,
            base_sha: facts.base_sha,
            merge_base: facts.merge_base,
            mergeable: facts.merged_tree.is_some(),
            state: PullRequestState::Open,
            created_at: now(),
            updated_at: now(),
        };
        self.change(|state| state.repository_mut(repo).map(|repo| repo.pulls.push(pull)))?;
        self.announce(&path, &author, &Event::PullRequest(number, PullRequestChange::Opened))?;
        Ok(number)
    }

    fn fork_of(&self, parent: &RepositoryPath, owner: &str) -> Result<RepositoryPath> {
        let state = self.state();
        let mut forks = state.repositories.iter().filter(|repo| repo.parent.as_ref() == Some(parent));
        let fork = forks.find(|fork| fork.owner.login == owner);
        Ok(found(fork, "fork", format!("of {parent} by {owner}"))?.path.clone())
    }

    /// Closes a pull request without a merge.
    pub async fn close_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<()> {
        let _turn = self.inner.turn.lock().await;
        self.set_closed(&self.path(repo)?, number, &self.user(by)?)
    }

    pub(crate) fn set_closed(&self, repo: &RepositoryPath, number: u64, by: &User) -> Result<()> {
        self.edit(repo, number, |pull| pull.state = PullRequestState::Closed { at: now() })?;
        self.announce(repo, by, &Event::PullRequest(number, PullRequestChange::Closed))
    }

    /// Opens a closed pull request again, at the present head of its branch. Bitbucket can't.
    pub async fn reopen_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<()> {
        ensure!(self.inner.dialect != Host::Bitbucket, "Bitbucket opens no declined pull request again");
        let (path, by) = (self.path(repo)?, self.user(by)?);
        let _turn = self.inner.turn.lock().await;
        self.refresh(&path, number).await?;
        self.edit(&path, number, |pull| pull.state = PullRequestState::Open)?;
        self.announce(&path, &by, &Event::PullRequest(number, PullRequestChange::Reopened))
    }

    /// Merges with a merge commit and returns it. Hooks hear of the closing first, then of the push; on Bitbucket, of the push
    /// first.
    pub async fn merge_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<CommitSha> {
        let (path, by, git) = (self.path(repo)?, self.user(by)?, &self.inner.git);
        let is_pushed_first = self.inner.dialect == Host::Bitbucket;
        let merge = async {
            let pull = self.pull_request(repo, number)?;
            ensure!(pull.state == PullRequestState::Open, "pull request {number} is not open");
            let head = (&pull.head_repository, pull.head.as_str());
            let facts = self.facts(&path, number, head, &pull.base).await?;
            let Some(tree) = facts.merged_tree else { bail!("pull request {number} has conflicts") };
            if self.inner.dialect == Host::Bitbucket {
                git.copy_branch(&path, head).await?;
                git.merge_tree(&path, &facts.base_sha, &facts.head_sha).await?;
            }
            let message = format!("Merge pull request #{number} from {}\n\n{}\n", pull.head, pull.title);
            let parents = [&facts.base_sha, &facts.head_sha];
            let sha = git.merge_commit(&path, &tree, parents, (&by, &message)).await?;
            git.set_ref(&path, &format!("refs/heads/{}", pull.base), Some(&sha)).await?;
            let merged = PullRequestState::Merged { at: now(), by: by.clone(), sha: sha.clone() };
            self.edit(&path, number, |pull| pull.state = merged)?;
            if !is_pushed_first {
                self.announce(&path, &by, &Event::PullRequest(number, PullRequestChange::Closed))?;
            }
            Ok(sha)
        };
        let sha = self.change_refs(&path, &by, merge).await?;
        if is_pushed_first {
            self.announce(&path, &by, &Event::PullRequest(number, PullRequestChange::Closed))?;
        }
        Ok(sha)
    }

    /// Lets a pull request merge into another branch.
    pub async fn change_base(&self, repo: &str, number: u64, base: &str, by: &str) -> Result<()> {
        let (path, by) = (self.path(repo)?, self.user(by)?);
        let _turn = self.inner.turn.lock().await;
        let old = self.pull_request(repo, number)?;
        let base_sha = self.branch(repo, base)?;
        self.edit(&path, number, |pull| {
            base.clone_into(&mut pull.base);
            pull.base_sha = base_sha;
        })?;
        self.refresh(&path, number).await?;
        let change = PullRequestChange::BaseChanged { from: &old.base, from_sha: &old.base_sha };
        self.announce(&path, &by, &Event::PullRequest(number, change))
    }

    /// Makes a pull request part of a stack that wants to merge into a branch. Hooks don't hear of it.
    pub fn set_stack_base(&self, repo: &str, number: u64, base: &str) -> Result<()> {
        self.branch(repo, base)?;
        self.edit(&self.path(repo)?, number, |pull| pull.stack_base = Some(base.to_owned()))
    }

    /// Changes the title.
    pub async fn set_title(&self, repo: &str, number: u64, title: &str, by: &str) -> Result<()> {
        let (path, by) = (self.path(repo)?, self.user(by)?);
        let _turn = self.inner.turn.lock().await;
        let old = self.pull_request(repo, number)?.title;
        self.edit(&path, number, |pull| title.clone_into(&mut pull.title))?;
        self.announce(&path, &by, &Event::PullRequest(number, PullRequestChange::TitleChanged { from: &old }))
    }

    /// Every pull request.
    pub fn pull_requests(&self, repo: &str) -> Result<Vec<PullRequest>> {
        Ok(self.state().repository(repo)?.pulls.clone())
    }

    /// A pull request as it is now.
    pub fn pull_request(&self, repo: &str, number: u64) -> Result<PullRequest> {
        self.state().repository(repo)?.pull(number).cloned()
    }

    fn edit(&self, repo: &RepositoryPath, number: u64, edit: impl FnOnce(&mut PullRequest)) -> Result<()> {
        self.change(|state| {
            let pull = state.repository_mut(repo.as_str())?.pull_mut(number)?;
            edit(pull);
            pull.updated_at = now();
            Ok(())
        })
    }

    /// Brings a pull request up to its branches. Hosts show the base as it was when the head last moved.
    pub(crate) async fn refresh(&self, repo: &RepositoryPath, number: u64) -> Result<()> {
        let old = self.pull_request(repo.as_str(), number)?;
        let facts = self.facts(repo, number, (&old.head_repository, &old.head), &old.base).await?;
        self.edit(repo, number, |pull| {
            if pull.head_sha != facts.head_sha {
                pull.head_sha = facts.head_sha;
                pull.base_sha = facts.base_sha;
            }
            pull.merge_base = facts.merge_base;
            pull.mergeable = facts.merged_tree.is_some();
        })
    }

    /// Looks how the head stands to the base, where both are. Most hosts copy the head into the repository. Bitbucket has no
    /// references of pull requests: a fork's commits are in the fork alone, so here it gets the base.
    async fn facts(
        &self,
        repo: &RepositoryPath,
        number: u64,
        head: (&RepositoryPath, &str),
        base: &str,
    ) -> Result<Facts> {
        let git = &self.inner.git;
        let (place, head_sha) = match self.inner.dialect {
            Host::Github | Host::Gitlab | Host::Gitea => {
                let kind = if self.inner.dialect == Host::Gitlab { "merge-requests" } else { "pull" };
                let kept = format!("refs/{kind}/{number}/head");
                let fetched = git.fetch_pull_head(repo, &kept, head).await;
                (repo, fetched.context("failed to fetch the head")?)
            }
            Host::Bitbucket => {
                git.copy_branch(head.0, (repo, base)).await.context("failed to fetch the base")?;
                (head.0, git.resolve(head.0, &format!("refs/heads/{}", head.1), "commit").await?)
            }
        };
        let base_sha = git.resolve(repo, &format!("refs/heads/{base}"), "commit").await?;
        let merge_base = git.merge_base(place, &base_sha, &head_sha).await?;
        let merged_tree = git.merge_tree(place, &base_sha, &head_sha).await?;
        Ok(Facts { head_sha, base_sha, merge_base, merged_tree })
    }
}
