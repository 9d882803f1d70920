//! Does what no event causes: creates the runs that open pull requests lack (`Ledger::missing`), runs pushes that came while
//! the config was inactive, looks for pull requests that were opened meanwhile (`look`), and runs failed jobs of a push again
//! when an operator requests it (`retest`).
//!
//! A run is missing when a job is added to the config, when the config becomes valid, when another pull request or a branch
//! proves that a head is trusted, and when Tidegate stopped a run that is needed again. Everything is done like a command:
//! under the lock of the pull request, branch or tag, from facts that are then read from the host.

mod agenda;
mod follow;
mod look;
mod retest;

use std::{
    collections::BTreeMap,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::RngExt as _;
use tidegate_model::{CommitSha, GitRef, RefName};
use tidegate_rules::ledger::{Look, MissingRun};
use tidegate_telemetry::field;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use self::{
    agenda::{Agenda, Ended},
    follow::{IN_FLIGHT, follow, follower},
};
use crate::{
    context::Context,
    ledger::Book,
    runs::{locks::Locks, origin::Origin},
    trigger::{Act, error::TriggerError},
};

/// The loop can't continue.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// A task panicked.
    #[error("a task of the catch-up failed")]
    Task(#[source] tokio::task::JoinError),
}

/// The time between two looks at the ledgers, so that a burst of changes costs one. By then a command in progress has usually
/// created its run.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// The timer's bound when nothing is due: `select!` needs one.
const IDLE: Duration = Duration::from_hours(1);

/// The subject of a task, under the config with this uid.
type Key = (String, Subject);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Look,
    Run(CommitSha, RefName),
    Ref(GitRef),
    Retest(String),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Look => f.write_str("the look at the repository"),
            Self::Run(head, base) => write!(f, "the missing run of {} into {base}", head.short()),
            Self::Ref(reference) => write!(f, "the push of {reference}"),
            Self::Retest(run) => write!(f, "the retest of {run}"),
        }
    }
}

/// The task, and the version of the config that causes it: after an edit it is tried at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Want {
    what: What,
    generation: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Look(Look, u64),
    Run(MissingRun),
    Push(GitRef, CommitSha),
    Retest(String, String),
}

struct CatchUp {
    context: Context,
    locks: Arc<Locks>,
    agenda: Agenda<Key, Want>,
    books: BTreeMap<String, Arc<Book>>,
    tasks: JoinSet<(Key, Result<(), TriggerError>)>,
    /// When the next look of a ledger becomes due.
    look_at: Option<Instant>,
}

/// Runs until `stop` is cancelled; then finishes the tasks in flight.
pub async fn run(context: Context, locks: Arc<Locks>, stop: CancellationToken) -> Result<(), CatchUpError> {
    // Before every existing run is recorded, existing runs would seem to be missing.
    tokio::select! {
        () = context.ledgers.runs_are_known() => (),
        () = stop.cancelled() => return Ok(()),
    }
    let mut changes = context.ledgers.changes();
    let (agenda, books, tasks) = (Agenda::default(), BTreeMap::new(), JoinSet::new());
    let mut catch_up = CatchUp { context, locks, agenda, books, tasks, look_at: None };
    let (mut has_changed, mut look_at) = (true, Instant::now());
    loop {
        let now = Instant::now();
        has_changed |= catch_up.look_at.is_some_and(|at| at <= now);
        if has_changed && look_at <= now {
            (has_changed, look_at) = (false, now + BETWEEN_LOOKS);
            catch_up.look(now).await;
        }
        catch_up.begin();
        let wake_at = if has_changed { Some(look_at) } else { catch_up.agenda.wake_at(now) };
        let wake_at = wake_at.into_iter().chain(catch_up.look_at).min();
        tokio::select! {
            () = stop.cancelled() => break,
            // The ledgers outlive the loop, so this never fails.
            _ = changes.changed() => has_changed = true,
            Some(ended) = catch_up.tasks.join_next() => {
                catch_up.ended(ended)?;
                has_changed = true;
            }
            () = tokio::time::sleep_until(wake_at.unwrap_or(now + IDLE).into()) => (),
        }
    }
    while let Some(ended) = catch_up.tasks.join_next().await {
        catch_up.ended(ended)?;
    }
    Ok(())
}

