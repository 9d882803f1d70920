//! A Git host in this process, for tests and demos: real bare repositories behind `git http-backend`, the REST API and
//! the webhooks of a host around them.
//!
//! It signs and renders by itself and shares no code with what it tests: a mistake made twice would cancel out. `state`
//! is the model without a dialect; `github`, `gitlab`, `gitea` and `bitbucket` render it as their host does. A route that
//! no part of Tidegate calls is not implemented: it answers 501 and names itself.

mod agit;
mod bitbucket;
mod comment;
mod deliver;
mod event;
mod fault;
mod git;
mod gitea;
mod github;
mod gitlab;
mod people;
mod pull_request;
mod push;
mod routes;
mod server;
mod smart_http;
mod state;
mod status;

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
pub use fault::Fault;
use fault::FaultRule;
use git::Git;
use people::{Account, Team};
pub use state::{
    ApiCall, Comment, CommitComment, Delivery, Hook, PullRequest, PullRequestState, Status, User,
};
use state::{Repository, State, now};
use tidegate_model::{AccountKind, Host, Permission, RepositoryPath};
use tidegate_sandbox_gate::{Gate, Moment};
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// A running Git host. Clones are handles to the same one.
#[derive(Debug, Clone)]
pub struct Forge {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dialect: Host,
    git: Git,
    state: watch::Sender<State>,
    /// Held while references change, so that hooks report each change once and in order.
    turn: Mutex<()>,
    client: reqwest::Client,
    tasks: TaskTracker,
    cancel: CancellationToken,
}

impl Forge {
    /// Starts a host that speaks one dialect, on a free port of 127.0.0.1. Repositories are in `work_dir`.
    pub async fn start(dialect: Host, work_dir: &Path) -> Result<Self> {
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("failed to open the forge's port")?;
        let url = format!("http://{}", listener.local_addr()?);
        let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let inner = Inner {
            dialect,
            git: Git::prepare(work_dir).await?,
            state: watch::Sender::new(State::new(url)),
            turn: Mutex::default(),
            client: client.build().context("failed to build the client of webhooks")?,
            tasks: TaskTracker::new(),
            cancel: CancellationToken::new(),
        };
        let forge = Self { inner: Arc::new(inner) };
        forge.inner.tasks.spawn(server::serve(forge.clone(), listener));
        Ok(forge)
    }

    /// Ends the server and all deliveries, and waits until they are gone.
    pub async fn stop(&self) {
        self.inner.cancel.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
    }

    /// The root of the web pages and of the repositories.
    pub fn url(&self) -> String {
        self.state().url.clone()
    }

    /// What `spec.git.apiUrl` has to say: GitHub's as on an Enterprise Server.
    pub fn api_url(&self) -> String {
        match self.inner.dialect {
            Host::Github => format!("{}{}", self.url(), github::API_ROOT),
            Host::Gitlab => format!("{}{}", self.url(), gitlab::API_ROOT),
            Host::Gitea => self.url(),
            Host::Bitbucket => format!("{}{}", self.url(), bitbucket::API_ROOT),
        }
    }

    /// What the API calls a user: the login, on Bitbucket the UUID.
    pub fn shown_login(&self, login: &str) -> Result<String> {
        let user = self.user(login)?;
        Ok(match self.inner.dialect {
            Host::Github | Host::Gitlab | Host::Gitea => user.login,
            Host::Bitbucket => bitbucket::uuid(&user),
        })
    }

    /// Where a repository is cloned from.
    pub fn git_url(&self, repo: &str) -> String {
        format!("{}/{repo}.git", self.url())
    }

    /// Registers a user and returns the token for API and Git; the present token if the user exists.
    pub fn create_user(&self, login: &str) -> String {
        self.add_account(login, false)
    }

    fn add_account(&self, login: &str, app: bool) -> String {
        self.change(|state| {
            if let Ok(account) = state.account(login) {
                return account.token.clone();
            }
            let user = User { id: state.next_id(), login: login.to_owned() };
            let token = format!("{:040x}", rand::random::<u128>());
            let token = match self.inner.dialect {
                Host::Github | Host::Gitlab | Host::Gitea => token,
                Host::Bitbucket => format!("{}{token}", bitbucket::ACCESS_TOKEN),
            };
            let kind = if login.ends_with("[bot]") { AccountKind::Bot } else { AccountKind::Person };
            state.accounts.push(Account { user, token: token.clone(), app, kind });
            token
        })
    }

    /// Makes an account that is there, or a new one, no person but a bot or an organisation. Its token stays.
    pub fn set_kind(&self, login: &str, kind: AccountKind) -> Result<()> {
        self.create_user(login);
        self.change(|state| {
            let is_it = |account: &&mut Account| account.user.login == login;
            state.accounts.iter_mut().find(is_it).context("it was made")?.kind = kind;
            Ok(())
        })
    }

    /// Makes a team of an organisation, with what its members may do with the code of all repositories.
    pub fn create_team(&self, organisation: &str, name: &str, code: Permission, members: &[&str]) {
        self.change(|state| {
            let id = state.next_id();
            let members = members.iter().map(ToString::to_string).collect();
            let (organisation, name) = (organisation.to_owned(), name.to_owned());
            state.teams.push(Team { id, organisation, name, code, members });
        });
    }

