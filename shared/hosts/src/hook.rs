//! The addresses that hosts send their webhooks to, and the secrets they prove them with.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};
use tidegate_model::{ConfigRef, Host, ParseError, SaltId};

mod master_key;

pub use crate::hook_label::HookLabel;
pub use master_key::{MasterKey, MasterKeyError};

/// Where a delivery comes in. Everything but the App's route names one config's hook.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum HookPath {
    /// `/hooks/{label}/{namespace}/{name}/{salt}`
    Config {
        /// Whose payloads come in here, and how they are proven.
        label: HookLabel,
        /// The config that the hook was registered for.
        config: ConfigRef,
        /// What makes the hook's secret its own.
        salt: Salt,
    },
    /// `/hooks/github-app`: the one route of the GitHub App, with the App's own secret.
    GithubApp,
}

impl HookPath {
    const GITHUB_APP: &str = "github-app";

    /// Whose payloads come in here, and how they are proven. An App's deliveries are like those of other hooks.
    pub const fn label(&self) -> HookLabel {
        match self {
            Self::Config { label, .. } => *label,
            Self::GithubApp => HookLabel::Github,
        }
    }

    /// Whose payloads come in here.
    pub const fn host(&self) -> Host {
        self.label().host()
    }
}

impl FromStr for HookPath {
    type Err = HookPathError;

    fn from_str(path: &str) -> Result<Self, HookPathError> {
        let rest = path.strip_prefix("/hooks/").ok_or(HookPathError::Shape)?;
        let parts: Vec<&str> = rest.splitn(5, '/').collect();
        match parts[..] {
            [Self::GITHUB_APP] => Ok(Self::GithubApp),
            [label, namespace, name, salt] => Ok(Self::Config {
                label: label.parse()?,
                config: ConfigRef { namespace: namespace.parse()?, name: name.parse()? },
                salt: salt.parse()?,
            }),
            _ => Err(HookPathError::Shape),
        }
    }
}

impl fmt::Display for HookPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config { label, config, salt } => {
                write!(f, "/hooks/{label}/{}/{}/{salt}", config.namespace, config.name)
            }
            Self::GithubApp => write!(f, "/hooks/{}", Self::GITHUB_APP),
        }
    }
}

/// A path that is no hook's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HookPathError {
    /// It has another number of parts, or another beginning.
    #[error(
        "failed to read the hook path: expected /hooks/{{label}}/{{namespace}}/{{name}}/{{salt}} or /hooks/github-app"
    )]
    Shape,
    /// One of its parts is not what it should be.
    #[error("failed to read the hook path")]
    Part(#[from] ParseError),
}

/// What makes a hook's secret its own: 16 to 64 characters of `A-Z a-z 0-9 - _`, chosen at random when the hook is registered.
///
/// It is no secret by itself. A new salt makes a new path and a new secret, so one hook can be rotated alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Salt(String);

impl Salt {
    /// The salt of these random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(hex::encode(bytes))
    }

    /// The salt's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the salt is called where it doesn't have to be known.
    pub fn id(&self) -> SaltId {
        let digest = hex::encode(&Sha256::digest(self.0.as_bytes())[..8]);
        digest.parse().expect("16 hexadecimal digits")
    }
}

impl FromStr for Salt {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let is_url_safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if (16..=64).contains(&text.len()) && text.bytes().all(is_url_safe) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError {
                kind: "salt",
                value: text.chars().take(80).collect(),
                rule: "expected 16 to 64 letters, digits, '-' and '_'",
            })
        }
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
