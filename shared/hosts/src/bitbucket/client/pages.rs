//! Lists, page by page. Each page has the address of the next one: Bitbucket asks to make none of one's own.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination>

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::BitbucketClient;
use crate::api::{HostError, Listing};

#[derive(Deserialize)]
struct Page {
    values: Vec<Value>,
    /// Missing on the last page.
    #[serde(default)]
    next: Option<String>,
}

impl BitbucketClient {
    /// Reads a list to its end or to so many pages. An item that can't be read is left out and counted.
    pub(super) async fn list<S: DeserializeOwned, T>(
        &self,
        path: &str,
        max_pages: u32,
        into_facts: impl Fn(S) -> Result<T, HostError>,
    ) -> Result<Listing<T>, HostError> {
        let mut listing = Listing::new();
        let mut path = path.to_owned();
        for _ in 0..max_pages {
            let page: Page = self.api.get(&path).await?;
            listing.add(page.values, &into_facts);
            match page.next {
                Some(next) => path = self.path_of(&next)?,
                None => return Ok(listing),
            }
        }
        listing.is_truncated = true;
        Ok(listing)
    }

    /// The path below the API's address. Nothing else ever sees the credential.
    fn path_of(&self, next: &str) -> Result<String, HostError> {
        let elsewhere = || HostError::unreadable(&"the address of the next page is outside of the API");
        let url: Url = next.parse().map_err(|_| elsewhere())?;
        let root = self.api_url.path().trim_end_matches('/');
        let path = url.path().strip_prefix(root).filter(|path| path.starts_with('/'));
        match path {
            Some(path) if url.origin() == self.api_url.origin() => {
                Ok(url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
            }
            _ => Err(elsewhere()),
        }
    }
}
