//! The webhook master keys: where they are kept, how they are read, and how long they are believed.
//!
//! The secret is a JSON text in AWS Secrets Manager:
//! `{"keys": ["<64 hex>", "<64 hex>"], "githubAppWebhookSecret": "…"}`, with one or two keys, the current one first, and
//! the App's secret only if there is an App. While a key is rotated, `"next": "<64 hex>"` is the one that becomes the
//! current one: see [`rotation`].

mod cache;
pub mod rotation;
mod secret;
mod store;

pub use cache::{KeyCache, KeysError};
pub use secret::{SecretError, WebhookKeys};
pub use store::{FetchError, SecretStore};
