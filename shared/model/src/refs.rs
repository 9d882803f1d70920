//! Git references.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::ParseError;

const RULE: &str =
    "expected a name of at most 244 characters that `git check-ref-format refs/heads/NAME` accepts";

/// A branch's or tag's short name: what `git check-ref-format` accepts behind `refs/heads/`, and a bound on its length.
///
/// It may start with `-` or be `@`, so it is an argument of a program only as a part of a full ref. It can't break out of a
/// refspec.
///
/// Source: <https://git-scm.com/docs/git-check-ref-format>
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("minLength" = 1, "maxLength" = 244))]
pub struct RefName(Arc<str>);

impl RefName {
    /// The longest name, in characters.
    const MAX_LENGTH: usize = 244;

    /// The short name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_ref_name(text: &str) -> bool {
    let component = |s: &str| !s.is_empty() && !s.starts_with('.') && !s.ends_with(".lock");
    !text.is_empty()
        && text.chars().count() <= RefName::MAX_LENGTH
        && !text.ends_with('.')
        && !text.contains("..")
        && !text.contains("@{")
        && !text.chars().any(|c| c == ' ' || c.is_ascii_control() || "~^:?*[\\".contains(c))
        && text.split('/').all(component)
}

impl FromStr for RefName {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if is_ref_name(text) { Ok(Self(text.into())) } else { Err(ParseError::new("ref name", text, RULE)) }
    }
}

impl TryFrom<String> for RefName {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<RefName> for String {
    fn from(name: RefName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for RefName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A full reference, written `refs/heads/…` or `refs/tags/…`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum GitRef {
    /// `refs/heads/…`
    Branch(RefName),
    /// `refs/tags/…`
    Tag(RefName),
}

impl JsonSchema for GitRef {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "GitRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // What `is_ref_name` accepts, and nothing else. The pattern names the characters, the rule their order.
        json_schema!({
            "type": "string",
            "maxLength": 255,
            "pattern": r"^refs/(heads|tags)/[^\x00-\x20\x7f~^:?*\[\\]{1,244}$",
            "x-kubernetes-validations": [{
                "rule": "!self.matches('[.][.]|@[{]|//|/[.]|[.]lock(/|$)|[./]$')",
                "message": RULE,
            }],
        })
    }
}

impl GitRef {
    /// The name without `refs/heads/` or `refs/tags/`.
    pub fn name(&self) -> &RefName {
        match self {
            Self::Branch(name) | Self::Tag(name) => name,
        }
    }
}

impl FromStr for GitRef {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some(name) = text.strip_prefix("refs/heads/") {
            name.parse().map(Self::Branch)
        } else if let Some(name) = text.strip_prefix("refs/tags/") {
            name.parse().map(Self::Tag)
        } else {
            Err(ParseError::new("ref", text, "expected refs/heads/… or refs/tags/…"))
        }
    }
}

impl TryFrom<String> for GitRef {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<GitRef> for String {
    fn from(reference: GitRef) -> Self {
        reference.to_string()
    }
}

impl fmt::Display for GitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Branch(name) => write!(f, "refs/heads/{name}"),
            Self::Tag(name) => write!(f, "refs/tags/{name}"),
        }
    }
}

#[cfg(test)]
mod tests;