    /// Creates `owner/name` with one commit on `main`. The owner is registered if need be.
    pub async fn create_repository(&self, repo: &str, private: bool) -> Result<()> {
        let path: RepositoryPath = repo.parse()?;
        self.add_repository(path.clone(), private, None).await?;
        let readme = format!("# {}\n", path.name());
        self.commit(repo, "main", path.owner(), &[("README.md", &readme)], "Initial commit\n").await?;
        Ok(())
    }

    /// Forks a repository into a user's account, under the same name, and returns the fork's path.
    pub async fn fork(&self, repo: &str, by: &str) -> Result<RepositoryPath> {
        let (parent, private) = {
            let state = self.state();
            let parent = state.repository(repo)?;
            (parent.path.clone(), parent.private)
        };
        let path: RepositoryPath = format!("{by}/{}", parent.name()).parse()?;
        self.add_repository(path.clone(), private, Some(parent)).await?;
        Ok(path)
    }

    async fn add_repository(
        &self,
        path: RepositoryPath,
        private: bool,
        parent: Option<RepositoryPath>,
    ) -> Result<()> {
        self.create_user(path.owner());
        let owner = self.user(path.owner())?;
        self.inner.git.create(&path, parent.as_ref()).await?;
        let refs = self.inner.git.refs(&path).await?;
        self.change(|state| {
            let repository = Repository {
                id: state.next_id(),
                path,
                owner,
                private,
                parent,
                created_at: now(),
                refs,
                permissions: [].into(),
                pulls: vec![],
                comments: vec![],
                commit_comments: vec![],
                reviews: vec![],
                statuses: vec![],
                hooks: vec![],
                deliveries: vec![],
            };
            state.repositories.push(repository);
        });
        Ok(())
    }

    /// Renames a repository. The API leads from its old path to the new one.
    pub async fn rename(&self, repo: &str, new: &str) -> Result<()> {
        let (old, new) = (self.path(repo)?, new.parse::<RepositoryPath>()?);
        let _turn = self.inner.turn.lock().await;
        self.inner.git.rename(&old, &new).await?;
        self.change(|state| {
            let pulls = state.repositories.iter_mut().flat_map(|repo| &mut repo.pulls);
            pulls
                .filter(|pull| pull.head_repository == old)
                .for_each(|pull| pull.head_repository = new.clone());
            state.repository_mut(old.as_str())?.path = new.clone();
            state.renamed.insert(old.as_str().to_ascii_lowercase(), new);
            Ok(())
        })
    }

    /// Grants a user a permission in a repository, or takes it away.
    pub fn set_permission(&self, repo: &str, login: &str, permission: Permission) -> Result<()> {
        let user = self.user(login)?;
        self.change(|state| {
            state.repository_mut(repo)?.permissions.insert(user.login, permission);
            Ok(())
        })
    }

    /// Hides a repository from everybody without a permission in it.
    pub fn make_private(&self, repo: &str) -> Result<()> {
        self.change(|state| {
            state.repository_mut(repo)?.private = true;
            Ok(())
        })
    }

    /// Every request to the REST API so far.
    pub fn api_calls(&self) -> Vec<ApiCall> {
        self.state().calls.clone()
    }

    /// Makes the next `times` requests, API or Git, fail whose path contains `path` and whose method is `method`
    /// (`None`: any).
    pub fn fail_next(&self, times: usize, method: Option<&str>, path: &str, fault: Fault) {
        let (method, path) = (method.map(str::to_owned), path.to_owned());
        self.change(|state| {
            state.faults.push(FaultRule { left: times, method, path, fault });
        });
    }

    /// Ends the faults of this path.
    pub fn end_faults(&self, path: &str) {
        self.change(|state| state.faults.retain(|rule| rule.path != path));
    }

    /// Holds the next such request, before it has taken effect or after.
    pub fn hold_next(&self, method: Option<&str>, path: &str, moment: Moment) -> Gate {
        let gate = Gate::default();
        self.fail_next(1, method, path, Fault::Held(gate.clone(), moment));
        gate
    }

    /// While it is unavailable, every request is answered with 503. Deliveries continue.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.change(|state| state.unavailable = unavailable);
    }

    /// Looks again after every change until something is found; fails after `limit`, naming `what`.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let mut changes = self.inner.state.subscribe();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = look(self) {
                    return Ok(found);
                }
                changes.changed().await?;
            }
        };
        tokio::time::timeout(limit, found)
            .await
            .with_context(|| format!("waited {limit:?} in vain for {what}"))?
    }

    fn user(&self, login: &str) -> Result<User> {
        Ok(self.state().account(login)?.user.clone())
    }

    fn path(&self, repo: &str) -> Result<RepositoryPath> {
        Ok(self.state().repository(repo)?.path.clone())
    }

    /// A look at the state. It must be dropped before anything is changed.
    fn state(&self) -> watch::Ref<'_, State> {
        self.inner.state.borrow()
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut result = None;
        self.inner.state.send_modify(|state| result = Some(change(state)));
        result.expect("send_modify runs the change")
    }
}
