//! The kinds of Git hosts.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A kind of Git host: whose payloads, signatures and API are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Host {
    /// github.com and GitHub Enterprise Server.
    Github,
    /// Gitea and Forgejo.
    Gitea,
}

impl Host {
    /// Every host, for tables and help texts.
    pub const ALL: [Self; 2] = [Self::Github, Self::Gitea];

    /// The name in configs, hook paths and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitea => "gitea",
        }
    }

    /// The address of the API that a config means which names none: the public site's.
    pub const fn default_api_url(self) -> &'static str {
        match self {
            Self::Github => "https://api.github.com",
            Self::Gitea => "https://gitea.com",
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Host {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::ALL
            .into_iter()
            .find(|host| host.as_str() == text)
            .ok_or_else(|| ParseError::new("host", text, "expected github or gitea"))
    }
}
