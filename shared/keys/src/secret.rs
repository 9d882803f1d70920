//! The secret's content.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tidegate_hosts::hook::{HookLabel, MasterKey, MasterKeyError, Salt};
use tidegate_model::ConfigRef;

/// The keys that are live now.
#[derive(Debug)]
pub struct WebhookKeys {
    current: MasterKey,
    previous: Option<MasterKey>,
    next: Option<MasterKey>,
    github_app: Option<SecretString>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    keys: Vec<SecretString>,
    next: Option<SecretString>,
    github_app_webhook_secret: Option<SecretString>,
}

impl WebhookKeys {
    /// Reads the secret's text.
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let content: Content = serde_json::from_str(text.expose_secret()).map_err(|error| {
            // The parser's own text may quote a key.
            SecretError::Json { line: error.line(), column: error.column() }
        })?;
        let keys: Vec<MasterKey> = content
            .keys
            .iter()
            .enumerate()
            .map(|(index, key)| MasterKey::from_hex(key).map_err(|source| SecretError::Key { index, source }))
            .collect::<Result<_, _>>()?;
        let (current, previous) = match <[MasterKey; 1]>::try_from(keys) {
            Ok([current]) => (current, None),
            Err(keys) => match <[MasterKey; 2]>::try_from(keys) {
                Ok([current, previous]) => (current, Some(previous)),
                Err(keys) => return Err(SecretError::Count { count: keys.len() }),
            },
        };
        let next = content.next.as_ref().map(MasterKey::from_hex).transpose();
        let next = next.map_err(|source| SecretError::NextKey { source })?;
        if previous.is_some() && next.is_some() {
            return Err(SecretError::Count { count: 3 });
        }
        let github_app = content.github_app_webhook_secret;
        if github_app.as_ref().is_some_and(|secret| secret.expose_secret().is_empty()) {
            return Err(SecretError::EmptyAppSecret);
        }
        Ok(Self { current, previous, next, github_app })
    }

    /// The key that new hooks are registered with.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key that was the current one, until every hook is registered under the new one.
    pub fn previous(&self) -> Option<&MasterKey> {
        self.previous.as_ref()
    }

    /// The key that becomes the current one when everybody has had the time to read it.
    pub fn next(&self) -> Option<&MasterKey> {
        self.next.as_ref()
    }

    /// What a delivery of this hook may be signed with: a secret per live key, the current one first.
    pub fn hook_secrets(&self, label: HookLabel, config: &ConfigRef, salt: &Salt) -> Vec<SecretString> {
        let keys = [Some(&self.current), self.previous.as_ref(), self.next.as_ref()];
        keys.into_iter().flatten().map(|key| key.derive(label, config, salt)).collect()
    }

    /// The GitHub App's own webhook secret.
    pub fn github_app(&self) -> Option<&SecretString> {
        self.github_app.as_ref()
    }
}

/// Why the secret can't be used. No text here shows any of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It is not JSON, or lacks `keys`, or a field has another type.
    #[error("failed to read the secret: unexpected JSON at line {line}, column {column}")]
    Json {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// `keys` and `next` together hold no key, or more than two.
    #[error("failed to read the secret: expected one or two keys, got {count}")]
    Count {
        /// How many there are.
        count: usize,
    },
    /// An entry of `keys` is no key.
    #[error("failed to read keys[{index}] of the secret")]
    Key {
        /// Its index, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: MasterKeyError,
    },
    /// `next` is no key.
    #[error("failed to read next of the secret")]
    NextKey {
        /// What is wrong with it.
        #[source]
        source: MasterKeyError,
    },
    /// `githubAppWebhookSecret` is there, but empty.
    #[error("failed to read the secret: githubAppWebhookSecret is empty")]
    EmptyAppSecret,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<WebhookKeys, SecretError> {
        WebhookKeys::parse(&text.into())
    }

    #[test]
    fn one_or_two_keys_the_current_one_first() {
        let config = ConfigRef {
            namespace: "ci".parse().expect("a namespace"),
            name: "shop".parse().expect("a name"),
        };
        let salt = "0123456789abcdef".parse().expect("a salt");
        let secrets = |text: &str| {
            let keys = parse(text).expect("valid");
            let secrets = keys.hook_secrets(HookLabel::Gitea, &config, &salt);
            let current = keys.current().derive(HookLabel::Gitea, &config, &salt);
            assert_eq!(secrets[0].expose_secret(), current.expose_secret());
            secrets.len()
        };
        let (one, other) = ("1".repeat(64), "2".repeat(64));
        assert_eq!(secrets(&format!(r#"{{"keys":["{one}"]}}"#)), 1);
        assert_eq!(secrets(&format!(r#"{{"keys":["{one}","{other}"]}}"#)), 2);
        assert_eq!(secrets(&format!(r#"{{"keys":["{one}"],"next":"{other}"}}"#)), 2);
        let app = parse(&format!(r#"{{"keys":["{one}"],"githubAppWebhookSecret":"s"}}"#)).expect("valid");
        assert_eq!(app.github_app().map(ExposeSecret::expose_secret), Some("s"));
    }

    #[test]
    fn what_is_wrong_is_said_without_showing_the_secret() {
        let key = "1".repeat(64);
        for (text, expected) in [
            (r#"{"keys":[]}"#.to_owned(), "expected one or two keys, got 0"),
            (format!(r#"{{"keys":["{key}","{key}","{key}"]}}"#), "expected one or two keys, got 3"),
            (format!(r#"{{"keys":["{key}","{key}"],"next":"{key}"}}"#), "expected one or two keys, got 3"),
            (r#"{"keys":["hunter2"]}"#.to_owned(), "failed to read keys[0]"),
            (format!(r#"{{"keys":["{key}"],"next":"hunter2"}}"#), "failed to read next"),
            (r#"{"keys":"hunter2"}"#.to_owned(), "line 1, column 17"),
            ("hunter2".to_owned(), "line 1, column 1"),
            (
                format!(r#"{{"keys":["{key}"],"githubAppWebhookSecret":""}}"#),
                "githubAppWebhookSecret is empty",
            ),
        ] {
            let error = parse(&text).expect_err(&text);
            let shown = format!("{} {error:?}", tidegate_telemetry::chain(&error));
            assert!(shown.contains(expected), "{shown}");
            assert!(!shown.contains("hunter2") && !shown.contains(&key), "{shown}");
        }
    }
}
