//! The clients that are in use, each with the Secret that it was made of.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use kube::ResourceExt;
use tidegate_hosts::client::HostClient;
use tidegate_model::{Host, SecretKeyRef};
use tidegate_resources::IntegrationConfig;

/// The clients of the Git hosts, one for each credential. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Cache(Arc<Mutex<HashMap<CacheKey, Cached>>>);

/// When the Secret was read, and the client.
type Cached = (Instant, Arc<HostClient>);

/// Which credential for which host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CacheKey {
    /// The namespace of the Secret.
    pub namespace: String,
    /// The kind of host.
    pub host: Host,
    /// The address of the host's API.
    pub api_url: String,
    /// The Secret.
    pub secret: SecretKeyRef,
    /// A GitHub App's id, and that of its installation.
    pub app: Option<(u64, u64)>,
}

impl Cache {
    /// How long a credential may be used after its Secret was changed.
    const SECRET_LIFETIME: Duration = Duration::from_mins(1);

    /// The client of a credential whose Secret was read lately.
    pub fn get(&self, key: &CacheKey) -> Option<Arc<HostClient>> {
        self.lock().get(key).filter(|(since, _)| is_fresh(*since)).map(|(_, client)| Arc::clone(client))
    }

    /// Keeps a client whose Secret was read just now.
    pub fn insert(&self, key: CacheKey, client: Arc<HostClient>) {
        let mut clients = self.lock();
        clients.retain(|_, (since, _)| is_fresh(*since));
        clients.insert(key, (Instant::now(), client));
    }

    /// Throws a client away, so that its Secret is read again. Another client that has taken its place stays.
    pub fn throw_away(&self, key: &CacheKey, client: &Arc<HostClient>) {
        let mut clients = self.lock();
        if clients.get(key).is_some_and(|(_, cached)| Arc::ptr_eq(cached, client)) {
            clients.remove(key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<CacheKey, Cached>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_fresh(since: Instant) -> bool {
    since.elapsed() < Cache::SECRET_LIFETIME
}

impl CacheKey {
    /// The key of a config's credential; `None` where the config names no credential.
    pub fn of(config: &IntegrationConfig) -> Option<Self> {
        let git = &config.spec.git;
        let (secret, app) = match (&git.token_secret_ref, &git.github_app) {
            (Some(token), _) => (token, None),
            (None, Some(app)) => (&app.private_key_secret_ref, Some((app.app_id, app.installation_id))),
            (None, None) => return None,
        };
        Some(Self {
            namespace: config.namespace().unwrap_or_default(),
            host: git.type_,
            api_url: git.api_url().to_owned(),
            secret: secret.clone(),
            app,
        })
    }
}
