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
    /// Gitea's and Forgejo's signature.
    Gitea,
}

impl HookLabel {
    /// Every label.
    pub const ALL: [Self; 2] = [Self::Github, Self::Gitea];

    /// The label of a host's strongest proof.
    pub const fn for_host(host: Host) -> Self {
        match host {
            Host::Github => Self::Github,
            Host::Gitea => Self::Gitea,
        }
    }

    /// The host.
    pub const fn host(self) -> Host {
        match self {
            Self::Github => Host::Github,
            Self::Gitea => Host::Gitea,
        }
    }

    /// The text in the path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitea => "gitea",
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
            rule: "expected github or gitea",
        })
    }
}
