//! A forge with a repository and people, a REST client and the git program.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_model::{Host, Permission};
use tidegate_sandbox_forge::Forge;
use tokio::process::Command;

use crate::sink::{SECRET, Sink};

pub const PATIENCE: Duration = Duration::from_secs(10);
pub const REPO: &str = "acme/shop";
/// The hosts that have most routes and payloads in common.
pub const V3: [Host; 2] = [Host::Github, Host::Gitea];

/// `acme` owns the repository, `dora` may write, `steve` is a stranger.
pub struct World {
    pub forge: Forge,
    pub dialect: Host,
    pub folder: TempDir,
    pub acme: String,
    pub dora: String,
    pub steve: String,
    pub client: reqwest::Client,
}

impl World {
    pub async fn new(dialect: Host, private: bool) -> Result<Self> {
        let folder = TempDir::new()?;
        let forge = Forge::start(dialect, &folder.path().join("forge")).await?;
        forge.create_repository(REPO, private).await?;
        let (acme, dora, steve) =
            (forge.create_user("acme"), forge.create_user("dora"), forge.create_user("steve"));
        forge.set_permission(REPO, "dora", Permission::Write)?;
        let client = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { forge, dialect, folder, acme, dora, steve, client })
    }

    /// The status code and the body of a REST call; `path` is relative to the dialect's root.
    pub async fn call(&self, method: Method, token: &str, path: &str, body: Value) -> Result<(u16, Value)> {
        let root = match self.dialect {
            Host::Github | Host::Gitlab | Host::Bitbucket => self.forge.api_url(),
            Host::Gitea => format!("{}/api/v1", self.forge.api_url()),
        };
        let mut request = self.client.request(method, format!("{root}/{path}"));
        if !token.is_empty() {
            let scheme = if self.dialect == Host::Bitbucket { "Bearer" } else { "token" };
            request = request.header("Authorization", format!("{scheme} {token}"));
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text).context(text)? };
        Ok((status, body))
    }

    /// The route of [`REPO`].
    pub fn route(&self) -> String {
        let kind = if self.dialect == Host::Bitbucket { "repositories" } else { "repos" };
        format!("{kind}/{REPO}")
    }

    pub async fn get(&self, token: &str, path: &str) -> Result<(u16, Value)> {
        self.call(Method::GET, token, path, Value::Null).await
    }

    /// 200 with this body, as the owner.
    pub async fn read(&self, path: &str) -> Result<Value> {
        let (status, body) = self.get(&self.acme, path).await?;
        ensure!(status == 200, "{path}: {status} {body}");
        Ok(body)
    }

    /// Creates a hook for everything that Tidegate wants; eats GitHub's ping.
    pub async fn hook(&self, sink: &mut Sink) -> Result<u64> {
        let config = json!({ "url": sink.url, "content_type": "json", "secret": SECRET });
        let events = match self.dialect {
            Host::Github => {
                json!(["push", "pull_request", "pull_request_review", "issue_comment", "commit_comment"])
            }
            _ => json!([
                "push",
                "pull_request_only",
                "pull_request_sync",
                "pull_request_comment",
                "pull_request_review",
            ]),
        };
        let body =
            json!({ "type": "gitea", "name": "web", "active": true, "events": events, "config": config });
        let (status, hook) =
            self.call(Method::POST, &self.acme, &format!("repos/{REPO}/hooks"), body).await?;
        ensure!(status == 201, "{status} {hook}");
        if self.dialect == Host::Github {
            let ping = sink.next().await?;
            ensure!(ping.header("x-github-event") == "ping" && ping.body["hook_id"] == hook["id"]);
        }
        hook["id"].as_u64().context("a hook has an id")
    }

    /// The repository's URL with a token in it.
    pub fn url_for(&self, token: &str) -> String {
        let name = if self.dialect == Host::Bitbucket { "x-token-auth" } else { "x-access-token" };
        self.forge.git_url(REPO).replace("://", &format!("://{name}:{token}@"))
    }

    /// Runs the git program in a folder below the test's own; its output, or an error with what it complained of.
    pub async fn git(&self, folder: &str, args: &[&str]) -> Result<String> {
        git(&self.folder.path().join(folder), args).await
    }
}

async fn git(folder: &Path, args: &[&str]) -> Result<String> {
    tokio::fs::create_dir_all(folder).await?;
    let mut command = Command::new("git");
    let path = std::env::var_os("PATH").context("PATH is set")?;
    command.env_clear().env("PATH", path).env("HOME", folder).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_TERMINAL_PROMPT", "0").args([
        "-c",
        "user.name=dora",
        "-c",
        "user.email=dora@forge.test",
    ]);
    command.args(args).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(30), command.output()).await??;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "git {args:?}: {error}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
