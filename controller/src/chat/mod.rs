//! ChatOps: commands in comments.
//!
//! One comment: `facts` (host, cluster) → what it means (`admit`, `plan`, `rules::chatops`; pure) → actions, which `runs`
//! carries out → one `answer` (host). A comment is handled for all configs of its repository together, whichever hook delivered
//! it, so that it gets one answer. Each step may be repeated: the objects that a comment changed record it.

mod admit;
mod answer;
mod answered;
mod asker;
mod comment;
mod commit;
mod facts;
mod find;
mod markdown;
mod plan;
mod pull_request;
mod quota;
mod remembered;

pub use self::{
    asker::Asker,
    comment::{Comment, CommentRef, CommitCommentRef},
    find::{find, holds_command},
    remembered::Chat,
};
use crate::trigger::{Followed, error::TriggerError};

impl Chat {
    /// Carries out the commands of a comment.
    pub async fn follow(&self, comment: Comment<'_>, asker: Asker<'_>) -> Result<Followed, TriggerError> {
        match comment {
            Comment::OnPullRequest(at) => self.follow_on_pull_request(at, asker).await,
            Comment::OnCommit(at) => self.follow_on_commit(at, asker).await,
        }
    }
}
