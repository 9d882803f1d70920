//! Random histories: what happens in them, how the world takes it, and how the judge hears of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tidegate_model::{CommitSha, GitRef, JobName, JobSpec, StatusState};

use super::{
    judge::{CONFIGS, INVALID, JOBS, Judge, Light, Pull, Result},
    world::{World, job, name, reference, sha},
};
use crate::{
    ledger::{DeletedBy, PullRequestState},
    status::{ConfigState, Context, JobKind, VerdictState},
};

pub const HEADS: [char; 3] = ['a', 'b', 'c'];
pub const BASES: [&str; 3] = ["main", "dev", "next"];
const REFS: [&str; 3] = ["main", "topic", "refs/tags/v1"];
const STATES: [VerdictState; 5] = [
    VerdictState::Running,
    VerdictState::Success,
    VerdictState::Failure,
    VerdictState::Error,
    VerdictState::NeedsSecret,
];
const MARK: &str = "[skip ci] in the title";

/// One thing that happens. Pull request 1 is a writer's; 2 and 3 are strangers'. Numbers choose among what is there.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Open { number: u64, head: usize, base: usize, is_marked: bool },
    PushHead { number: u64, head: usize },
    Retarget { number: u64, base: usize },
    Close { number: u64 },
    Reopen { number: u64 },
    Mark { number: u64, is_marked: bool },
    Test { number: u64, is_writer: bool },
    Approve { head: usize },
    Push { to: usize, head: usize },
    DeleteRef { of: usize },
    Result { run: usize, job: usize, state: usize },
    Cancel { run: usize },
    DeleteRun { run: usize },
    Retain { run: usize },
    Configure { config: usize },
    Restart,
}

pub fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let number = 1_u64..4;
    let step = prop_oneof![
        5 => (number.clone(), 0_usize..3, 0_usize..3, prop::bool::weighted(0.2))
            .prop_map(|(number, head, base, is_marked)| Step::Open { number, head, base, is_marked }),
        2 => (number.clone(), 0_usize..3).prop_map(|(number, head)| Step::PushHead { number, head }),
        4 => (number.clone(), 0_usize..3).prop_map(|(number, base)| Step::Retarget { number, base }),
        2 => number.clone().prop_map(|number| Step::Close { number }),
        2 => number.clone().prop_map(|number| Step::Reopen { number }),
        1 => (number.clone(), any::<bool>()).prop_map(|(number, is_marked)| Step::Mark { number, is_marked }),
        2 => (number, any::<bool>()).prop_map(|(number, is_writer)| Step::Test { number, is_writer }),
        2 => (0_usize..3).prop_map(|head| Step::Approve { head }),
        2 => (0_usize..3, 0_usize..3).prop_map(|(to, head)| Step::Push { to, head }),
        1 => (0_usize..3).prop_map(|of| Step::DeleteRef { of }),
        8 => (0_usize..16, 0_usize..3, 0_usize..5)
            .prop_map(|(run, job, state)| Step::Result { run, job, state }),
        1 => (0_usize..16).prop_map(|run| Step::Cancel { run }),
        1 => (0_usize..16).prop_map(|run| Step::DeleteRun { run }),
        1 => (0_usize..16).prop_map(|run| Step::Retain { run }),
        2 => (0_usize..5).prop_map(|config| Step::Configure { config }),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..max)
}

pub type Host = BTreeMap<(CommitSha, Context), (StatusState, String)>;

pub struct History {
    pub world: World,
    pub judge: Judge,
}

impl History {
    pub fn new() -> Self {
        let mut world = World::new(&[], &[]);
        world.writers.insert(1);
        let mut history = Self { world, judge: Judge::default() };
        history.step(Step::Configure { config: 0 });
        history
    }

