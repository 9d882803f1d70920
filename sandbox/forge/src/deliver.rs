//! Webhooks: who gets what, and the requests themselves.

use anyhow::{Context as _, Result};
use axum::body::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tidegate_model::{Host, RepositoryPath};

use crate::{
    Delivery, Forge, Hook, User, bitbucket,
    event::Event,
    gitea, github, gitlab,
    state::{State, found, now},
};

impl Forge {
    /// Creates a hook, as its REST route does. GitHub pings it at once.
    pub(crate) fn create_hook(&self, repo: &str, by: &User, hook: Hook) -> Result<Hook> {
        let path = self.path(repo)?;
        let hook = self.change(|state| {
            let hook = Hook { id: state.next_id(), ..hook };
            state.repository_mut(repo)?.hooks.push(hook.clone());
            anyhow::Ok(hook)
        })?;
        self.inner.tasks.spawn(self.clone().deliver_in_order(path.clone(), hook.id));
        self.announce(&path, by, &Event::Ping(hook.id))?;
        Ok(hook)
    }

    pub(crate) fn edit_hook(&self, repo: &str, id: u64, edit: impl FnOnce(&mut Hook)) -> Result<()> {
        self.change(|state| {
            let hook = state.repository_mut(repo)?.hook_mut(id)?;
            edit(hook);
            hook.updated_at = now();
            Ok(())
        })
    }

    /// Disables a hook, as a host does after failures, or a person by hand.
    pub fn disable_hook(&self, repo: &str, id: u64) -> Result<()> {
        self.edit_hook(repo, id, |hook| hook.active = false)
    }

    /// Deletes a hook, as its owner would by hand.
    pub fn delete_hook(&self, repo: &str, id: u64) -> Result<()> {
        self.change(|state| {
            let repo = state.repository_mut(repo)?;
            repo.hook(id)?;
            repo.hooks.retain(|hook| hook.id != id);
            Ok(())
        })
    }

    /// The hooks of a repository, with their secrets.
    pub fn hooks(&self, repo: &str) -> Result<Vec<Hook>> {
        Ok(self.state().repository(repo)?.hooks.clone())
    }

    /// Every delivery of a repository's hooks, in the order in which they came about.
    pub fn deliveries(&self, repo: &str) -> Result<Vec<Delivery>> {
        Ok(self.state().repository(repo)?.deliveries.clone())
    }

    /// Sends a delivery again, signed by the hook's present secret: on GitHub under its own id, on Gitea under a new one
    /// (`ReplayHookTask` in Gitea's `models/webhook/hooktask.go`).
    pub fn redeliver(&self, repo: &str, delivery: &str) -> Result<()> {
        self.change(|state| {
            let repo = state.repository_mut(repo)?;
            let old = repo.deliveries.iter().find(|known| known.id == delivery);
            let old = found(old, "delivery", delivery)?;
            repo.hook(old.hook)?;
            let id = match self.inner.dialect {
                Host::Github => old.id.clone(),
                Host::Gitlab | Host::Gitea | Host::Bitbucket => uuid(),
            };
            let again = Delivery { id, redelivery: true, response: None, ..old.clone() };
            repo.deliveries.push(again);
            Ok(())
        })
    }

