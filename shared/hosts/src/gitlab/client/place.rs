//! Reads where the statuses of a commit go.

use tidegate_model::{CommitSha, PullRequestNumber, RepositoryPath};

use super::{
    GitlabClient,
    answers::MergeRequest,
    places::{Place, Places},
    project,
};
use crate::api::{Api, HostError};

impl GitlabClient {
    /// Where the statuses of a commit go, as it was read a moment ago or is read now.
    pub(super) async fn place(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Place, HostError> {
        match self.places.get(repository, commit) {
            Some((place, at)) if at.elapsed() < Places::FRESH => Ok(place),
            Some((Place { merge_request: None, pipeline: None, .. }, _)) | None => {
                self.search_place(repository, commit).await
            }
            Some((known, _)) => {
                let now = self.place_in(repository, commit, known.merge_request).await?;
                // What is no head any more, or never was one, stays where it is.
                let place = now.unwrap_or(known);
                self.places.remember(repository, commit, place.clone());
                Ok(place)
            }
        }
    }

    /// Where the statuses of a commit go, if they can't go to a pipeline that was chosen before.
    pub(super) async fn another_place(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        unfit: &Place,
    ) -> Result<Place, HostError> {
        let place = match self.place_in(repository, commit, unfit.merge_request).await? {
            Some(place) => place,
            None => self.search_place(repository, commit).await?,
        };
        let pipeline = place.pipeline.filter(|_| place.pipeline != unfit.pipeline);
        Ok(Place { pipeline, ..place })
    }

    /// Reads where the statuses of a commit go, if it is the head of this merge request.
    async fn place_in(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
        merge_request: Option<PullRequestNumber>,
    ) -> Result<Option<Place>, HostError> {
        let Some(number) = merge_request else { return Ok(None) };
        let shown = self.merge_request(repository, number).await?;
        Ok(shown.filter(|shown| shown.head() == Some(commit)).as_ref().map(Place::of))
    }

    /// Looks for an open merge request that the commit is the head of.
    async fn search_place(
        &self,
        repository: &RepositoryPath,
        commit: &CommitSha,
    ) -> Result<Place, HostError> {
        let path = format!("{}/repository/commits/{commit}/merge_requests", project(repository));
        let of_commit = self.api.list(&path, Api::MAX_ITEMS, |shown: MergeRequest| Ok(shown)).await?.items;
        let open = of_commit.into_iter().filter(|shown| shown.is_open() && shown.head() == Some(commit));
        let found = open.min_by_key(MergeRequest::is_of_fork).map(|shown| shown.iid);
        let place = self.place_in(repository, commit, found).await?.unwrap_or_default();
        self.places.remember(repository, commit, place.clone());
        Ok(place)
    }
}
