//! JSON calls over some authenticated way to a host: status, retries and reading, the same for every host.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tower::{Service, ServiceExt, util::BoxCloneSyncService};

use super::{error::HostError, facts::Listing};

/// An API of JSON below one address. The service behind it authenticates and sends.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    service: BoxCloneSyncService<Request<Bytes>, Response<Bytes>, HostError>,
    /// What stands before every path.
    root: &'static str,
    accept: HeaderValue,
    pages: Pages,
}

/// How a host hands out a list page by page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pages {
    /// The parameter that asks for pages of a length.
    pub(crate) size: &'static str,
    /// The longest page.
    pub(crate) length: u32,
    /// Whether an answer is the last page; with how many items it has, and how many were seen in all.
    pub(crate) is_last: fn(&Answer, usize, usize) -> bool,
}

impl Api {
    const MAX_RETRIES: usize = 2;
    /// A longer wait is the caller's business.
    const MAX_WAIT: Duration = Duration::from_secs(5);

    /// How much of most lists is read, in items.
    pub(crate) const MAX_ITEMS: u32 = 1000;
    /// How much of the lists of branches and tags is read, in items each.
    pub(crate) const MAX_REFS: u32 = 5000;

    pub(crate) fn new<S>(service: S, root: &'static str, accept: &'static str, pages: Pages) -> Self
    where
        S: Service<Request<Bytes>, Response = Response<Bytes>, Error = HostError>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let service = BoxCloneSyncService::new(service);
        Self { service, root, accept: HeaderValue::from_static(accept), pages }
    }

    /// Reads an object. Tried up to three times when the host is unavailable, with growing and random pauses.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, HostError> {
        self.get_page(path).await?.read()
    }

    /// Reads a list page by page, to its end or to so many items. An item that can't be read is left out and counted.
    pub(crate) async fn list<S: DeserializeOwned, T>(
        &self,
        path: &str,
        max_items: u32,
        into_facts: impl Fn(S) -> Result<T, HostError>,
    ) -> Result<Listing<T>, HostError> {
        self.list_while(path, max_items, into_facts, |_| true).await
    }

    /// Like [`Api::list`], and no further than the page whose last item isn't wanted.
    pub(crate) async fn list_while<S: DeserializeOwned, T>(
        &self,
        path: &str,
        max_items: u32,
        into_facts: impl Fn(S) -> Result<T, HostError>,
        is_wanted: impl Fn(&T) -> bool,
    ) -> Result<Listing<T>, HostError> {
        let Pages { size, length, is_last } = self.pages;
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut listing = Listing::new();
        let mut seen = 0;
        for page in 1..=max_items / length {
            let answer = self.get_page(&format!("{path}{joint}{size}={length}&page={page}")).await?;
            let on_page = listing.add(answer.items()?, &into_facts);
            seen += on_page;
            if is_last(&answer, on_page, seen) || listing.items.last().is_some_and(|last| !is_wanted(last)) {
                return Ok(listing);
            }
        }
        listing.is_truncated = true;
        Ok(listing)
    }

    /// Like [`Api::get`], with the status and the headers.
    pub(crate) async fn get_page(&self, path: &str) -> Result<Answer, HostError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(200))
            .with_max_times(Self::MAX_RETRIES)
            .with_jitter();
        (|| self.call(Method::GET, path, Bytes::new()))
            .retry(pauses)
            .when(|error| error.class().is_transient())
            .adjust(|error, pause| match (error.retry_after(), error) {
                (Some(wait), _) => pause.map(|pause| pause.max(wait)).filter(|_| wait <= Self::MAX_WAIT),
                (None, HostError::RateLimited { .. }) => None,
                (None, _) => pause,
            })
            .await
    }

    /// Changes something, once. Any success but those `expected` is an error: a redirect may have turned the call into a
    /// read.
    pub(crate) async fn write(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
        expected: &[StatusCode],
    ) -> Result<Answer, HostError> {
        let body = serde_json::to_vec(body).map_err(|error| HostError::unreadable(&error))?;
        self.change(method, path, body.into(), expected).await
    }

    /// Deletes something, once. What is gone already was deleted well.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), HostError> {
        let done = self.change(Method::DELETE, path, Bytes::new(), &[StatusCode::NO_CONTENT]).await;
        optional(done).map(drop)
    }

    async fn change(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        expected: &[StatusCode],
    ) -> Result<Answer, HostError> {
        let answer = self.call(method, path, body).await?;
        let status = answer.status();
        if expected.contains(&status) {
            Ok(answer)
        } else {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            Err(HostError::unreadable(&format!("expected status {}, got {status}", expected.join(" or "))))
        }
    }

    async fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Answer, HostError> {
        let uri = format!("{}{path}", self.root);
        let mut request = Request::builder().method(method).uri(uri).header(ACCEPT, &self.accept);
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(body).map_err(|error| HostError::unreadable(&error))?;
        let answer = self.service.clone().oneshot(request).await?;
        if answer.status().is_success() {
            Ok(Answer(answer))
        } else {
            Err(HostError::from_response(answer.status(), answer.headers(), answer.body()))
        }
    }
}

/// A success.
#[derive(Debug)]
pub(crate) struct Answer(Response<Bytes>);

impl Answer {
    /// Which success it is.
    pub(crate) fn status(&self) -> StatusCode {
        self.0.status()
    }

    /// The JSON in it.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, HostError> {
        serde_json::from_slice(self.0.body()).map_err(|error| HostError::unreadable(&error))
    }

    /// The items of the JSON list in it. Hosts written in Go show an empty list as null.
    pub(crate) fn items(&self) -> Result<Vec<Value>, HostError> {
        Ok(self.read::<Option<Vec<Value>>>()?.unwrap_or_default())
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }
}

/// Turns "there is no such object" into `None`.
pub(crate) fn optional<T>(result: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(HostError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Turns "the credential may not see it" into `None`, too.
pub(crate) fn seen<T>(result: Result<T, HostError>) -> Result<Option<T>, HostError> {
    match result {
        Err(HostError::Forbidden { .. }) => Ok(None),
        other => optional(other),
    }
}

/// What needs no escape in a part of a path.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A name as a part of a path. Slashes stay: the routes of refs take them.
pub(crate) fn encoded(name: &str) -> PercentEncode<'_> {
    const WITHOUT_SLASH: &AsciiSet = &ESCAPED.remove(b'/');
    utf8_percent_encode(name, WITHOUT_SLASH)
}

/// A name as one segment of a path, its slashes included, or as the value of a parameter.
pub(crate) fn segment(name: &str) -> PercentEncode<'_> {
    utf8_percent_encode(name, ESCAPED)
}
