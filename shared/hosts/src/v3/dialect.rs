//! What differs within a call.

use super::user::User;

/// In what the two differ within one call.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The host's own name for people who are gone.
    pub(crate) ghost: &'static str,
    /// Whether the host says of an account that it is no person.
    pub(crate) is_bot: fn(&User) -> bool,
    /// The address in a comment that ends with the number of its pull request.
    pub(crate) comment_address: CommentAddress,
    /// Whether a delivery about a review says which one.
    pub(crate) deliveries_name_reviews: bool,
    /// Whether the comments of a conversation come in pages.
    pub(crate) comments_have_pages: bool,
    /// How open pull requests are sorted by age.
    pub(crate) oldest_first: &'static str,
    /// How a commit's statuses are sorted, the newest first.
    pub(crate) newest_status_first: &'static str,
    /// What the events that Tidegate uses are called where a hook is shown.
    pub(crate) hook_events: &'static [&'static str],
}

/// Where the number of a comment's pull request is found.
#[derive(Debug, Clone, Copy)]
pub(crate) enum CommentAddress {
    /// At the end of `issue_url`.
    Issue,
    /// At the end of `pull_request_url`, which is empty for a plain issue.
    PullRequest,
}
