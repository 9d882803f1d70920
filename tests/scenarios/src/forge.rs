//! The Git host of a world: the sandbox's forge, or a real Gitea. Both know the same verbs.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tidegate_model::{AccountKind, CommitSha, Host, Permission};
use tidegate_sandbox_forge::{Comment, Fault, Forge as Sandbox, Hook, Status};

use crate::gitea::Gitea;

/// A Git host, as people and tests act on it. Users and repositories go by the names of the scenario, whatever they are
/// called on the host.
#[derive(Debug, Clone)]
pub enum Forge {
    /// In this process: it can fail on request.
    Sandbox(Sandbox),
    /// A real Gitea.
    Gitea(Gitea),
}

impl Forge {
    /// The sandbox's forge, for what no real host can do on request.
    pub fn sandbox(&self) -> Result<&Sandbox> {
        match self {
            Self::Sandbox(forge) => Ok(forge),
            Self::Gitea(_) => bail!("unsupported: a real Gitea can't be told to do this"),
        }
    }

    /// The dialect of its API and webhooks. A real host is a Gitea, whatever the scenario asked for.
    pub fn dialect(&self, wanted: Host) -> Host {
        match self {
            Self::Sandbox(_) => wanted,
            Self::Gitea(_) => Host::Gitea,
        }
    }

    /// The root of the web pages and of the repositories.
    pub fn url(&self) -> String {
        match self {
            Self::Sandbox(forge) => forge.url(),
            Self::Gitea(gitea) => gitea.url().to_owned(),
        }
    }

    /// What `spec.git.apiUrl` has to say.
    pub fn api_url(&self) -> String {
        match self {
            Self::Sandbox(forge) => forge.api_url(),
            Self::Gitea(gitea) => gitea.url().to_owned(),
        }
    }

    /// A repository's name on the host.
    pub fn repository(&self, repo: &str) -> String {
        match self {
            Self::Sandbox(_) => repo.to_owned(),
            Self::Gitea(gitea) => gitea.repository(repo),
        }
    }

    /// A user's name on the host.
    pub fn login(&self, login: &str) -> String {
        match self {
            Self::Sandbox(_) => login.to_owned(),
            Self::Gitea(gitea) => gitea.login(login),
        }
    }

