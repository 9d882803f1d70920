use std::time::Duration;

use tidegate_hosts::client::{ClientSettings, Credential, EgressError, EgressPolicy};

use super::*;

fn key() -> CacheKey {
    CacheKey {
        namespace: "ci".to_owned(),
        host: Host::Gitea,
        api_url: "https://git.example".to_owned(),
        secret: serde_json::from_str(r#"{"name": "git", "key": "token"}"#).expect("a reference"),
        app: None,
    }
}

fn raw() -> Arc<HostClient> {
    let settings = ClientSettings { timeout: Duration::from_secs(1), egress: EgressPolicy::default() };
    let client = HostClient::new(Host::Gitea, "https://git.example", Credential::Anonymous, settings);
    Arc::new(client.expect("a client"))
}

/// A client whose credential is in the cache.
fn client(cache: &Cache) -> RepositoryClient {
    let raw = raw();
    cache.insert(key(), Arc::clone(&raw));
    let repository = "acme/shop".parse().expect("a repository");
    RepositoryClient::new(raw, repository, cache.clone(), key(), Metrics::default())
}

async fn fail(client: &RepositoryClient, error: HostError) -> CallError {
    let failed = client.call(Operation::ListHooks, async { Err::<(), _>(error) }).await;
    failed.expect_err("it fails")
}

#[tokio::test]
async fn a_credential_is_thrown_away_when_the_host_denies_it_and_only_then() {
    let (message, rejected) = (String::new(), 422_u16.try_into().expect("a status"));
    for (error, is_thrown_away) in [
        (HostError::Unauthorized, true),
        (HostError::Forbidden { message: message.clone() }, true),
        (HostError::NotFound, true),
        (HostError::RateLimited { retry_after: None }, false),
        (HostError::Unavailable { retry_after: None, source: "no answer".into() }, false),
        (HostError::Rejected { status: rejected, message: message.clone() }, false),
        (HostError::Unreadable { reason: message }, false),
        (HostError::Egress(EgressError::NotHttps), false),
        (HostError::PrivateKey, false),
        (HostError::Unsupported, false),
    ] {
        let cache = Cache::default();
        let client = client(&cache);
        let category = error.category();
        fail(&client, error).await;
        assert_eq!(cache.get(&key()).is_none(), is_thrown_away, "{category}");
    }
}

#[tokio::test]
async fn a_refusal_of_an_older_credential_leaves_the_one_that_was_read_since() {
    let cache = Cache::default();
    let older = client(&cache);
    let newer = client(&cache);
    fail(&older, HostError::Unauthorized).await;
    let kept = cache.get(&key()).expect("the newer one is kept");
    assert!(Arc::ptr_eq(&kept, &newer.client));
    fail(&newer, HostError::Unauthorized).await;
    assert!(cache.get(&key()).is_none());
}

#[tokio::test]
async fn every_call_is_counted_by_its_name_and_outcome() {
    let client = client(&Cache::default());
    client.call(Operation::SetStatus, async { Ok(()) }).await.expect("it succeeds");
    let error = fail(&client, HostError::Unauthorized).await;
    assert_eq!(error.to_string(), "list_hooks failed on the host");
    let counted = client.metrics.encode().expect("encodes");
    for line in
        [r#"operation="set_status",outcome="ok"} 1"#, r#"operation="list_hooks",outcome="unauthorized"} 1"#]
    {
        assert!(counted.contains(line), "{line} is not in {counted}");
    }
}
