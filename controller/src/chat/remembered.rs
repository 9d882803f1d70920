//! What is remembered between comments.

use super::{answered::AnsweredComments, quota::Quota};
use crate::runs::locks::{PullRequest, Repository};

/// The state that is kept between comments.
#[derive(Debug, Default)]
pub struct Chat {
    pub(super) answered: AnsweredComments,
    pub(super) quota: Quota<PullRequest>,
    /// On the commits of a repository together.
    pub(super) on_commits: Quota<Repository>,
}
