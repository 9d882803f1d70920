//! An `IntegrationJob` becomes a `PipelineRun`: one task for each job. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use kube::{Resource, ResourceExt, api::ObjectMeta};
use tidegate_model::{CommitSha, JobName, JobSpec, Timeout};
use tidegate_resources::{
    EmbeddedTask, EnvSource, EnvVar, IntegrationJob, Pipeline, PipelineRun, PipelineRunSpec, PipelineTask,
    PodTemplate, SecretKeySelector, Step, TaskRunTemplate, Timeouts, annotation, label,
};
use tidegate_rules::{
    tekton_variables::{self, TektonVariable},
    trust::{self, Rights},
};

use super::{checkout, dereference::Source, literal};

/// The name of the step that runs what the user wrote.
pub const STEP: &str = "run";

/// How long after its last possible end Tekton stops a run that this controller did not stop.
const BACKSTOP_MARGIN: Duration = Duration::from_mins(5);

/// What the operator decided about every run.
#[derive(Debug, Clone, Copy)]
pub struct RunSettings<'a> {
    /// The image of the checkout step.
    pub checkout_image: &'a str,
    /// The `ServiceAccount` of the pods.
    pub service_account: &'a str,
    /// The one of pods whose code gets no Secrets.
    pub untrusted_service_account: &'a str,
}

impl RunSettings<'_> {
    fn service_account_of(&self, job: &IntegrationJob) -> &str {
        if job.is_untrusted() { self.untrusted_service_account } else { self.service_account }
    }
}

/// Why an `IntegrationJob` can't become a `PipelineRun`. Another try would find the same.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A fork's code would get a Secret.
    #[error("needs secret {secret}: only a writer's pull request from a branch of the repository gets it")]
    NeedsSecret {
        /// The job that names the Secret.
        job: JobName,
        /// The Secret.
        secret: String,
    },
    /// Tekton would change what the user wrote.
    #[error(transparent)]
    TektonVariable(TektonVariable),
}

impl BuildError {
    /// The job that can't be run.
    pub fn job(&self) -> &JobName {
        match self {
            Self::NeedsSecret { job, .. } | Self::TektonVariable(TektonVariable { job, .. }) => job,
        }
    }

    /// The reason, as a condition's.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NeedsSecret { .. } => "NeedsSecret",
            Self::TektonVariable(_) => "TektonVariable",
        }
    }
}

