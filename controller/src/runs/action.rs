//! The actions of the producers of runs: one vocabulary for commands, comments, the catch-up, and later producers.

use kube::ResourceExt;
use tidegate_model::JobSpec;
use tidegate_resources::{
    Base, Cancel, CancelReason, ConfigReference, IntegrationConfig, IntegrationConfigSpec,
    IntegrationJobSpec, SkippedJob, Trigger,
};
use tidegate_rules::filters::{self, PatternError};

/// An idempotent step.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Exactly this run should exist.
    Ensure(Box<Run>),
    /// Every job of this run should have a run: those that have none get one.
    EnsureJobs(Box<Run>),
    /// These runs should stop.
    Cancel {
        /// Their names.
        runs: Vec<String>,
        /// The cancellation, with its reason.
        order: Cancel,
    },
    /// Those of these runs that have no slot should be cancelled.
    CancelQueued {
        /// Their names.
        runs: Vec<String>,
        /// The cancellation, with its reason.
        order: Cancel,
    },
}

/// An `IntegrationJob` that should exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Its spec.
    pub spec: IntegrationJobSpec,
    /// The identity of its trigger.
    pub digest: String,
    /// Whether the branch or tag points to this commit now, so that it is built again if another commit was built in between.
    pub may_repeat: bool,
    /// When the branch or tag moved back to this commit, in milliseconds since 1970: an older run of it was created for another
    /// push.
    pub renewed_at_ms: Option<i64>,
}

impl Run {
    /// A run that is created once, however its branch moves.
    pub fn once(spec: IntegrationJobSpec, digest: String) -> Self {
        Self { spec, digest, may_repeat: false, renewed_at_ms: None }
    }

    /// The run with those of these jobs that match its branch or tag; the others are skipped, with the reason.
    pub fn selecting(mut self, jobs: &[JobSpec]) -> Result<Self, PatternError> {
        let selection = filters::select(jobs, &self.spec.base.reference)?;
        self.spec.jobs = selection.run;
        let skipped = selection.skipped.into_iter().map(|(name, reason)| SkippedJob {
            name,
            reason: reason.chars().take(140).collect(),
            undecided: false,
        });
        self.spec.skipped = skipped.collect();
        Ok(self)
    }
}

/// The spec of a run without jobs.
pub fn empty_spec(config: &IntegrationConfig, trigger: Trigger, base: Base) -> IntegrationJobSpec {
    IntegrationJobSpec {
        config: ConfigReference { name: config.name_any(), uid: config.identity() },
        host: config.spec.git.type_,
        repository: config.spec.git.repository.clone(),
        trigger,
        base,
        pulls: Vec::new(),
        jobs: Vec::new(),
        skipped: Vec::new(),
        timeout: config.spec.timeout.unwrap_or(IntegrationConfigSpec::DEFAULT_TIMEOUT),
        awaits_approval: false,
        approved: None,
        cancel: None,
    }
}

/// A cancellation. Its message is truncated to the CRD's limit.
pub fn order(reason: CancelReason, message: &str) -> Cancel {
    Cancel { reason, message: message.chars().take(140).collect(), comment: None }
}
