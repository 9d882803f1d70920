//! What calls SQS.

use std::sync::{Arc, OnceLock};

use aws_config::SdkConfig;

/// A client of SQS, made of its configuration at the first call: a function's start doesn't wait for TLS and the SDK's
/// table of regions. Clones share it.
#[derive(Debug, Clone)]
pub struct Client(Arc<Late>);

#[derive(Debug)]
struct Late {
    config: SdkConfig,
    sdk: OnceLock<aws_sdk_sqs::Client>,
}

impl Client {
    /// A client that calls as [`tidegate_aws::load`] says.
    pub fn new(config: &SdkConfig) -> Self {
        Self(Arc::new(Late { config: config.clone(), sdk: OnceLock::new() }))
    }

    pub(crate) fn sdk(&self) -> &aws_sdk_sqs::Client {
        self.0.sdk.get_or_init(|| aws_sdk_sqs::Client::new(&self.0.config))
    }
}
