//! JSON that Gitea and Forgejo write as GitHub does, read once for all of them. The words and the objects in which they differ are
//! a [`Dialect`], in the host's folder. GitLab and Bitbucket share nothing of it.

use std::borrow::Cow;

use serde::{
    Deserialize,
    de::{DeserializeOwned, IgnoredAny},
};
use tidegate_model::{
    CommentId, CommitHint, CommitSha, GitRef, Head, Login, PullRequestNumber, RefName, RepositoryPath,
};

use crate::inbound::{
    Author, Change, Comment, CommentChange, Edited, Inbound, Place, PullRequestChange, Push, RefChange,
};
use crate::{
    body::{branch_or_tag, commit_or_zeros, lenient, object, read, with_action},
    delivery::NormaliseError,
};

/// What a host says in its own way.
pub(crate) trait Dialect {
    /// A user. Each host shows otherwise which of them are programs.
    type User: DeserializeOwned + Into<Author>;
    /// What an edit of a pull request changed.
    type Changes: DeserializeOwned + Default + Into<Edited>;
    /// The user that is shown in the place of people who are gone. They may also be shown as nobody.
    const GONE: &'static str;
    /// The action of a pull request whose head moved.
    const HEAD_MOVED: &'static str;
    /// The actions of a pull request whose labels changed.
    const LABELS_CHANGED: [&'static str; 2];
    /// The action of a new review.
    const REVIEWED: &'static str;
}

/// A delivery about a pull request.
pub(crate) fn pull_request<D: Dialect>(body: &[u8]) -> Result<Inbound<'_>, NormaliseError> {
    let said = |payload: PullRequestPayload<'_, D>| Ok(payload.said());
    with_action(body, said, |OnlyAction { action }| change::<D>(&action).unused())
}

/// A delivery about a branch or tag.
pub(crate) fn push<D: Dialect>(body: &[u8]) -> Result<Inbound<'_>, NormaliseError> {
    read(body).map(PushPayload::<D>::said)
}

/// A delivery about a comment or a review, in the host's own payload.
pub(crate) fn comment<'a, D: Dialect, T: Deserialize<'a>>(
    body: &'a [u8],
    written: impl FnOnce(T) -> Written<'a, D>,
) -> Result<Inbound<'a>, NormaliseError> {
    let unused = |OnlyAction { action }: OnlyAction<'_>| comment_change::<D>(&action).unused();
    with_action(body, |payload| Ok(written(payload).said()), unused)
}

#[derive(Deserialize)]
struct OnlyAction<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
}

fn change<D: Dialect>(action: &str) -> Change {
    match action {
        "opened" => Change::Opened,
        "reopened" => Change::Reopened,
        "edited" => Change::Edited(Edited::default()),
        "closed" => Change::Closed,
        action if action == D::HEAD_MOVED => Change::HeadMoved,
        action if D::LABELS_CHANGED.contains(&action) => Change::LabelsChanged,
        _ => Change::Other,
    }
}

fn comment_change<D: Dialect>(action: &str) -> CommentChange {
    match action {
        "created" => CommentChange::Created,
        "edited" => CommentChange::Edited,
        "deleted" => CommentChange::Deleted,
        action if action == D::REVIEWED => CommentChange::Created,
        _ => CommentChange::Other,
    }
}

fn author<D: Dialect>(user: Option<D::User>) -> Author {
    let gone = || D::GONE.parse::<Login>().expect("a constant that is a login");
    user.map_or_else(|| Author { account: gone().into(), is_bot: false }, Into::into)
}

#[derive(Deserialize)]
pub(crate) struct Repository {
    full_name: RepositoryPath,
}

#[derive(Deserialize)]
#[serde(bound = "")]
struct PullRequestPayload<'a, D: Dialect> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    pull_request: PullRequest<D>,
    repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    changes: Option<D::Changes>,
}

#[derive(Deserialize)]
#[serde(bound = "")]
struct PullRequest<D: Dialect> {
    number: PullRequestNumber,
    #[serde(default, deserialize_with = "lenient")]
    user: Option<D::User>,
    #[serde(default, deserialize_with = "lenient")]
    merged: Option<bool>,
    #[serde(default, deserialize_with = "object")]
    head: Option<ShownHead>,
    #[serde(default, deserialize_with = "object")]
    base: Option<Base>,
}

#[derive(Deserialize, Default)]
struct ShownHead {
    #[serde(default, deserialize_with = "lenient")]
    sha: Option<CommitHint>,
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    branch: Option<RefName>,
    /// `null` when the fork was deleted.
    #[serde(default, deserialize_with = "object")]
    repo: Option<HeadRepository>,
}

