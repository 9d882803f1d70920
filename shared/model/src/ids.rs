//! Names and numbers that hosts and Kubernetes give to things, each checked when it is parsed.

use std::{fmt, str::FromStr, sync::Arc};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ParseError;

/// A string newtype: `FromStr`, serde and `Display` from one rule. Clones share their text: the controller holds the same commit
/// and job names in many places.
///
/// The schema's bounds stand on the type: with serde's `try_from`, schemars describes a bare `String` and would drop those
/// of the field. The schema accepts what the type accepts, and nothing else: the API server must store nothing that the
/// controller can't read. So patterns name no `\s`, which Kubernetes reads as ASCII only, and what a pattern can't say is a
/// CEL rule.
macro_rules! text_id {
    (
        $(#[$doc:meta])* $name:ident, $kind:literal, max $max:literal, pattern $pattern:literal,
        $(cel $cel:literal,)? $rule:literal, $check:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline, extend(
            "minLength" = 1, "maxLength" = $max, "pattern" = $pattern
            $(, "x-kubernetes-validations" = [{"rule": $cel, "message": $rule}])?
        ))]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text as it was parsed.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                let check: fn(&str) -> bool = $check;
                if text.is_empty() || text.chars().count() > $max || !check(text) {
                    return Err(ParseError::new($kind, text, $rule));
                }
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseError;

            fn try_from(text: String) -> Result<Self, ParseError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_dns_label(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

text_id!(
    /// A repository's path on its host: `owner/name`, on GitLab with any number of groups before the name, on Bitbucket
    /// `workspace/slug`.
    RepositoryPath, "repository path", max 255,
    pattern r"^(\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*|\.\.[A-Za-z0-9_.-]+)(/(\.?[A-Za-z0-9_-][A-Za-z0-9_.-]*|\.\.[A-Za-z0-9_.-]+))+$",
    "expected owner/name of letters, digits, '-', '_' and '.', without the segments '.' and '..'",
    |text| {
        let segment = |s: &str| {
            !matches!(s, "" | "." | "..") && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        text.contains('/') && text.split('/').all(segment)
    }
);

impl RepositoryPath {
    /// Whether both name one repository: hosts compare owner and name without case.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.as_str().eq_ignore_ascii_case(other.as_str())
    }

    /// All but the last segment: the owner (a user, an organisation, or GitLab's groups).
    pub fn owner(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// The last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.as_str(), |(_, name)| name)
    }
}

text_id!(
    /// A commit's full object id: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits, not all zero.
    CommitSha, "commit SHA", max 64, pattern r"^([0-9a-f]{40}|[0-9a-f]{64})$",
    cel "self.matches('[1-9a-f]')",
    "expected 40 or 64 lowercase hexadecimal digits that are not all zero",
    |text| {
        matches!(text.len(), 40 | 64)
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && text.bytes().any(|b| b != b'0')
    }
);

impl CommitSha {
    /// The first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }
}

text_id!(
    /// A commit as a delivery shows it: 7 to 64 lowercase hexadecimal digits that its full id begins with, not all zero.
    /// Bitbucket shows 12 of them.
    ///
    /// It selects nothing and approves nothing: two commits that share 12 digits are cheap to make. So no [`CommitSha`] is made of
    /// a hint, not even of a full one: the host is asked for the commit, and the hint only says whether it is the one that was
    /// shown.
    CommitHint, "commit hint", max 64, pattern r"^[0-9a-f]{7,64}$", cel "self.matches('[1-9a-f]')",
    "expected 7 to 64 lowercase hexadecimal digits that are not all zero",
    |text| {
        text.len() >= 7
            && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && text.bytes().any(|b| b != b'0')
    }
);

impl CommitHint {
    /// Whether the commit is one that the delivery may have shown.
    pub fn may_be(&self, commit: &CommitSha) -> bool {
        commit.0.starts_with(self.as_str())
    }
}

impl From<CommitSha> for CommitHint {
    fn from(commit: CommitSha) -> Self {
        Self(commit.0)
    }
}

text_id!(
    /// The id that a host gives to one webhook request; the same when it delivers again.
    DeliveryId, "delivery id", max 128, pattern r"^[!-~]+$", "expected at most 128 visible ASCII characters",
    |text| text.bytes().all(|b| b.is_ascii_graphic())
);

text_id!(
    /// What a host's API knows an account by, and what makes two accounts the same: the login on GitHub, GitLab, Gitea and
    /// Forgejo, the `{uuid}` on Bitbucket, whose nicknames are not unique.
    Login, "login", max 255, pattern r"^[^\p{Cc}\p{Z}/]+$",
    "expected at most 255 characters without white space, control characters or '/'",
    |text| !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/')
);

text_id!(
    /// A job's name in its config: a DNS label of at most 40 characters.
    JobName, "job name", max 40, pattern r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "expected at most 40 lowercase letters, digits and '-', not at either end",
    is_dns_label
);

text_id!(
    /// The name of a namespace or of an object in it: a DNS label of at most 63 characters.
    ObjectName, "object name", max 63, pattern r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "expected at most 63 lowercase letters, digits and '-', not at either end",
    is_dns_label
);

text_id!(
    /// A moment by a host's clock, in the host's own words: a date and time of RFC 3339.
    HostTime, "time", max 40, pattern r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$",
    "expected a date and time of RFC 3339, of at most 40 characters",
    |text| text.contains('T') && text.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b))
);

text_id!(
    /// Which salt a hook's secret was derived from: a digest of it, so that the salt stays in the hook's address.
    SaltId, "salt id", max 16, pattern r"^[0-9a-f]{16}$", "expected 16 lowercase hexadecimal digits",
    |text| text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
);

/// Which `IntegrationConfig`: namespace and name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConfigRef {
    /// The namespace of the config.
    pub namespace: ObjectName,
    /// The name of the config.
    pub name: ObjectName,
}

impl fmt::Display for ConfigRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// A pull request's number in its repository: what people see behind `#`. On GitLab it is the merge request's `iid`, never its
/// `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PullRequestNumber(pub u64);

impl fmt::Display for PullRequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A comment's id on its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct CommentId(pub u64);

impl fmt::Display for CommentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests;
