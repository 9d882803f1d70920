//! What GitHub offers, where hosts differ.

use tidegate_model::{Capabilities, PullRequestNumber};

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    // Source: <https://docs.github.com/en/rest/reactions/reactions>
    reacts_to_comments: true,
    reacts_to_reviews: false,
    comments_on_commits: true,
    // Whoever may push reads them.
    // Source: <https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user>
    permissions_need_admin: false,
    labels: true,
    disables_failing_hooks: false,
    // Source: <https://docs.github.com/en/rest/repos/webhooks#redeliver-a-delivery-for-a-repository-webhook>
    redelivery: true,
    // Source: <https://docs.github.com/en/rest/pulls/pulls#merge-a-pull-request>
    merges_given_head: true,
    quick_actions: &[],
};

/// Source: <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/authenticating-as-a-github-app-installation>
pub(crate) const GIT_USER: &str = "x-access-token";

/// Source: <https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/reviewing-changes-in-pull-requests/checking-out-pull-requests-locally>
pub(crate) fn pull_request_ref(number: PullRequestNumber) -> String {
    format!("refs/pull/{number}/head")
}
