//! What a kind of Git host offers, where hosts differ.

use crate::CommentKind;

/// What a kind of Git host offers, where hosts differ. Whoever depends on one of these reads it here, and never asks which
/// host it is. Each host's values are in its folder of `tidegate-hosts`, with their sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a difference of its own")]
pub struct Capabilities {
    /// Whether an account can react to a comment in a pull request's conversation. Bitbucket Cloud has no reactions: there
    /// a reply in words takes their place.
    pub reacts_to_comments: bool,
    /// Whether an account can react to the text of a review. The REST APIs of GitHub and Gitea offer reactions to comments
    /// alone.
    pub reacts_to_reviews: bool,
    /// Whether people can comment on a commit. Gitea has no such comments.
    pub comments_on_commits: bool,
    /// Whether only an administrator's credential reads what other people may do. On Gitea and Bitbucket Cloud it does, so
    /// a message about this missing right has to name it.
    pub permissions_need_admin: bool,
    /// Whether a pull request has labels. On Bitbucket Cloud it has none.
    pub labels: bool,
    /// Whether the host disables a hook whose deliveries fail a few times. GitLab does.
    pub disables_failing_hooks: bool,
    /// Whether the API shows past deliveries of a hook and makes one again. Those of Gitea and Bitbucket Cloud don't.
    pub redelivery: bool,
    /// Whether a merge can be made on the condition that the head is a given commit. Bitbucket Cloud can't.
    pub merges_given_head: bool,
    /// The words after a slash that the host takes for commands of its own, so that a comment with them never reaches us.
    /// GitLab has such quick actions: there the long form `/tidegate …` is the only one.
    pub quick_actions: &'static [&'static str],
}

impl Capabilities {
    /// Whether an account can react to a comment of this kind.
    pub const fn reacts_to(&self, kind: CommentKind) -> bool {
        match kind {
            CommentKind::Comment => self.reacts_to_comments,
            CommentKind::Review => self.reacts_to_reviews,
        }
    }
}