#[derive(Deserialize)]
struct HeadRepository {
    #[serde(default, deserialize_with = "lenient")]
    full_name: Option<RepositoryPath>,
}

#[derive(Deserialize)]
struct Base {
    #[serde(default, rename = "ref", deserialize_with = "lenient")]
    branch: Option<RefName>,
}

impl<D: Dialect> PullRequestPayload<'_, D> {
    fn said<'a>(self) -> Inbound<'a> {
        let shown = self.pull_request;
        let head = shown.head.unwrap_or_default();
        Inbound::PullRequest(PullRequestChange {
            repository: self.repository.full_name,
            change: match change::<D>(&self.action) {
                Change::Edited(_) => Change::Edited(self.changes.unwrap_or_default().into()),
                Change::Closed if shown.merged == Some(true) => Change::Merged,
                change => change,
            },
            pull_request: tidegate_model::PullRequest {
                number: shown.number,
                author: Some(author::<D>(shown.user).account),
                head: Head {
                    sha: head.sha,
                    branch: head.branch,
                    repository: head.repo.and_then(|repository| repository.full_name),
                },
                base: shown.base.and_then(|base| base.branch),
            },
        })
    }
}

#[derive(Deserialize)]
#[serde(bound = "")]
struct PushPayload<'a, D: Dialect> {
    #[serde(rename = "ref", deserialize_with = "branch_or_tag")]
    reference: Option<GitRef>,
    #[serde(deserialize_with = "commit_or_zeros")]
    after: Option<CommitSha>,
    #[serde(borrow, default, deserialize_with = "object")]
    head_commit: Option<Commit<'a>>,
    repository: Repository,
    #[serde(default, deserialize_with = "lenient")]
    sender: Option<D::User>,
}

#[derive(Deserialize, Default)]
struct Commit<'a> {
    #[serde(default, deserialize_with = "lenient")]
    id: Option<CommitSha>,
    #[serde(borrow, default, deserialize_with = "lenient")]
    message: Cow<'a, str>,
}

impl<'a, D: Dialect> PushPayload<'a, D> {
    fn said(self) -> Inbound<'a> {
        let head = self.head_commit.unwrap_or_default();
        let after = match (&self.reference, self.after, head.id) {
            // `after` of an annotated tag is the tag object, the head commit is what it points to.
            (Some(GitRef::Tag(_)), Some(_), Some(commit)) => Some(commit),
            (_, after, _) => after,
        };
        ref_change::<D>(self.repository, self.sender, self.reference, after, head.message)
    }
}

/// The push of one ref; `None` is a ref that is neither branch nor tag.
pub(crate) fn ref_change<D: Dialect>(
    repository: Repository,
    sender: Option<D::User>,
    reference: Option<GitRef>,
    after: Option<CommitSha>,
    message: Cow<'_, str>,
) -> Inbound<'_> {
    Inbound::Push(Push {
        repository: repository.full_name,
        sender: sender.map(|sender| sender.into().account),
        changes: reference.map(|reference| RefChange { reference, after, message }).into_iter().collect(),
    })
}

/// What a host's payload holds of a comment or a review.
pub(crate) struct Written<'a, D: Dialect> {
    pub(crate) repository: Repository,
    pub(crate) action: Cow<'a, str>,
    pub(crate) place: Place,
    pub(crate) user: Option<D::User>,
    pub(crate) text: Option<Cow<'a, str>>,
}

impl<'a, D: Dialect> Written<'a, D> {
    fn said(self) -> Inbound<'a> {
        Inbound::Comment(Comment {
            repository: self.repository.full_name,
            change: comment_change::<D>(&self.action),
            place: self.place,
            author: author::<D>(self.user),
            text: self.text.unwrap_or_default(),
        })
    }
}

#[derive(Deserialize)]
pub(crate) struct Issue {
    pub(crate) number: PullRequestNumber,
    /// There only when the issue is a pull request.
    #[serde(default)]
    pub(crate) pull_request: Option<IgnoredAny>,
}

/// A comment, or a review.
#[derive(Deserialize)]
#[serde(bound = "")]
pub(crate) struct Text<'a, D: Dialect> {
    pub(crate) id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    pub(crate) user: Option<D::User>,
    /// Missing where there is no text.
    #[serde(borrow, default)]
    pub(crate) body: Option<Cow<'a, str>>,
}
