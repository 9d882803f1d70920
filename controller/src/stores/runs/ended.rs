//! A finished run, as small as it can be held: there are thousands of them.

use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt as _;
use tidegate_model::{GitRef, Host, JobName, RepositoryPath};
use tidegate_resources::{ConfigReference, IntegrationJob};
use tidegate_rules::{
    ledger::{Run, RunId, TargetKey},
    pool::Pool,
    status::{RunName, Verdict, VerdictState, Words},
};

use crate::{key::Key, outcome::run_facts::RunFacts};

/// What is held of a finished run.
#[derive(Debug)]
pub struct EndedRun {
    key: Key,
    uid: Option<Box<str>>,
    version: Option<Box<str>>,
    shown: Option<Shown>,
}

/// What [`RunFacts`] says, in less memory: texts stand once, and what has to be clones that share theirs.
#[derive(Debug)]
struct Shown {
    config: Arc<ConfigReference>,
    host: Host,
    repository: RepositoryPath,
    run: Option<ShownRun>,
    ended: Box<[(JobName, Timestamp)]>,
    retest: Option<Box<str>>,
}

/// What a run says of a job.
type JobVerdict = (VerdictState, Words);

#[derive(Debug)]
struct ShownRun {
    created_at_ms: i64,
    attempt: u32,
    target: TargetKey,
    jobs: Box<[(JobName, Option<JobVerdict>)]>,
    left_out: Box<[(JobName, Box<str>)]>,
}

/// What finished runs repeat, each held once.
#[derive(Debug, Default)]
pub struct Pools {
    namespaces: Pool<Arc<str>>,
    configs: Pool<Arc<ConfigReference>>,
    repositories: Pool<RepositoryPath>,
    references: Pool<GitRef>,
    jobs: Pool<JobName>,
    words: Pool<Words>,
}

impl EndedRun {
    /// What is held of a run.
    pub fn of(run: &IntegrationJob, pools: &mut Pools) -> Self {
        let mut key = Key::of(run);
        pools.namespaces.share(&mut key.namespace);
        Self {
            key,
            uid: run.uid().map(Into::into),
            version: run.resource_version().map(Into::into),
            shown: RunFacts::of(run).map(|seen| Shown::of(seen, pools)),
        }
    }

    pub(super) fn key(&self) -> Key {
        self.key.clone()
    }

    fn name(&self) -> RunName {
        Arc::clone(&self.key.name).into()
    }

    pub(super) fn uid(&self) -> Option<&str> {
        self.uid.as_deref()
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    pub(super) fn id(&self) -> Option<RunId> {
        Some(self.shown.as_ref()?.run.as_ref()?.id(&self.name()))
    }

    pub(super) fn seen(&self) -> Option<RunFacts> {
        self.shown.as_ref().map(|shown| shown.seen(&self.name()))
    }
}

impl ShownRun {
    fn id(&self, name: &RunName) -> RunId {
        RunId { created_at_ms: self.created_at_ms, attempt: self.attempt, name: name.clone() }
    }
}

impl Shown {
    fn of(seen: RunFacts, pools: &mut Pools) -> Self {
        let RunFacts { config, repository: (host, mut repository), run, ended, retest } = seen;
        let mut config = Arc::new(config);
        pools.configs.share(&mut config);
        pools.repositories.share(&mut repository);
        let mut shared = |mut job: JobName| {
            pools.jobs.share(&mut job);
            job
        };
        let ended = ended.into_iter().map(|(job, at)| (shared(job), at)).collect();
        let run = run.map(|Run { id, mut target, jobs, left_out }| {
            pools.references.share(&mut target.reference);
            let mut said = |Verdict { state, mut text, .. }: Verdict| {
                pools.words.share(&mut text);
                (state, text)
            };
            ShownRun {
                created_at_ms: id.created_at_ms,
                attempt: id.attempt,
                target,
                jobs: jobs.into_iter().map(|(job, verdict)| (shared(job), verdict.map(&mut said))).collect(),
                left_out: left_out.into_iter().map(|(job, reason)| (shared(job), reason.into())).collect(),
            }
        });
        Self { config, host, repository, run, ended, retest: retest.map(Into::into) }
    }

    fn seen(&self, name: &RunName) -> RunFacts {
        let run = self.run.as_ref().map(|run| {
            let verdict =
                |(state, text): &JobVerdict| Verdict { state: *state, text: text.clone(), run: name.clone() };
            let jobs = run.jobs.iter().map(|(name, said)| (name.clone(), said.as_ref().map(verdict)));
            let left_out = run.left_out.iter().map(|(name, reason)| (name.clone(), reason.to_string()));
            Run {
                id: run.id(name),
                target: run.target.clone(),
                jobs: jobs.collect(),
                left_out: left_out.collect(),
            }
        });
        RunFacts {
            config: (*self.config).clone(),
            repository: (self.host, self.repository.clone()),
            run,
            ended: self.ended.to_vec(),
            retest: self.retest.as_deref().map(str::to_owned),
        }
    }
}
