//! The custom resources of Tidegate (`tidegate.dev/v1alpha1`) and the part of Tekton it uses.
//!
//! Types and names only: nothing here calls a cluster. The YAML in `crds/` is generated from these types by
//! `cargo xtask crds` and checked by `cargo ci`.

mod condition;
mod integration_config;
mod integration_job;
mod integration_ledger;
mod names;
mod schema;
mod tekton;

pub use condition::{Condition, ConditionStatus, set_condition};
pub use integration_config::{
    ConfigJobs, CredentialProof, DeliveryGap, GitSpec, GithubApp, IntegrationConfig, IntegrationConfigSpec,
    IntegrationConfigStatus, RetiredSalt, WebhookStatus, site,
};
pub use integration_job::{
    Base, Cancel, CancelReason, CommentReference, ConfigReference, IntegrationJob, IntegrationJobSpec,
    IntegrationJobStatus, JobPhase, JobStatus, NotRetested, Phase, Pull, Retested, SkippedJob, Trigger,
};
pub use integration_ledger::{IntegrationLedger, IntegrationLedgerSpec};
pub use names::{
    FINALIZER, annotation, answer_digest, comment_trigger_digest, commit_answer_digest, digest,
    integration_job_name, label, pull_request_part_trigger_digest, pull_request_trigger_digest,
    push_trigger_digest, retest_trigger_digest, skipped_trigger_digest, statuses_digest,
};
pub use tekton::{
    ChildReference, EmbeddedTask, EmptyDirSource, EnvSource, EnvVar, Pipeline, PipelineRun, PipelineRunSpec,
    PipelineRunStatus, PipelineTask, PodTemplate, ResultSpec, RunCondition, SecretKeySelector, SecretSource,
    Step, StepResult, StepState, TaskRun, TaskRunSpec, TaskRunStatus, TaskRunTemplate, Terminated, Timeouts,
    Volume, VolumeMount, Waiting,
};
