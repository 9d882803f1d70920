//! What Bitbucket Cloud offers, where hosts differ. Source, where none is named: the routes at
//! <https://developer.atlassian.com/cloud/bitbucket/rest/>.

use tidegate_model::Capabilities;

pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    // There is no route for reactions to comments.
    reacts_to_comments: false,
    reacts_to_reviews: false,
    // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commits/>
    comments_on_commits: true,
    // "Only users with admin permission for the repository may access this resource":
    // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-workspaces/>
    permissions_need_admin: true,
    // A pull request has no such field.
    labels: false,
    disables_failing_hooks: false,
    // A person can ask for it in the hook's history, no route does.
    redelivery: false,
    // `pullrequest_merge_parameters` has no hash:
    // <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-pullrequests/>
    merges_given_head: false,
    quick_actions: &[],
};
