//! The smallest world around a ledger: pull requests, refs and runs, the controller's reactions, and a host that keeps one
//! status per commit and context.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_model::{CommitSha, GitRef, JobName, JobSpec, PullRequestNumber, RefName, StatusState, When};

use crate::{
    ledger::{
        Config, DeletedBy, Ledger, MissingRun, Observation, PullRequest, PullRequestState, Record, Run,
        RunId, TargetKey,
    },
    status::{ConfigState, Context, JobKind, Verdict, VerdictState},
    trust::{Rights, TrustProof},
};

/// A commit by one letter.
pub fn sha(letter: char) -> CommitSha {
    let digit = letter.to_digit(36).expect("a letter") % 16;
    format!("{digit:x}").repeat(40).parse().expect("a SHA")
}

pub fn name(job: &str) -> JobName {
    job.parse().expect("a job name")
}

pub fn reference(text: &str) -> GitRef {
    let full = if text.starts_with("refs/") { text.to_owned() } else { format!("refs/heads/{text}") };
    full.parse().expect("a ref")
}

/// A job for these branches; for all without any.
pub fn job(job: &str, branches: &[&str]) -> JobSpec {
    let when = When { branches: branches.iter().map(|b| (*b).to_owned()).collect(), ..When::default() };
    let spec = serde_json::json!({"name": job, "image": "i", "script": "s"});
    JobSpec { when, ..serde_json::from_value(spec).expect("a job") }
}

pub const FAILED: &str = "failure: failed in 3s: exit code 1";
pub const SKIPPED: &str = "success: skipped: branch dev is not among its branch patterns";

/// A world whose one job, `unit`, runs for pull requests into main.
pub fn unit_for_main() -> World {
    World::new(&[job("unit", &["main"])], &[])
}

#[derive(Clone)]
pub struct World {
    pub ledger: Ledger,
    pub config: Config,
    pub pull_requests: BTreeMap<u64, PullRequest>,
    /// Whose heads are a writer's fork's.
    pub writers: BTreeSet<u64>,
    pub runs: Vec<Run>,
    /// What the host shows.
    pub host: BTreeMap<(CommitSha, Context), (StatusState, String)>,
    /// Every write that the host took.
    pub writes: Vec<(CommitSha, Context, StatusState, String)>,
    /// Whether a status reaches the host as soon as it is decided.
    pub sends_at_once: bool,
    /// The mark of the pull request that is opened next.
    pub next_mark: Option<String>,
    now_ms: i64,
    next_run: u32,
}

impl World {
    pub fn new(pre: &[JobSpec], post: &[JobSpec]) -> Self {
        Self {
            ledger: Ledger::default(),
            config: Config::new(ConfigState::Valid, pre, post),
            pull_requests: BTreeMap::new(),
            writers: BTreeSet::new(),
            runs: Vec::new(),
            host: BTreeMap::new(),
            writes: Vec::new(),
            sends_at_once: true,
            next_mark: None,
            now_ms: 1_000,
            next_run: 1,
        }
    }

    /// Applies an observation, creates the runs that are missing, and sends what is due.
    pub fn observe(&mut self, observation: &Observation) {
        self.now_ms += 1_000;
        self.ledger.apply(observation, &self.config, self.now_ms);
        for missing in self.ledger.missing(&self.config, None) {
            self.create(missing);
        }
        if self.sends_at_once {
            self.send_all();
        }
    }

    pub fn send_all(&mut self) {
        let due: Vec<_> = self.ledger.due().map(|(c, x, d)| (c.clone(), x.clone(), d.clone())).collect();
        for (commit, context, decided) in due {
            self.write(&commit, &context, decided.state, &decided.text);
            self.ledger.settle(&commit, &context, decided.state, &decided.text);
        }
    }

    /// The host takes a status.
    pub fn write(&mut self, commit: &CommitSha, context: &Context, state: StatusState, text: &str) {
        self.writes.push((commit.clone(), context.clone(), state, text.to_owned()));
        self.host.insert((commit.clone(), context.clone()), (state, text.to_owned()));
    }

    fn create(&mut self, missing: MissingRun) {
        let MissingRun { commit, base, jobs, rights, .. } = missing;
        let target = TargetKey { commit, kind: JobKind::PreSubmit, reference: GitRef::Branch(base) };
        self.run(target, &jobs, rights.as_str());
    }

