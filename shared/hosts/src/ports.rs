//! The one place that knows every host: what each of them says about itself.

use tidegate_model::{Capabilities, Host, PullRequestNumber};

use crate::{gitea, github, hook_label::HookLabel, inbound::Port, proof::Proof};

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

/// The user that `git` logs in as over HTTPS, with a token as the password.
pub const fn git_user(host: Host) -> &'static str {
    match host {
        Host::Github => github::GIT_USER,
        Host::Gitea => gitea::GIT_USER,
    }
}

/// How the deliveries of a host are read.
pub(crate) const fn port(host: Host) -> &'static Port {
    match host {
        Host::Github => &github::PORT,
        Host::Gitea => &gitea::PORT,
    }
}

/// How the deliveries to a hook of this label are proven.
pub(crate) const fn proof(label: HookLabel) -> Proof {
    match label {
        HookLabel::Github => github::PROOF,
        HookLabel::Gitea => gitea::PROOF,
    }
}
