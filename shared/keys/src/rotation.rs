//! The steps of a master key's rotation, as changes of the secret's text. Pure.
//!
//! Deliveries verify under every key of the secret all the time. The new key is *announced* as `next`; when everybody has
//! had the time to read it, it becomes the current one, and the hooks are registered under it; when all of them are, the
//! old one is *retired*. The secret's content shows how far a rotation is, so another process can continue it.

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::{SecretError, WebhookKeys};

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// There is one key: none is under way.
    Settled,
    /// The new key verifies, and is used for nothing else yet.
    Announced,
    /// The new key is the current one, the old one still verifies.
    Switched,
}

/// The secret's whole content, for those who change it: fields that Tidegate doesn't know are kept.
///
/// It has no `Debug`: it holds the keys in the clear.
pub struct StoredKeys {
    content: Map<String, Value>,
    keys: WebhookKeys,
}

impl StoredKeys {
    /// Reads the secret's text.
    pub fn parse(text: &SecretString) -> Result<Self, SecretError> {
        let keys = WebhookKeys::parse(text)?;
        let content = serde_json::from_str(text.expose_secret())
            .map_err(|error| SecretError::Json { line: error.line(), column: error.column() })?;
        Ok(Self { content, keys })
    }

    /// The keys.
    pub fn keys(&self) -> &WebhookKeys {
        &self.keys
    }

    /// How far a rotation is.
    pub fn stage(&self) -> Stage {
        match (self.keys.next(), self.keys.previous()) {
            (Some(_), _) => Stage::Announced,
            (None, Some(_)) => Stage::Switched,
            (None, None) => Stage::Settled,
        }
    }

    /// The text with a key (64 hexadecimal digits) announced.
    pub fn announce(mut self, key: &SecretString) -> SecretString {
        self.content.insert("next".to_owned(), key.expose_secret().into());
        self.text()
    }

    /// The text with the announced key as the current one, and the old one behind it.
    pub fn switch(mut self) -> SecretString {
        if let Some(next) = self.content.remove("next") {
            let old = self.content["keys"][0].take();
            self.content.insert("keys".to_owned(), json!([next, old]));
        }
        self.text()
    }

    /// The text without the old key.
    pub fn retire(mut self) -> SecretString {
        if let Some(keys) = self.content.get_mut("keys").and_then(Value::as_array_mut) {
            keys.truncate(1);
        }
        self.text()
    }

    fn text(self) -> SecretString {
        Value::from(self.content).to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_announced_becomes_current_and_the_old_one_goes() {
        let (old, new) = ("1".repeat(64), "2".repeat(64));
        let stored = |text: &SecretString| StoredKeys::parse(text).expect("valid");
        let value =
            |text: &SecretString| -> Value { serde_json::from_str(text.expose_secret()).expect("JSON") };

        let start = json!({"keys": [old], "githubAppWebhookSecret": "app", "theirs": 1});
        let start = SecretString::from(start.to_string());
        assert_eq!(stored(&start).stage(), Stage::Settled);
        let old_id = stored(&start).keys().current().id();

        let announced = stored(&start).announce(&new.clone().into());
        assert_eq!(
            value(&announced),
            json!({"keys": [old], "next": new, "githubAppWebhookSecret": "app", "theirs": 1})
        );
        assert_eq!(stored(&announced).stage(), Stage::Announced);
        assert_eq!(stored(&announced).keys().current().id(), old_id, "hooks stay under the old key");

        let switched = stored(&announced).switch();
        assert_eq!(
            value(&switched),
            json!({"keys": [new, old], "githubAppWebhookSecret": "app", "theirs": 1})
        );
        assert_eq!(stored(&switched).stage(), Stage::Switched);
        assert_ne!(stored(&switched).keys().current().id(), old_id);

        let retired = stored(&switched).retire();
        assert_eq!(value(&retired), json!({"keys": [new], "githubAppWebhookSecret": "app", "theirs": 1}));
        assert_eq!(stored(&retired).stage(), Stage::Settled);
    }
}
