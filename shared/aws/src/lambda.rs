//! How a function calls AWS. Lambda gives it region and credentials in the environment for as long as the process
//! lives, so it has neither the chain of credential providers nor profile files: a start costs and a zip weighs less.

use std::env::{self, VarError};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};

use super::{ATTEMPT, NotSet, OPERATION, REGION, retries, set, timeouts};

/// Where a function behind a proxy that opens TLS finds the authorities to trust instead of Amazon's.
const AUTHORITIES: &str = "SSL_CERT_FILE";
/// Amazon's own authorities, which sign the certificates of every AWS service
/// (<https://www.amazontrust.com/repository/>). Reading the system's 140 would take most of a start.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");

/// The SDK's configuration of a function, from the variables that Lambda sets; it honours `AWS_ENDPOINT_URL` and
/// `AWS_ENDPOINT_URL_SQS`. It trusts Amazon's authorities alone, or those of the file that `SSL_CERT_FILE` names.
pub fn load_in_lambda() -> Result<SdkConfig, NotSet> {
    let (id, key) = (set("AWS_ACCESS_KEY_ID")?, set("AWS_SECRET_ACCESS_KEY")?);
    let credentials = Credentials::new(id, key, env::var("AWS_SESSION_TOKEN").ok(), None, "Lambda");
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(set(REGION)?))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .service_config(Environment)
        .timeout_config(timeouts(ATTEMPT, OPERATION))
        .retry_config(retries());
    config.set_endpoint_url(env::var("AWS_ENDPOINT_URL").ok());
    let authorities = match env::var(AUTHORITIES) {
        Err(VarError::NotPresent) => TrustStore::empty().with_pem_certificate(AMAZON_ROOTS),
        _ => TrustStore::default(),
    };
    let tls =
        TlsContext::builder().with_trust_store(authorities).build().expect("a trust store is always valid");
    let http_client =
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls).build_https();
    Ok(config.http_client(http_client).build())
}

/// Settings of one service, in variables with its name behind: `AWS_ENDPOINT_URL_SQS`.
#[derive(Debug)]
struct Environment;

impl LoadServiceConfig for Environment {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let service = key.service_id().to_uppercase().replace([' ', '-'], "_");
        env::var(format!("{}_{service}", key.env())).or_else(|_| env::var(key.env())).ok()
    }
}
