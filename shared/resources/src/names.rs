//! Names, labels and annotations. They make the controller idempotent: the same trigger gives the same name.

use sha2::{Digest, Sha256};
use tidegate_model::{CommentId, CommentKind, CommitSha, GitRef, JobName, PullRequestNumber, RefName};

/// Keeps a config until its webhook is removed from the host.
pub const FINALIZER: &str = "tidegate.dev/webhook";

/// Labels: what is selected by. Values are names or digests, since repositories and branches don't fit label syntax.
pub mod label {
    /// The config's name.
    pub const CONFIG: &str = "tidegate.dev/config";
    /// The `IntegrationJob`'s name, on its `PipelineRun` and on Tekton's `TaskRun`s and pods.
    pub const INTEGRATION_JOB: &str = "tidegate.dev/integration-job";
    /// The digest of host and repository.
    pub const REPOSITORY: &str = "tidegate.dev/repository";
    /// The pull request's number.
    pub const PULL_REQUEST: &str = "tidegate.dev/pull-request";
    /// The digest of the branch or tag.
    pub const REF: &str = "tidegate.dev/ref";
    /// Whether the code of a run may read Secrets: `trusted` or `untrusted`. On its `PipelineRun`, `TaskRun`s and pods, for
    /// the selector of a `NetworkPolicy`.
    pub const TRUST: &str = "tidegate.dev/trust";
    /// Tekton's label of a `TaskRun`: its `PipelineRun`.
    pub const TEKTON_PIPELINE_RUN: &str = "tekton.dev/pipelineRun";
    /// Tekton's label of a `TaskRun`: its name in the pipeline, for us the job's name.
    pub const TEKTON_PIPELINE_TASK: &str = "tekton.dev/pipelineTask";
}

/// Annotations: what is read.
pub mod annotation {
    /// The repository's path.
    pub const REPOSITORY: &str = "tidegate.dev/repository";
    /// The full name of the branch or tag.
    pub const REF: &str = "tidegate.dev/ref";
    /// On a Secret: the hosts that it may be sent to, separated by commas.
    pub const HOST: &str = "tidegate.dev/host";
    /// The delivery that started it.
    pub const DELIVERY: &str = "tidegate.dev/delivery";
    /// The W3C trace context.
    pub const TRACEPARENT: &str = "tidegate.dev/traceparent";
    /// When the controller made it, in milliseconds since 1970: Kubernetes' own timestamp has whole seconds only.
    pub const CREATED_AT_MS: &str = "tidegate.dev/created-at-ms";
    /// On a config: another value has its webhook replaced by one under a new salt.
    pub const ROTATE_WEBHOOK: &str = "tidegate.dev/rotate-webhook";
    /// When the webhook function accepted the delivery, in milliseconds since 1970.
    pub const RECEIVED_AT_MS: &str = "tidegate.dev/received-at-ms";
    /// The id of a request to run the failed jobs of a push's run again. The controller removes it when it has followed it.
    pub const RETEST: &str = "tidegate.dev/retest";
}

/// Sixteen hexadecimal digits of the SHA-256 over the parts, each behind its length, so that no two lists of parts
/// collide by concatenation.
pub fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(&hash.finalize()[..8])
}

/// The identity of "this head into this base with these rights, under this config": pull requests that agree in it share a run.
pub fn pull_request_trigger_digest(
    config_uid: &str,
    base: &RefName,
    head: &CommitSha,
    rights: &str,
) -> String {
    digest(&[config_uid, "PullRequest", base.as_str(), head.as_str(), rights])
}

/// The identity of "those jobs of a pull request's run that no other run has".
pub fn pull_request_part_trigger_digest(run: &str, jobs: &[JobName]) -> String {
    let parts: Vec<&str> = [run, "Part"].into_iter().chain(jobs.iter().map(JobName::as_str)).collect();
    digest(&parts)
}

/// The identity of "this commit on this branch or tag, under this config".
pub fn push_trigger_digest(config_uid: &str, reference: &GitRef, sha: &CommitSha) -> String {
    digest(&[config_uid, "Push", &reference.to_string(), sha.as_str()])
}

/// The identity of "a pull request whose author leaves CI out": the run of the same head is another one.
pub fn skipped_trigger_digest(
    config_uid: &str,
    number: PullRequestNumber,
    base: &RefName,
    head: &CommitSha,
) -> String {
    digest(&[config_uid, "Skipped", &number.to_string(), base.as_str(), head.as_str()])
}

/// The identity of "what this comment or review asks for, under this config", whatever the head is by then.
pub fn comment_trigger_digest(config_uid: &str, kind: CommentKind, comment: CommentId) -> String {
    let kind = match kind {
        CommentKind::Comment => "Comment",
        CommentKind::Review => "Review",
    };
    digest(&[config_uid, kind, &comment.to_string()])
}

/// The identity of "the failed jobs of this run again, as this request asks".
pub fn retest_trigger_digest(run: &str, request: &str) -> String {
    digest(&[run, "Retest", request])
}

/// What stands, unseen, in the answer to a comment or review, so that it is found again. Strangers can't know the uid.
pub fn answer_digest(config_uid: &str, kind: CommentKind, comment: CommentId) -> String {
    let kind = match kind {
        CommentKind::Comment => "Answer",
        CommentKind::Review => "AnswerToReview",
    };
    digest(&[config_uid, kind, &comment.to_string()])
}

/// The same for a comment on a commit.
pub fn commit_answer_digest(config_uid: &str, comment: CommentId) -> String {
    digest(&[config_uid, "AnswerOnCommit", &comment.to_string()])
}

/// The mark of the comment that replaces a config's statuses.
pub fn statuses_digest(config_uid: &str) -> String {
    digest(&[config_uid, "Statuses"])
}

/// The name of an `IntegrationJob`, and of its `PipelineRun`: config, trigger and attempt; at most 63 characters as a
/// config's name has at most 40. Attempts count from 1 to 99,999.
pub fn integration_job_name(config: &str, trigger_digest: &str, attempt: u32) -> String {
    format!("{config}-{trigger_digest}-{attempt}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_collide_by_concatenation() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a"]), digest(&["a", ""]));
        assert_eq!(digest(&["a"]).len(), 16);
    }

    #[test]
    fn the_longest_name_is_a_dns_label() {
        let name = integration_job_name(&"c".repeat(40), &digest(&["x"]), 99_999);
        assert_eq!(name.len(), 63);
    }
}
