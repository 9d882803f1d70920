//! Comments and reactions: those on a pull request are its issue's.

use anyhow::{Context as _, Result};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tidegate_sandbox_forge::{Comment, User};

use super::Gitea;

#[derive(Deserialize)]
struct CommentAnswer {
    id: u64,
    body: String,
    user: UserAnswer,
    created_at: String,
    updated_at: String,
}

#[derive(Deserialize)]
struct ReactionAnswer {
    user: UserAnswer,
    content: String,
}

#[derive(Deserialize)]
struct UserAnswer {
    id: u64,
    login: String,
}

impl From<UserAnswer> for User {
    fn from(user: UserAnswer) -> Self {
        Self { id: user.id, login: user.login }
    }
}

impl Gitea {
    /// Comments on a pull request and returns the comment's id.
    pub async fn comment(&self, repo: &str, number: u64, by: &str, body: &str) -> Result<u64> {
        let path = self.path(repo, &format!("/issues/{number}/comments"));
        let answer = self.call(Method::POST, &path, Some(by), Some(&json!({"body": body}))).await?;
        answer["id"].as_u64().context("a comment without an id")
    }

    /// Submits a review of a pull request that comments with a text.
    pub async fn review(&self, repo: &str, number: u64, by: &str, body: &str) -> Result<()> {
        let path = self.path(repo, &format!("/pulls/{number}/reviews"));
        let review = json!({"event": "COMMENT", "body": body});
        self.call(Method::POST, &path, Some(by), Some(&review)).await?;
        Ok(())
    }

    /// Changes a comment's text.
    pub async fn edit_comment(&self, repo: &str, id: u64, by: &str, body: &str) -> Result<()> {
        let path = self.path(repo, &format!("/issues/comments/{id}"));
        self.call(Method::PATCH, &path, Some(by), Some(&json!({"body": body}))).await?;
        Ok(())
    }

    /// The comments on a pull request with their reactions, oldest first.
    pub async fn comments(&self, repo: &str, number: u64) -> Result<Vec<Comment>> {
        let path = self.path(repo, &format!("/issues/{number}/comments"));
        let answer = self.call(Method::GET, &path, None, None).await?;
        let answers: Vec<CommentAnswer> =
            serde_json::from_value(answer).context("failed to read comments")?;
        let mut comments = Vec::new();
        for CommentAnswer { id, body, user, created_at, updated_at } in answers {
            let path = self.path(repo, &format!("/issues/comments/{id}/reactions"));
            // Gitea returns null for an empty list.
            let answer = self.call(Method::GET, &path, None, None).await?;
            let reactions: Option<Vec<ReactionAnswer>> =
                serde_json::from_value(answer).context("failed to read reactions")?;
            let reactions = reactions.into_iter().flatten();
            let reactions = reactions.map(|reaction| (reaction.user.into(), reaction.content)).collect();
            let author = user.into();
            let deleted = false;
            comments.push(Comment { id, number, author, body, deleted, reactions, created_at, updated_at });
        }
        Ok(comments)
    }
}
