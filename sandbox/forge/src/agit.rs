//! Gitea's flow for pull requests without a branch: whoever may read pushes to `refs/for/BASE/TOPIC`.

use anyhow::Result;
use tidegate_model::CommitSha;

use crate::{
    Forge, PullRequest, PullRequestState,
    event::{Event, PullRequestChange},
    state::now,
};

impl Forge {
    /// Opens a pull request into a branch by a push to `refs/for/BASE/TOPIC` with one commit on that branch. Gitea shows the
    /// head in the base repository, at `refs/pull/N/head`.
    pub async fn push_for_review(
        &self,
        repo: &str,
        login: &str,
        base: &str,
        files: &[(&str, &str)],
    ) -> Result<(u64, CommitSha)> {
        let (path, author) = (self.path(repo)?, self.user(login)?);
        let _turn = self.inner.turn.lock().await;
        let number = self.state().repository(repo)?.pulls.len() as u64 + 1;
        let (base_sha, head) = (self.branch(repo, base)?, format!("refs/pull/{number}/head"));
        let seconds = self.change(crate::state::State::commit_time);
        let git = &self.inner.git;
        let head_sha =
            git.commit(&path, &head, Some(&base_sha), (&author, seconds), files, "For review\n").await?;
        let pull = PullRequest {
            number,
            title: "For review".to_owned(),
            author: author.clone(),
            head_repository: path.clone(),
            head,
            head_sha: head_sha.clone(),
            base: base.to_owned(),
            stack_base: None,
            merge_base: base_sha.clone(),
            base_sha,
            mergeable: true,
            state: PullRequestState::Open,
            created_at: now(),
            updated_at: now(),
        };
        self.change(|state| state.repository_mut(repo).map(|repo| repo.pulls.push(pull)))?;
        self.announce(&path, &author, &Event::PullRequest(number, PullRequestChange::Opened))?;
        Ok((number, head_sha))
    }
}
