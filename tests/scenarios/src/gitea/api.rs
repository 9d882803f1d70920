//! Repositories, pull requests, hooks and statuses.

use std::time::Duration;

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{CommitSha, Permission};
use tidegate_sandbox_forge::{Hook, Status, User};

use super::Gitea;

/// How long Gitea may take to find out whether a pull request can be merged.
const MERGE_CHECK: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct HookAnswer {
    id: u64,
    config: HookSettings,
    events: Vec<String>,
    active: bool,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct HookSettings {
    url: String,
}

#[derive(Deserialize)]
struct StatusAnswer {
    id: u64,
    context: String,
    status: String,
    description: Option<String>,
    target_url: Option<String>,
    creator: UserAnswer,
    created_at: String,
}

#[derive(Deserialize)]
struct UserAnswer {
    id: u64,
    login: String,
}

impl Gitea {
    /// Creates `owner/name`, public, with one commit on `main`.
    pub async fn create_repository(&self, repo: &str) -> Result<()> {
        let (owner, name) = repo.split_once('/').context("no owner/name")?;
        self.create_user(owner).await?;
        let body = json!({"name": name, "auto_init": true, "default_branch": "main"});
        let path = format!("/admin/users/{}/repos", self.login(owner));
        self.call(Method::POST, &path, None, Some(&body)).await?;
        Ok(())
    }

    /// Hides a repository from everybody without a permission in it.
    pub async fn make_private(&self, repo: &str) -> Result<()> {
        self.call(Method::PATCH, &self.path(repo, ""), None, Some(&json!({"private": true}))).await?;
        Ok(())
    }

    /// Forks a repository into a user's account.
    pub async fn fork(&self, repo: &str, by: &str) -> Result<String> {
        self.call(Method::POST, &self.path(repo, "/forks"), Some(by), Some(&json!({}))).await?;
        let (_, name) = repo.split_once('/').context("no owner/name")?;
        Ok(format!("{by}/{name}"))
    }

    /// Grants a user a permission.
    pub async fn set_permission(&self, repo: &str, login: &str, permission: Permission) -> Result<()> {
        let path = self.path(repo, &format!("/collaborators/{}", self.login(login)));
        let body = match permission {
            Permission::None => return self.call(Method::DELETE, &path, None, None).await.map(drop),
            Permission::Read => json!({"permission": "read"}),
            Permission::Write => json!({"permission": "write"}),
            Permission::Admin => json!({"permission": "admin"}),
        };
        self.call(Method::PUT, &path, None, Some(&body)).await?;
        Ok(())
    }

    /// The head of a branch.
    pub async fn branch(&self, repo: &str, branch: &str) -> Result<CommitSha> {
        let answer =
            self.call(Method::GET, &self.path(repo, &format!("/branches/{branch}")), None, None).await?;
        Ok(answer["commit"]["id"].as_str().context("a branch without a commit")?.parse()?)
    }

    /// Opens a pull request.
    pub async fn open_pull_request(
        &self,
        repo: &str,
        author: &str,
        head: &str,
        base: &str,
        title: &str,
    ) -> Result<u64> {
        let head = match head.split_once(':') {
            Some((owner, branch)) => format!("{}:{branch}", self.login(owner)),
            None => head.to_owned(),
        };
        let body = json!({"head": head, "base": base, "title": title});
        let answer = self.call(Method::POST, &self.path(repo, "/pulls"), Some(author), Some(&body)).await?;
        answer["number"].as_u64().context("a pull request without a number")
    }

    /// The open pull request with this head.
    pub(super) async fn pull_request_at(&self, repo: &str, head: &CommitSha) -> Result<u64> {
        let path = self.path(repo, "/pulls?state=open&limit=50");
        let all = self.call(Method::GET, &path, None, None).await?;
        let found = all.as_array().into_iter().flatten().find(|pull| pull["head"]["sha"] == head.as_str());
        found.and_then(|pull| pull["number"].as_u64()).context("no pull request has this head")
    }

    /// Sets one field of a pull request.
    pub async fn edit_pull_request(
        &self,
        repo: &str,
        number: u64,
        by: &str,
        (field, value): (&str, &str),
    ) -> Result<()> {
        let path = self.path(repo, &format!("/pulls/{number}"));
        self.call(Method::PATCH, &path, Some(by), Some(&json!({field: value}))).await?;
        Ok(())
    }

    /// Merges as soon as Gitea has found out that it can.
    pub async fn merge_pull_request(&self, repo: &str, number: u64, by: &str) -> Result<CommitSha> {
        let path = self.path(repo, &format!("/pulls/{number}"));
        self.poll("the pull request to be mergeable", MERGE_CHECK, || async {
            let pull = self.call(Method::GET, &path, Some(by), None).await?;
            Ok((pull["mergeable"] == true).then_some(()))
        })
        .await?;
        let body = json!({"Do": "merge"});
        self.call(Method::POST, &format!("{path}/merge"), Some(by), Some(&body)).await?;
        let pull = self.call(Method::GET, &path, Some(by), None).await?;
        Ok(pull["merge_commit_sha"].as_str().context("no merge commit")?.parse()?)
    }

    /// The webhooks, without their secrets.
    pub async fn hooks(&self, repo: &str) -> Result<Vec<Hook>> {
        let answer = self.call(Method::GET, &self.path(repo, "/hooks"), None, None).await?;
        let hooks: Vec<HookAnswer> = serde_json::from_value(answer).context("failed to read hooks")?;
        let hook = |hook: HookAnswer| Hook {
            id: hook.id,
            url: hook.config.url,
            secret: None,
            events: hook.events,
            active: hook.active,
            verify_tls: true,
            created_at: hook.created_at,
            updated_at: hook.updated_at,
        };
        Ok(hooks.into_iter().map(hook).collect())
    }

    /// Removes a webhook.
    pub async fn delete_hook(&self, repo: &str, id: u64) -> Result<()> {
        self.call(Method::DELETE, &self.path(repo, &format!("/hooks/{id}")), None, None).await?;
        Ok(())
    }

    /// The first 50 statuses of a commit, oldest first.
    pub async fn statuses(&self, repo: &str, sha: &CommitSha) -> Result<Vec<Status>> {
        let path = self.path(repo, &format!("/commits/{sha}/statuses?sort=leastindex&limit=50"));
        let answer = self.call(Method::GET, &path, None, None).await?;
        let statuses: Vec<StatusAnswer> =
            serde_json::from_value(answer).context("failed to read statuses")?;
        let mut statuses: Vec<Status> = statuses
            .into_iter()
            .map(|status| Status {
                id: status.id,
                sha: sha.clone(),
                context: status.context,
                key: None,
                branch: None,
                state: status.status,
                description: status.description,
                target_url: status.target_url,
                creator: User { id: status.creator.id, login: status.creator.login },
                created_at: status.created_at,
            })
            .collect();
        statuses.sort_by_key(|status| status.id);
        Ok(statuses)
    }

    pub(super) fn path(&self, repo: &str, rest: &str) -> String {
        format!("/repos/{}{rest}", self.repository(repo))
    }
}
