//! The first part of a hook's path.

use std::{fmt, str::FromStr};

use tidegate_model::{Host, ParseError};

/// Whose deliveries a hook takes, and how they are proven.
///
/// A host whose deliveries can be proven in two ways has a label for each: GitLab, by a signature or by a token in clear. The
/// label is part of what a hook's secret is derived from, so a secret that is sent in clear never signs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HookLabel {
    /// GitHub's signature.
    Github,
    /// GitLab's signature with a signing token.
    Gitlab,
    /// GitLab's secret token in clear, where a GitLab has no signing tokens yet.
    GitlabToken,
    /// Gitea's and Forgejo's signature.
    Gitea,
    /// Bitbucket's signature.
    Bitbucket,
}

impl HookLabel {
    /// Every label.
    pub const ALL: [Self; 5] = [Self::Github, Self::Gitlab, Self::GitlabToken, Self::Gitea, Self::Bitbucket];

    /// The label of a host's strongest proof.
    pub const fn for_host(host: Host) -> Self {
        match host {
            Host::Github => Self::Github,
            Host::Gitlab => Self::Gitlab,
            Host::Gitea => Self::Gitea,
            Host::Bitbucket => Self::Bitbucket,
        }
    }

    /// The label of the proof that the host offers where this one is not available.
    pub const fn weaker(self) -> Option<Self> {
        match self {
            Self::Gitlab => Some(Self::GitlabToken),
            Self::Github | Self::GitlabToken | Self::Gitea | Self::Bitbucket => None,
        }
    }

    /// The host.
    pub const fn host(self) -> Host {
        match self {
            Self::Github => Host::Github,
            Self::Gitlab | Self::GitlabToken => Host::Gitlab,
            Self::Gitea => Host::Gitea,
            Self::Bitbucket => Host::Bitbucket,
        }
    }

    /// The text in the path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::GitlabToken => "gitlab-token",
            Self::Gitea => "gitea",
            Self::Bitbucket => "bitbucket",
        }
    }
}

impl fmt::Display for HookLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HookLabel {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL.into_iter().find(|label| label.as_str() == text).ok_or_else(|| ParseError {
            kind: "hook label",
            value: text.chars().take(80).collect(),
            rule: "expected github, gitlab, gitlab-token, gitea or bitbucket",
        })
    }
}
