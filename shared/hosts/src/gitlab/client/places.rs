//! Where the statuses of a commit go: into which pipeline, of which project.
//!
//! GitLab keeps a status in a pipeline, and shows on a merge request those of one pipeline, its head pipeline. If a status
//! names no pipeline, GitLab takes the newest pipeline of the commit, or makes one, which may take the place of a failed head pipeline
//! (<https://gitlab.com/gitlab-org/gitlab/-/issues/34378>). So a status goes to the head pipeline where that is one of the head,
//! else to the pipeline of the source branch. The pipelines of a fork's branch belong to the fork.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tidegate_model::{CommitSha, PullRequestNumber, RefName, RepositoryPath};

use super::answers::MergeRequest;

/// Where the statuses of a commit go.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// The merge request that the commit is the head of.
    pub(super) merge_request: Option<PullRequestNumber>,
    /// The number of the fork, where the pipeline is the fork's.
    pub(super) fork: Option<u64>,
    /// The pipeline. Without it, GitLab takes the newest one of the branch, or makes one.
    pub(super) pipeline: Option<u64>,
    pub(super) branch: Option<RefName>,
}

impl Place {
    pub(super) fn of(shown: &MergeRequest) -> Self {
        let head = shown.head();
        let pipeline =
            shown.head_pipeline.as_ref().filter(|pipeline| head.is_some() && pipeline.sha.as_ref() == head);
        // A member of the base project may have run the pipeline of a fork there.
        let project = pipeline.and_then(|pipeline| pipeline.project_id).or(shown.source_project_id);
        Self {
            merge_request: Some(shown.iid),
            fork: project.filter(|_| project != shown.target_project_id),
            pipeline: pipeline.map(|pipeline| pipeline.id),
            // The base project may have a branch of the name of a fork that is gone.
            branch: shown.source_branch.clone().filter(|_| shown.source_project_id.is_some()),
        }
    }
}

type Known = HashMap<(RepositoryPath, CommitSha), (Place, Instant)>;

/// What was read lately. What is forgotten is read again.
#[derive(Clone, Default)]
pub(super) struct Places(Arc<Mutex<Known>>);

impl Places {
    const MAX: usize = 1000;
    /// All jobs of a pull request report within this time when they begin. A new pipeline is found after it.
    pub(super) const FRESH: Duration = Duration::from_secs(20);

    /// Remembers what a merge request shows. The head of one of the repository's own branches stays its own: anybody may open
    /// another merge request of the same commit from a fork.
    pub(super) fn learn(&self, repository: &RepositoryPath, shown: &MergeRequest) {
        let Some(head) = shown.head() else { return };
        let key = (repository.clone(), head.clone());
        let (mut known, place) = (self.known(), Place::of(shown));
        let is_better = known.get(&key).is_none_or(|(known, _)| {
            known.merge_request.is_none()
                || known.merge_request == place.merge_request
                || (shown.is_open() && (known.fork.is_some() || !shown.is_of_fork()))
        });
        if is_better {
            Self::keep(&mut known, key, place);
        }
    }

    pub(super) fn remember(&self, repository: &RepositoryPath, commit: &CommitSha, place: Place) {
        Self::keep(&mut self.known(), (repository.clone(), commit.clone()), place);
    }

    fn keep(known: &mut Known, key: (RepositoryPath, CommitSha), place: Place) {
        if known.len() >= Self::MAX {
            known.clear();
        }
        known.insert(key, (place, Instant::now()));
    }

    pub(super) fn get(&self, repository: &RepositoryPath, commit: &CommitSha) -> Option<(Place, Instant)> {
        self.known().get(&(repository.clone(), commit.clone())).cloned()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}
