//! Where the secret is kept.

use std::{error::Error, sync::OnceLock};

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use secrecy::{ExposeSecret, SecretString};

use crate::{SecretError, WebhookKeys};

/// One secret of AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretStore {
    pub(crate) config: SdkConfig,
    /// Made of the configuration at the first call: a function's start doesn't wait for it.
    pub(crate) client: OnceLock<Client>,
    pub(crate) id: String,
}

impl SecretStore {
    /// The secret of this name or ARN.
    pub fn new(config: &SdkConfig, id: impl Into<String>) -> Self {
        Self { config: config.clone(), client: OnceLock::new(), id: id.into() }
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| Client::new(&self.config))
    }

    /// Reads the keys.
    pub async fn fetch(&self) -> Result<WebhookKeys, FetchError> {
        let text = self.text().await?;
        WebhookKeys::parse(&text).map_err(|source| FetchError::Content { id: self.id.clone(), source })
    }

    /// Reads the secret's current value as it is.
    pub async fn text(&self) -> Result<SecretString, FetchError> {
        let id = || self.id.clone();
        let answer = self
            .client()
            .get_secret_value()
            .secret_id(&self.id)
            .send()
            .await
            .map_err(|source| FetchError::Request { id: id(), source: Box::new(source) })?;
        let text = answer.secret_string.ok_or_else(|| FetchError::Binary { id: id() })?;
        Ok(text.into())
    }

    /// Replaces the secret's value. Repeating it is harmless.
    pub async fn put(&self, text: &SecretString) -> Result<(), FetchError> {
        self.client()
            .put_secret_value()
            .secret_id(&self.id)
            .secret_string(text.expose_secret())
            .send()
            .await
            .map_err(|source| FetchError::Put { id: self.id.clone(), source: Box::new(source) })?;
        Ok(())
    }
}

/// Why there are no keys, or they could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Secrets Manager was not reached, or refused.
    #[error("failed to get secret {id}")]
    Request {
        /// The secret's name or ARN.
        id: String,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// Secrets Manager was not reached, or refused the new value.
    #[error("failed to change secret {id}")]
    Put {
        /// The secret's name or ARN.
        id: String,
        /// What the SDK says.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// The secret holds bytes, no text.
    #[error("failed to use secret {id}: it holds no text")]
    Binary {
        /// The secret's name or ARN.
        id: String,
    },
    /// The secret's text is not what it should be.
    #[error("failed to use secret {id}")]
    Content {
        /// The secret's name or ARN.
        id: String,
        /// What is wrong with it.
        #[source]
        source: SecretError,
    },
}
