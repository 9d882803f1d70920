//! The report loop: sends the statuses that the ledger decides to the hosts, as soon as they change.
//!
//! Every change of an `IntegrationJob` is recorded in the ledger of its config (`crate::outcome`, pure; `crate::ledger`), as the drain
//! records pull requests, branches and tags. The ledger decides each commit's statuses. If the host doesn't have one
//! yet, a write is due: the `outbox` (pure) decides when it is sent, verdicts first and within the credential's budget
//! (`crate::budget`), which answers to comments share. After a crash at most the last write is repeated.

mod comment;
mod commenting;
mod outbox;
mod send;
mod shown;
mod start;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use k8s_openapi::jiff::Timestamp;
use rand::RngExt as _;
use tidegate_model::{CommitSha, StatusState};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::{
    ledger::{DeletedBy, Observation},
    status::{Context as StatusContext, Decided},
};
use tidegate_telemetry::field;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    outbox::{Due, Outbox, Sent, Target, WriteResult},
    shown::Shown,
};
use crate::{
    budget::CredentialKey,
    context::Context,
    error_chain,
    key::Key,
    ledger::{Book, DueStatus, key_of},
    outcome::{run_facts::RunFacts, status_content::StatusContent},
    span,
    stores::{Change, StoredRun, held::Held as _},
};

/// The pause before a failed read or write of a ledger is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The timer's bound when nothing is due: `select!` needs one.
const IDLE: Duration = Duration::from_hours(1);

