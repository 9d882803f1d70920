//! A finished run, as small as it can be held: there are thousands of them.

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use tidegate_model::{Host, JobName, RepositoryPath};
use tidegate_resources::{ConfigReference, IntegrationJob};
use tidegate_rules::{
    ledger::{Run, RunId, TargetKey},
    status::{RunName, Verdict, VerdictState},
};

use crate::{key::Key, outcome::seen::Seen};

/// What is held of a finished run.
#[derive(Debug)]
pub struct EndedRun {
    namespace: Box<str>,
    name: RunName,
    uid: Option<Box<str>>,
    version: Option<Box<str>>,
    shown: Option<Shown>,
}

/// What [`Seen`] says, in less memory: texts stand once, and what has to be clones that share theirs.
#[derive(Debug)]
struct Shown {
    config: ConfigReference,
    host: Host,
    repository: RepositoryPath,
    run: Option<ShownRun>,
    ended: Box<[(JobName, Timestamp)]>,
    retest: Option<Box<str>>,
}

/// What a run says of a job.
type Said = (VerdictState, Box<str>);

#[derive(Debug)]
struct ShownRun {
    created_at_ms: i64,
    attempt: u32,
    target: TargetKey,
    jobs: Box<[(JobName, Option<Said>)]>,
    left_out: Box<[(JobName, Box<str>)]>,
}

impl EndedRun {
    /// What is held of a run.
    pub fn of(run: &IntegrationJob) -> Self {
        let seen = Seen::of(run);
        let known = seen.as_ref().and_then(|seen| Some(seen.run.as_ref()?.id.name.clone()));
        Self {
            namespace: run.namespace().unwrap_or_default().into(),
            name: known.unwrap_or_else(|| run.name_any().into()),
            uid: run.uid().map(Into::into),
            version: run.resource_version().map(Into::into),
            shown: seen.map(Shown::of),
        }
    }

    pub(super) fn key(&self) -> Key {
        Key { namespace: self.namespace.to_string(), name: self.name.to_string() }
    }

    pub(super) fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    pub(super) fn id(&self) -> Option<RunId> {
        Some(self.shown.as_ref()?.run.as_ref()?.id(&self.name))
    }

    pub(super) fn seen(&self) -> Option<Seen> {
        self.shown.as_ref().map(|shown| shown.seen(&self.name))
    }
}

impl ShownRun {
    fn id(&self, name: &RunName) -> RunId {
        RunId { created_at_ms: self.created_at_ms, attempt: self.attempt, name: name.clone() }
    }
}

impl Shown {
    fn of(seen: Seen) -> Self {
        let Seen { config, repository: (host, repository), run, ended, retest } = seen;
        // A job that a run has is named once.
        let names: Vec<JobName> = run.iter().flat_map(|run| run.jobs.keys().cloned()).collect();
        let shared = |name: JobName| names.iter().find(|known| **known == name).cloned().unwrap_or(name);
        let run = run.map(|Run { id, target, jobs, left_out }| {
            let verdict = |verdict: Verdict| (verdict.state, verdict.text.into());
            let jobs = jobs.into_iter().map(|(name, said)| (name, said.map(verdict)));
            ShownRun {
                created_at_ms: id.created_at_ms,
                attempt: id.attempt,
                target,
                jobs: jobs.collect(),
                left_out: left_out.into_iter().map(|(name, reason)| (name, reason.into())).collect(),
            }
        });
        let ended = ended.into_iter().map(|(name, at)| (shared(name), at));
        Self { config, host, repository, run, ended: ended.collect(), retest: retest.map(Into::into) }
    }

    fn seen(&self, name: &RunName) -> Seen {
        let run = self.run.as_ref().map(|run| {
            let verdict =
                |(state, text): &Said| Verdict { state: *state, text: text.to_string(), run: name.clone() };
            let jobs = run.jobs.iter().map(|(name, said)| (name.clone(), said.as_ref().map(verdict)));
            let left_out = run.left_out.iter().map(|(name, reason)| (name.clone(), reason.to_string()));
            Run {
                id: run.id(name),
                target: run.target.clone(),
                jobs: jobs.collect(),
                left_out: left_out.collect(),
            }
        });
        Seen {
            config: self.config.clone(),
            repository: (self.host, self.repository.clone()),
            run,
            ended: self.ended.to_vec(),
            retest: self.retest.as_deref().map(str::to_owned),
        }
    }
}
