//! How a delivery proves that it comes from its host.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};
use tidegate_model::DeliveryId;

/// What a delivery of a hook proves itself with. Header names are in small letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The HMAC-SHA256 of the body under the secret, in hexadecimal digits: GitHub, Gitea, Forgejo, Bitbucket.
    Hmac {
        /// The header that holds it.
        header: &'static str,
        /// What stands before the digits.
        prefix: &'static str,
    },
    /// The HMAC-SHA256 of `id.timestamp.body`, in base64: GitLab's hooks with a signing token. The secret is `whsec_` and the
    /// key in base64. It proves the timestamp; how old that may be is decided where time is known.
    ///
    /// Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
    SignedMessage,
    /// The secret itself: GitLab's hooks without a signing token. Whoever reads one delivery can forge others.
    Token {
        /// The header that holds it.
        header: &'static str,
    },
}

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The delivery holds no proof.
    #[error("failed to verify the delivery: header {header} is missing")]
    Missing {
        /// The header that should be there.
        header: &'static str,
    },
    /// The header of the proof holds something else.
    #[error("failed to verify the delivery: header {header} does not hold {expected}")]
    Malformed {
        /// The header.
        header: &'static str,
        /// What it should hold.
        expected: &'static str,
    },
    /// The proof was made with another secret, or of other bytes.
    #[error("failed to verify the delivery: the signature does not match")]
    Mismatch,
}

/// What stands before the key of a [`Proof::SignedMessage`].
const SIGNING_KEY: &str = "whsec_";

/// Its headers.
const ID: &str = "webhook-id";
const TIMESTAMP: &str = "webhook-timestamp";
const SIGNATURE: &str = "webhook-signature";

type Digest = [u8; 32];

impl Proof {
    /// The text of the secret that is made of these bytes, as the host takes it.
    pub(crate) fn secret(self, bytes: Digest) -> SecretString {
        match self {
            Self::Hmac { .. } | Self::Token { .. } => hex::encode(bytes).into(),
            Self::SignedMessage => format!("{SIGNING_KEY}{}", STANDARD.encode(bytes)).into(),
        }
    }

    /// Checks a delivery against each of these secrets. An empty secret proves nothing: everybody knows it. Returns when the
    /// delivery was signed, if the proof says it.
    ///
    /// Only raw bytes are compared, and in the same time wherever they differ.
    pub(crate) fn check(
        self,
        headers: &HeaderMap,
        body: &[u8],
        secrets: &[SecretString],
    ) -> Result<Option<SystemTime>, VerifyError> {
        let mut signed_at = None;
        let secrets = secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty());
        let is_proven = match self {
            Self::Hmac { header, prefix } => {
                let expected = "an HMAC-SHA256 in hexadecimal digits";
                let shown = text(headers, header)?
                    .and_then(|text| digest_of_hex(text.strip_prefix(prefix)?))
                    .ok_or(VerifyError::Malformed { header, expected })?;
                is_any(secrets.map(|secret| mac(secret.as_bytes(), &[body]).ct_eq(&shown)))
            }
            Self::SignedMessage => {
                let message = SignedMessage::read(headers)?;
                signed_at = Some(UNIX_EPOCH + message.since_epoch);
                is_any(secrets.filter_map(signing_key).map(|key| message.is_signed_with(&key, body)))
            }
            Self::Token { header } => {
                let shown = headers.get(header).ok_or(VerifyError::Missing { header })?.as_bytes();
                is_any(secrets.map(|secret| secret.as_bytes().ct_eq(shown)))
            }
        };
        if is_proven { Ok(signed_at) } else { Err(VerifyError::Mismatch) }
    }

    /// The headers that prove a delivery that is made at `now`. `None` when the id, the time or the secret can't be used.
    pub(crate) fn prove(
        self,
        delivery: &DeliveryId,
        body: &[u8],
        secret: &SecretString,
        now: SystemTime,
    ) -> Option<Vec<(&'static str, String)>> {
        let secret = secret.expose_secret();
        Some(match self {
            Self::Hmac { header, prefix } => {
                vec![(header, format!("{prefix}{}", hex::encode(mac(secret.as_bytes(), &[body]))))]
            }
            Self::SignedMessage => {
                let (id, key) = (delivery.as_str(), signing_key(secret)?);
                let since_epoch = now.duration_since(UNIX_EPOCH).ok()?;
                let now = since_epoch.as_secs().to_string();
                let message = SignedMessage { id, timestamp: &now, since_epoch, shown: Vec::new() };
                let signature = format!("v1,{}", STANDARD.encode(message.mac(&key, body)));
                vec![(ID, id.to_owned()), (TIMESTAMP, now), (SIGNATURE, signature)]
            }
            Self::Token { header } => vec![(header, secret.to_owned())],
        })
    }
}

