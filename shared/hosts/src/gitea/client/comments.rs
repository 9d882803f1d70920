//! Comments on commits, which Gitea has not.

use tidegate_model::{CommentId, CommitSha, RepositoryPath};

use super::GiteaClient;
use crate::api::{CommitCommentFacts, HostError};

impl GiteaClient {
    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn read_commit_comment(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
        _: CommentId,
    ) -> Result<Option<CommitCommentFacts>, HostError> {
        Err(HostError::Unsupported)
    }

    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn list_commit_comments(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
    ) -> Result<Vec<CommitCommentFacts>, HostError> {
        Err(HostError::Unsupported)
    }

    #[expect(clippy::unused_async, reason = "other hosts have comments on commits")]
    pub(crate) async fn create_commit_comment(
        &self,
        _: &RepositoryPath,
        _: &CommitSha,
        _: &str,
    ) -> Result<(), HostError> {
        Err(HostError::Unsupported)
    }
}
