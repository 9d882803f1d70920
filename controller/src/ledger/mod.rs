//! What the controller remembers of each config's repository: `rules::ledger` (pure) decides what the statuses of a commit say,
//! `store` keeps it in the cluster (ADR 32).
//!
//! The drain records what it read from the host before it acts on it and before its message is deleted; `report` records how
//! runs are and what the host took. Only the leader writes, so nobody else changes a ledger meanwhile.

mod looks;
mod missing;
mod store;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use k8s_openapi::jiff::Timestamp;
use tidegate_model::{CommentId, CommitSha, GitRef, Login, PullRequestNumber, RefName, StatusState};
use tidegate_resources::{DeliveryGap, IntegrationConfig};
use tidegate_rules::{
    ledger::{Config, JobRecord, Ledger, Observation, PullRequestState, RunId, TargetKey},
    status::{ConfigState, Context as StatusContext, Decided, JobKind},
    trust::{Rights, TrustProof},
};
use tokio::sync::watch;

use self::store::Store;
pub use self::{looks::OpenPullRequest, store::LedgerError};
use crate::{
    cluster::Cluster,
    fitness::{conflict::conflict, validate},
    key::Key,
    stores::configs::Configs,
};

/// How long something is remembered that nothing shows any more: longer than a queue keeps a message.
const WINDOW_MS: i64 = 15 * 24 * 60 * 60 * 1_000;
/// How often a ledger is pruned at most.
const PRUNE_EVERY_MS: i64 = 60 * 60 * 1_000;

/// The ledgers of all configs, while this replica leads. Cloning is cheap.
#[derive(Clone)]
pub struct Ledgers {
    cluster: Cluster,
    configs: Configs,
    books: Arc<tokio::sync::Mutex<HashMap<String, Arc<Book>>>>,
    changed: watch::Sender<()>,
    runs_are_known: watch::Sender<bool>,
}

/// The ledger of one config.
pub struct Book {
    state: Mutex<State>,
    store: tokio::sync::Mutex<Store>,
    changed: watch::Sender<()>,
}

struct State {
    config: Arc<IntegrationConfig>,
    rules: Config,
    ledger: Ledger,
    pruned_at_ms: i64,
    /// How many observations of the host were recorded, and how many of them are stored.
    recorded: u64,
    saved: u64,
    /// How often the config has changed since it was opened, and whether what that means is not stored yet.
    config_changes: u64,
    /// When the last look was made.
    looked_at: Option<Instant>,
    is_unsaved: bool,
    /// The requests to run failed jobs again, by the names of the runs. They are stored in the runs themselves.
    retests: BTreeMap<String, String>,
}

/// A status that the host doesn't know yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueStatus {
    /// The commit.
    pub commit: CommitSha,
    /// The place under the commit.
    pub context: StatusContext,
    /// What it says.
    pub decided: Decided,
}

impl Ledgers {
    /// The ledgers in a cluster, none of them read yet.
    pub fn new(cluster: Cluster, configs: Configs) -> Self {
        let (changed, runs_are_known) = (watch::channel(()).0, watch::channel(false).0);
        Self { cluster, configs, books: Arc::default(), changed, runs_are_known }
    }

    /// The ledger of a config, read from the cluster when it is asked for first. A change of the config is recorded.
    pub async fn open(&self, config: &IntegrationConfig) -> Result<Arc<Book>, LedgerError> {
        let mut books = self.books.lock().await;
        // A command may have been worked on for a while: its config may be older than what was recorded since.
        let key = key_of(config);
        let newest = self.configs.get(&key.namespace, &key.name);
        let newest = newest.filter(|newest| newest.metadata.uid == config.metadata.uid);
        let config = newest.as_ref().unwrap_or(config);
        if let Some(book) = books.get(&config.identity()) {
            book.refresh(config);
            return Ok(Arc::clone(book));
        }
        let (store, ledger) = Store::load(config, &self.cluster).await?;
        let state = State {
            config: Arc::new(config.clone()),
            rules: rules_of(config),
            ledger,
            pruned_at_ms: 0,
            recorded: 0,
            saved: 0,
            config_changes: 0,
            looked_at: None,
            is_unsaved: true,
            retests: BTreeMap::new(),
        };
        let book = Arc::new(Book {
            state: Mutex::new(state),
            store: tokio::sync::Mutex::new(store),
            changed: self.changed.clone(),
        });
        book.state().apply(&Observation::Config);
        books.insert(config.identity(), Arc::clone(&book));
        Ok(book)
    }

