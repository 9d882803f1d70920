//! The edge: from a request's headers and raw bytes to events. First the proof, then the content.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use secrecy::SecretString;
use tidegate_model::{DeliveryId, Host};

use crate::{
    delivery,
    hook_label::HookLabel,
    normalise::normalise,
    ports::{port, proof},
};
pub use crate::{
    delivery::{Delivery, Ignored, NormaliseError, Outcome},
    proof::VerifyError,
};

/// **Verify.** Checks the proof of a delivery over its raw bytes, in constant time, against each of these secrets.
///
/// Which proof is asked for is said by the hook's path, never guessed from headers: Gitea sends GitHub's headers as well, and
/// the stronger of two proofs is worth nothing if the weaker one will do. Whatever is missing or malformed is an error; no
/// bytes make it panic.
///
/// A delivery that was signed at another time than `now` is proven, and not read: see [`NormaliseError::Clock`].
pub fn verify<'a>(
    label: HookLabel,
    headers: &'a HeaderMap,
    body: &'a [u8],
    secrets: &[SecretString],
    now: SystemTime,
) -> Result<Verified<'a>, VerifyError> {
    let signed_at = proof(label).check(headers, body, secrets)?;
    let off = signed_at.map_or(Duration::ZERO, |signed_at| off(signed_at, now));
    Ok(Verified { delivery: Unverified::new(label.host(), headers, body), off })
}

/// How far a delivery's own time may be from ours. Source: the Standard Webhooks libraries, which GitLab's documentation names.
const MAX_OFF: Duration = Duration::from_mins(5);

fn off(signed_at: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(signed_at).unwrap_or_else(|error| error.duration())
}

/// A delivery whose proof was checked. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Verified<'a> {
    delivery: Unverified<'a>,
    /// How far the time that was signed is from ours.
    off: Duration,
}

impl Verified<'_> {
    /// Reads the events out of the delivery.
    pub fn normalise(&self) -> Result<Delivery, NormaliseError> {
        if self.off > MAX_OFF {
            return Err(NormaliseError::Clock { off_s: self.off.as_secs() });
        }
        self.delivery.normalise()
    }
}

/// A delivery that nobody vouches for: for looking at one by hand, never for acting on it.
pub struct Unverified<'a> {
    host: Host,
    headers: &'a HeaderMap,
    body: &'a [u8],
}

impl std::fmt::Debug for Unverified<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Headers and body hold what logs must not.
        f.debug_struct("Unverified")
            .field("host", &self.host)
            .field("body_len", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl<'a> Unverified<'a> {
    /// A delivery as it came.
    pub fn new(host: Host, headers: &'a HeaderMap, body: &'a [u8]) -> Self {
        Self { host, headers, body }
    }

    /// Reads the events out of the delivery.
    pub fn normalise(&self) -> Result<Delivery, NormaliseError> {
        let port = port(self.host);
        let is_sent = |name: &&str| self.headers.contains_key(*name);
        let older = || port.older_delivery.iter().copied().find(is_sent);
        let name = Some(port.delivery).filter(is_sent).or_else(older).unwrap_or(port.delivery);
        let id = header(self.headers, name)?
            .parse()
            .map_err(|source| NormaliseError::DeliveryId { header: name, source })?;
        let kind = header(self.headers, port.kind)?;
        require_json(self.headers)?;
        Ok(Delivery { id, outcome: normalise((port.parse)(kind, self.body)?) })
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, NormaliseError> {
    headers
        .get(name)
        .ok_or(NormaliseError::MissingHeader { header: name })?
        .to_str()
        .map_err(|_| NormaliseError::UnreadableHeader { header: name })
}

/// A hook can be configured to send forms. A delivery without a content type is read as JSON.
fn require_json(headers: &HeaderMap) -> Result<(), NormaliseError> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = value.to_str().unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(NormaliseError::ContentType { found: delivery::bounded(value) })
    }
}

/// The headers that a host would send at `now` with this body to a hook of this label: content type, event, delivery id and
/// proof.
///
/// `event` is the host's own name of the event, like `pull_request`. `None` when a value is not allowed in a header.
pub fn signed_headers(
    label: HookLabel,
    event: &str,
    delivery: &DeliveryId,
    body: &[u8],
    secret: &SecretString,
    now: SystemTime,
) -> Option<HeaderMap> {
    let port = port(label.host());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let about = [(port.kind, event.to_owned()), (port.delivery, delivery.as_str().to_owned())];
    for (name, value) in about.into_iter().chain(proof(label).prove(delivery, body, secret, now)?) {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?);
    }
    Some(headers)
}

#[cfg(test)]
mod tests;