impl CatchUp {
    /// Collects the wanted tasks from every ledger.
    async fn look(&mut self, now: Instant) {
        self.look_at = None;
        let books = self.context.ledgers.opened().await.into_iter();
        self.books = books.map(|book| (book.config().identity(), book)).collect();
        let mut wanted = BTreeMap::new();
        for (uid, book) in self.books.iter().filter(|(_, book)| book.config().is_proven()) {
            let generation = book.config().metadata.generation;
            let look = match book.look(now) {
                Some(Ok((look, changes))) => Some((Subject::Look, What::Look(look, changes))),
                Some(Err(at)) => {
                    self.look_at = Some(self.look_at.map_or(at, |known| known.min(at)));
                    None
                }
                None => None,
            };
            let runs = book.missing().into_iter();
            let runs = runs.map(|run| (Subject::Run(run.commit.clone(), run.base.clone()), What::Run(run)));
            let pushes = book.due_refs().into_iter();
            let pushes = pushes.map(|(name, sha)| (Subject::Ref(name.clone()), What::Push(name, sha)));
            let retests = book.retests().into_iter();
            let retests =
                retests.map(|(run, request)| (Subject::Retest(run.clone()), What::Retest(run, request)));
            let all = look.into_iter().chain(runs).chain(pushes).chain(retests);
            wanted.extend(all.map(|(subject, what)| ((uid.clone(), subject), Want { what, generation })));
        }
        self.agenda.want(wanted, Instant::now());
    }

    /// Starts the due tasks.
    fn begin(&mut self) {
        while let Some((key, want)) = self.agenda.next(Instant::now(), IN_FLIGHT) {
            let Some(book) = self.books.get(&key.0).cloned() else {
                self.agenda.ended(&key, Ended::Done, Instant::now(), 0.0);
                continue;
            };
            let (context, locks) = (self.context.clone(), Arc::clone(&self.locks));
            let span = tracing::info_span!("catch_up", { field::REPO } = %book.config().spec.git.repository);
            let work = async move {
                let done = Box::pin(make_up(want.what, &book, &context, &locks)).await;
                (key, done)
            };
            self.tasks.spawn(work.instrument(span));
        }
    }

    fn ended(
        &mut self,
        ended: Result<(Key, Result<(), TriggerError>), JoinError>,
    ) -> Result<(), CatchUpError> {
        let (key, result) = ended.map_err(CatchUpError::Task)?;
        let how = match &result {
            Ok(()) => Ended::Done,
            Err(error) => {
                self.context.metrics.reconcile_failure("catch_up", error.category());
                Ended::Failed(error.waits_for(), error.retry_after())
            }
        };
        let jitter = rand::rng().random_range(0.0..1.0);
        if let Some(why) = self.agenda.ended(&key, how, Instant::now(), jitter) {
            let (uid, subject) = &key;
            let config = self.books.get(uid).map(|book| book.config().display_name());
            self.context.metrics.reconcile_failure("catch_up", "stuck");
            tracing::warn!(
                { field::CONFIG } = config,
                "{subject} is tried every ten minutes from now on: {why}"
            );
        }
        Ok(())
    }
}

async fn make_up(what: What, book: &Book, context: &Context, locks: &Locks) -> Result<(), TriggerError> {
    let config = book.config();
    match what {
        What::Look(look, config_changes) => look::look(look, config_changes, book, context, locks).await,
        What::Run(run) => {
            let act = Act::PullRequest { number: run.asker, author: None, branch: None };
            let held = locks.lock(act.subject(&config)).await;
            // A command may have created it meanwhile.
            if !book.missing().contains(&run) {
                return Ok(());
            }
            let origin = Origin::here();
            follower(&config, &origin, &held, context).follow(&act).await.map(drop)
        }
        What::Retest(run, request) => retest::retest(&run, &request, book, context, locks).await,
        What::Push(reference, sha) => {
            follow(&config, Act::Push(reference.clone(), sha.clone()), locks, context).await?;
            // Its job may have been removed from the config; or the branch has moved, which is an event of its own.
            if book.settle_ref(&reference, &sha) { Ok(book.save().await?) } else { Ok(()) }
        }
    }
}
