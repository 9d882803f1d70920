//! The SDK, pointed at a cloud.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use tidegate_sandbox_cloud::Cloud;

pub async fn config(cloud: &Cloud) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint())
        .region(Region::new(cloud.aws_env()["AWS_REGION"].clone()))
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .load()
        .await
}

pub async fn sqs(cloud: &Cloud) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&config(cloud).await)
}
