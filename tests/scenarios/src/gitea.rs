//! A real Gitea, controlled by its REST API and by git.
//!
//! All scenes share one. Each adds a suffix of its own to the names of its people, and so to their repositories.
//! The API: <https://docs.gitea.com/api/1.26/>.

mod api;
mod comment;
mod organisation;
mod push;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::Method;
use serde_json::json;
use tokio::process::Command;

/// The polling interval: a real host sends no notification when something has changed.
const PAUSE: Duration = Duration::from_millis(50);

/// What a config's token and people's tokens may do: <https://docs.gitea.com/development/oauth2-provider#scopes>
const SCOPES: [&str; 4] = ["write:repository", "write:issue", "read:user", "read:organization"];

/// Everybody's. Whoever reads this knows it: the host ends with the cluster.
const PASSWORD: &str = "a-password-of-the-tests";

/// One scene's view of a running Gitea.
#[derive(Debug, Clone)]
pub struct Gitea {
    url: String,
    admin_token: String,
    config: String,
    suffix: String,
    tokens: Arc<Mutex<HashMap<String, String>>>,
    client: reqwest::Client,
}

impl Gitea {
    /// The Gitea in the environment of `tests/cluster/cluster exec`. `suffix` keeps this scene's names apart from others'.
    pub fn of_environment(suffix: &str) -> Result<Self> {
        let variable = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        Ok(Self {
            url: variable("GITEA_URL")?,
            admin_token: variable("GITEA_TOKEN")?,
            config: variable("GITEA_CONFIG")?,
            suffix: suffix.to_owned(),
            tokens: Arc::default(),
            client: reqwest::Client::builder().no_proxy().build().context("failed to make Gitea's client")?,
        })
    }

    /// The root of the web pages.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The node's address, which pods reach as well.
    pub fn address(&self) -> Result<IpAddr> {
        let url = reqwest::Url::parse(&self.url).context("GITEA_URL is no URL")?;
        url.host_str().unwrap_or_default().parse().context("the host of GITEA_URL is no address")
    }

    /// A user's name on this host.
    pub fn login(&self, login: &str) -> String {
        format!("{login}-{}", self.suffix)
    }

    /// A repository's name on this host.
    pub fn repository(&self, repo: &str) -> String {
        let (owner, name) = repo.split_once('/').unwrap_or((repo, ""));
        format!("{}/{name}", self.login(owner))
    }

    /// Where a repository is cloned from.
    pub fn git_url(&self, repo: &str) -> String {
        format!("{}/{}.git", self.url, self.repository(repo))
    }

    /// Registers a user and returns a token; the present one if the user exists.
    pub async fn create_user(&self, login: &str) -> Result<String> {
        if let Ok(token) = self.token(login) {
            return Ok(token);
        }
        let name = self.login(login);
        let user = json!({
            "username": name, "email": format!("{name}@forge.test"), "password": PASSWORD, "must_change_password": false,
        });
        self.call(Method::POST, "/admin/users", None, Some(&user)).await?;
        let token = self.create_token(login, "tests", &SCOPES).await?;
        self.remember(login, &token);
        Ok(token)
    }

    fn remember(&self, login: &str, token: &str) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(login.to_owned(), token.to_owned());
    }

    /// Makes another token for a user.
    pub async fn create_token(&self, login: &str, name: &str, scopes: &[&str]) -> Result<String> {
        let login = self.login(login);
        let request = self.client.post(format!("{}/api/v1/users/{login}/tokens", self.url));
        let wanted = json!({"name": name, "scopes": scopes});
        let answer =
            request.basic_auth(&login, Some(PASSWORD)).json(&wanted).send().await?.error_for_status()?;
        let answer: serde_json::Value = answer.json().await?;
        Ok(answer["sha1"].as_str().context("no token in the answer")?.to_owned())
    }

    /// The token of a user of this scene.
    fn token(&self, login: &str) -> Result<String> {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.get(login).cloned().with_context(|| format!("{login} is nobody's name"))
    }

    /// Looks again and again until something is found; fails after `limit`, naming `what`.
    pub async fn poll<T, F>(&self, what: &str, limit: Duration, look: impl Fn() -> F) -> Result<T>
    where
        F: Future<Output = Result<Option<T>>>,
    {
        let found = async {
            loop {
                if let Some(found) = look().await? {
                    return Ok(found);
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::time::timeout(limit, found)
            .await
            .with_context(|| format!("waited {limit:?} in vain for {what}"))?
    }

    /// Waits until Gitea has no work left: hooks have reported everything.
    pub async fn flush(&self, limit: Duration) -> Result<()> {
        let seconds = format!("{}s", limit.as_secs());
        let output = Command::new("gitea")
            .args(["manager", "flush-queues", "--timeout", &seconds, "--config", &self.config])
            .kill_on_drop(true)
            .output()
            .await
            .context("failed to start gitea")?;
        ensure!(
            output.status.success(),
            "failed to flush Gitea's queues: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(())
    }

    /// Calls the API: as a user, or as the administrator. An answer that is no success is an error with its text.
    async fn call(
        &self,
        method: Method,
        path: &str,
        by: Option<&str>,
        body: Option<&serde_json::Value>,
    ) -> Result<serde_json::Value> {
        let token = by.map_or_else(|| Ok(self.admin_token.clone()), |login| self.token(login))?;
        let mut request = self.client.request(method.clone(), format!("{}/api/v1{path}", self.url));
        request = request.header("authorization", format!("token {token}"));
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer =
            request.send().await.with_context(|| format!("failed to reach Gitea: {method} {path}"))?;
        let (status, text) = (answer.status(), answer.text().await?);
        if !status.is_success() {
            bail!("Gitea answered {status} to {method} {path}: {text}");
        }
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }
}
