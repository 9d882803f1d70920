//! How Tidegate calls AWS: region, time limits and retries, the same for every service.

use std::{env, time::Duration};

pub use aws_config::SdkConfig;
use aws_config::{BehaviorVersion, retry::RetryConfig, timeout::TimeoutConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

mod lambda;

pub use lambda::load_in_lambda;

/// The variable that names the region.
const REGION: &str = "AWS_REGION";

const CONNECT: Duration = Duration::from_secs(1);
/// The time limit of one attempt: two of them fit into the three seconds that the webhook function may spend on sending.
pub const ATTEMPT: Duration = Duration::from_millis(1400);
const OPERATION: Duration = Duration::from_secs(5);

/// A variable that must be set is not. Without a region the SDK would ask the instance metadata service, and wait for it.
#[derive(Debug, thiserror::Error)]
#[error("{0} is not set")]
pub struct NotSet(&'static str);

/// The SDK's configuration from the environment, with every source of credentials that a pod or a person may have; it
/// honours `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_SQS`. Functions have [`load_in_lambda`].
///
/// Load it once per process: all clients made from it share one pool of connections and read the root certificates
/// once.
pub async fn load() -> Result<SdkConfig, NotSet> {
    set(REGION)?;
    let http_client = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_https();
    Ok(aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client)
        .timeout_config(timeouts(ATTEMPT, OPERATION))
        .retry_config(retries())
        .load()
        .await)
}

/// The value of a variable that must be set.
fn set(name: &'static str) -> Result<String, NotSet> {
    env::var(name).ok().filter(|value| !value.is_empty()).ok_or(NotSet(name))
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(100))
}

/// Time limits of one attempt, and of a call with all its attempts.
pub fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}
