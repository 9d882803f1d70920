//! Gitea's signature.

use http::HeaderMap;

use super::HEADERS;
use crate::{intake::VerifyError, signature::Signature};

/// Reads `X-Gitea-Signature: {64 hex}`. The headers of GitHub that Gitea sends as well are never looked at.
///
/// Source: <https://docs.gitea.com/usage/webhooks#authorization-header>
pub(crate) fn signature(headers: &HeaderMap) -> Result<Signature, VerifyError> {
    let header = HEADERS.signature;
    headers
        .get(header)
        .ok_or(VerifyError::Missing { header })?
        .to_str()
        .ok()
        .and_then(Signature::from_hex)
        .ok_or(VerifyError::Malformed { header })
}
