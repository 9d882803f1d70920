//! What is used of the answers, and nothing else.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tidegate_model::{CommentId, CommentKind, CommitSha, Login, PullRequestNumber, RefName, RepositoryPath};

use super::{
    dialect::{CommentAddress, Dialect},
    user::User,
};
use crate::{
    api::{CommentFacts, CommitCommentFacts, HeadFacts, Hook, HostError, PullRequestFacts, StatusFacts},
    body::lenient,
};

/// One of a list has no `merged`: it is open.
#[derive(Deserialize)]
pub(super) struct PullRequest {
    number: PullRequestNumber,
    state: String,
    #[serde(default, deserialize_with = "lenient")]
    merged: bool,
    #[serde(default, deserialize_with = "lenient")]
    draft: bool,
    #[serde(default, deserialize_with = "lenient")]
    title: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    head: PullRequestHead,
    base: Base,
    /// Present where the pull request belongs to a stack of GitHub's. `base` is then the pull request below.
    /// Source: <https://docs.github.com/en/rest/pulls/stacks>
    #[serde(default)]
    stack: Option<Stack>,
}

#[derive(Deserialize)]
struct PullRequestHead {
    #[serde(default, deserialize_with = "lenient")]
    sha: Option<CommitSha>,
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    branch: Option<RefName>,
    #[serde(default, deserialize_with = "lenient")]
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Base {
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    branch: Option<RefName>,
}

#[derive(Deserialize)]
struct Stack {
    base: Base,
}

impl PullRequest {
    /// A closed one whose head or base the host shows no more is as good as gone.
    pub(super) fn into_facts(self, dialect: &Dialect) -> Result<PullRequestFacts, HostError> {
        let open = self.state == "open";
        let incomplete = || {
            if open {
                HostError::unreadable(&"an open pull request without a readable head.sha and base.ref")
            } else {
                HostError::NotFound
            }
        };
        let sha = self.head.sha.ok_or_else(incomplete)?;
        let repository = self.head.repo.map(|repository| repository.full_name);
        let owner = repository.as_ref().and_then(|repository| repository.owner().parse().ok());
        let base = self.stack.map_or(self.base, |stack| stack.base).branch.ok_or_else(incomplete)?;
        Ok(PullRequestFacts {
            number: self.number,
            open,
            merged: self.merged,
            head: HeadFacts { sha, branch: self.head.branch, owner, repository },
            base,
            author: author(self.user, dialect)?,
            title: self.title,
            draft: self.draft,
        })
    }
}

fn author(user: Option<User>, dialect: &Dialect) -> Result<Login, HostError> {
    match user {
        Some(user) => Ok(user.login),
        None => dialect.ghost.parse().map_err(|error| HostError::unreadable(&error)),
    }
}

/// A comment in a conversation, or on a commit.
#[derive(Deserialize)]
pub(crate) struct ShownComment {
    id: CommentId,
    /// Ends with the number of the issue or pull request. Gitea leaves it empty on a pull request.
    #[serde(default, deserialize_with = "lenient")]
    issue_url: String,
    /// Only Gitea shows it. It is empty on a plain issue.
    #[serde(default, deserialize_with = "lenient")]
    pull_request_url: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    body: String,
    created_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
    /// There only when it is on a commit.
    #[serde(default, deserialize_with = "lenient")]
    commit_id: Option<CommitSha>,
}

impl ShownComment {
    pub(crate) fn into_commit_facts(mut self, dialect: &Dialect) -> Result<CommitCommentFacts, HostError> {
        let commit =
            self.commit_id.take().ok_or_else(|| HostError::unreadable(&"missing field `commit_id`"))?;
        Ok(CommitCommentFacts { commit, comment: self.into_facts(dialect)? })
    }

