//! Merge requests. Source: <https://docs.gitlab.com/api/merge_requests/>

use tidegate_model::{PullRequestNumber, RepositoryPath};

use super::{
    GitlabClient,
    answers::{MergeRequest, Namespace, Project, Source},
    project,
};
use crate::api::{Api, HostError, Listing, PullRequestFacts, optional, seen};

impl GitlabClient {
    pub(crate) async fn read_pull_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<PullRequestFacts>, HostError> {
        let Some(shown) = self.merge_request(repository, number).await? else { return Ok(None) };
        let source = self.source(repository, &shown).await?;
        optional(shown.into_facts(source))
    }

    /// Reads a merge request, and remembers where the statuses of its head go.
    pub(super) async fn merge_request(
        &self,
        repository: &RepositoryPath,
        number: PullRequestNumber,
    ) -> Result<Option<MergeRequest>, HostError> {
        let path = format!("{}/merge_requests/{number}", project(repository));
        let shown: Option<MergeRequest> = optional(self.api.get(&path).await)?;
        if let Some(shown) = &shown {
            self.places.learn(repository, shown);
        }
        Ok(shown)
    }

    /// The repository of the head. GitLab shows only the number of a fork.
    async fn source(&self, repository: &RepositoryPath, shown: &MergeRequest) -> Result<Source, HostError> {
        match shown.source_project_id {
            None => Ok(Source::default()),
            Some(_) if !shown.is_of_fork() => Ok(Source::own(repository)),
            Some(id) => {
                let fork: Option<Project> = seen(self.api.get(&format!("/projects/{id}")).await)?;
                let Some(fork) = fork else { return Ok(Source::default()) };
                let owner = fork.namespace.and_then(Namespace::person);
                Ok(Source { repository: Some(fork.path_with_namespace), owner })
            }
        }
    }

    /// Oldest first, so that a new one doesn't move the others to another page. To name the fork of each would take a call for
    /// each.
    pub(crate) async fn list_open_pull_requests(
        &self,
        repository: &RepositoryPath,
    ) -> Result<Listing<PullRequestFacts>, HostError> {
        let path =
            format!("{}/merge_requests?state=opened&order_by=created_at&sort=asc", project(repository));
        let read = |shown: MergeRequest| {
            let source = if shown.is_of_fork() { Source::default() } else { Source::own(repository) };
            shown.into_facts(source)
        };
        self.api.list(&path, Api::MAX_ITEMS, read).await
    }
}
