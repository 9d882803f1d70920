//! What the name of an account says.

use tidegate_model::Login;

/// The account that has what deleted people wrote.
///
/// Source: <https://docs.gitlab.com/user/profile/account/delete_account/#associated-records>
pub(super) const GHOST: &str = "ghost";

/// Whether an account is the one that GitLab made for a token of a project or group. Where a comment shows its author, only the
/// name shows this.
///
/// Source: <https://docs.gitlab.com/user/project/settings/project_access_tokens/#bot-users-for-projects>
pub(super) fn is_bot(login: &Login) -> bool {
    let login = login.as_str();
    let of = login.strip_prefix("project_").or_else(|| login.strip_prefix("group_"));
    let id =
        of.and_then(|of| of.split_once("_bot")).filter(|(_, rest)| rest.is_empty() || rest.starts_with('_'));
    id.is_some_and(|(id, _)| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()))
}