    /// Renders an event and queues it for every hook that wants it.
    pub(crate) fn announce(&self, repo: &RepositoryPath, sender: &User, event: &Event<'_>) -> Result<()> {
        self.change(|state| {
            let repository = state.repository(repo.as_str())?;
            let payloads = match self.inner.dialect {
                Host::Github => github::payload::render(state, repository, sender, event)?,
                Host::Gitlab => gitlab::payload::render(state, repository, sender, event)?,
                Host::Gitea => gitea::payload::render(state, repository, sender, event)?,
                Host::Bitbucket => bitbucket::payload::render(state, repository, sender, event)?,
            };
            let disabled: Vec<u64> = match self.inner.dialect {
                Host::Gitlab => {
                    let of_host =
                        repository.hooks.iter().filter(|hook| gitlab::is_disabled(repository, hook));
                    of_host.map(|hook| hook.id).collect()
                }
                Host::Github | Host::Gitea | Host::Bitbucket => Vec::new(),
            };
            let repository = state.repository_mut(repo.as_str())?;
            for payload in payloads {
                let body = Bytes::from(serde_json::to_vec(&payload.body)?);
                if self.inner.dialect == Host::Bitbucket && body.len() > bitbucket::MAX_PAYLOAD {
                    continue;
                }
                let wants = |hook: &&Hook| match event {
                    Event::Ping(id) => hook.id == *id,
                    Event::Push(_)
                    | Event::PullRequest(..)
                    | Event::Comment { .. }
                    | Event::CommentDeleted(_)
                    | Event::CommitComment(_)
                    | Event::Review(_) => {
                        hook.active
                            && !disabled.contains(&hook.id)
                            && match self.inner.dialect {
                                Host::Github => github::subscribes(hook, &payload),
                                Host::Gitlab => gitlab::subscribes(hook, &payload),
                                Host::Gitea => gitea::subscribes(hook, &payload),
                                Host::Bitbucket => bitbucket::subscribes(hook, &payload),
                            }
                    }
                };
                repository.deliveries.extend(repository.hooks.iter().filter(wants).map(|hook| Delivery {
                    id: uuid(),
                    hook: hook.id,
                    event: payload.event,
                    event_type: payload.event_type,
                    body: body.clone(),
                    redelivery: false,
                    response: None,
                }));
            }
            Ok(())
        })
    }

    /// A hook's task: one request after the other, each made once, or as often as the host repeats what fails.
    async fn deliver_in_order(self, repo: RepositoryPath, hook: u64) {
        let mut changes = self.inner.state.subscribe();
        let work = async {
            loop {
                let mut next = None;
                let look = |state: &State| {
                    next = next_delivery(state, &repo, hook).transpose();
                    next.is_some()
                };
                if changes.wait_for(look).await.is_err() {
                    return;
                }
                let Some(Ok((index, delivery, hook))) = next else {
                    return;
                };
                let mut attempt = 1;
                let response = loop {
                    let response = self.send(&hook, &delivery, attempt).await;
                    if self.inner.dialect != Host::Bitbucket || !bitbucket::repeats(attempt, &response) {
                        break response.map_err(|error| format!("{error:#}"));
                    }
                    attempt += 1;
                };
                self.change(|state| {
                    let found = state.repository_mut(repo.as_str()).ok();
                    if let Some(delivery) = found.and_then(|repo| repo.deliveries.get_mut(index)) {
                        delivery.response = Some(response);
                    }
                });
            }
        };
        tokio::select! {
            () = work => {}
            () = self.inner.cancel.cancelled() => {}
        }
    }

    async fn send(&self, hook: &Hook, delivery: &Delivery, attempt: u8) -> Result<u16> {
        let signature = hook.secret.as_ref().map(|secret| sign(secret, &delivery.body));
        let (headers, limit) = match self.inner.dialect {
            Host::Github => (github::headers(delivery, signature), github::DELIVERY_TIMEOUT),
            Host::Gitlab => {
                let has_signing_tokens = self.state().has_signing_tokens;
                (gitlab::headers(hook, delivery, has_signing_tokens), gitlab::DELIVERY_TIMEOUT)
            }
            Host::Gitea => (gitea::headers(delivery, signature), gitea::DELIVERY_TIMEOUT),
            Host::Bitbucket => {
                (bitbucket::headers(delivery, signature, attempt), bitbucket::DELIVERY_TIMEOUT)
            }
        };
        let mut request = self.inner.client.post(&hook.url).timeout(limit).body(delivery.body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.header("Content-Type", "application/json").send().await;
        let status = response.context("failed to deliver")?.status().as_u16();
        tracing::debug!(delivery.id, delivery.event, status, "delivered a webhook");
        Ok(status)
    }
}

/// The first delivery that waits, its index and the hook's present settings; an error once the hook is gone.
fn next_delivery(state: &State, repo: &RepositoryPath, hook: u64) -> Result<Option<(usize, Delivery, Hook)>> {
    let repo = state.repository(repo.as_str())?;
    let hook = repo.hook(hook)?;
    let mut deliveries = repo.deliveries.iter().enumerate();
    let next = deliveries.find(|(_, delivery)| delivery.hook == hook.id && delivery.response.is_none());
    Ok(next.map(|(index, delivery)| (index, delivery.clone(), hook.clone())))
}

/// HMAC-SHA256 of the body, in hexadecimal.
fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// A random UUID of version 4.
fn uuid() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}
