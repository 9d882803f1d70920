//! Comments, which GitLab calls notes. Each note has one id, whatever it is on.
//!
//! Sources: <https://docs.gitlab.com/api/notes/>, <https://docs.gitlab.com/api/discussions/#commits>,
//! <https://docs.gitlab.com/api/emoji_reactions/>

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tidegate_model::{CommentId, CommentKind, CommentPointer, CommitSha, PullRequestNumber, RepositoryPath};

use super::{
    GitlabClient,
    answers::{User, author},
    project,
};
use crate::{
    api::{Api, CommentFacts, CommitCommentFacts, HostError, Reaction, optional},
    body::lenient,
    gitlab::account::is_bot,
};

const THUMBS_UP: &str = "thumbsup";

#[derive(Deserialize)]
struct Note {
    id: CommentId,
    #[serde(default, deserialize_with = "lenient")]
    author: Option<User>,
    #[serde(default, deserialize_with = "lenient")]
    body: String,
    created_at: Timestamp,
    #[serde(default, deserialize_with = "lenient")]
    updated_at: Option<Timestamp>,
    /// Whether GitLab itself wrote it, about what somebody did.
    #[serde(default, deserialize_with = "lenient")]
    system: bool,
}

#[derive(Deserialize)]
struct Discussion {
    #[serde(default, deserialize_with = "lenient")]
    notes: Vec<Note>,
}

#[derive(Deserialize)]
struct Award {
    #[serde(default, deserialize_with = "lenient")]
    name: String,
}

impl Note {
    fn changed_at(&self) -> Timestamp {
        self.updated_at.unwrap_or(self.created_at)
    }

    /// `None` for what GitLab itself wrote.
    fn into_facts(self, pull_request: Option<PullRequestNumber>) -> Result<Option<CommentFacts>, HostError> {
        if self.system {
            return Ok(None);
        }
        let (created_at, updated_at) = (whole_seconds(self.created_at)?, whole_seconds(self.changed_at())?);
        let author = author(self.author)?;
        let is_by_bot = is_bot(&author);
        Ok(Some(CommentFacts {
            id: self.id,
            kind: CommentKind::Comment,
            reviewed: None,
            pull_request,
            author,
            is_by_bot,
            body: self.body,
            created_at,
            updated_at,
        }))
    }
}

fn whole_seconds(time: Timestamp) -> Result<Timestamp, HostError> {
    Timestamp::from_second(time.as_second()).map_err(|error| HostError::unreadable(&error))
}

/// Text in which no line is a command of GitLab's, which it would carry out in the name of the credential.
///
/// Source: <https://docs.gitlab.com/user/project/quick_actions/>
fn without_commands(text: &str) -> String {
    let escaped = |line: &str| {
        if line.trim_start().starts_with('/') { format!("\\{}", line.trim_start()) } else { line.to_owned() }
    };
    text.split('\n').map(escaped).collect::<Vec<_>>().join("\n")
}

impl GitlabClient {
    /// A merge request has comments alone: what people write with a review is one.
    pub(crate) async fn read_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        pointer: &CommentPointer,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let id = match pointer {
            CommentPointer::Comment(id) => id,
            CommentPointer::Review { .. } | CommentPointer::LatestReview { .. } => return Ok(Vec::new()),
        };
        let note: Option<Note> = optional(self.api.get(&note_path(repository, number, *id)).await)?;
        let facts = note.map(|note| note.into_facts(Some(number))).transpose()?.flatten();
        Ok(facts.into_iter().collect())
    }

    /// The last changed come first, so that what is older isn't read.
    pub(crate) async fn list_comments(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        since: Timestamp,
    ) -> Result<Vec<CommentFacts>, HostError> {
        let path = format!(
            "{}/merge_requests/{number}/notes?order_by=updated_at&sort=desc&activity_filter=only_comments",
            project(repository)
        );
        let is_wanted = |note: &Note| note.changed_at() >= since;
        let listing = self.api.list_while(&path, Api::MAX_ITEMS, Ok, is_wanted).await?;
        let notes = listing.complete("comments")?.into_iter().filter(is_wanted);
        let mut comments = Vec::new();
        for note in notes {
            comments.extend(note.into_facts(Some(number))?);
        }
        // One that changes while the pages are read is on two of them.
        comments.sort_by_key(|comment| comment.id);
        comments.dedup_by_key(|comment| comment.id);
        Ok(comments)
    }

    pub(crate) async fn create_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("{}/merge_requests/{number}/notes", project(repository));
        let body = json!({ "body": without_commands(body) });
        self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }

    pub(crate) async fn update_comment(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        comment: CommentId,
        body: &str,
    ) -> Result<(), HostError> {
        let body = json!({ "body": without_commands(body) });
        let path = note_path(repository, number, comment);
        self.api.write(Method::PUT, &path, &body, &[StatusCode::OK]).await.map(drop)
    }

    /// A reaction that is there already is 404 to GitLab, like a comment that isn't.
    pub(crate) async fn react(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
        comment: CommentId,
        reaction: Reaction,
    ) -> Result<(), HostError> {
        let path = format!("{}/award_emoji", note_path(repository, number, comment));
        let name = match reaction {
            Reaction::ThumbsUp => THUMBS_UP,
        };
        let body = json!({ "name": name });
        match self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await {
            Err(HostError::NotFound) => {
                let awards = self.api.list(&path, Api::MAX_ITEMS, |award: Award| Ok(award)).await?;
                let is_there = awards.items.iter().any(|award| award.name == name);
                if is_there { Ok(()) } else { Err(HostError::NotFound) }
            }
            written => written.map(drop),
        }
    }

    /// GitLab finds a note of a commit only by its discussion, which a delivery's id doesn't name: all are read.
    pub(crate) async fn read_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        comment: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        let listed = optional(self.list_commit_comments(repository, commit).await)?;
        Ok(listed.into_iter().flatten().find(|listed| listed.comment.id == comment))
    }

    pub(crate) async fn list_commit_comments(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        let path = format!("{}/repository/commits/{commit}/discussions", project(repository));
        let discussions = self.api.list(&path, Api::MAX_ITEMS, |shown: Discussion| Ok(shown)).await?;
        let notes = discussions.complete("comments")?.into_iter().flat_map(|discussion| discussion.notes);
        let mut comments = Vec::new();
        for note in notes {
            let facts = note.into_facts(None)?;
            comments.extend(facts.map(|comment| CommitCommentFacts { commit: commit.clone(), comment }));
        }
        comments.sort_by_key(|listed| listed.comment.id);
        Ok(comments)
    }

    pub(crate) async fn create_commit_comment(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        body: &str,
    ) -> Result<(), HostError> {
        let path = format!("{}/repository/commits/{commit}/comments", project(repository));
        let body = json!({ "note": without_commands(body) });
        self.api.write(Method::POST, &path, &body, &[StatusCode::CREATED]).await.map(drop)
    }
}

fn note_path(repository: &RepositoryPath, number: PullRequestNumber, note: CommentId) -> String {
    format!("{}/merge_requests/{number}/notes/{note}", project(repository))
}