/// The loop can't continue: a task panicked.
#[derive(Debug, thiserror::Error)]
#[error("the task of a commit status failed")]
pub struct ReportError(#[source] JoinError);

struct Reporter {
    context: Context,
    outbox: Outbox,
    tasks: JoinSet<Ended>,
    /// Runs whose ledger could not be read yet.
    unobserved: BTreeSet<Key>,
    books: HashMap<Key, Arc<Book>>,
    shown: Shown,
    /// Ledgers that are being written, and whether they have changed since.
    saving: HashMap<Key, bool>,
    /// Configs of which a comment is being written, and the heads that wait for theirs.
    commenting: HashMap<Key, BTreeSet<CommitSha>>,
    /// Whether all runs and configs are listed: before that nothing is recorded or sent.
    is_ready: bool,
    is_stopping: bool,
}

/// The result of a task.
enum Ended {
    Sent(Due, Sent),
    Saved(Key, bool),
    Commented(Key, CommitSha, Vec<(StatusContext, Decided)>, Sent),
    Published,
    Waited,
}

/// Runs until `stop` is cancelled; then finishes the writes in flight.
pub async fn run(context: Context, stop: CancellationToken) -> Result<(), ReportError> {
    let mut runs = context.runs.subscribe();
    let (configs, mut config_changes) = (context.configs.clone(), context.configs.clone());
    let mut recorded = context.ledgers.changes();
    let mut reporter = Reporter {
        context,
        outbox: Outbox::default(),
        tasks: JoinSet::new(),
        unobserved: BTreeSet::new(),
        books: HashMap::new(),
        shown: Shown::default(),
        saving: HashMap::new(),
        commenting: HashMap::new(),
        is_ready: false,
        is_stopping: false,
    };
    let (mut runs_are_listed, mut configs_are_listed) = (false, false);
    loop {
        let wake_at = reporter.outbox.wake_at(&reporter.context.budgets());
        let wake_at = wake_at.unwrap_or_else(|| Instant::now() + IDLE);
        tokio::select! {
            () = stop.cancelled() => break,
            change = runs.next() => runs_are_listed |= reporter.run_changed(change).await,
            () = configs.listed(), if !configs_are_listed => configs_are_listed = true,
            () = config_changes.changed() => reporter.configs_changed().await,
            // The ledgers outlive the loop, so this never fails.
            _ = recorded.changed() => reporter.review_all().await,
            Some(ended) = reporter.tasks.join_next() => reporter.ended(ended).await?,
            () = tokio::time::sleep_until(wake_at.into()) => (),
        }
        if runs_are_listed && configs_are_listed && !reporter.is_ready {
            reporter.is_ready = true;
            reporter.begin().await;
        }
        if reporter.is_ready {
            reporter.send();
        }
    }
    reporter.is_stopping = true;
    while let Some(ended) = reporter.tasks.join_next().await {
        reporter.ended(ended).await?;
    }
    Ok(())
}

impl Reporter {
    /// Returns whether all runs are listed.
    async fn run_changed(&mut self, change: Change<StoredRun>) -> bool {
        match change {
            Change::Applied(run) => self.observe(&run.key()).await,
            Change::Deleted(run) => self.deleted(&run),
            Change::Listed => return true,
        }
        false
    }

    /// Configs were created, changed or deleted.
    async fn configs_changed(&mut self) {
        let all = self.context.configs.all();
        for config in &all {
            self.open(config).await;
        }
        let gone = self.shown.replace(all.iter().filter_map(|config| config.metadata.uid.clone()).collect());
        // A second ledger of a config that is still there would know nothing of what the first one records.
        let is_there =
            |of: &IntegrationConfig| of.metadata.uid.as_ref().is_none_or(|uid| !gone.contains(uid));
        self.context.ledgers.retain(is_there).await;
        let gone: Vec<Key> = self
            .books
            .iter()
            .filter(|(_, book)| !is_there(&book.config()))
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            self.books.remove(&key);
            self.outbox.forget(&key);
        }
        self.observe_rest().await;
        self.review_all().await;
    }

    async fn open(&mut self, config: &IntegrationConfig) -> Option<Arc<Book>> {
        match self.context.ledgers.open(config).await {
            Ok(book) => {
                self.books.insert(key_of(config), Arc::clone(&book));
                if self.is_ready && book.is_unsaved() {
                    self.save(&key_of(config));
                }
                Some(book)
            }
            Err(error) => {
                self.context.metrics.reconcile_failure("report", "ledger");
                tracing::warn!({ field::CONFIG } = %key_of(config), { field::ERROR } = error_chain(&error), "failed to read a ledger");
                None
            }
        }
    }

    /// Records the state of a run in its config's ledger; without a config that waits until the config is listed.
    async fn observe(&mut self, key: &Key) {
        if !self.is_ready {
            return;
        }
        let Some(seen) = self.seen(key) else { return };
        let config = self.context.configs.get(&key.namespace, &seen.config.name);
        let config = config.filter(|config| config.metadata.uid.as_ref() == Some(&seen.config.uid));
        let Some(config) = config else {
            self.unobserved.insert(key.clone());
            return;
        };
        let Some(book) = self.open(&config).await else {
            if self.unobserved.is_empty() {
                self.tasks.spawn(async {
                    tokio::time::sleep(RETRY).await;
                    Ended::Waited
                });
            }
            self.unobserved.insert(key.clone());
            return;
        };
        if !seen.is_of_repository(&config) {
            return;
        }
        book.note_retest(&key.name, seen.retest.as_deref());
        if let Some(run) = seen.run {
            book.observe(&Observation::Run(run));
        }
        self.save(&key_of(&config));
        self.review(&book);
    }

    async fn observe_rest(&mut self) {
        for key in std::mem::take(&mut self.unobserved) {
            self.observe(&key).await;
        }
    }

    /// The state of a run as the store has it.
    fn seen(&self, key: &Key) -> Option<RunFacts> {
        self.context.runs.get(key)?.seen()
    }

    fn deleted(&mut self, run: &StoredRun) {
        let key = run.key();
        self.unobserved.remove(&key);
        let Some(seen) = run.seen() else { return };
        let is_of_config = |book: &&Arc<Book>| {
            let config = book.config();
            config.metadata.uid.as_ref() == Some(&seen.config.uid) && seen.is_of_repository(&config)
        };
        let of = Key::new(Arc::clone(&key.namespace), seen.config.name.as_str());
        let book = self.books.get(&of).filter(is_of_config).cloned();
        let Some(run) = seen.run else { return };
        if let Some(book) = book {
            book.note_retest(&key.name, None);
            book.observe(&Observation::RunDeleted { run, by: DeletedBy::Person });
            self.save(&of);
            self.review(&book);
        }
    }

    /// Writes a ledger to the cluster, one write at a time.
    fn save(&mut self, config: &Key) {
        let Some(book) = self.books.get(config) else { return };
        if let Some(is_changed) = self.saving.get_mut(config) {
            *is_changed = true;
            return;
        }
        self.saving.insert(config.clone(), false);
        let (book, context, config) = (Arc::clone(book), self.context.clone(), config.clone());
        self.tasks.spawn(async move {
            let saved = book.save().await;
            if let Err(error) = &saved {
                context.metrics.reconcile_failure("report", "ledger");
                tracing::warn!({ field::CONFIG } = %config, { field::ERROR } = error_chain(error), "failed to write a ledger");
                tokio::time::sleep(RETRY).await;
            }
            Ended::Saved(config, saved.is_ok())
        });
    }

    async fn review_all(&mut self) {
        for book in self.context.ledgers.opened().await {
            self.books.insert(key_of(&book.config()), Arc::clone(&book));
            self.review(&book);
        }
    }

    /// Enqueues the statuses that the host doesn't have yet.
    fn review(&mut self, book: &Book) {
        let key = key_of(&book.config());
        let Some(config) = self.context.configs.get(&key.namespace, &key.name) else { return };
        if !self.is_ready {
            return;
        }
        let Some(credential) = CredentialKey::for_config(&config) else { return };
        for DueStatus { commit, context, decided } in book.due() {
            let debounce = !decided.state.is_final()
                && context != StatusContext::Config
                && matches!(&*decided.text, "queued" | "waits for its turn");
            let target = Target { config: key.clone(), sha: commit, context };
            let status = StatusContent { state: decided.state, description: decided.text.into() };
            let due = Due { target, status, run: decided.run.map(String::from) };
            self.outbox.enqueue(due, credential.clone(), debounce, Instant::now());
        }
    }

    fn next(&mut self) -> Option<Due> {
        self.outbox.next(&mut self.context.budgets(), Instant::now())
    }

    /// Sends every write that may be sent now.
    fn send(&mut self) {
        while let Some(due) = self.next() {
            let key = &due.target.config;
            let Some(config) = self.context.configs.get(&key.namespace, &key.name) else {
                self.outbox.forget_sent(&due);
                continue;
            };
            let context = self.context.clone();
            let book = self.books.get(key);
            let branch = book.and_then(|book| book.branch_of_head(&due.target.sha));
            let is_head = book.is_some_and(|book| !book.shown_on(&due.target.sha).is_empty());
            self.tasks.spawn(async move {
                let sent = send::send(&due, branch, is_head, &config, &context);
                let sent = sent.instrument(span::of_config(&config)).await;
                Ended::Sent(due, sent)
            });
        }
    }

    async fn ended(&mut self, ended: Result<Ended, JoinError>) -> Result<(), ReportError> {
        match ended.map_err(ReportError)? {
            Ended::Sent(due, sent) => self.sent(&due, sent),
            Ended::Saved(key, is_saved) => {
                let has_changed = self.saving.remove(&key).unwrap_or_default();
                if has_changed || (!is_saved && !self.is_stopping) {
                    self.save(&key);
                }
            }
            Ended::Commented(config, head, statuses, sent) => {
                self.commented(&config, &head, statuses, &sent);
            }
            Ended::Waited => self.observe_rest().await,
            Ended::Published => (),
        }
        Ok(())
    }

    fn sent(&mut self, due: &Due, sent: Sent) {
        let jitter = rand::rng().random_range(0.0..1.0);
        let settled = self.outbox.sent(due, sent, &mut self.context.budgets(), Instant::now(), jitter);
        match settled {
            WriteResult::Taken => {
                if let Some(seconds) = self.seconds_since_end(due) {
                    self.context.metrics.ended_to_status(seconds);
                }
            }
            WriteResult::Refused(reason) => {
                let (context, due) = (self.context.clone(), due.clone());
                self.tasks.spawn(async move {
                    send::publish_refusal(&due, &reason, &context).await;
                    Ended::Published
                });
            }
            WriteResult::ToComment => return self.comment(&due.target.config, &due.target.sha),
            WriteResult::Later => return,
        }
        let Target { config, sha, context } = &due.target;
        let Some(book) = self.books.get(config).cloned() else { return };
        book.settle(sha, context, due.status.state, &due.status.description);
        self.save(config);
        self.review(&book);
    }

    /// The seconds from the end of a job to its verdict on the host.
    fn seconds_since_end(&self, due: &Due) -> Option<f64> {
        let StatusContext::Job(job) = &due.target.context else { return None };
        let key = Key::new(Arc::clone(&due.target.config.namespace), due.run.clone()?);
        let seen = self.seen(&key)?;
        let (_, ended) = seen.ended.iter().find(|(name, _)| name == job)?;
        let is_final = due.status.state != StatusState::Pending;
        is_final.then(|| Timestamp::now().duration_since(*ended).as_secs_f64().max(0.0))
    }
}
