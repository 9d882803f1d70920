//! What is used of GitHub's answers, and nothing else.

use jiff::Timestamp;
use serde::Deserialize;
use tidegate_model::{CommentId, CommentKind, CommitSha, Login, PullRequestNumber, RefName, RepositoryPath};

use crate::body::lenient;
use crate::client::{
    CommentFacts, CommitCommentFacts, HeadFacts, Hook, HostError, PullRequestFacts, StatusFacts,
    number_at_end, without_head,
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
    /// Present where the pull request belongs to a stack. `base` is then the pull request below.
    /// Source: <https://docs.github.com/en/rest/pulls/stacks>
    #[serde(default)]
    stack: Option<Stack>,
}

impl PullRequest {
    /// A closed one whose head or base the host shows no more is as good as gone.
    pub(super) fn into_facts(self) -> Result<PullRequestFacts, HostError> {
        let open = self.state == "open";
        let sha = self.head.sha.ok_or_else(|| without_head(open))?;
        let base =
            self.stack.map_or(self.base, |stack| stack.base).branch.ok_or_else(|| without_head(open))?;
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
    #[serde(rename = "type", default, deserialize_with = "lenient")]
    pub(super) kind: String,
}

/// Its `issue_url` ends with the number, whether it is a plain issue's or a pull request's: only reading the pull request
/// tells.
#[derive(Deserialize)]
pub(super) struct ShownComment {
    id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    issue_url: String,
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
    pub(super) fn into_commit_facts(mut self) -> Result<CommitCommentFacts, HostError> {
        let commit =
            self.commit_id.take().ok_or_else(|| HostError::unreadable(&"missing field `commit_id`"))?;
        Ok(CommitCommentFacts { commit, comment: self.into_facts()? })
    }

    pub(super) fn into_facts(self) -> Result<CommentFacts, HostError> {
        Ok(CommentFacts {
            id: self.id,
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request: number_at_end(&self.issue_url),
            is_by_bot: self.user.as_ref().is_some_and(|user| user.kind == "Bot"),
            author: login(self.user)?,
            body: self.body,
            created_at: self.created_at,
            updated_at: self.updated_at.unwrap_or(self.created_at),
        })
    }
}

/// GitHub's own name for people who are gone is `ghost`.
fn login(user: Option<User>) -> Result<Login, HostError> {
    match user {
        Some(user) => Ok(user.login),
        None => "ghost".parse().map_err(|error| HostError::unreadable(&error)),
    }
}

#[derive(Deserialize)]
pub(super) struct ShownReview {
    id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    pull_request_url: String,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    body: String,
    #[serde(default, deserialize_with = "lenient")]
    commit_id: Option<CommitSha>,
    /// Not there before the review is submitted.
    submitted_at: Option<Timestamp>,
}

impl ShownReview {
    /// `None` for a review that its author is still writing.
    pub(super) fn into_facts(self) -> Result<Option<CommentFacts>, HostError> {
        let Some(submitted_at) = self.submitted_at else {
            return Ok(None);
        };
        Ok(Some(CommentFacts {
            id: self.id,
            kind: CommentKind::Review,
            reviewed: self.commit_id,
            pull_request: number_at_end(&self.pull_request_url),
            is_by_bot: self.user.as_ref().is_some_and(|user| user.kind == "Bot"),
            author: login(self.user)?,
            body: self.body,
            created_at: submitted_at,
            // GitHub doesn't show when a review was edited.
            updated_at: submitted_at,
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
pub(super) struct Stack {
    pub(super) base: Base,
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

/// A branch or tag of a list.
#[derive(Deserialize)]
pub(super) struct NamedRef {
    pub(super) name: RefName,
    pub(super) commit: Commit,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) sha: CommitSha,
}

/// A ref or an annotated tag: both point to an object.
#[derive(Deserialize)]
pub(super) struct Pointer {
    pub(super) object: Object,
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub(super) sha: CommitSha,
    #[serde(rename = "type")]
    pub(super) kind: String,
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
    /// A hook without an address is of another kind than ours.
    pub(super) fn into_hook(self) -> Option<Hook> {
        let has = |event: &str| self.events.iter().any(|sent| sent == event || sent == "*");
        Some(Hook {
            id: self.id.to_string(),
            active: self.active,
            sends_json: self.config.content_type.as_deref() == Some("json"),
            sends_all_events: super::GithubClient::EVENTS.into_iter().all(has),
            url: self.config.url?,
        })
    }
}