    /// A new run, without a slot.
    pub fn run(&mut self, target: TargetKey, jobs: &BTreeSet<JobName>, rights: &str) -> usize {
        let name = format!("run-{}-{rights}", self.next_run);
        let id = RunId { created_at_ms: self.now_ms, attempt: self.next_run, name: name.into() };
        self.next_run += 1;
        let verdict = verdict(&id, VerdictState::Queued, "queued");
        let jobs = jobs.iter().map(|job| (job.clone(), Some(verdict.clone()))).collect();
        self.runs.push(Run { id, target, jobs, left_out: BTreeMap::new() });
        let run = self.runs.len() - 1;
        self.observe(&Observation::Run(self.runs[run].clone()));
        run
    }

    /// The newest run that has a job at a commit for a base or pushed ref.
    pub fn find(&self, commit: char, to: &str, job: &str) -> usize {
        let is_it = |run: &Run| {
            run.target.commit == sha(commit)
                && run.target.reference == reference(to)
                && run.jobs.contains_key(&name(job))
        };
        self.runs.iter().rposition(is_it).expect("a run")
    }

    /// A job's state changes.
    pub fn set(&mut self, run: usize, job: &JobName, state: VerdictState, text: &str) {
        let id = self.runs[run].id.clone();
        self.runs[run].jobs.insert(job.clone(), Some(verdict(&id, state, text)));
        self.observe(&Observation::Run(self.runs[run].clone()));
    }

    pub fn fails(&mut self, commit: char, to: &str, job: &str) {
        let run = self.find(commit, to, job);
        self.set(run, &name(job), VerdictState::Failure, "failed in 3s: exit code 1");
    }

    pub fn succeeds(&mut self, commit: char, to: &str, job: &str) {
        let run = self.find(commit, to, job);
        self.set(run, &name(job), VerdictState::Success, "succeeded in 3s");
    }

    pub fn starts(&mut self, commit: char, to: &str, job: &str) {
        let run = self.find(commit, to, job);
        self.set(run, &name(job), VerdictState::Running, "running");
    }

    /// A person, or Tidegate, stops a run.
    pub fn stop(&mut self, run: usize, by: Option<&str>) {
        let id = self.runs[run].id.clone();
        let stopped = by.map(|by| verdict(&id, VerdictState::Error, &format!("stopped by {by}")));
        for of in self.runs[run].jobs.values_mut() {
            if of.as_ref().is_some_and(|verdict| !verdict.state.is_final()) {
                of.clone_from(&stopped);
            }
        }
        self.observe(&Observation::Run(self.runs[run].clone()));
    }

    pub fn delete_run(&mut self, run: usize, by: DeletedBy) {
        let run = self.runs.remove(run);
        self.observe(&Observation::RunDeleted { run, by });
    }

    /// The host shows a pull request; runs that none needs any more stop.
    pub fn see(&mut self, number: u64) {
        let seen = self.pull_requests[&number].clone();
        let trust = self
            .writers
            .contains(&number)
            .then(|| TrustProof::ForkOfWriter { owner: "dora".parse().expect("a login") });
        self.observe(&Observation::PullRequest { number: PullRequestNumber(number), seen, trust });
        let needless: Vec<usize> = (0..self.runs.len()).filter(|run| self.is_needless(*run)).collect();
        for run in needless {
            self.stop(run, None);
        }
    }

    /// A retarget doesn't stop the old base's run while the head stays; closing stops nothing that another one shares.
    fn is_needless(&self, run: usize) -> bool {
        let run = &self.runs[run];
        let is_active = run.jobs.values().flatten().any(|verdict| !verdict.state.is_final());
        let is_needed = self
            .pull_requests
            .values()
            .any(|of| of.state == PullRequestState::Open && of.head == run.target.commit);
        is_active && run.target.kind == JobKind::PreSubmit && !is_needed
    }

    pub fn open(&mut self, number: u64, head: char, base: &str) {
        let base = reference(base).name().clone();
        let rights =
            if self.writers.contains(&number) { Rights::WithSecrets } else { Rights::WithoutSecrets };
        let seen = PullRequest {
            state: PullRequestState::Open,
            head: sha(head),
            branch: Some(branch(number)),
            base,
            mark: self.next_mark.take(),
            is_draft: false,
            rights,
            labels: None,
        };
        self.pull_requests.insert(number, seen);
        self.see(number);
    }

    /// The writer's pull request.
    pub fn open_trusted(&mut self, number: u64, head: char, base: &str) {
        self.writers.insert(number);
        self.open(number, head, base);
    }

    pub fn change(&mut self, number: u64, change: impl FnOnce(&mut PullRequest)) {
        change(self.pull_requests.get_mut(&number).expect("a pull request"));
        self.see(number);
    }

