//! HTTP to one host: one address, bounded in time and size, guarded by the egress policy.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use url::Url;

use super::{
    egress::{EgressError, GuardedResolver},
    error::HostError,
    settings::ClientSettings,
};

/// Sends requests to paths below one address.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    /// Without a slash at the end.
    base: String,
}

impl Transport {
    const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
    /// Far above the largest answer that is used: a page of hooks, or a comparison with its commits.
    const MAX_ANSWER: usize = 8 * 1024 * 1024;
    const MAX_REDIRECTS: usize = 3;

    pub(crate) fn new(base: &Url, settings: ClientSettings) -> Result<Self, HostError> {
        settings.egress.check(base)?;
        let client = reqwest::Client::builder()
            .user_agent(concat!("tidegate/", env!("CARGO_PKG_VERSION")))
            .timeout(settings.timeout)
            .connect_timeout(Self::CONNECT_TIMEOUT.min(settings.timeout))
            // A proxy would resolve names by itself, unguarded.
            .no_proxy()
            .dns_resolver(GuardedResolver(settings.egress))
            .redirect(reqwest::redirect::Policy::custom(follow_at_home))
            .build()
            .map_err(HostError::unavailable)?;
        let base = base.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base })
    }

    /// Sends a request whose URI is a path below the address, and reads the whole answer, whatever its status.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HostError> {
        let (parts, body) = request.into_parts();
        let url = format!("{}{}", self.base, parts.uri);
        let response = self
            .client
            .request(parts.method, url)
            .headers(parts.headers)
            .body(body)
            .send()
            .await
            .map_err(fold)?;
        let (parts, body) = Response::from(response).into_parts();
        let body = Limited::new(body, Self::MAX_ANSWER).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                HostError::unreadable(&"it is longer than 8 MiB")
            } else {
                HostError::unavailable(error)
            }
        })?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}

/// Renamed repositories redirect within the host. Nothing else is followed: no other host ever sees the credential.
fn follow_at_home(attempt: reqwest::redirect::Attempt<'_>) -> reqwest::redirect::Action {
    let is_at_home = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if is_at_home && attempt.previous().len() <= Transport::MAX_REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn fold(error: reqwest::Error) -> HostError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(egress) = inner.downcast_ref::<EgressError>() {
            return egress.clone().into();
        }
        cause = inner.source();
    }
    HostError::unavailable(error)
}
