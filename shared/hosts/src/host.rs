//! What is known of a kind of host without calling it.

use tidegate_model::{Capabilities, Host, PullRequestNumber};

use crate::{gitea, github};

/// What a kind of host offers, where hosts differ.
pub const fn capabilities(host: Host) -> &'static Capabilities {
    match host {
        Host::Github => &github::CAPABILITIES,
        Host::Gitea => &gitea::CAPABILITIES,
    }
}

/// The ref of the base repository that holds a pull request's head; `None` where the host keeps no such refs.
pub fn pull_request_ref(host: Host, number: PullRequestNumber) -> Option<String> {
    match host {
        Host::Github => Some(github::pull_request_ref(number)),
        Host::Gitea => Some(gitea::pull_request_ref(number)),
    }
}