    pub fn close(&mut self, number: u64) {
        self.change(number, |pull_request| pull_request.state = PullRequestState::Closed);
    }

    pub fn reopen(&mut self, number: u64) {
        self.change(number, |pull_request| pull_request.state = PullRequestState::Open);
    }

    pub fn retarget(&mut self, number: u64, base: &str) {
        self.change(number, |pull_request| pull_request.base = reference(base).name().clone());
    }

    pub fn push_head(&mut self, number: u64, head: char) {
        self.change(number, |pull_request| pull_request.head = sha(head));
    }

    pub fn mark(&mut self, number: u64, mark: Option<&str>) {
        self.change(number, |pull_request| pull_request.mark = mark.map(str::to_owned));
    }

    pub fn approve(&mut self, commit: char) {
        let proof = TrustProof::Approval { approver: "dora".parse().expect("a login"), comment: None };
        self.observe(&Observation::Trusted { commit: sha(commit), proof });
    }

    /// A ref moves, and the jobs that apply to it run.
    pub fn push(&mut self, to: &str, commit: char) {
        let to = reference(to);
        self.observe(&Observation::Ref { reference: to.clone(), target: Some(sha(commit)) });
        let mut left_out = BTreeMap::new();
        let mut jobs = BTreeSet::new();
        for (name, job) in self.config.jobs_of(JobKind::PostSubmit) {
            match job.left_out(&to) {
                Some(reason) => drop(left_out.insert(name.clone(), reason)),
                None => drop(jobs.insert(name.clone())),
            }
        }
        if jobs.is_empty() {
            return;
        }
        let target = TargetKey { commit: sha(commit), kind: JobKind::PostSubmit, reference: to };
        let run = self.run(target, &jobs, "push");
        self.runs[run].left_out = left_out;
        self.observe(&Observation::Run(self.runs[run].clone()));
    }

    pub fn delete_ref(&mut self, of: &str) {
        self.observe(&Observation::Ref { reference: reference(of), target: None });
    }

    /// `/test` of all jobs that apply to a pull request.
    pub fn test(&mut self, number: u64, is_writer: bool) {
        let of = self.pull_requests[&number].clone();
        let target =
            TargetKey { commit: of.head, kind: JobKind::PreSubmit, reference: GitRef::Branch(of.base) };
        let jobs = self.config.jobs_of(JobKind::PreSubmit);
        let jobs = jobs.filter(|(_, job)| job.left_out(&target.reference).is_none());
        let jobs: BTreeSet<JobName> = jobs.map(|(name, _)| name.clone()).collect();
        if !jobs.is_empty() {
            self.run(target, &jobs, "test");
        }
        if is_writer {
            self.observe(&Observation::Tested { pull_request: PullRequestNumber(number), jobs: None });
        }
    }

    pub fn configure(&mut self, state: ConfigState, pre: &[JobSpec], post: &[JobSpec]) {
        self.config = Config::new(state, pre, post);
        self.observe(&Observation::Config);
    }

    /// The controller starts again: from what is stored, and with everything that host and cluster show.
    pub fn restart(&mut self) {
        let stored: Vec<String> =
            self.ledger.records().map(|record| serde_json::to_string(&record).expect("JSON")).collect();
        let records = stored.iter().map(|text| serde_json::from_str::<Record<'_>>(text).expect("a record"));
        self.ledger = Ledger::from_records(records);
        for run in self.runs.clone() {
            self.observe(&Observation::Run(run));
        }
        for number in self.pull_requests.keys().copied().collect::<Vec<_>>() {
            self.see(number);
        }
        for (reference, record) in self.ledger.refs.clone() {
            self.observe(&Observation::Ref { reference, target: record.target });
        }
        self.observe(&Observation::Config);
    }

    /// What the host shows for a job of a commit, as `state: text`; empty without a status.
    pub fn shown(&self, commit: char, job: &str) -> String {
        let context = if job == "c" { Context::Config } else { Context::Job(name(job)) };
        let shown = self.host.get(&(sha(commit), context));
        shown.map(|(state, text)| format!("{}: {text}", state.as_str())).unwrap_or_default()
    }
}

fn verdict(id: &RunId, state: VerdictState, text: &str) -> Verdict {
    Verdict { state, text: text.into(), run: id.name.clone() }
}

/// The branch of a pull request's head.
pub fn branch(number: u64) -> RefName {
    format!("topic-{number}").parse().expect("a branch")
}