/// What the headers of a [`Proof::SignedMessage`] say: proof of nothing yet.
struct SignedMessage<'a> {
    id: &'a str,
    timestamp: &'a str,
    /// What the timestamp says.
    since_epoch: Duration,
    /// One for each key that the host has signed with. Several are sent while a key is replaced.
    shown: Vec<Digest>,
}

impl<'a> SignedMessage<'a> {
    /// Dots separate the signed parts. So the id has no dot, and the timestamp is a number: each signed text has one meaning.
    fn read(headers: &'a HeaderMap) -> Result<Self, VerifyError> {
        let malformed = |header, expected| VerifyError::Malformed { header, expected };
        let id = text(headers, ID)?.filter(|id| !id.is_empty() && !id.contains('.'));
        let timestamp = text(headers, TIMESTAMP)?.and_then(|text| Some((text, seconds(text)?)));
        let (timestamp, since_epoch) = timestamp.ok_or(malformed(TIMESTAMP, "a number of seconds"))?;
        let entries = text(headers, SIGNATURE)?.unwrap_or_default().split(' ');
        let shown: Vec<Digest> =
            entries.filter_map(|entry| digest_of_base64(entry.strip_prefix("v1,")?)).collect();
        if shown.is_empty() {
            return Err(malformed(SIGNATURE, "v1, and an HMAC-SHA256 in base64"));
        }
        Ok(Self { id: id.ok_or(malformed(ID, "an id without dots"))?, timestamp, since_epoch, shown })
    }

    fn mac(&self, key: &[u8], body: &[u8]) -> Digest {
        mac(key, &[self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", body])
    }

    fn is_signed_with(&self, key: &[u8], body: &[u8]) -> Choice {
        let expected = self.mac(key, body);
        self.shown.iter().fold(Choice::from(0), |any, shown| any | expected.ct_eq(shown))
    }
}

fn is_any(mut proofs: impl Iterator<Item = Choice>) -> bool {
    proofs.any(bool::from)
}

/// A header's text; the inner `None` is one that holds more than visible ASCII characters.
fn text<'a>(headers: &'a HeaderMap, header: &'static str) -> Result<Option<&'a str>, VerifyError> {
    Ok(headers.get(header).ok_or(VerifyError::Missing { header })?.to_str().ok())
}

/// The seconds of a timestamp. Any that are more than 32 bits hold lie after the year 2106, and are no time of a delivery.
fn seconds(text: &str) -> Option<Duration> {
    let is_number = text.bytes().all(|b| b.is_ascii_digit());
    let seconds: u32 = text.parse().ok().filter(|_| is_number)?;
    Some(Duration::from_secs(seconds.into()))
}

fn digest_of_hex(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest).ok()?;
    Some(digest)
}

fn digest_of_base64(text: &str) -> Option<Digest> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// The key in a signing token.
fn signing_key(secret: &str) -> Option<Vec<u8>> {
    let key = STANDARD.decode(secret.strip_prefix(SIGNING_KEY)?).ok()?;
    (!key.is_empty()).then_some(key)
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Digest {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests;