    /// Whether the step could be taken.
    pub fn step(&mut self, step: Step) -> bool {
        let may_test = matches!(step, Step::Test { number, .. } if self.may_test(number));
        let world = &mut self.world;
        let exists = |world: &World, number: u64| world.pull_requests.contains_key(&number);
        let is_open = |world: &World, number: u64| {
            world.pull_requests.get(&number).is_some_and(|of| of.state == PullRequestState::Open)
        };
        match step {
            Step::Open { number, head, base, is_marked } if !exists(world, number) => {
                if is_marked {
                    world.next_mark = Some(MARK.to_owned());
                }
                world.open(number, HEADS[head], BASES[base]);
            }
            Step::PushHead { number, head } if is_open(world, number) => world.push_head(number, HEADS[head]),
            Step::Retarget { number, base } if exists(world, number) => world.retarget(number, BASES[base]),
            Step::Close { number } if is_open(world, number) => world.close(number),
            Step::Reopen { number } if exists(world, number) && !is_open(world, number) => {
                world.reopen(number);
            }
            Step::Mark { number, is_marked } if exists(world, number) => {
                world.mark(number, is_marked.then_some(MARK));
            }
            Step::Test { number, is_writer } if may_test => {
                world.test(number, is_writer);
                if is_writer {
                    self.judge.writer_tests(number);
                }
            }
            Step::Approve { head } => world.approve(HEADS[head]),
            Step::Push { to, head } => world.push(REFS[to], HEADS[head]),
            Step::DeleteRef { of } => world.delete_ref(REFS[of]),
            Step::Result { run, job, state } => return self.result(run, job, STATES[state]),
            Step::Cancel { run } => return self.cancel(run),
            Step::DeleteRun { run } => return self.delete(run, DeletedBy::Person),
            Step::Retain { run } => return self.delete(run, DeletedBy::Retention),
            Step::Configure { config } => {
                self.judge.config = config;
                let specs: Vec<JobSpec> = CONFIGS[config].iter().map(|(name, of)| job(name, of)).collect();
                let post = [job("deploy", &["main"]), job("check", &["topic"])];
                let state = if config == INVALID {
                    ConfigState::Invalid("job unit: unknown job".to_owned())
                } else {
                    ConfigState::Valid
                };
                world.configure(state, &specs, &post);
            }
            Step::Restart => world.restart(),
            _ => return false,
        }
        self.tell_judge(step);
        true
    }

    fn may_test(&self, number: u64) -> bool {
        let of = self.world.pull_requests.get(&number);
        self.judge.config != INVALID
            && of.is_some_and(|of| {
                of.state == PullRequestState::Open
                    && HEADS.iter().any(|head| sha(*head) == of.head && self.judge.trusted.contains(head))
            })
    }

    /// What happened, in the judge's words. It reads the world from outside.
    fn tell_judge(&mut self, step: Step) {
        for (number, of) in &self.world.pull_requests {
            let head = HEADS.into_iter().find(|head| sha(*head) == of.head).expect("a head");
            let base = BASES.into_iter().find(|base| *base == of.base.as_str()).expect("a base");
            let is_open = of.state == PullRequestState::Open;
            // The ledger learns of a pull request's head and trust at once.
            if *number == 1 {
                self.judge.trusted.insert(head);
            }
            self.judge.see(*number, Pull { is_open, head, base, is_marked: of.mark.is_some() });
        }
        match step {
            Step::Approve { head } | Step::Push { head, .. } => drop(self.judge.trusted.insert(HEADS[head])),
            _ => {}
        }
        self.hear_runs();
        self.judge.settle();
    }

    fn hear_runs(&mut self) {
        for run in &self.world.runs {
            if run.target.kind == JobKind::PostSubmit {
                continue;
            }
            let (head, base) = key(&run.target.commit, &run.target.reference);
            for (job, verdict) in &run.jobs {
                let job = JOBS.into_iter().find(|of| *of == job.as_str()).expect("a job");
                let result = match verdict.as_ref().map(|verdict| verdict.state) {
                    None => Result::Stopped,
                    Some(VerdictState::Queued | VerdictState::Running) => Result::Pending,
                    Some(VerdictState::Success) => Result::Green,
                    Some(VerdictState::Failure) => Result::Red,
                    Some(VerdictState::Error) => Result::Broken,
                    Some(VerdictState::NeedsSecret) => Result::NeedsSecret,
                };
                self.judge.hear(head, base, job, run.id.attempt, result);
            }
        }
    }

    fn result(&mut self, run: usize, job: usize, state: VerdictState) -> bool {
        let Some(of) = self.world.runs.get(run) else { return false };
        let pending = of.jobs.iter().filter(|(_, v)| v.as_ref().is_some_and(|v| !v.state.is_final()));
        let pending: Vec<JobName> = pending.map(|(job, _)| job.clone()).collect();
        let Some(job) = pending.get(job % pending.len().max(1)).cloned() else { return false };
        // Only a run without Secrets is refused one.
        let is_possible = state != VerdictState::NeedsSecret || of.id.name.ends_with("without-secrets");
        let state = if is_possible { state } else { VerdictState::Failure };
        self.world.set(run, &job, state, "ended");
        self.hear_runs();
        self.judge.settle();
        true
    }

    fn cancel(&mut self, run: usize) -> bool {
        if run >= self.world.runs.len() {
            return false;
        }
        self.world.stop(run, Some("dora"));
        self.hear_runs();
        self.judge.settle();
        true
    }

