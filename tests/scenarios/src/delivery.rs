//! Deliveries that we make and sign ourselves, in Gitea's dialect: faster or stranger than any host would send them.

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use kube::Api;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;
use tidegate_model::CommitSha;
use tidegate_resources::IntegrationConfig;

use crate::{REPOSITORY, Scene, cloud::MASTER_KEY};

/// Recorded from a real Gitea; what is not replaced stays as it was.
const OPENED: &str = include_str!("../../payloads/gitea/005-pull_request-opened.json");

const PUSHED: &str = include_str!("../../payloads/gitea/004-push.json");

/// The hook of a scene's config: where to, and what to sign with.
#[derive(Debug, Clone)]
pub struct SignedHook {
    url: String,
    secret: String,
    repository: String,
    client: reqwest::Client,
}

/// One webhook request.
#[derive(Debug, Clone)]
pub struct Delivery {
    id: String,
    event: &'static str,
    body: String,
}

impl SignedHook {
    /// The registered hook of the scene's config. Its secret is derived here again, as the documentation says it is.
    pub async fn of(scene: &Scene) -> Result<Self> {
        let configs: Api<IntegrationConfig> =
            Api::namespaced(scene.world.client.clone(), &scene.world.namespace);
        let config = configs.get(crate::scene::CONFIG).await?;
        let url = config.status.and_then(|status| status.webhook?.url).context("no hook is registered")?;
        let (_, path) = url.split_once("/hooks/").context("a hook's URL without its path")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&MASTER_KEY)?;
        for part in path.split('/') {
            mac.update(&u64::try_from(part.len())?.to_be_bytes());
            mac.update(part.as_bytes());
        }
        let secret = hex::encode(mac.finalize().into_bytes());
        let repository = scene.world.forge.repository(REPOSITORY);
        let client = reqwest::Client::builder().no_proxy().build().context("failed to make a client")?;
        Ok(Self { url, secret, repository, client })
    }

    /// A pull request from a branch of the repository was opened.
    pub fn opened(&self, number: u64, branch: &str, head: &CommitSha, author: &str) -> Result<Delivery> {
        let mut payload: Value = serde_json::from_str(OPENED)?;
        let values = [
            ("/number", json!(number)),
            ("/repository/full_name", json!(self.repository)),
            ("/pull_request/number", json!(number)),
            ("/pull_request/user/login", json!(author)),
            ("/pull_request/base/repo/full_name", json!(self.repository)),
            ("/pull_request/head/repo/full_name", json!(self.repository)),
            ("/pull_request/head/ref", json!(branch)),
            ("/pull_request/head/sha", json!(head)),
        ];
        for (pointer, value) in values {
            *payload.pointer_mut(pointer).with_context(|| format!("the recording has no {pointer}"))? = value;
        }
        Ok(Delivery {
            id: format!("00000000-0000-4000-8000-{number:012}"),
            event: "pull_request",
            body: payload.to_string(),
        })
    }

    /// A branch was pushed, and points to this commit now.
    pub fn pushed(&self, branch: &str, sha: &CommitSha, id: u64) -> Result<Delivery> {
        let mut payload: Value = serde_json::from_str(PUSHED)?;
        let values = [
            ("/ref", json!(format!("refs/heads/{branch}"))),
            ("/after", json!(sha)),
            ("/repository/full_name", json!(self.repository)),
        ];
        for (pointer, value) in values {
            *payload.pointer_mut(pointer).with_context(|| format!("the recording has no {pointer}"))? = value;
        }
        Ok(Delivery {
            id: format!("00000000-0000-4000-9000-{id:012}"),
            event: "push",
            body: payload.to_string(),
        })
    }

    /// Signs and sends a delivery, and returns the answer's code.
    pub async fn send(&self, delivery: &Delivery) -> Result<StatusCode> {
        let request = self
            .client
            .post(&self.url)
            .header("content-type", "application/json")
            .header("x-gitea-delivery", &delivery.id)
            .header("x-gitea-event", delivery.event)
            .header("x-gitea-event-type", delivery.event)
            .header("x-gitea-signature", signature(&self.secret, delivery.body.as_bytes()))
            .body(delivery.body.clone());
        Ok(request.send().await.context("the gateway can't be reached")?.status())
    }
}

/// HMAC-SHA256 over a body, in hexadecimal: Gitea's signature, and GitHub's behind its prefix.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key length will do");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}
