//! What the forge knows, apart from how a host would say it.

use std::{collections::BTreeMap, fmt::Display};

use anyhow::Result;
use axum::body::Bytes;
use jiff::Timestamp;
use tidegate_model::{CommitSha, Permission, RepositoryPath};

use crate::{
    fault::FaultRule,
    people::{Account, Team},
};

/// Something that was asked for is not there: 404 in the API.
#[derive(Debug, thiserror::Error)]
#[error("{0} does not exist")]
pub(crate) struct Missing(pub String);

/// What a search found, or its absence by kind and name.
pub(crate) fn found<T>(item: Option<T>, kind: &str, name: impl Display) -> Result<T> {
    Ok(item.ok_or_else(|| Missing(format!("{kind} {name}")))?)
}

/// A person or a bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The number that the host gave.
    pub id: u64,
    /// The name.
    pub login: String,
}

impl User {
    /// The address in the person's commits.
    pub fn email(&self) -> String {
        format!("{}@forge.test", self.login)
    }
}

/// A repository and all that hangs on it.
#[derive(Debug)]
pub(crate) struct Repository {
    pub id: u64,
    pub path: RepositoryPath,
    pub owner: User,
    pub private: bool,
    pub parent: Option<RepositoryPath>,
    pub created_at: String,
    /// What was granted beyond ownership and visibility, by login.
    pub permissions: BTreeMap<String, Permission>,
    /// `refs/heads/…` and `refs/tags/…` as hooks last reported them.
    pub refs: BTreeMap<String, CommitSha>,
    pub pulls: Vec<PullRequest>,
    pub comments: Vec<Comment>,
    pub commit_comments: Vec<CommitComment>,
    pub reviews: Vec<Review>,
    /// Oldest first, nothing is ever overwritten.
    pub statuses: Vec<Status>,
    pub hooks: Vec<Hook>,
    /// Only ever grows: a delivery is known by its index.
    pub deliveries: Vec<Delivery>,
}

/// A pull request.
#[derive(Debug, Clone)]
pub struct PullRequest {
    /// The number in its repository.
    pub number: u64,
    /// The title.
    pub title: String,
    /// Who opened it.
    pub author: User,
    /// The repository of the head branch.
    pub head_repository: RepositoryPath,
    /// The head branch.
    pub head: String,
    /// The commit that is proposed; also at `refs/pull/N/head`, except on Bitbucket.
    pub head_sha: CommitSha,
    /// The branch it wants to merge into.
    pub base: String,
    /// The branch that its stack wants to merge into, if it belongs to one. Only GitHub has stacks.
    pub stack_base: Option<String>,
    /// The base branch's head when the pull request was opened, its head moved or its base was changed.
    pub base_sha: CommitSha,
    /// The best common ancestor of head and base.
    pub merge_base: CommitSha,
    /// Whether git merges it without a conflict.
    pub mergeable: bool,
    /// Whether it is open.
    pub state: PullRequestState,
    /// RFC 3339, like all times here.
    pub created_at: String,
    /// When anything of it last changed.
    pub updated_at: String,
}

/// Whether a pull request is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PullRequestState {
    /// It waits.
    Open,
    /// Closed without a merge.
    Closed {
        /// When.
        at: String,
    },
    /// Merged.
    Merged {
        /// When.
        at: String,
        /// By whom.
        by: User,
        /// The merge commit.
        sha: CommitSha,
    },
}

/// A comment on a pull request.
#[derive(Debug, Clone)]
pub struct Comment {
    /// The id, unique on the forge.
    pub id: u64,
    /// The pull request.
    pub number: u64,
    /// Who wrote it.
    pub author: User,
    /// The text.
    pub body: String,
    /// Whether it was deleted. Only Bitbucket keeps such comments.
    pub deleted: bool,
    /// Who reacted with what.
    pub reactions: Vec<(User, String)>,
    /// When it was written.
    pub created_at: String,
    /// When it was last edited.
    pub updated_at: String,
}

/// A comment on a commit.
#[derive(Debug, Clone)]
pub struct CommitComment {
    /// The id, unique on the forge.
    pub id: u64,
    /// The commit.
    pub sha: CommitSha,
    /// Who wrote it.
    pub author: User,
    /// The text.
    pub body: String,
    /// When it was written.
    pub created_at: String,
}

/// A submitted review of a pull request that only comments.
#[derive(Debug, Clone)]
pub(crate) struct Review {
    pub id: u64,
    pub number: u64,
    pub author: User,
    pub body: String,
    /// The head that was reviewed.
    pub sha: CommitSha,
    pub submitted_at: String,
}

/// One commit status as it was posted.
#[derive(Debug, Clone)]
pub struct Status {
    /// The id, rising in the order of creation.
    pub id: u64,
    /// The commit.
    pub sha: CommitSha,
    /// What judges.
    pub context: String,
    /// Bitbucket's name for the context, of at most 40 characters; the context is what people see.
    pub key: Option<String>,
    /// The branch that the client named. Bitbucket calls it `refname`, GitLab `ref`.
    pub branch: Option<String>,
    /// The verdict, in the client's words: Gitea takes any.
    pub state: String,
    /// One line for people.
    pub description: Option<String>,
    /// Where to read more.
    pub target_url: Option<String>,
    /// Whose token posted it.
    pub creator: User,
    /// When.
    pub created_at: String,
}

/// A webhook of a repository. It always sends JSON.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The id, unique on the forge.
    pub id: u64,
    /// Where deliveries go.
    pub url: String,
    /// What signs them.
    pub secret: Option<String>,
    /// The events that were asked for, in the host's words.
    pub events: Vec<String>,
    /// Whether anything is sent.
    pub active: bool,
    /// Whether the receiver's certificate is checked.
    pub verify_tls: bool,
    /// When it was created.
    pub created_at: String,
    /// When it was last edited.
    pub updated_at: String,
}

