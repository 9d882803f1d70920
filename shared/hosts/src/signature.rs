//! The HMAC-SHA256 that both hosts sign their deliveries with. They differ in the header and its prefix.

use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_TYPE};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use tidegate_model::{DeliveryId, Host};

use crate::{gitea, github};

/// A signature as it was received: proof of nothing yet.
pub(crate) struct Signature([u8; 32]);

impl Signature {
    /// Reads 64 hexadecimal digits.
    pub(crate) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }

    /// Whether the holder of this secret signed this body. The comparison takes the same time whatever it finds.
    ///
    /// An empty secret proves nothing: everybody knows it.
    pub(crate) fn is_of(&self, body: &[u8], secret: &SecretString) -> bool {
        !secret.expose_secret().is_empty() && mac(body, secret).verify_slice(&self.0).is_ok()
    }
}

fn mac(body: &[u8], secret: &SecretString) -> Hmac<Sha256> {
    let key = secret.expose_secret().as_bytes();
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length").chain_update(body)
}

/// The headers that a host would send with this body: content type, event, delivery id and signature.
///
/// `event` is the host's own name of the event, like `pull_request`. `None` when it can't stand in a header.
pub fn signed_headers(
    host: Host,
    event: &str,
    delivery: &DeliveryId,
    body: &[u8],
    secret: &SecretString,
) -> Option<HeaderMap> {
    let signature = hex::encode(mac(body, secret).finalize().into_bytes());
    let (names, signature) = match host {
        Host::Github => (&github::HEADERS, format!("{}{signature}", github::SIGNATURE_PREFIX)),
        Host::Gitea => (&gitea::HEADERS, signature),
    };
    let pairs: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "application/json"),
        (HeaderName::from_static(names.event), event),
        (HeaderName::from_static(names.delivery), delivery.as_str()),
        (HeaderName::from_static(names.signature), &signature),
    ];
    pairs.into_iter().map(|(name, value)| Some((name, HeaderValue::from_str(value).ok()?))).collect()
}
