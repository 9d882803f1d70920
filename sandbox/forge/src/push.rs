//! Branches and tags: whatever moves one goes through here, so that hooks and pull requests hear of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use tidegate_model::{CommitSha, GitRef, RefName, RepositoryPath};

use crate::{
    Forge, User,
    event::{Event, PullRequestChange, RefChange},
    state::PullRequestState,
};

/// As many commits as a push payload names: GitHub's limit is 2,048, Gitea's 30.
const PAYLOAD_COMMITS: &str = "--max-count=30";

impl Forge {
    /// Writes files in one commit, as if `author` had pushed it. A missing branch starts at `main`.
    pub async fn commit(
        &self,
        repo: &str,
        branch: &str,
        author: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<CommitSha> {
        let (path, author, branch) = (self.path(repo)?, self.user(author)?, branch.parse::<RefName>()?);
        let commit = async {
            let (from, seconds) = self.change(|state| {
                let seconds = state.commit_time();
                let repo = state.repository(repo)?;
                let from = repo.branch(branch.as_str()).or_else(|_| repo.branch("main")).ok().cloned();
                anyhow::Ok((from, seconds))
            })?;
            let git = &self.inner.git;
            let reference = format!("refs/heads/{branch}");
            git.commit(&path, &reference, from.as_ref(), (&author, seconds), files, message).await
        };
        self.change_refs(&path, &author, commit).await
    }

    /// Points a lightweight tag to a commit, as if `login` had pushed it.
    pub async fn push_tag(&self, repo: &str, tag: &str, sha: &CommitSha, login: &str) -> Result<()> {
        self.set_ref(repo, &GitRef::Tag(tag.parse()?), Some(sha), login).await
    }

    /// Moves a branch to any commit, as a forced push does.
    pub async fn force_branch(&self, repo: &str, branch: &str, sha: &CommitSha, login: &str) -> Result<()> {
        self.set_ref(repo, &GitRef::Branch(branch.parse()?), Some(sha), login).await
    }

    /// Deletes a branch. Open pull requests from it or into it are closed.
    pub async fn delete_branch(&self, repo: &str, branch: &str, login: &str) -> Result<()> {
        self.set_ref(repo, &GitRef::Branch(branch.parse()?), None, login).await
    }

    /// Deletes a tag.
    pub async fn delete_tag(&self, repo: &str, tag: &str, login: &str) -> Result<()> {
        self.set_ref(repo, &GitRef::Tag(tag.parse()?), None, login).await
    }

    async fn set_ref(&self, repo: &str, name: &GitRef, sha: Option<&CommitSha>, login: &str) -> Result<()> {
        let (path, user, name) = (self.path(repo)?, self.user(login)?, name.to_string());
        self.change_refs(&path, &user, self.inner.git.set_ref(&path, &name, sha)).await
    }

    /// The head of a branch.
    pub fn branch(&self, repo: &str, branch: &str) -> Result<CommitSha> {
        self.state().repository(repo)?.branch(branch).cloned()
    }

    /// Runs a step that may change references; then notifies hooks and pull requests of the changes, even if it failed half way.
    pub(crate) async fn change_refs<T>(
        &self,
        repo: &RepositoryPath,
        pusher: &User,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let _turn = self.inner.turn.lock().await;
        let result = work.await;
        let after = self.inner.git.refs(repo).await?;
        let before = self.change(|state| {
            anyhow::Ok(std::mem::replace(&mut state.repository_mut(repo.as_str())?.refs, after.clone()))
        })?;
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut changes = Vec::new();
        for name in names.into_iter().filter(|name| before.get(*name) != after.get(*name)) {
            changes.push(self.ref_change(repo, name, &before, &after).await?);
        }
        if !changes.is_empty() {
            self.announce(repo, pusher, &Event::Push(&changes))?;
        }
        for change in &changes {
            self.follow_in_pull_requests(repo, change, pusher).await?;
        }
        result
    }

    async fn ref_change(
        &self,
        repo: &RepositoryPath,
        name: &str,
        before: &BTreeMap<String, CommitSha>,
        after: &BTreeMap<String, CommitSha>,
    ) -> Result<RefChange> {
        let git = &self.inner.git;
        let (old, new) = (before.get(name), after.get(name));
        let mut change = RefChange {
            name: name.to_owned(),
            before: old.cloned(),
            after: new.cloned(),
            forced: false,
            commits: vec![],
            head: None,
            old_head: None,
        };
        if let Some(old) = old {
            change.old_head = git.show(repo, old.as_str()).await.ok();
        }
        let Some(new) = new else { return Ok(change) };
        change.head = git.show(repo, new.as_str()).await.ok();
        if name.starts_with("refs/heads/") {
            // A new branch brings what the default branch doesn't have.
            let without = old.or_else(|| before.get("refs/heads/main")).map(|sha| format!("^{sha}"));
            let mut revisions = vec![PAYLOAD_COMMITS, new.as_str()];
            revisions.extend(without.as_deref());
            change.commits = git.log(repo, &revisions).await?;
            if let Some(old) = old {
                change.forced = git.merge_base(repo, old, new).await.ok().as_ref() != Some(old);
            }
        }
        Ok(change)
    }

    async fn follow_in_pull_requests(
        &self,
        repo: &RepositoryPath,
        change: &RefChange,
        by: &User,
    ) -> Result<()> {
        let ("branch", branch) = change.kind_and_name() else {
            return Ok(());
        };
        let mut concerned = Vec::new();
        for base in &self.state().repositories {
            for pull in base.pulls.iter().filter(|pull| pull.state == PullRequestState::Open) {
                let is_head = pull.head_repository == *repo && pull.head == branch;
                if is_head || (base.path == *repo && pull.base == branch) {
                    concerned.push((base.path.clone(), pull.number, is_head));
                }
            }
        }
        for (base, number, is_head) in concerned {
            match (&change.before, &change.after) {
                (_, None) => self.set_closed(&base, number, by)?,
                (Some(before), Some(_)) if is_head => {
                    self.refresh(&base, number).await?;
                    let moved = PullRequestChange::HeadMoved { before };
                    self.announce(&base, by, &Event::PullRequest(number, moved))?;
                }
                _ => self.refresh(&base, number).await?,
            }
        }
        Ok(())
    }
}
