//! What Gitea and Forgejo offer, where hosts differ. Source: `routers/api/v1/api.go` of Gitea 1.26.

use tidegate_model::{Capabilities, PullRequestNumber};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    reacts_to_comments: true,
    reacts_to_reviews: false,
    comments_on_commits: false,
    // 403 for others than repository and site administrators: `GetRepoPermissions` in `routers/api/v1/repo/collaborators.go`.
    permissions_need_admin: true,
    labels: true,
    disables_failing_hooks: false,
    // A hook can be tested, no more.
    redelivery: false,
    // `head_commit_id` in `services/forms/repo_form.go`.
    merges_given_head: true,
    quick_actions: &[],
};

/// Any name will do: with a password, only the password is read as a token. Source: `services/auth/basic.go`.
pub(crate) const GIT_USER: &str = "x-access-token";

/// Source: `GetGitHeadRefName` in `models/issues/pull.go`.
pub(crate) fn pull_request_ref(number: PullRequestNumber) -> String {
    format!("refs/pull/{number}/head")
}
