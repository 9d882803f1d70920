//! Which jobs and runs the words of a command mean.

use std::collections::BTreeSet;

use kube::ResourceExt;
use tidegate_model::{GitRef, JobName};
use tidegate_resources::{IntegrationJob, JobPhase};
use tidegate_rules::{
    filters::{self, Selection},
    graph,
};

use super::{Deciding, Tested, Verdict, Wanted, goes_on, is_of, phase_of, unfinished};
use crate::drain::chat::facts::Known;

/// Why a shared run is not stopped.
const SHARED: &str = "another pull request shares the run, so only people with write permission may stop it";

impl Deciding<'_> {
    /// `/test`. A job that its filters leave out for this branch stays left out: a comment doesn't change the config.
    pub(super) fn run_jobs(&mut self, names: &[JobName]) -> Verdict {
        let base = GitRef::Branch(self.known.pull_request.base.clone());
        if self.known.commenter.is_writer() {
            let jobs = (!names.is_empty()).then(|| names.iter().cloned().collect::<BTreeSet<_>>());
            let configs = 0..self.configs.len();
            self.tested.extend(configs.map(|config| Tested { config, jobs: jobs.clone() }));
        }
        let mut found = BTreeSet::new();
        let mut reasons: Vec<(JobName, String)> = Vec::new();
        let mut has_any = false;
        for config in 0..self.configs.len() {
            let may_run = self.may_run(config);
            let wanted = &mut self.configs[config];
            let Ok(Selection { run, skipped }) =
                filters::select(&wanted.of.config.spec.jobs.pre_submit, &base)
            else {
                continue;
            };
            found.extend(names.iter().filter(|name| run.iter().any(|job| job.name == **name)).cloned());
            reasons.extend(skipped);
            has_any |= !run.is_empty();
            if may_run {
                let chosen = if names.is_empty() { run } else { graph::with_ancestors(&run, names) };
                wanted.run.extend(chosen.into_iter().map(|job| job.name));
            }
        }
        if names.is_empty() {
            return if has_any {
                Verdict::Done
            } else {
                Verdict::Said(format!("no job runs for {}", base.name()))
            };
        }
        let missing = names.iter().filter(|name| !found.contains(*name));
        self.explain(missing, |name| {
            let (_, reason) = reasons.iter().find(|(skipped, _)| skipped == name)?;
            Some(format!("`{name}` does not run here: {reason}"))
        })
    }

    /// `/retest`. What goes on is left alone, and what succeeded needs no second run.
    pub(super) fn run_failed(&mut self) -> Verdict {
        let base = GitRef::Branch(self.known.pull_request.base.clone());
        let mut has_any = self.known.configs.iter().flat_map(|of| &of.jobs).any(|job| is_of(job, self.known));
        for config in (0..self.configs.len()).filter(|config| self.may_run(*config)).collect::<Vec<_>>() {
            let wanted = &mut self.configs[config];
            let Ok(selection) = filters::select(&wanted.of.config.spec.jobs.pre_submit, &base) else {
                continue;
            };
            let of_jobs = wanted.of.jobs.iter();
            let mut newest: Vec<&IntegrationJob> =
                of_jobs.filter(|job| is_present(job, self.known)).collect();
            newest.sort_by_key(|job| std::cmp::Reverse(job.created_at_ms()));
            let failed =
                selection.run.into_iter().map(|job| job.name).filter(|name| has_failed(&newest, name));
            let before = wanted.run.len();
            wanted.run.extend(failed);
            has_any |= wanted.run.len() > before || wanted.is_approving;
        }
        if has_any {
            Verdict::Done
        } else {
            Verdict::Said("nothing failed, and nothing is left to run".to_owned())
        }
    }

    /// `/cancel`. Tekton can stop a run, or one task and with it all that has not started: a single job can't be stopped
    /// without harm to the others of its run.
    pub(super) fn cancel(&mut self, names: &[JobName]) -> Verdict {
        let (mut stopped, mut kept) = (BTreeSet::new(), Vec::new());
        let mut of_others: BTreeSet<JobName> = BTreeSet::new();
        let mut has_any = false;
        for wanted in &mut self.configs {
            let by_us = wanted.of.jobs.iter().filter(|job| {
                self.known.is_named_by(job.spec.cancel.as_ref().and_then(|cancel| cancel.comment.as_ref()))
            });
            // Coming again, it stops nothing that was made since.
            let mut newest = None;
            for job in by_us {
                newest = newest.max(Some(job.created_at_ms()));
                has_any = true;
                stopped.extend(job.spec.jobs.iter().map(|entry| entry.name.clone()));
            }
            // A run that this comment asked for comes after its orders to stop.
            let is_meant = |job: &&IntegrationJob| {
                goes_on(job)
                    && !is_of(job, self.known)
                    && newest.is_none_or(|newest| job.created_at_ms() <= newest)
            };
            let mut going: Vec<&IntegrationJob> = wanted.of.jobs.iter().filter(is_meant).collect();
            going.sort_by_key(|job| std::cmp::Reverse(job.created_at_ms()));
            for job in going {
                let left: BTreeSet<&JobName> = unfinished(job).collect();
                if wanted.of.is_shared && is_present(job, self.known) && !self.known.commenter.is_writer() {
                    of_others.extend(left.into_iter().cloned());
                    continue;
                }
                let meant = left.iter().any(|name| names.contains(name));
                let others: Vec<&&JobName> = left.iter().filter(|name| !names.contains(name)).collect();
                if names.is_empty() || meant && others.is_empty() {
                    has_any = true;
                    wanted.stop.push(job.name_any());
                    stopped.extend(left.into_iter().cloned());
                } else if meant {
                    let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
                    kept.push((left.into_iter().cloned().collect::<BTreeSet<_>>(), others.join(", ")));
                }
            }
        }
        if names.is_empty() {
            return match (has_any, of_others.is_empty()) {
                (_, false) => Verdict::Said(SHARED.to_owned()),
                (true, true) => Verdict::Done,
                (false, true) => Verdict::Said("nothing runs, and nothing waits".to_owned()),
            };
        }
        let missing = names.iter().filter(|name| !stopped.contains(*name));
        self.explain(missing, |name| {
            if of_others.contains(name) {
                return Some(format!("`{name}`: {SHARED}"));
            }
            let in_company = kept.iter().find(|(jobs, _)| jobs.contains(name));
            match in_company {
                Some((_, others)) => Some(format!(
                    "`{name}` can't be stopped alone: its run still has {others}; `/cancel` stops all"
                )),
                None => self.knows(name).then(|| format!("`{name}` does not run")),
            }
        })
    }

    /// Whether any config of the repository has a job of this name for pull requests.
    fn knows(&self, name: &JobName) -> bool {
        self.configs.iter().flat_map(pre_submit).any(|known| known == name)
    }

    /// Done when nothing is missing. Else why, name by name; who names a job that nobody knows is told which there are.
    fn explain<'n>(
        &self,
        missing: impl Iterator<Item = &'n JobName>,
        reason: impl Fn(&JobName) -> Option<String>,
    ) -> Verdict {
        let is_post_submit = |name: &JobName| {
            let configs = self.configs.iter().flat_map(|wanted| &wanted.of.config.spec.jobs.post_submit);
            configs.into_iter().any(|job| job.name == *name)
        };
        let mut reasons = Vec::new();
        let mut is_unknown = false;
        for name in missing {
            reasons.push(reason(name).unwrap_or_else(|| {
                if is_post_submit(name) {
                    return format!("`{name}` runs after pushes only");
                }
                is_unknown = true;
                format!("there is no job `{name}`")
            }));
        }
        if is_unknown {
            let known: BTreeSet<String> =
                self.configs.iter().flat_map(pre_submit).map(|name| format!("`{name}`")).collect();
            let known: Vec<String> = known.into_iter().collect();
            reasons.push(format!("the jobs are {}", known.join(", ")));
        }
        if reasons.is_empty() { Verdict::Done } else { Verdict::Said(reasons.join("; ")) }
    }
}

/// Whether a run is of the present head and base.
fn is_present(job: &IntegrationJob, known: &Known) -> bool {
    let shown = &known.pull_request;
    job.spec.base.reference == GitRef::Branch(shown.base.clone())
        && job.spec.pulls.first().is_some_and(|pull| pull.sha == shown.head.sha)
}

fn pre_submit<'a>(wanted: &Wanted<'a>) -> impl Iterator<Item = &'a JobName> {
    wanted.of.config.spec.jobs.pre_submit.iter().map(|job| &job.name)
}

/// Whether a job failed, was stopped, or never ran, by the newest run that holds it.
fn has_failed(newest: &[&IntegrationJob], name: &JobName) -> bool {
    let Some(job) = newest.iter().find(|job| job.spec.jobs.iter().any(|entry| entry.name == *name)) else {
        return true;
    };
    match phase_of(job, name) {
        Some(JobPhase::Succeeded | JobPhase::Pending | JobPhase::Running) => false,
        Some(JobPhase::Failed | JobPhase::NotRun | JobPhase::Cancelled | JobPhase::Error) => true,
        None => !goes_on(job),
    }
}
