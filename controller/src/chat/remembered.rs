//! What is remembered between comments.

use super::{memory::Memory, quota::Quota};
use crate::runs::locks::{PullRequest, Repository};

/// What is remembered between comments.
#[derive(Debug, Default)]
pub struct Chat {
    pub(super) memory: Memory,
    pub(super) quota: Quota<PullRequest>,
    /// On the commits of a repository together.
    pub(super) on_commits: Quota<Repository>,
}
