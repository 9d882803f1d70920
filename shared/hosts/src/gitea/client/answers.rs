//! What is used of Gitea's answers, and nothing else.

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_model::{CommentId, CommentKind, CommitSha, Login, PullRequestNumber, RefName, RepositoryPath};

use crate::body::lenient;
use crate::client::{
    CommentFacts, HeadFacts, Hook, HostError, PullRequestFacts, StatusFacts, number_at_end, without_head,
};
use crate::gitea::ACTIONS_USER;

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
}

impl PullRequest {
    /// A closed one whose head or base the host shows no more is as good as gone.
    pub(super) fn into_facts(self) -> Result<PullRequestFacts, HostError> {
        let open = self.state == "open";
        let sha = self.head.sha.ok_or_else(|| without_head(open))?;
        let base = self.base.branch.ok_or_else(|| without_head(open))?;
        Ok(PullRequestFacts {
            number: self.number,
            open,
            merged: self.merged,
            head: HeadFacts {
                sha,
                branch: self.head.branch,
                repository: self.head.repo.map(|repository| repository.full_name),
            },
            base,
            author: login(self.user)?,
            title: self.title,
            draft: self.draft,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: Login,
    /// Negative for Gitea's own.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) id: i64,
}

#[derive(Deserialize)]
pub(super) struct ShownComment {
    id: CommentId,
    /// Empty for a comment on a plain issue.
    #[serde(default, deserialize_with = "lenient")]
    pull_request_url: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    body: String,
    created_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
}

impl ShownComment {
    pub(super) fn into_facts(self) -> Result<CommentFacts, HostError> {
        Ok(CommentFacts {
            id: self.id,
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: number_at_end(&self.pull_request_url),
            is_by_bot: self.user.as_ref().is_some_and(|user| user.id == ACTIONS_USER),
            author: login(self.user)?,
            body: self.body,
            created_at: self.created_at,
            updated_at: self.updated_at.unwrap_or(self.created_at),
        })
    }
}

/// Gitea's own name for people who are gone is `Ghost`.
fn login(user: Option<User>) -> Result<Login, HostError> {
    match user {
        Some(user) => Ok(user.login),
        None => "Ghost".parse().map_err(|error| HostError::unreadable(&error)),
    }
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
    /// Empty for a review that was asked for.
    #[serde(default, deserialize_with = "lenient")]
    commit_id: Option<CommitSha>,
    /// When its author began to write it.
    submitted_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
}

impl ShownReview {
    /// `None` for a review that its author is still writing, and for one that was only asked for.
    pub(super) fn into_facts(self) -> Result<Option<CommentFacts>, HostError> {
        if matches!(&*self.state, "PENDING" | "REQUEST_REVIEW") {
            return Ok(None);
        }
        Ok(Some(CommentFacts {
            id: self.id,
            kind: CommentKind::Review,
            reviewed: self.commit_id,
            pull_request: number_at_end(&self.pull_request_url),
            is_by_bot: self.user.as_ref().is_some_and(|user| user.id == ACTIONS_USER),
            author: login(self.user)?,
            body: self.body,
            created_at: self.submitted_at,
            updated_at: self.updated_at.unwrap_or(self.submitted_at),
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
pub(super) struct PullRequestHead {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sha: Option<CommitSha>,
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    pub(super) branch: Option<RefName>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) repo: Option<Repository>,
}

#[derive(Deserialize)]
pub(super) struct Base {
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    pub(super) branch: Option<RefName>,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: RepositoryPath,
    /// What the owner of the token may do.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) permissions: Permissions,
}

#[derive(Default, Deserialize)]
pub(super) struct Permissions {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) push: bool,
}

/// A branch or tag.
#[derive(Deserialize)]
pub(super) struct Ref {
    pub(super) commit: Commit,
}

/// A branch or tag of a list.
#[derive(Deserialize)]
pub(super) struct NamedRef {
    pub(super) name: RefName,
    pub(super) commit: Commit,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    /// Branches call it `id`, tags `sha`.
    #[serde(alias = "id")]
    pub(super) sha: CommitSha,
}

#[derive(Deserialize)]
pub(super) struct ShownHook {
    pub(super) id: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) active: bool,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) events: Vec<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) config: ShownHookConfig,
}

#[derive(Deserialize, Default)]
pub(super) struct ShownHookConfig {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) url: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) content_type: Option<String>,
}

impl ShownHook {
    /// What `push`, `delete`, `pull_request_only`, `pull_request_sync`, `pull_request_comment` and `pull_request_review` are shown as.
    const EVENTS: [&str; 6] = [
        "delete",
        "pull_request",
        "pull_request_comment",
        "pull_request_review",
        "pull_request_sync",
        "push",
    ];

    /// A hook without an address is of another kind than ours.
    pub(super) fn into_hook(self) -> Option<Hook> {
        let has = |event: &str| self.events.iter().any(|sent| sent == event);
        Some(Hook {
            id: self.id.to_string(),
            active: self.active,
            sends_json: self.config.content_type.as_deref() == Some("json"),
            sends_all_events: Self::EVENTS.into_iter().all(has),
            url: self.config.url?,
        })
    }
}
