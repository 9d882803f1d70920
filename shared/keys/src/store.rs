//! Where the secret is kept.

use std::error::Error;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;

use crate::{SecretError, WebhookKeys};

/// One secret of AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretStore {
    client: Client,
    id: String,
}

impl SecretStore {
    /// The secret of this name or ARN.
    pub fn new(config: &SdkConfig, id: impl Into<String>) -> Self {
        Self::with_client(Client::new(config), id)
    }

    pub(crate) fn with_client(client: Client, id: impl Into<String>) -> Self {
        Self { client, id: id.into() }
    }

    /// Reads the secret's current value.
    pub async fn fetch(&self) -> Result<WebhookKeys, FetchError> {
        let id = || self.id.clone();
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.id)
            .send()
            .await
            .map_err(|source| FetchError::Request { id: id(), source: Box::new(source) })?;
        let text = answer.secret_string.ok_or_else(|| FetchError::Binary { id: id() })?;
        WebhookKeys::parse(&SecretString::from(text))
            .map_err(|source| FetchError::Content { id: id(), source })
    }
}

/// Why there are no keys.
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