    /// Retention deletes only runs that ended.
    fn delete(&mut self, run: usize, by: DeletedBy) -> bool {
        let Some(of) = self.world.runs.get(run).cloned() else { return false };
        let pending = of.jobs.iter().filter(|(_, v)| v.as_ref().is_some_and(|v| !v.state.is_final()));
        let pending: Vec<JobName> = pending.map(|(job, _)| job.clone()).collect();
        if by == DeletedBy::Retention && !pending.is_empty() {
            return false;
        }
        if of.target.kind == JobKind::PreSubmit {
            let (head, base) = key(&of.target.commit, &of.target.reference);
            for job in JOBS.into_iter().filter(|job| pending.contains(&name(job))) {
                self.judge.hear(head, base, job, of.id.attempt, Result::Broken);
            }
        }
        self.world.delete_run(run, by);
        self.hear_runs();
        self.judge.settle();
        true
    }

    /// Whether a person without write permission can do this.
    pub fn is_strangers(step: Step) -> bool {
        match step {
            Step::Open { number, .. }
            | Step::PushHead { number, .. }
            | Step::Retarget { number, .. }
            | Step::Close { number }
            | Step::Reopen { number }
            | Step::Mark { number, .. } => number != 1,
            Step::Test { is_writer, .. } => !is_writer,
            _ => false,
        }
    }

    /// The commits that a step may change; `None` for all.
    pub fn touched(&self, step: Step) -> Option<BTreeSet<CommitSha>> {
        let of_run = |run: usize| self.world.runs.get(run).map(|run| run.target.commit.clone());
        let of_number = |number: u64| self.world.pull_requests.get(&number).map(|of| of.head.clone());
        let at =
            |to: usize| self.world.ledger.refs.get(&reference(REFS[to])).and_then(|of| of.target.clone());
        let commits = match step {
            Step::Open { number, head, .. } | Step::PushHead { number, head } => {
                vec![of_number(number), Some(sha(HEADS[head]))]
            }
            Step::Retarget { number, .. }
            | Step::Close { number }
            | Step::Reopen { number }
            | Step::Mark { number, .. }
            | Step::Test { number, .. } => vec![of_number(number)],
            Step::Approve { head } => vec![Some(sha(HEADS[head]))],
            Step::Push { to, head } => vec![at(to), Some(sha(HEADS[head]))],
            Step::DeleteRef { of } => {
                let runs = self.world.runs.iter();
                let of_ref = runs.filter(|run| run.target.reference == reference(REFS[of]));
                of_ref.map(|run| Some(run.target.commit.clone())).chain([at(of)]).collect()
            }
            Step::Result { run, .. }
            | Step::Cancel { run }
            | Step::DeleteRun { run }
            | Step::Retain { run } => vec![of_run(run)],
            Step::Restart => Vec::new(),
            Step::Configure { .. } => return None,
        };
        Some(commits.into_iter().flatten().collect())
    }

    /// Every run ends.
    pub fn finish(&mut self) {
        for round in 0..100 {
            let pending = self
                .world
                .runs
                .iter()
                .position(|run| run.jobs.values().flatten().any(|verdict| !verdict.state.is_final()));
            let Some(run) = pending else { return };
            let state = if round % 2 == 0 { VerdictState::Success } else { VerdictState::Failure };
            self.result(run, 0, state);
        }
        unreachable!("runs start without end");
    }
}

fn key(commit: &CommitSha, base: &GitRef) -> (char, &'static str) {
    let head = HEADS.into_iter().find(|head| sha(*head) == *commit).expect("a head");
    (head, BASES.into_iter().find(|of| reference(of) == *base).expect("a base"))
}

pub fn light(host: &Host, head: char, context: &Context) -> Option<Light> {
    host.get(&(sha(head), context.clone())).map(|(state, _)| match state {
        StatusState::Pending => Light::Pending,
        StatusState::Success => Light::Success,
        StatusState::Failure => Light::Failure,
        StatusState::Error => Light::Error,
    })
}

pub fn of_job(job: &str) -> Context {
    Context::Job(name(job))
}

/// Takes the steps, and checks what holds after each.
pub fn check(
    steps: &[Step],
    mut holds: impl FnMut(&mut History, Step, &History, &str) -> std::result::Result<(), TestCaseError>,
) -> std::result::Result<History, TestCaseError> {
    let mut history = History::new();
    for (index, step) in steps.iter().enumerate() {
        let before = history.snapshot();
        if history.step(*step) {
            holds(&mut history, *step, &before, &format!("step {index}: {step:?}"))?;
        }
    }
    Ok(history)
}

impl History {
    pub fn snapshot(&self) -> Self {
        let world = self.world.clone();
        Self { world, judge: self.judge.clone() }
    }
}
