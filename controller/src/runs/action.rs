//! What a producer of runs wants: one vocabulary for commands, comments, the ledger's wishes, and whatever comes next.

use kube::ResourceExt;
use tidegate_model::JobSpec;
use tidegate_resources::{
    Base, Cancel, CancelReason, ConfigReference, IntegrationConfig, IntegrationConfigSpec,
    IntegrationJobSpec, SkippedJob, Trigger,
};
use tidegate_rules::filters::{self, PatternError};

/// One step towards what is wanted. Doing it twice changes nothing.
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
        /// The order, with its reason.
        order: Cancel,
    },
    /// Those of these runs that have no slot should never get one.
    CancelQueued {
        /// Their names.
        runs: Vec<String>,
        /// The order, with its reason.
        order: Cancel,
    },
}

/// An `IntegrationJob` that should exist.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What it runs.
    pub spec: IntegrationJobSpec,
    /// The identity of its trigger.
    pub digest: String,
    /// Whether the branch or tag points to this commit now, so that it is built again if another was built in between.
    pub may_repeat: bool,
    /// When the branch or tag was seen to come to this commit again, in milliseconds since 1970: an older run of it was made for
    /// another push.
    pub renewed_at_ms: Option<i64>,
}

impl Run {
    /// A run that exists once, whatever its branch does.
    pub fn once(spec: IntegrationJobSpec, digest: String) -> Self {
        Self { spec, digest, may_repeat: false, renewed_at_ms: None }
    }

    /// The same with those of these jobs that run for its branch or tag; the others are skipped, with the reason.
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

/// The spec of a run that holds nothing yet.
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

/// An order to stop. Its message is cut to what the resource holds.
pub fn order(reason: CancelReason, message: &str) -> Cancel {
    Cancel { reason, message: message.chars().take(140).collect(), comment: None }
}