    pub(crate) fn into_facts(self, dialect: &Dialect) -> Result<CommentFacts, HostError> {
        Ok(CommentFacts {
            id: self.id,
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: number_at_end(match dialect.comment_address {
                CommentAddress::Issue => &self.issue_url,
                CommentAddress::PullRequest => &self.pull_request_url,
            }),
            is_by_bot: self.user.as_ref().is_some_and(dialect.is_bot),
            author: author(self.user, dialect)?,
            body: self.body,
            created_at: self.created_at,
            updated_at: self.updated_at.unwrap_or(self.created_at),
        })
    }
}

/// The number at the end of an address such as `…/pulls/7`.
fn number_at_end(address: &str) -> Option<PullRequestNumber> {
    let (_, number) = address.rsplit_once('/')?;
    number.parse().ok().map(PullRequestNumber)
}

#[derive(Deserialize)]
pub(super) struct ShownReview {
    id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    pull_request_url: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    state: String,
    #[serde(default, deserialize_with = "lenient")]
    body: String,
    /// Empty on Gitea for a review that was asked for.
    #[serde(default, deserialize_with = "lenient")]
    commit_id: Option<CommitSha>,
    /// On GitHub not there before the review is submitted; on Gitea, when its author began to write it.
    submitted_at: Option<Timestamp>,
    /// GitHub doesn't show when a review was edited.
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
}

impl ShownReview {
    /// `None` for a review that its author is still writing, and for one that was only asked for.
    pub(super) fn into_facts(self, dialect: &Dialect) -> Result<Option<CommentFacts>, HostError> {
        let Some(submitted_at) = self.submitted_at else { return Ok(None) };
        if matches!(&*self.state, "PENDING" | "REQUEST_REVIEW") {
            return Ok(None);
        }
        Ok(Some(CommentFacts {
            id: self.id,
            kind: CommentKind::Review,
            reviewed: self.commit_id,
            pull_request: number_at_end(&self.pull_request_url),
            is_by_bot: self.user.as_ref().is_some_and(dialect.is_bot),
            author: author(self.user, dialect)?,
            body: self.body,
            created_at: submitted_at,
            updated_at: self.updated_at.unwrap_or(submitted_at),
        }))
    }
}

#[derive(Deserialize)]
pub(super) struct ShownStatus {
    context: String,
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    created_at: Timestamp,
}

impl ShownStatus {
    pub(super) fn into_facts(self) -> StatusFacts {
        let Self { context, description, created_at } = self;
        StatusFacts { context, description, created_at }
    }
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    pub(crate) full_name: RepositoryPath,
    /// What the owner of the token may do.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) permissions: Permissions,
}

#[derive(Default, Deserialize)]
pub(super) struct Permissions {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) push: bool,
}

/// A branch or tag of a list.
#[derive(Deserialize)]
pub(super) struct NamedRef {
    pub(super) name: RefName,
    pub(super) commit: Commit,
}

#[derive(Deserialize)]
pub(crate) struct Commit {
    /// Gitea's branches call it `id`.
    #[serde(alias = "id")]
    pub(crate) sha: CommitSha,
}

#[derive(Deserialize)]
pub(crate) struct ShownHook {
    pub(crate) id: u64,
    #[serde(default, deserialize_with = "lenient")]
    active: bool,
    #[serde(default, deserialize_with = "lenient")]
    events: Vec<String>,
    #[serde(default, deserialize_with = "lenient")]
    config: ShownHookConfig,
}

#[derive(Deserialize, Default)]
struct ShownHookConfig {
    #[serde(default, deserialize_with = "lenient")]
    url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    content_type: Option<String>,
    /// Only GitHub shows it: a text, in old versions a number.
    #[serde(default)]
    insecure_ssl: Option<Value>,
}

impl ShownHook {
    /// A hook without an address is of another kind than ours.
    pub(super) fn into_hook(self, dialect: &Dialect) -> Option<Hook> {
        // GitHub's `*` means every event.
        let sends = |event: &str| self.events.iter().any(|sent| sent == event || sent == "*");
        Some(Hook {
            id: self.id.to_string(),
            active: self.active,
            sends_json: self.config.content_type.as_deref() == Some("json"),
            sends_all_events: dialect.hook_events.iter().copied().all(sends),
            verifies_tls: !self.config.insecure_ssl.is_some_and(|insecure| insecure == "1" || insecure == 1),
            has_secret: true,
            signed: None,
            url: self.config.url?,
        })
    }
}
