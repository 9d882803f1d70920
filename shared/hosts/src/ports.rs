//! The one place that knows every host: what each of them says about itself.

use tidegate_model::{Capabilities, Host, PullRequestNumber};

use crate::{bitbucket, gitea, github, gitlab, hook_label::HookLabel, inbound::Port, proof::Proof};

/// What a kind of host offers, where hosts differ.
pub const fn capabilities(host: Host) -> &'static Capabilities {
    match host {
        Host::Github => &github::CAPABILITIES,
        Host::Gitlab => &gitlab::CAPABILITIES,
        Host::Gitea => &gitea::CAPABILITIES,
        Host::Bitbucket => &bitbucket::CAPABILITIES,
    }
}

/// The ref of the base repository that holds a pull request's head; `None` where the host keeps no such refs.
pub fn pull_request_ref(host: Host, number: PullRequestNumber) -> Option<String> {
    match host {
        Host::Github => Some(github::pull_request_ref(number)),
        Host::Gitlab => Some(gitlab::pull_request_ref(number)),
        Host::Gitea => Some(gitea::pull_request_ref(number)),
        Host::Bitbucket => None,
    }
}

/// The user that `git` logs in as over HTTPS, with this token as the password.
pub fn git_user(host: Host, token: &str) -> &'static str {
    match host {
        Host::Github => github::GIT_USER,
        Host::Gitlab => gitlab::GIT_USER,
        Host::Gitea => gitea::GIT_USER,
        Host::Bitbucket => bitbucket::git_user(token),
    }
}

/// How the deliveries of a host are read.
pub(crate) const fn port(host: Host) -> &'static Port {
    match host {
        Host::Github => &github::PORT,
        Host::Gitlab => &gitlab::PORT,
        Host::Gitea => &gitea::PORT,
        Host::Bitbucket => &bitbucket::PORT,
    }
}

/// How the deliveries to a hook of this label are proven.
pub(crate) const fn proof(label: HookLabel) -> Proof {
    match label {
        HookLabel::Github => github::PROOF,
        HookLabel::Gitlab => gitlab::SIGNED,
        HookLabel::GitlabToken => gitlab::TOKEN,
        HookLabel::Gitea => gitea::PROOF,
        HookLabel::Bitbucket => bitbucket::PROOF,
    }
}
