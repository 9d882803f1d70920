//! The one way to call a host: every call is counted, traced and timed, and a credential that the host denies is thrown away.

use std::{fmt, sync::Arc, time::Instant};

use k8s_openapi::jiff::Timestamp;
use tidegate_hosts::{
    client::{
        AccountFacts, CommentFacts, CommitCommentFacts, Hook, HookSpec, HostClient, HostError, Listing,
        PullRequestFacts, Reaction, RefFacts, StatusFacts,
    },
    pull_request_ref,
};
use tidegate_model::{
    Capabilities, CommentId, CommentPointer, CommitSha, CommitStatus, GitRef, Host, Login, PullRequestNumber,
    RepositoryPath,
};
use tidegate_telemetry::field;
use tracing::Instrument as _;

use super::cache::{Cache, CacheKey};
use crate::metrics::Metrics;

/// A client of one repository with the credential of its config. Its calls are those of [`HostClient`], where each one's
/// contract stands.
#[derive(Clone)]
pub struct RepositoryClient {
    client: Arc<HostClient>,
    repository: RepositoryPath,
    cache: Cache,
    key: CacheKey,
    metrics: Metrics,
}

/// A call of a host's API failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation} failed on the host")]
pub struct CallError {
    /// The call.
    pub operation: Operation,
    /// Why.
    pub source: HostError,
}

/// One line is one call: its name here, its name in metrics, logs and error texts, which is that of the method of
/// [`HostClient`], its arguments, and what it returns.
macro_rules! calls {
    ($($operation:ident, $name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// The calls of a host's API: the one vocabulary of metrics, logs and error texts.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("[`HostClient::", stringify!($name), "`]")] $operation,)*
        }

        impl Operation {
            /// The name in metrics, logs and error texts.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$operation => stringify!($name),)*
                }
            }
        }

        impl RepositoryClient {
            $(
                #[doc = concat!("[`HostClient::", stringify!($name), "`] of the repository.")]
                pub async fn $name(&self, $($argument: $type),*) -> Result<$answer, CallError> {
                    let answer = self.client.$name(&self.repository, $($argument),*);
                    self.call(Operation::$operation, answer).await
                }
            )*
        }
    };
}

calls! {
    ReadRepository, read_repository() -> RepositoryPath;
    CheckStatusRight, check_status_right() -> bool;
    FindMissingRight, find_missing_right() -> Option<String>;
    ReadPullRequest, read_pull_request(number: PullRequestNumber) -> Option<PullRequestFacts>;
    ListOpenPullRequests, list_open_pull_requests() -> Listing<PullRequestFacts>;
    ListRefs, list_refs() -> Listing<RefFacts>;
    ReadRef, read_ref(reference: &GitRef) -> Option<CommitSha>;
    ReadAccount, read_account(login: &Login) -> AccountFacts;
    IsAncestor, is_ancestor(sha: &CommitSha, of: &CommitSha) -> bool;
    HasCommit, has_commit(sha: &CommitSha) -> bool;
    SetStatus, set_status(status: &CommitStatus) -> ();
    ListStatuses, list_statuses(sha: &CommitSha) -> Vec<StatusFacts>;
    ReadComments, read_comments(number: PullRequestNumber, pointer: &CommentPointer) -> Vec<CommentFacts>;
    ListComments, list_comments(number: PullRequestNumber, since: Timestamp) -> Vec<CommentFacts>;
    CreateComment, create_comment(number: PullRequestNumber, body: &str) -> ();
    UpdateComment, update_comment(number: PullRequestNumber, comment: CommentId, body: &str) -> ();
    React, react(number: PullRequestNumber, comment: CommentId, reaction: Reaction) -> ();
    ReadCommitComment, read_commit_comment(commit: &CommitSha, comment: CommentId) -> Option<CommitCommentFacts>;
    ListCommitComments, list_commit_comments(commit: &CommitSha) -> Vec<CommitCommentFacts>;
    CreateCommitComment, create_commit_comment(commit: &CommitSha, body: &str) -> ();
    ListHooks, list_hooks() -> Vec<Hook>;
    CreateHook, create_hook(spec: &HookSpec) -> String;
    UpdateHook, update_hook(id: &str, spec: &HookSpec) -> String;
    DeleteHook, delete_hook(id: &str) -> ();
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl RepositoryClient {
    pub(super) fn new(
        client: Arc<HostClient>,
        repository: RepositoryPath,
        cache: Cache,
        key: CacheKey,
        metrics: Metrics,
    ) -> Self {
        Self { client, repository, cache, key, metrics }
    }

    /// The kind of host.
    pub fn host(&self) -> Host {
        self.key.host
    }

    /// The repository.
    pub fn repository(&self) -> &RepositoryPath {
        &self.repository
    }

    /// What the host offers, where hosts differ.
    pub fn capabilities(&self) -> &'static Capabilities {
        self.client.capabilities()
    }

    /// The ref that holds a pull request's head; `None` where the host keeps no such refs.
    pub fn pull_request_ref(&self, number: PullRequestNumber) -> Option<String> {
        pull_request_ref(self.host(), number)
    }

    /// Where `git` clones another repository of the site from, without credentials.
    pub fn clone_url_of(&self, repository: &RepositoryPath) -> String {
        self.client.clone_url(repository).into()
    }

    /// Where `git` clones the repository from, without credentials.
    pub fn clone_url(&self) -> String {
        self.client.clone_url(&self.repository).into()
    }

    /// Makes a call. The credential is thrown away when the host denies it, a right of it, or the view of what is asked for:
    /// the next call reads its Secret again.
    async fn call<T>(
        &self,
        operation: Operation,
        answer: impl Future<Output = Result<T, HostError>>,
    ) -> Result<T, CallError> {
        let host = self.host();
        let span = tracing::info_span!(
            "host_call",
            { field::HOST } = host.as_str(),
            { field::OPERATION } = operation.as_str(),
        );
        let begun = Instant::now();
        let answer = answer.instrument(span.clone()).await;
        let outcome = answer.as_ref().map_or_else(HostError::category, |_| "ok");
        self.metrics.host_call(host, operation.as_str(), outcome);
        let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        span.in_scope(|| {
            tracing::debug!({ field::OUTCOME } = outcome, { field::DURATION_MS } = took, "called the host");
        });
        answer.map_err(|source| {
            if source.class().is_denial() {
                self.cache.throw_away(&self.key, &self.client);
            }
            CallError { operation, source }
        })
    }
}

#[cfg(test)]
mod tests;
