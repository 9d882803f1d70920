//! Comments on pull requests, and reviews of them.

use anyhow::Result;
use tidegate_model::{CommitSha, Host};

use crate::{
    Comment, CommitComment, Forge,
    event::Event,
    state::{Review, now},
};

impl Forge {
    /// Writes a comment and returns its id.
    pub fn comment(&self, repo: &str, number: u64, author: &str, body: &str) -> Result<u64> {
        let (path, author) = (self.path(repo)?, self.user(author)?);
        let id = self.change(|state| {
            let id = state.next_id();
            let repo = state.repository_mut(repo)?;
            repo.pull(number)?;
            let (author, body) = (author.clone(), body.to_owned());
            // One look at the clock: a later second would be an edit.
            let created_at = now();
            repo.comments.push(Comment {
                id,
                number,
                author,
                body,
                deleted: false,
                reactions: vec![],
                updated_at: created_at.clone(),
                created_at,
            });
            anyhow::Ok(id)
        })?;
        self.announce(&path, &author, &Event::Comment { id, edited_from: None })?;
        Ok(id)
    }

    /// Writes a comment on a commit and returns its id.
    pub fn comment_on_commit(&self, repo: &str, sha: &CommitSha, author: &str, body: &str) -> Result<u64> {
        let (path, author) = (self.path(repo)?, self.user(author)?);
        let id = self.change(|state| {
            let id = state.next_id();
            let (author, body, sha) = (author.clone(), body.to_owned(), sha.clone());
            let comment = CommitComment { id, sha, author, body, created_at: now() };
            state.repository_mut(repo)?.commit_comments.push(comment);
            anyhow::Ok(id)
        })?;
        self.announce(&path, &author, &Event::CommitComment(id))?;
        Ok(id)
    }

    /// The comments on a commit, oldest first.
    pub fn commit_comments(&self, repo: &str, sha: &CommitSha) -> Result<Vec<CommitComment>> {
        let state = self.state();
        let comments = state.repository(repo)?.commit_comments.iter();
        Ok(comments.filter(|comment| comment.sha == *sha).cloned().collect())
    }

    /// Submits a review of the present head that comments with a text, and returns its id.
    pub fn review(&self, repo: &str, number: u64, author: &str, body: &str) -> Result<u64> {
        let (path, author) = (self.path(repo)?, self.user(author)?);
        let id = self.change(|state| {
            let id = state.next_id();
            let repo = state.repository_mut(repo)?;
            let (body, submitted_at) = (body.to_owned(), now());
            let pull = repo.pull_mut(number)?;
            pull.updated_at.clone_from(&submitted_at);
            let sha = pull.head_sha.clone();
            repo.reviews.push(Review { id, number, author: author.clone(), body, sha, submitted_at });
            anyhow::Ok(id)
        })?;
        self.announce(&path, &author, &Event::Review(id))?;
        Ok(id)
    }

    /// Changes a comment's text.
    pub fn edit_comment(&self, repo: &str, id: u64, by: &str, body: &str) -> Result<()> {
        let (path, by) = (self.path(repo)?, self.user(by)?);
        let old = self.change(|state| {
            let comment = state.repository_mut(repo)?.comment_mut(id)?;
            comment.updated_at = now();
            anyhow::Ok(std::mem::replace(&mut comment.body, body.to_owned()))
        })?;
        self.announce(&path, &by, &Event::Comment { id, edited_from: Some(&old) })
    }

    /// Deletes a comment. Bitbucket keeps its place, without the text.
    pub fn delete_comment(&self, repo: &str, id: u64, by: &str) -> Result<()> {
        let (path, by) = (self.path(repo)?, self.user(by)?);
        let comment = self.change(|state| {
            let repo = state.repository_mut(repo)?;
            let comment = repo.comment_mut(id)?;
            comment.deleted = true;
            comment.updated_at = now();
            if self.inner.dialect == Host::Bitbucket {
                comment.body.clear();
                return anyhow::Ok(comment.clone());
            }
            let comment = comment.clone();
            repo.comments.retain(|known| known.id != id);
            Ok(comment)
        })?;
        self.announce(&path, &by, &Event::CommentDeleted(&comment))
    }

    /// Adds a reaction; `false` if it was there.
    pub(crate) fn react(&self, repo: &str, id: u64, by: &str, content: &str) -> Result<bool> {
        let reaction = (self.user(by)?, content.to_owned());
        self.change(|state| {
            let reactions = &mut state.repository_mut(repo)?.comment_mut(id)?.reactions;
            let new = !reactions.contains(&reaction);
            if new {
                reactions.push(reaction);
            }
            Ok(new)
        })
    }

    /// The comments on a pull request, oldest first.
    pub fn comments(&self, repo: &str, number: u64) -> Result<Vec<Comment>> {
        let state = self.state();
        let comments = state.repository(repo)?.comments.iter();
        Ok(comments.filter(|comment| comment.number == number).cloned().collect())
    }
}