    /// How a user is named in what the host shows of commands: on Bitbucket by UUID.
    pub fn shown_login(&self, login: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => forge.shown_login(login),
            Self::Gitea(gitea) => Ok(gitea.login(login)),
        }
    }

    /// Where a repository is cloned from.
    pub fn git_url(&self, repo: &str) -> String {
        match self {
            Self::Sandbox(forge) => forge.git_url(repo),
            Self::Gitea(gitea) => gitea.git_url(repo),
        }
    }

    /// Registers a user and returns the token for API and Git; the present token if the user exists.
    pub async fn create_user(&self, login: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => Ok(forge.create_user(login)),
            Self::Gitea(gitea) => gitea.create_user(login).await,
        }
    }

    /// Makes an organisation, and returns the token of one of its owners.
    pub async fn create_organisation(&self, name: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => {
                forge.set_kind(name, AccountKind::Organisation)?;
                Ok(forge.create_user(name))
            }
            Self::Gitea(gitea) => gitea.create_organisation(name).await,
        }
    }

    /// Makes a team of an organisation, with what its members may do with the code of all repositories. Those who administrate
    /// are owners.
    pub async fn create_team(
        &self,
        organisation: &str,
        name: &str,
        code: Permission,
        members: &[&str],
    ) -> Result<()> {
        match self {
            Self::Sandbox(forge) => {
                forge.create_team(organisation, name, code, members);
                Ok(())
            }
            Self::Gitea(gitea) => gitea.create_team(organisation, name, code, members).await,
        }
    }

    /// A token of an organisation's owner that may not see who is in its teams.
    pub async fn token_without_teams(&self, organisation: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => {
                // What Gitea answers to a token without read:organization.
                forge.fail_next(usize::MAX, None, "api/v1/teams/", Fault::Status(403));
                Ok(forge.create_user(organisation))
            }
            Self::Gitea(gitea) => gitea.token_without_teams(organisation).await,
        }
    }

    /// Creates `owner/name`, public, with one commit on `main`.
    pub async fn create_repository(&self, repo: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.create_repository(repo, false).await,
            Self::Gitea(gitea) => gitea.create_repository(repo).await,
        }
    }

    /// Hides a repository from everybody without a permission in it.
    pub async fn make_private(&self, repo: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.make_private(repo),
            Self::Gitea(gitea) => gitea.make_private(repo).await,
        }
    }

    /// A user's token that may do nothing but read repositories. The sandbox's tokens know no scopes.
    pub async fn clone_token(&self, login: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => Ok(forge.create_user(login)),
            Self::Gitea(gitea) => gitea.create_token(login, "clone", &["read:repository"]).await,
        }
    }

    /// Forks a repository into a user's account, under the same name, and returns the fork's path.
    pub async fn fork(&self, repo: &str, by: &str) -> Result<String> {
        match self {
            Self::Sandbox(forge) => Ok(forge.fork(repo, by).await?.to_string()),
            Self::Gitea(gitea) => gitea.fork(repo, by).await,
        }
    }

    /// Grants a user a permission in a repository.
    pub async fn set_permission(&self, repo: &str, login: &str, permission: Permission) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.set_permission(repo, login, permission),
            Self::Gitea(gitea) => gitea.set_permission(repo, login, permission).await,
        }
    }

    /// Pushes files in one commit. A missing branch starts at `main`.
    pub async fn commit(
        &self,
        repo: &str,
        branch: &str,
        author: &str,
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<CommitSha> {
        match self {
            Self::Sandbox(forge) => forge.commit(repo, branch, author, files, message).await,
            Self::Gitea(gitea) => gitea.commit(repo, branch, author, files, message).await,
        }
    }

    /// Adds a submodule at `library` in one commit: this commit of the repository at this address. Real git shows it in the
    /// sandbox, beside the checkout's script.
    pub async fn commit_submodule(
        &self,
        repo: &str,
        branch: &str,
        author: &str,
        url: &str,
        sha: &CommitSha,
    ) -> Result<()> {
        match self {
            Self::Sandbox(_) => bail!("unsupported: the sandbox's forge writes files alone"),
            Self::Gitea(gitea) => gitea.commit_submodule(repo, branch, author, url, sha).await,
        }
    }

    /// Opens a pull request by a push to `refs/for/BASE/…`, Gitea's `AGit` flow, which any reader may use. Returns its number and
    /// its head.
    pub async fn push_for_review(
        &self,
        repo: &str,
        login: &str,
        base: &str,
        files: &[(&str, &str)],
    ) -> Result<(u64, CommitSha)> {
        match self {
            Self::Sandbox(forge) => forge.push_for_review(repo, login, base, files).await,
            Self::Gitea(gitea) => gitea.push_for_review(repo, login, base, files).await,
        }
    }

    /// Pushes new branches, each with one commit on `main` of its own.
    pub async fn commit_branches(
        &self,
        repo: &str,
        author: &str,
        branches: &[String],
    ) -> Result<Vec<CommitSha>> {
        match self {
            Self::Sandbox(forge) => {
                let mut heads = Vec::new();
                for branch in branches {
                    let message = format!("Add {branch}");
                    heads.push(forge.commit(repo, branch, author, &[(branch, "new\n")], &message).await?);
                }
                Ok(heads)
            }
            Self::Gitea(gitea) => gitea.commit_branches(repo, author, branches).await,
        }
    }

    /// Points a lightweight tag to a commit.
    pub async fn push_tag(&self, repo: &str, tag: &str, sha: &CommitSha, login: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.push_tag(repo, tag, sha, login).await,
            Self::Gitea(gitea) => gitea.push(repo, login, &format!("{sha}:refs/tags/{tag}")).await,
        }
    }

    /// Moves a branch to any commit.
    pub async fn force_branch(&self, repo: &str, branch: &str, sha: &CommitSha, login: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.force_branch(repo, branch, sha, login).await,
            Self::Gitea(gitea) => gitea.push(repo, login, &format!("+{sha}:refs/heads/{branch}")).await,
        }
    }

    /// Deletes a branch.
    pub async fn delete_branch(&self, repo: &str, branch: &str, login: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.delete_branch(repo, branch, login).await,
            Self::Gitea(gitea) => gitea.push(repo, login, &format!(":refs/heads/{branch}")).await,
        }
    }

    /// Deletes a tag.
    pub async fn delete_tag(&self, repo: &str, tag: &str, login: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.delete_tag(repo, tag, login).await,
            Self::Gitea(gitea) => gitea.push(repo, login, &format!(":refs/tags/{tag}")).await,
        }
    }

    /// The head of a branch.
    pub async fn branch(&self, repo: &str, branch: &str) -> Result<CommitSha> {
        match self {
            Self::Sandbox(forge) => forge.branch(repo, branch),
            Self::Gitea(gitea) => gitea.branch(repo, branch).await,
        }
    }

    /// Opens a pull request from `head`, a branch or `owner:branch` of a fork, into a branch; returns its number.
    pub async fn open_pull_request(
        &self,
        repo: &str,
        author: &str,
        head: &str,
        base: &str,
        title: &str,
    ) -> Result<u64> {
        match self {
            Self::Sandbox(forge) => forge.open_pull_request(repo, author, head, base, title).await,
            Self::Gitea(gitea) => gitea.open_pull_request(repo, author, head, base, title).await,
        }
    }

    /// Closes a pull request without a merge.
    pub async fn close_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.close_pull_request(repo, number, by).await,
            Self::Gitea(gitea) => gitea.edit_pull_request(repo, number, by, ("state", "closed")).await,
        }
    }

    /// Opens a closed pull request again.
    pub async fn reopen_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.reopen_pull_request(repo, number, by).await,
            Self::Gitea(gitea) => gitea.edit_pull_request(repo, number, by, ("state", "open")).await,
        }
    }

    /// Lets a pull request merge into another branch.
    pub async fn change_base(&self, repo: &str, number: u64, base: &str, by: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.change_base(repo, number, base, by).await,
            Self::Gitea(gitea) => gitea.edit_pull_request(repo, number, by, ("base", base)).await,
        }
    }

    /// Changes the title.
    pub async fn set_title(&self, repo: &str, number: u64, title: &str, by: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.set_title(repo, number, title, by).await,
            Self::Gitea(gitea) => gitea.edit_pull_request(repo, number, by, ("title", title)).await,
        }
    }

    /// Merges with a merge commit and returns it.
    pub async fn merge_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<CommitSha> {
        match self {
            Self::Sandbox(forge) => forge.merge_pull_request(repo, number, by).await,
            Self::Gitea(gitea) => gitea.merge_pull_request(repo, number, by).await,
        }
    }

    /// Comments on a pull request and returns the comment's id.
    pub async fn comment(&self, repo: &str, number: u64, by: &str, body: &str) -> Result<u64> {
        match self {
            Self::Sandbox(forge) => forge.comment(repo, number, by, body),
            Self::Gitea(gitea) => gitea.comment(repo, number, by, body).await,
        }
    }

    /// Submits a review of a pull request that comments with a text.
    pub async fn review(&self, repo: &str, number: u64, by: &str, body: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.review(repo, number, by, body).map(drop),
            Self::Gitea(gitea) => gitea.review(repo, number, by, body).await,
        }
    }

    /// Changes a comment's text.
    pub async fn edit_comment(&self, repo: &str, id: u64, by: &str, body: &str) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.edit_comment(repo, id, by, body),
            Self::Gitea(gitea) => gitea.edit_comment(repo, id, by, body).await,
        }
    }

    /// The comments on a pull request with their reactions, oldest first.
    pub async fn comments(&self, repo: &str, number: u64) -> Result<Vec<Comment>> {
        match self {
            Self::Sandbox(forge) => forge.comments(repo, number),
            Self::Gitea(gitea) => gitea.comments(repo, number).await,
        }
    }

    /// Waits until the comments on a pull request show what is wanted. The error shows them all.
    pub async fn wait_for_comments<T: Send>(
        &self,
        repo: &str,
        number: u64,
        limit: Duration,
        wanted: impl Fn(&[Comment]) -> Option<T> + Send + Sync,
    ) -> Result<T> {
        let what = format!("comments on pull request {number} of {repo}");
        let found = match self {
            Self::Sandbox(forge) => {
                let look = |forge: &Sandbox| wanted(&forge.comments(repo, number).ok()?);
                forge.wait_for(&what, limit, look).await
            }
            Self::Gitea(gitea) => {
                gitea.poll(&what, limit, || async { Ok(wanted(&gitea.comments(repo, number).await?)) }).await
            }
        };
        let all = self.comments(repo, number).await.unwrap_or_default();
        found.with_context(|| format!("comments so far: {all:#?}"))
    }

    /// The webhooks of a repository. A real host doesn't show their secrets.
    pub async fn hooks(&self, repo: &str) -> Result<Vec<Hook>> {
        match self {
            Self::Sandbox(forge) => forge.hooks(repo),
            Self::Gitea(gitea) => gitea.hooks(repo).await,
        }
    }

    /// Removes a webhook, as somebody does by mistake.
    pub async fn delete_hook(&self, repo: &str, id: u64) -> Result<()> {
        match self {
            Self::Sandbox(forge) => forge.delete_hook(repo, id),
            Self::Gitea(gitea) => gitea.delete_hook(repo, id).await,
        }
    }

    /// Waits until a repository has a webhook.
    pub async fn wait_for_hook(&self, repo: &str, limit: Duration) -> Result<Hook> {
        match self {
            Self::Sandbox(forge) => {
                let look = |forge: &Sandbox| forge.hooks(repo).ok()?.pop();
                forge.wait_for("the webhook to be there", limit, look).await
            }
            Self::Gitea(gitea) => {
                gitea
                    .poll("the webhook to be there", limit, || async { Ok(gitea.hooks(repo).await?.pop()) })
                    .await
            }
        }
    }

    /// Every status that was posted for a commit, oldest first.
    pub async fn statuses(&self, repo: &str, sha: &CommitSha) -> Result<Vec<Status>> {
        match self {
            Self::Sandbox(forge) => forge.statuses(repo, sha),
            Self::Gitea(gitea) => gitea.statuses(repo, sha).await,
        }
    }

    /// Waits until the newest status of a context is as wanted. The error names the statuses that are there.
    pub async fn wait_for_status(
        &self,
        repo: &str,
        sha: &CommitSha,
        context: &str,
        limit: Duration,
        wanted: impl Fn(&Status) -> bool + Send + Sync,
    ) -> Result<Status> {
        match self {
            Self::Sandbox(forge) => forge.wait_for_status(repo, sha, context, limit, wanted).await,
            Self::Gitea(gitea) => {
                let look = || async {
                    let all = gitea.statuses(repo, sha).await?;
                    let newest = all.into_iter().rev().find(|status| status.context == context);
                    Ok(newest.filter(&wanted))
                };
                let found = gitea.poll(&format!("status {context} of {repo}@{sha}"), limit, look).await;
                let all = gitea.statuses(repo, sha).await.unwrap_or_default();
                let all: Vec<_> = all
                    .iter()
                    .map(|s| {
                        format!(
                            "{}={} ({})",
                            s.context,
                            s.state,
                            s.description.as_deref().unwrap_or_default()
                        )
                    })
                    .collect();
                found.with_context(|| format!("statuses so far: {all:?}"))
            }
        }
    }

    /// Waits until all that has happened so far was delivered to the webhooks, and answered.
    pub async fn delivered(&self, repo: &str, limit: Duration) -> Result<()> {
        match self {
            Self::Sandbox(forge) => {
                let answered = |forge: &Sandbox| {
                    let deliveries = forge.deliveries(repo).ok()?;
                    deliveries.iter().all(|delivery| delivery.response.is_some()).then_some(())
                };
                forge.wait_for("all deliveries to be answered", limit, answered).await
            }
            Self::Gitea(gitea) => gitea.flush(limit).await,
        }
    }

    /// Ends it, if it lives in this process.
    pub async fn stop(&self) {
        match self {
            Self::Sandbox(forge) => forge.stop().await,
            Self::Gitea(_) => (),
        }
    }
}