/// One request to a hook, made or still to be made.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The id that the request carries. On GitHub a redelivery has the one of its original.
    pub id: String,
    /// The hook.
    pub hook: u64,
    /// The event's name in the header.
    pub event: &'static str,
    /// Gitea's finer name; on GitHub the same as `event`.
    pub event_type: &'static str,
    /// The exact bytes of the body.
    pub body: Bytes,
    /// Whether it was sent before.
    pub redelivery: bool,
    /// The receiver's status code, or the error; `None` while the request is running.
    pub response: Option<Result<u16, String>>,
}

/// One request to the REST API.
#[derive(Debug, Clone)]
pub struct ApiCall {
    /// The method.
    pub method: String,
    /// The path below the API's root, decoded, without a slash in front.
    pub path: String,
    /// The status code of the answer.
    pub status: u16,
    /// Whose token was shown.
    pub who: Option<String>,
}

/// All of it. Whoever changes it wakes whoever waits.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    pub accounts: Vec<Account>,
    pub teams: Vec<Team>,
    pub repositories: Vec<Repository>,
    pub calls: Vec<ApiCall>,
    pub faults: Vec<FaultRule>,
    pub unavailable: bool,
    /// Whether it is a GitLab that signs deliveries.
    pub has_signing_tokens: bool,
    /// Where repositories went that were renamed, by their old path in small letters.
    pub renamed: BTreeMap<String, RepositoryPath>,
    last_id: u64,
    last_commit: i64,
}

impl State {
    pub fn new(url: String) -> Self {
        Self { url, has_signing_tokens: true, ..Self::default() }
    }

    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Seconds since the epoch, never the same twice: else equal changes made in one second would be one commit.
    pub fn commit_time(&mut self) -> i64 {
        self.last_commit = Timestamp::now().as_second().max(self.last_commit + 1);
        self.last_commit
    }

    pub fn account(&self, login: &str) -> Result<&Account> {
        let is_it = |account: &&Account| account.user.login.eq_ignore_ascii_case(login);
        found(self.accounts.iter().find(is_it), "user", login)
    }

    /// Also by a path that it had before.
    pub fn repository(&self, path: &str) -> Result<&Repository> {
        let path = self.renamed.get(&path.to_ascii_lowercase()).map_or(path, RepositoryPath::as_str);
        let is_it = |repo: &&Repository| repo.path.as_str().eq_ignore_ascii_case(path);
        found(self.repositories.iter().find(is_it), "repository", path)
    }

    pub fn repository_mut(&mut self, path: &str) -> Result<&mut Repository> {
        let new = self.renamed.get(&path.to_ascii_lowercase());
        let path = new.map_or(path, RepositoryPath::as_str);
        let is_it = |repo: &&mut Repository| repo.path.as_str().eq_ignore_ascii_case(path);
        found(self.repositories.iter_mut().find(is_it), "repository", path)
    }
}

impl Repository {
    pub fn branch(&self, name: &str) -> Result<&CommitSha> {
        found(self.refs.get(&format!("refs/heads/{name}")), "branch", name)
    }

    pub fn pull(&self, number: u64) -> Result<&PullRequest> {
        found(self.pulls.iter().find(|pull| pull.number == number), "pull request", number)
    }

    pub fn pull_mut(&mut self, number: u64) -> Result<&mut PullRequest> {
        found(self.pulls.iter_mut().find(|pull| pull.number == number), "pull request", number)
    }

    pub fn comment(&self, id: u64) -> Result<&Comment> {
        found(self.comments.iter().find(|comment| comment.id == id), "comment", id)
    }

    pub fn comment_mut(&mut self, id: u64) -> Result<&mut Comment> {
        found(self.comments.iter_mut().find(|comment| comment.id == id), "comment", id)
    }

    pub fn commit_comment(&self, id: u64) -> Result<&CommitComment> {
        found(self.commit_comments.iter().find(|comment| comment.id == id), "comment", id)
    }

    pub fn review(&self, id: u64) -> Result<&Review> {
        found(self.reviews.iter().find(|review| review.id == id), "review", id)
    }

    pub fn hook(&self, id: u64) -> Result<&Hook> {
        found(self.hooks.iter().find(|hook| hook.id == id), "hook", id)
    }

    pub fn hook_mut(&mut self, id: u64) -> Result<&mut Hook> {
        found(self.hooks.iter_mut().find(|hook| hook.id == id), "hook", id)
    }

    /// A commit's statuses, newest first.
    pub fn statuses_of(&self, sha: &CommitSha) -> impl Iterator<Item = &Status> {
        self.statuses.iter().rev().filter(move |status| status.sha == *sha)
    }

    /// The newest status of every context, newest first.
    pub fn newest_statuses(&self, sha: &CommitSha) -> Vec<&Status> {
        let mut newest: Vec<&Status> = Vec::new();
        for status in self.statuses_of(sha) {
            if newest.iter().all(|known| known.context != status.context) {
                newest.push(status);
            }
        }
        newest
    }

    /// GitHub's and Gitea's verdict over all contexts of a commit.
    pub fn combined_state(&self, sha: &CommitSha) -> &'static str {
        let newest = self.newest_statuses(sha);
        if newest.iter().any(|status| matches!(status.state.as_str(), "error" | "failure" | "warning")) {
            "failure"
        } else if !newest.is_empty() && newest.iter().all(|status| status.state == "success") {
            "success"
        } else {
            "pending"
        }
    }
}

/// The present second, as the hosts write it.
pub(crate) fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
