//! What GitLab offers, where hosts differ.

use tidegate_model::{Capabilities, PullRequestNumber};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    // Source: <https://docs.gitlab.com/api/emoji_reactions/#add-reactions-to-comments>
    reacts_to_comments: true,
    // What people write with a review is a comment like any other.
    reacts_to_reviews: false,
    // Source: <https://docs.gitlab.com/api/commits/#post-comment-to-commit>
    comments_on_commits: true,
    // Every member reads the members. Source: <https://docs.gitlab.com/user/permissions/>
    permissions_need_admin: false,
    labels: true,
    // Source: <https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks>
    disables_failing_hooks: true,
    // Source: <https://docs.gitlab.com/api/project_webhooks/#resend-a-project-webhook-event>
    redelivery: true,
    // `sha`. Source: <https://docs.gitlab.com/api/merge_requests/#merge-a-merge-request>
    merges_given_head: true,
    // Those of merge requests and commits. Source: <https://docs.gitlab.com/user/project/quick_actions/>
    quick_actions: &[
        "approve",
        "assign",
        "assign_reviewer",
        "award",
        "cc",
        "close",
        "copy_metadata",
        "done",
        "draft",
        "estimate",
        "estimate_time",
        "label",
        "labels",
        "lock",
        "merge",
        "milestone",
        "react",
        "ready",
        "reassign",
        "reassign_reviewer",
        "rebase",
        "relabel",
        "remove_assignee",
        "remove_estimate",
        "remove_milestone",
        "remove_time_spent",
        "reopen",
        "request_changes",
        "request_review",
        "reviewer",
        "shrug",
        "spend",
        "spend_time",
        "submit_review",
        "subscribe",
        "tableflip",
        "tag",
        "target_branch",
        "title",
        "todo",
        "unapprove",
        "unassign",
        "unassign_reviewer",
        "unlabel",
        "unlock",
        "unsubscribe",
    ],
};

/// Any name will do with a personal, project or group token as the password.
///
/// Source: <https://docs.gitlab.com/topics/git/clone/#clone-using-a-token>
pub(crate) const GIT_USER: &str = "oauth2";

/// Source: <https://docs.gitlab.com/user/project/merge_requests/reviews/#checkout-merge-requests-locally-through-the-head-ref>
pub(crate) fn pull_request_ref(number: PullRequestNumber) -> String {
    format!("refs/merge-requests/{number}/head")
}
