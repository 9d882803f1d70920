//! What is used of the answers in several places, and nothing else.

use serde::Deserialize;
use tidegate_model::{CommitSha, Login, PullRequestNumber, RefName, RepositoryPath};

use crate::{
    api::{HeadFacts, HostError, PullRequestFacts},
    body::lenient,
    gitlab::account::GHOST,
};

/// An account, as an answer shows it.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) username: Login,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) path_with_namespace: RepositoryPath,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) namespace: Option<Namespace>,
}

/// Where a project is: with a person (`user`), or in a group.
#[derive(Deserialize)]
pub(super) struct Namespace {
    kind: String,
    path: Login,
}

impl Namespace {
    /// The person whose namespace it is.
    pub(super) fn person(self) -> Option<Login> {
        (self.kind == "user").then_some(self.path)
    }
}

/// Where the head of a merge request is.
#[derive(Default)]
pub(super) struct Source {
    /// `None` when the fork was deleted or can't be seen.
    pub(super) repository: Option<RepositoryPath>,
    /// The person that the fork belongs to.
    pub(super) owner: Option<Login>,
}

impl Source {
    /// In the repository of the base.
    pub(super) fn own(repository: &RepositoryPath) -> Self {
        Self { repository: Some(repository.clone()), owner: None }
    }
}

pub(super) fn author(user: Option<User>) -> Result<Login, HostError> {
    match user {
        Some(user) => Ok(user.username),
        None => GHOST.parse().map_err(|error| HostError::unreadable(&error)),
    }
}

/// One of a list has neither `diff_refs` nor `head_pipeline`.
#[derive(Deserialize)]
pub(super) struct MergeRequest {
    pub(super) iid: PullRequestNumber,
    state: String,
    /// The head.
    #[serde(default, deserialize_with = "lenient")]
    sha: Option<CommitSha>,
    #[serde(default, deserialize_with = "lenient")]
    diff_refs: DiffRefs,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) source_branch: Option<RefName>,
    #[serde(default, deserialize_with = "lenient")]
    target_branch: Option<RefName>,
    /// `null` when the fork was deleted.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) source_project_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) target_project_id: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    author: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    title: String,
    #[serde(default, deserialize_with = "lenient")]
    draft: Option<bool>,
    /// What `draft` was called before.
    #[serde(default, deserialize_with = "lenient")]
    work_in_progress: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) head_pipeline: Option<Pipeline>,
}

#[derive(Deserialize, Default)]
struct DiffRefs {
    #[serde(default, deserialize_with = "lenient")]
    head_sha: Option<CommitSha>,
}

#[derive(Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) sha: Option<CommitSha>,
    /// Missing in old versions.
    #[serde(default, deserialize_with = "lenient")]
    pub(super) project_id: Option<u64>,
}

impl MergeRequest {
    /// One that is being merged is locked for a moment.
    pub(super) fn is_open(&self) -> bool {
        matches!(&*self.state, "opened" | "locked")
    }

    pub(super) fn head(&self) -> Option<&CommitSha> {
        self.sha.as_ref().or(self.diff_refs.head_sha.as_ref())
    }

    pub(super) fn is_of_fork(&self) -> bool {
        self.source_project_id != self.target_project_id
    }

    fn is_draft(&self) -> bool {
        const MARKS: [&str; 5] = ["draft:", "[draft]", "(draft)", "wip:", "[wip]"];
        self.draft.or(self.work_in_progress).unwrap_or_else(|| {
            let title = self.title.to_lowercase();
            MARKS.iter().any(|mark| title.starts_with(mark))
        })
    }

    /// A closed one whose head or base the host shows no more is as good as gone.
    pub(super) fn into_facts(self, source: Source) -> Result<PullRequestFacts, HostError> {
        let open = self.is_open();
        let incomplete = || {
            if open {
                HostError::unreadable(&"an open merge request without a readable sha and target_branch")
            } else {
                HostError::NotFound
            }
        };
        let (draft, sha) = (self.is_draft(), self.head().cloned().ok_or_else(incomplete)?);
        Ok(PullRequestFacts {
            number: self.iid,
            open,
            merged: self.state == "merged",
            head: HeadFacts {
                sha,
                branch: self.source_branch,
                repository: source.repository,
                owner: source.owner,
            },
            base: self.target_branch.ok_or_else(incomplete)?,
            author: author(self.author)?,
            title: self.title,
            draft,
        })
    }
}
