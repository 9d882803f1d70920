use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_secretsmanager::{
    Client,
    config::{
        Config, ConfigBag, Credentials, Intercept, RuntimeComponents,
        interceptors::BeforeTransmitInterceptorContextRef, retry::RetryConfig,
    },
    error::BoxError,
};
use tidegate_sandbox_cloud::{Cloud, CloudSpec};

use super::*;

/// Counts the requests that leave for Secrets Manager.
#[derive(Debug, Clone, Default)]
struct Counter(Arc<AtomicUsize>);

impl Intercept for Counter {
    fn name(&self) -> &'static str {
        "Counter"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

impl Counter {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn secret(digit: &str) -> String {
    format!(r#"{{"keys":["{}"]}}"#, digit.repeat(64))
}

async fn start() -> anyhow::Result<(Cloud, KeyCache, Counter)> {
    let cloud = Cloud::start(CloudSpec {
        secrets: BTreeMap::from([("keys".to_owned(), secret("1"))]),
        ..CloudSpec::default()
    })
    .await?;
    let counter = Counter::default();
    let config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(cloud.endpoint())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("sandbox", "sandbox", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .interceptor(counter.clone())
        .build();
    let store = SecretStore {
        config: SdkConfig::builder().build(),
        client: Client::from_conf(config).into(),
        id: "keys".to_owned(),
    };
    Ok((cloud, KeyCache::new(store, KeyCache::FRESH), counter))
}

#[tokio::test]
async fn keys_are_read_once_in_five_minutes_however_many_ask() -> anyhow::Result<()> {
    let (cloud, cache, counter) = start().await?;
    let start = Instant::now();
    let asked = futures::future::join_all((0..10).map(|_| cache.get(start))).await;
    assert!(asked.iter().all(Result::is_ok));
    assert_eq!(counter.count(), 1);

    cache.get(start + Duration::from_secs(299)).await?;
    assert_eq!(counter.count(), 1);
    cache.get(start + KeyCache::FRESH).await?;
    assert_eq!(counter.count(), 2);
    cloud.stop().await
}

#[tokio::test]
async fn a_failed_check_reads_the_keys_at_most_once_a_minute() -> anyhow::Result<()> {
    let (cloud, cache, counter) = start().await?;
    let start = Instant::now();
    let old = cache.get(start).await?;
    cloud.put_secret("keys", secret("2"));

    assert!(cache.refetch_after_failed_check(&old, start).await.is_none());
    assert_eq!(counter.count(), 1, "they were read a moment ago");

    let later = start + KeyCache::PAUSE;
    let both = futures::future::join_all((0..2).map(|_| cache.refetch_after_failed_check(&old, later))).await;
    let [Some(new), Some(same)] = &both[..] else {
        anyhow::bail!("expected new keys twice");
    };
    assert!(Arc::ptr_eq(new, same) && !Arc::ptr_eq(new, &old));
    assert_eq!(counter.count(), 2, "one read serves both");
    assert!(cache.refetch_after_failed_check(new, later).await.is_none());
    assert_eq!(counter.count(), 2);
    cloud.stop().await
}

#[tokio::test]
async fn an_outage_leaves_the_old_keys_in_use_for_an_hour() -> anyhow::Result<()> {
    let (cloud, cache, counter) = start().await?;
    let start = Instant::now();
    let old = cache.get(start).await?;
    cloud.stop().await?;

    let expired = start + KeyCache::FRESH;
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&cache.get(expired).await?, &old));
    }
    assert_eq!(counter.count(), 2, "the failed read is not repeated at once");
    cache.get(expired + KeyCache::PAUSE).await?;
    assert_eq!(counter.count(), 3);

    let too_old = start + KeyCache::MAX_STALE;
    assert!(matches!(cache.get(too_old).await, Err(KeysError::Fetch(_))));
    Ok(())
}

#[tokio::test]
async fn without_keys_there_is_an_error_and_a_new_try_a_second_later() -> anyhow::Result<()> {
    let (cloud, cache, counter) = start().await?;
    cloud.put_secret("keys", "{}");
    let start = Instant::now();
    assert!(matches!(cache.get(start).await, Err(KeysError::Fetch(FetchError::Content { .. }))));
    assert!(matches!(cache.get(start).await, Err(KeysError::Paused)));
    assert_eq!(counter.count(), 1);

    cloud.put_secret("keys", secret("1"));
    cache.get(start + KeyCache::PAUSE_WITHOUT_KEYS).await?;
    cloud.stop().await
}