    /// Every ledger that was opened.
    pub async fn opened(&self) -> Vec<Arc<Book>> {
        self.books.lock().await.values().cloned().collect()
    }

    /// Forgets the ledgers of configs that are gone. Their objects go with their config.
    pub async fn retain(&self, is_there: impl Fn(&IntegrationConfig) -> bool) {
        self.books.lock().await.retain(|_, book| is_there(&book.config()));
    }

    /// Says when something was recorded.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

impl Book {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The config as it was seen last.
    pub fn config(&self) -> Arc<IntegrationConfig> {
        Arc::clone(&self.state().config)
    }

    fn refresh(&self, config: &IntegrationConfig) {
        let mut state = self.state();
        let rules = rules_of(config);
        let is_as_before = state.config.spec == config.spec
            && state.rules.state == rules.state
            && state.config.is_proven() == config.is_proven()
            && gap(&state.config) == gap(config);
        if is_as_before {
            return;
        }
        // Events of an App pass it by now, until it proves its right again.
        let has_lost_proof = state.config.is_proven() && !config.is_proven();
        let has_lost_deliveries = gap(config).is_some() && gap(config) != gap(&state.config);
        state.rules = rules;
        state.config = Arc::new(config.clone());
        state.config_changes += 1;
        state.is_unsaved = true;
        state.apply(&Observation::Config);
        if has_lost_proof || has_lost_deliveries {
            state.apply(&Observation::Dropped);
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Records how a run is. It may be stored later, as long as the run exists.
    pub fn observe(&self, observation: &Observation) {
        self.state().apply(observation);
    }

    /// Records what the host shows. Nothing is due before it is stored by [`Book::save`].
    pub fn record(&self, observation: &Observation) {
        let mut state = self.state();
        state.apply(observation);
        state.recorded += 1;
    }

    /// Writes to the cluster what has changed since it was written last.
    pub async fn save(&self) -> Result<(), LedgerError> {
        let mut store = self.store.lock().await;
        let (changed, recorded) = {
            let mut state = self.state();
            state.prune();
            state.is_unsaved = false;
            (store.changed(&state.ledger)?, state.recorded)
        };
        store.save(changed).await?;
        self.state().saved = recorded;
        self.changed.send_replace(());
        Ok(())
    }

    /// Every status that the host doesn't know yet; none while something that the host shows is not stored.
    pub fn due(&self) -> Vec<DueStatus> {
        let state = self.state();
        if state.saved < state.recorded {
            return Vec::new();
        }
        let due = state.ledger.due().map(|(commit, context, decided)| DueStatus {
            commit: commit.clone(),
            context: context.clone(),
            decided: decided.clone(),
        });
        due.collect()
    }

    /// What every status of a commit should say.
    pub fn statuses(&self, commit: &CommitSha) -> Vec<(StatusContext, Decided)> {
        let state = self.state();
        let record = state.ledger.commits.get(commit);
        let statuses = record.into_iter().flat_map(|record| record.statuses.iter());
        statuses.map(|(context, status)| (context.clone(), status.decided.clone())).collect()
    }

    /// The host took a status, or refused it for good.
    pub fn settle(&self, commit: &CommitSha, context: &StatusContext, state: StatusState, text: &str) {
        self.state().ledger.settle(commit, context, state, text);
        self.changed.send_replace(());
    }

    /// The host knows a pull request no more.
    pub fn close(&self, number: PullRequestNumber) {
        let known = self.state().ledger.pull_requests.get(&number).map(|record| record.seen.clone());
        if let Some(mut seen) = known {
            seen.state = PullRequestState::Closed;
            self.record(&Observation::PullRequest { number, seen, trust: None });
        }
    }

    /// Whether a commit is trusted.
    pub fn is_trusted(&self, commit: &CommitSha) -> bool {
        self.state().ledger.proof(commit).is_some()
    }

    /// What the run of a pull request may read at this head. A head that the pull request doesn't show now may read nothing.
    pub fn rights(&self, number: PullRequestNumber, head: &CommitSha) -> Rights {
        let state = self.state();
        let mut open = state.ledger.open_with_head(head);
        open.find(|(open, _)| *open == number)
            .map_or(Rights::WithoutSecrets, |(_, record)| record.seen.rights)
    }

    /// Why a commit is trusted; `None` while nothing has proved it.
    pub fn proof(&self, commit: &CommitSha) -> Option<TrustProof> {
        self.state().ledger.proof(commit).cloned()
    }

    /// The commit that a comment approved.
    pub fn approved_by(&self, comment: CommentId, author: &Login) -> Option<CommitSha> {
        let state = self.state();
        let is_it = |proof: &TrustProof| matches!(proof, TrustProof::Approval { approver, comment: Some(id) } if *id == comment && approver == author);
        let mut commits = state.ledger.commits.iter();
        commits.find(|(_, record)| record.trust.as_ref().is_some_and(is_it)).map(|(commit, _)| commit.clone())
    }

    /// Whether open pull requests wait for somebody to approve this commit.
    pub fn is_waiting(&self, commit: &CommitSha) -> bool {
        let state = self.state();
        state.ledger.proof(commit).is_none() && state.ledger.open_with_head(commit).next().is_some()
    }

    /// The open pull requests with this head.
    pub fn numbers(&self, head: &CommitSha) -> Vec<PullRequestNumber> {
        self.state().ledger.open_with_head(head).map(|(number, _)| number).collect()
    }

    /// The pull requests that have this head, open or not.
    pub fn shown_on(&self, head: &CommitSha) -> Vec<PullRequestNumber> {
        let state = self.state();
        let shown = state.ledger.pull_requests.iter().filter(|(_, record)| record.seen.head == *head);
        shown.map(|(number, _)| *number).collect()
    }

    /// Whether another open pull request than this one has the same head and base, so that they share a run.
    pub fn is_shared(&self, head: &CommitSha, base: &RefName, besides: PullRequestNumber) -> bool {
        let state = self.state();
        state
            .ledger
            .open_with_head(head)
            .any(|(number, record)| number != besides && record.seen.base == *base)
    }

    /// The names of the runs that have jobs of a head into a base, whichever pull request they were made for.
    pub fn runs_for(&self, head: &CommitSha, base: &RefName) -> BTreeSet<String> {
        let state = self.state();
        let target = state.ledger.target(head, JobKind::PreSubmit, &GitRef::Branch(base.clone()));
        let records = target.into_iter().flat_map(|target| target.jobs.values());
        let name = |record: &JobRecord| match record {
            JobRecord::Run { run, .. } => Some(run.name.to_string()),
            JobRecord::LeftOut { .. } => None,
        };
        records.filter_map(name).collect()
    }

    /// The runs that the ledger remembers as not ended, and those that keep the targets of pushes.
    pub fn runs(&self) -> Vec<(RunId, TargetKey)> {
        let state = self.state();
        let mut runs = BTreeMap::new();
        for (commit, targets) in &state.ledger.targets {
            for ((kind, reference), target) in targets {
                let key = TargetKey { commit: commit.clone(), kind: *kind, reference: reference.clone() };
                for record in target.jobs.values() {
                    if let JobRecord::Run { run, verdict } = record
                        && (*kind == JobKind::PostSubmit
                            || verdict.as_ref().is_some_and(|verdict| !verdict.state.is_final()))
                    {
                        runs.insert(run.clone(), key.clone());
                    }
                }
            }
        }
        runs.into_iter().collect()
    }
}

impl State {
    fn apply(&mut self, observation: &Observation) {
        self.ledger.apply(observation, &self.rules, now_ms());
    }

    fn prune(&mut self) {
        let now = now_ms();
        if now - self.pruned_at_ms >= PRUNE_EVERY_MS {
            self.ledger.prune(now, WINDOW_MS);
            self.pruned_at_ms = now;
        }
    }
}

/// The last time in which its host delivered nothing to a config.
fn gap(config: &IntegrationConfig) -> Option<&DeliveryGap> {
    config.status.as_ref()?.webhook.as_ref()?.gap.as_ref()
}

/// The key of a config: namespace and name.
pub fn key_of(config: &IntegrationConfig) -> Key {
    Key::of(config)
}

/// What the rules need to know of a config.
fn rules_of(config: &IntegrationConfig) -> Config {
    let state = match validate::validate_plan(&config.spec) {
        _ if conflict(config).is_some() => ConfigState::Conflicting,
        _ if config.metadata.deletion_timestamp.is_some() => ConfigState::Removed,
        Ok(()) => ConfigState::Valid,
        Err(invalid) => ConfigState::Invalid(invalid.to_string()),
    };
    Config::new(state, &config.spec.jobs.pre_submit, &config.spec.jobs.post_submit)
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