/// The `PipelineRun` of an `IntegrationJob` whose base stands at this commit.
pub fn build(
    job: &IntegrationJob,
    base: &CommitSha,
    source: &Source,
    settings: RunSettings<'_>,
) -> Result<PipelineRun, BuildError> {
    check_secrets(job)?;
    let spec = &job.spec;
    // A pipeline whose task fails for good starts nothing more, so only a task that nothing waits for may be let pass:
    // what comes after a failed job must not run. The verdict doesn't depend on it.
    let awaited: BTreeSet<&JobName> = spec.jobs.iter().flat_map(|entry| &entry.after).collect();
    let tasks = spec
        .jobs
        .iter()
        .map(|entry| {
            Ok(PipelineTask {
                name: entry.name.to_string(),
                run_after: entry.after.iter().map(ToString::to_string).collect(),
                // Without a limit of its own a task would get Tekton's default of one hour.
                timeout: Some(backstop(job.timeout())),
                on_error: (entry.optional && !awaited.contains(&entry.name)).then(|| "continue".to_owned()),
                task_spec: task(job, entry, base, source, settings)?,
            })
        })
        .collect::<Result<_, _>>()?;
    Ok(PipelineRun {
        metadata: ObjectMeta {
            name: job.metadata.name.clone(),
            namespace: job.metadata.namespace.clone(),
            labels: Some(labels(job)),
            annotations: Some(annotations(job)),
            owner_references: job.controller_owner_ref(&()).map(|owner| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: PipelineRunSpec {
            pipeline_spec: Pipeline { tasks },
            timeouts: Some(Timeouts { pipeline: backstop(job.timeout()) }),
            task_run_template: Some(TaskRunTemplate {
                service_account_name: Some(settings.service_account_of(job).to_owned()),
                pod_template: Some(PodTemplate {
                    automount_service_account_token: Some(false),
                    security_context: Some(checkout::pod_security_context()),
                    ..PodTemplate::default()
                }),
            }),
            status: None,
        },
        status: None,
    })
}

/// Tekton's own limits count from before a pod has a place, so they can't be those that people set. The job loop stops a run
/// whose time is over, and the entrypoint of the job's step a job; this ends what nobody stopped: the time to start, the time
/// to run, and some minutes.
fn backstop(timeout: Timeout) -> String {
    let seconds = timeout.as_duration().as_secs() * 2 + BACKSTOP_MARGIN.as_secs();
    format!("{seconds}s")
}

fn check_secrets(job: &IntegrationJob) -> Result<(), BuildError> {
    let rights = if job.is_untrusted() { Rights::WithoutSecrets } else { Rights::WithSecrets };
    match trust::first_forbidden_secret(rights, &job.spec.jobs) {
        Some((job, secret)) => Err(BuildError::NeedsSecret { job: job.clone(), secret: secret.to_owned() }),
        None => Ok(()),
    }
}

fn task(
    job: &IntegrationJob,
    entry: &JobSpec,
    base: &CommitSha,
    source: &Source,
    settings: RunSettings<'_>,
) -> Result<EmbeddedTask, BuildError> {
    let run = run_step(job, entry, base)?;
    if entry.skip_checkout {
        return Ok(EmbeddedTask { steps: vec![run], volumes: vec![checkout::source_volume()] });
    }
    Ok(EmbeddedTask {
        steps: vec![checkout::step(&job.spec, base, source, settings.checkout_image), run],
        volumes: std::iter::once(checkout::source_volume())
            .chain(
                source
                    .clone_credential
                    .as_ref()
                    .map(|credential| checkout::credential_volume(&credential.secret)),
            )
            .collect(),
    })
}

fn run_step(job: &IntegrationJob, entry: &JobSpec, base: &CommitSha) -> Result<Step, BuildError> {
    if let Some(variable) = tekton_variables::check(entry).next() {
        return Err(BuildError::TektonVariable(variable));
    }
    Ok(Step {
        name: STEP.to_owned(),
        image: entry.image.clone(),
        command: entry.command.clone(),
        args: entry.args.clone(),
        script: entry.script.clone(),
        working_dir: Some(checkout::WORKING_DIR.to_owned()),
        env: environment(job, entry, base),
        volume_mounts: vec![checkout::source_mount()],
        timeout: Some(entry.timeout.unwrap_or(job.timeout()).min(job.timeout()).to_string()),
        ..Step::default()
    })
}

/// The facts of the run, then what the user wrote; where both name a variable, the user's word holds.
fn environment(job: &IntegrationJob, entry: &JobSpec, base: &CommitSha) -> Vec<EnvVar> {
    let spec = &job.spec;
    let mut facts = vec![
        ("CI", "true".to_owned()),
        ("TIDEGATE", "true".to_owned()),
        ("TIDEGATE_REPOSITORY", spec.repository.to_string()),
        ("TIDEGATE_CONFIG", spec.config.name.clone()),
        ("TIDEGATE_JOB", entry.name.to_string()),
        ("TIDEGATE_TRIGGER", spec.trigger.as_str().to_owned()),
        ("TIDEGATE_BASE_REF", spec.base.reference.to_string()),
        ("TIDEGATE_BASE_SHA", base.to_string()),
        // The checkout ran as another user, which git would not trust.
        ("GIT_CONFIG_COUNT", "1".to_owned()),
        ("GIT_CONFIG_KEY_0", "safe.directory".to_owned()),
        ("GIT_CONFIG_VALUE_0", checkout::WORKING_DIR.to_owned()),
    ];
    if !entry.skip_checkout {
        facts.push(("GIT_CONFIG_SYSTEM", checkout::SYSTEM_CONFIG.to_owned()));
    }
    if let [pull] = spec.pulls.as_slice() {
        facts.push(("TIDEGATE_PULL_REQUEST", pull.number.to_string()));
        facts.push(("TIDEGATE_HEAD_SHA", pull.sha.to_string()));
    }
    facts.retain(|(name, _)| entry.env.iter().all(|variable| variable.name != *name));
    let own = entry.env.iter().map(|variable| EnvVar {
        name: variable.name.clone(),
        value: variable.value.clone(),
        value_from: variable.secret_key_ref.as_ref().map(|secret| EnvSource {
            secret_key_ref: Some(SecretKeySelector { name: secret.name.clone(), key: secret.key.clone() }),
        }),
    });
    literal::variables(facts).into_iter().chain(own).collect()
}

/// Tekton copies labels and annotations to the `TaskRun`s and pods.
fn labels(job: &IntegrationJob) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = [label::REPOSITORY, label::REF]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), job.labels().get(name)?.clone())))
        .collect();
    labels.insert(label::CONFIG.to_owned(), job.spec.config.name.clone());
    labels.insert(label::INTEGRATION_JOB.to_owned(), job.name_any());
    let trust = if job.is_untrusted() { "untrusted" } else { "trusted" };
    labels.insert(label::TRUST.to_owned(), trust.to_owned());
    if let [pull] = job.spec.pulls.as_slice() {
        labels.insert(label::PULL_REQUEST.to_owned(), pull.number.to_string());
    }
    labels
}

fn annotations(job: &IntegrationJob) -> BTreeMap<String, String> {
    [annotation::REPOSITORY, annotation::REF, annotation::DELIVERY, annotation::TRACEPARENT]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), job.annotations().get(name)?.clone())))
        .collect()
}

#[cfg(test)]
mod tests;
