//! Commit statuses. Source: <https://docs.gitlab.com/api/commits/#commit-status>, and
//! `app/services/ci/create_commit_status_service.rb` of GitLab.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tidegate_model::{CommitSha, CommitStatus, RefName, RepositoryPath, StatusState};

use super::{GitlabClient, places::Place, project};
use crate::{
    api::{Api, HostError, StatusFacts},
    body::lenient,
};

/// What is written.
#[derive(Serialize)]
struct Status<'a> {
    state: &'static str,
    name: &'a str,
    description: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_url: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline_id: Option<u64>,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    branch: Option<&'a RefName>,
}

#[derive(Deserialize)]
struct Written {
    #[serde(default, deserialize_with = "lenient")]
    pipeline_id: Option<u64>,
}

#[derive(Deserialize)]
struct ShownStatus {
    id: u64,
    name: String,
    #[serde(default, deserialize_with = "lenient")]
    description: String,
    created_at: Timestamp,
}

/// The path in the API of the project whose pipeline it is.
fn project_of(place: &Place, repository: &RepositoryPath) -> String {
    place.fork.map_or_else(|| project(repository), |id| format!("/projects/{id}"))
}

/// Whether another pipeline may do: it may be gone, or hold too many jobs.
fn is_about_pipeline(error: &HostError) -> bool {
    matches!(
        error,
        HostError::NotFound | HostError::Rejected { status: StatusCode::UNPROCESSABLE_ENTITY, .. }
    )
}

impl GitlabClient {
    /// A pipeline that can't be used any more is chosen again.
    pub(crate) async fn set_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
    ) -> Result<(), HostError> {
        let place = self.place(repository, &status.sha).await?;
        let mut written = self.write_status(repository, status, &place).await;
        if place.pipeline.is_some() && written.as_ref().is_err_and(is_about_pipeline) {
            let another = self.another_place(repository, &status.sha, &place).await?;
            written = self.write_status(repository, status, &another).await;
        }
        match written {
            Err(HostError::NotFound | HostError::Forbidden { .. }) if place.fork.is_some() => {
                Err(HostError::StatusInFork)
            }
            written => written,
        }
    }

    async fn write_status(
        &self,
        repository: &RepositoryPath,
        status: &CommitStatus,
        place: &Place,
    ) -> Result<(), HostError> {
        let path = format!("{}/statuses/{}", project_of(place, repository), status.sha);
        let body = Status {
            state: match status.state {
                StatusState::Pending => "pending",
                StatusState::Success => "success",
                StatusState::Failure | StatusState::Error => "failed",
            },
            name: &status.context,
            description: &status.description,
            target_url: status.target_url.as_deref(),
            pipeline_id: place.pipeline,
            branch: place.branch.as_ref().filter(|_| place.pipeline.is_none()),
        };
        let expected = [StatusCode::CREATED, StatusCode::OK];
        match self.api.write(Method::POST, &path, &body, &expected).await {
            Ok(answer) => {
                let pipeline = answer.read::<Written>().ok().and_then(|written| written.pipeline_id);
                if place.merge_request.is_none() && place.pipeline.is_none() && pipeline.is_some() {
                    // The next status of the commit goes to the same pipeline, even if a newer one comes.
                    let place = Place { pipeline, ..place.clone() };
                    self.places.remember(repository, &status.sha, place);
                }
                Ok(())
            }
            // It has this state: GitLab knows no change from a state to itself.
            Err(HostError::Rejected { status: StatusCode::BAD_REQUEST, message })
                if message.contains("Cannot transition status") =>
            {
                Ok(())
            }
            // Somebody else writes a status of the commit at this moment.
            Err(HostError::Rejected { status: StatusCode::CONFLICT, message }) => {
                Err(HostError::unavailable(message))
            }
            Err(error) => Err(error),
        }
    }

    /// GitLab lists the newest status of each name, in no order that its older versions let one choose. Those of a fork are left
    /// out: its owner may write them.
    pub(crate) async fn list_statuses(
        &self,
        repository: &RepositoryPath,
        sha: &CommitSha,
    ) -> Result<Vec<StatusFacts>, HostError> {
        let place = self.place(repository, sha).await?;
        if place.fork.is_some() {
            return Ok(Vec::new());
        }
        let path = format!("{}/repository/commits/{sha}/statuses", project(repository));
        let listed = self.api.list(&path, Api::MAX_ITEMS, |shown: ShownStatus| Ok(shown)).await?;
        let mut statuses = listed.items;
        statuses.sort_by_key(|status| std::cmp::Reverse(status.id));
        let facts = |ShownStatus { name: context, description, created_at, .. }| StatusFacts {
            context,
            description,
            created_at,
        };
        Ok(statuses.into_iter().map(facts).collect())
    }
}
