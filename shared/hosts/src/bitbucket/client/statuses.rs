//! Statuses of commits.
//!
//! Source: <https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/>

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tidegate_model::{CommitSha, CommitStatus, RepositoryPath, StatusState};

use super::BitbucketClient;
use crate::{
    api::{Api, HostError, StatusFacts, optional},
    body::lenient,
};

#[derive(Deserialize)]
struct Shown {
    /// The context, as far as the status is ours.
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    created_on: Timestamp,
    /// When it was overwritten.
    #[serde(default, deserialize_with = "lenient")]
    updated_on: Option<Timestamp>,
}

impl BitbucketClient {
    /// A status of the same key is overwritten. An address is needed: without a page of its own it is the commit's. A pull request
    /// shows a status by the name of its source branch.
    pub(crate) async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        let CommitStatus { sha, context, state, description, target_url, branch } = status;
        let page = || {
            let site = self.site.as_str().trim_end_matches('/');
            format!("{site}/{repository}/commits/{sha}")
        };
        let mut body = json!({
            "key": key(context),
            "name": context,
            "state": word(*state),
            "description": description,
            "url": target_url.clone().filter(|url| !url.is_empty()).unwrap_or_else(page),
        });
        if let Some(branch) = branch {
            body["refname"] = json!(branch);
        }
        let path = format!("/repositories/{repository}/commit/{sha}/statuses/build");
        let expected = [StatusCode::CREATED, StatusCode::OK];
        self.api.write(Method::POST, &path, &body, &expected).await.map(drop)
    }

    pub(crate) async fn list_statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        let path = format!("/repositories/{repository}/commit/{sha}/statuses?pagelen=100&sort=-updated_on");
        let read = |Shown { name, description, created_on, updated_on }| {
            Ok(StatusFacts { context: name, description, created_at: updated_on.unwrap_or(created_on) })
        };
        // The head of a fork is no commit of the base repository, and has no statuses there.
        let listed = optional(self.list(&path, Api::MAX_ITEMS / 100, read).await)?;
        Ok(listed.map(|listed| listed.items).unwrap_or_default())
    }
}

/// A key has at most 40 characters, and a cut context would be another one's key.
fn key(context: &str) -> String {
    hex::encode(&Sha256::digest(context)[..20])
}

/// The check of a pull request's builds wants each build of the head to be neither failed nor in progress. What it makes of
/// `STOPPED` isn't said anywhere, so nothing is ever called that.
///
/// Source: <https://bitbucket.org/blog/more-reliable-merge-checks>
const fn word(state: StatusState) -> &'static str {
    match state {
        StatusState::Pending => "INPROGRESS",
        StatusState::Success => "SUCCESSFUL",
        StatusState::Failure | StatusState::Error => "FAILED",
    }
}
