//! Commit statuses.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tidegate_model::CommitSha;

use crate::{Forge, Status};

impl Forge {
    /// Every status that was posted for a commit, oldest first.
    pub fn statuses(&self, repo: &str, sha: &CommitSha) -> Result<Vec<Status>> {
        let mut statuses: Vec<Status> = self.state().repository(repo)?.statuses_of(sha).cloned().collect();
        statuses.reverse();
        Ok(statuses)
    }

    /// The newest status of a context.
    pub fn status(&self, repo: &str, sha: &CommitSha, context: &str) -> Result<Option<Status>> {
        let state = self.state();
        let found = state.repository(repo)?.statuses_of(sha).find(|status| status.context == context);
        Ok(found.cloned())
    }

    /// Waits until the newest status of a context is as wanted. The error names the statuses that are there.
    pub async fn wait_for_status(
        &self,
        repo: &str,
        sha: &CommitSha,
        context: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Status) -> bool,
    ) -> Result<Status> {
        let look = |forge: &Self| forge.status(repo, sha, context).ok().flatten().filter(&mut wanted);
        let found = self.wait_for(&format!("status {context} of {repo}@{sha}"), limit, look).await;
        found.with_context(|| match self.statuses(repo, sha) {
            Ok(all) => {
                let all: Vec<_> = all
                    .iter()
                    .map(|s| {
                        format!(
                            "{}={} ({})",
                            s.context,
                            s.state,
                            s.description.as_deref().unwrap_or_default()
                        )
                    })
                    .collect();
                format!("statuses so far: {all:?}")
            }
            Err(error) => error.to_string(),
        })
    }
}
