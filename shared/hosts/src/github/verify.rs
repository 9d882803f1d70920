//! GitHub's signature.

use http::HeaderMap;

use super::{HEADERS, SIGNATURE_PREFIX};
use crate::{intake::VerifyError, signature::Signature};

/// Reads `X-Hub-Signature-256: sha256={64 hex}`. The SHA-1 header that GitHub sends as well is never looked at.
///
/// Source: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>
pub(crate) fn signature(headers: &HeaderMap) -> Result<Signature, VerifyError> {
    let header = HEADERS.signature;
    headers
        .get(header)
        .ok_or(VerifyError::Missing { header })?
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix(SIGNATURE_PREFIX))
        .and_then(Signature::from_hex)
        .ok_or(VerifyError::Malformed { header })
}
