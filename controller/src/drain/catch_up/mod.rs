//! Makes the runs that open pull requests lack, without waiting for an event: the ledger says which (`Ledger::missing`).
//!
//! A run is missing when a job is added to the config, when the config becomes valid, when another pull request or a branch proves
//! that a head is trusted, and when Tidegate stopped a run that is needed again. It is made as a command makes it: in the pull
//! request's turn, from facts that are read from the host then.

mod agenda;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use kube::ResourceExt;
use rand::RngExt as _;
use tidegate_model::{
    Command, CommitSha, ConfigRef, Envelope, Intention, ParseError, RefName, Source, Version,
};
use tidegate_resources::IntegrationConfig;
use tidegate_rules::ledger::MissingRun;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use self::agenda::{Agenda, Ended};
use super::{
    DrainError,
    error::CommandError,
    facts::display_name,
    fan_out::{carry_out_for, note},
    plan::uid,
    turns::{Subject, Turns},
};
use crate::{context::Context, ledger::Book};

/// How many runs are made at once: a config of many open pull requests must not keep commands from the host.
const IN_FLIGHT: usize = 4;
/// How much time lies between two looks at the ledgers, so that a burst of changes costs one. A command that is worked on has
/// mostly made its run by then.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
/// Nobody is woken that late; it only bounds a timer that has nothing to wait for.
const IDLE: Duration = Duration::from_hours(1);
/// Where a command would name its delivery.
const DELIVERY: &str = "catch-up";

/// The run of one head into one base, under the config with this uid.
type Key = (String, CommitSha, RefName);

/// What is missing, and the version of the config that says so: an edit renews what was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Want {
    run: MissingRun,
    generation: Option<i64>,
}

struct CatchUp {
    context: Context,
    turns: Arc<Turns>,
    agenda: Agenda<Key, Want>,
    books: BTreeMap<String, Arc<Book>>,
    tasks: JoinSet<(Key, Result<(), CommandError>)>,
}

/// Runs until it is told to stop; then finishes what is in hand.
pub async fn run(context: Context, turns: Arc<Turns>, stop: CancellationToken) -> Result<(), DrainError> {
    // Before every run that exists is recorded, runs seem to be missing that are not.
    tokio::select! {
        () = context.ledgers.runs_are_known() => (),
        () = stop.cancelled() => return Ok(()),
    }
    let mut changes = context.ledgers.changes();
    let (agenda, books, tasks) = (Agenda::default(), BTreeMap::new(), JoinSet::new());
    let mut catch_up = CatchUp { context, turns, agenda, books, tasks };
    let (mut has_changed, mut look_at) = (true, Instant::now());
    loop {
        let now = Instant::now();
        if has_changed && look_at <= now {
            (has_changed, look_at) = (false, now + BETWEEN_LOOKS);
            catch_up.look().await;
        }
        catch_up.begin();
        let wake_at = if has_changed { Some(look_at) } else { catch_up.agenda.wake_at(now) };
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
    /// Asks every ledger what is missing.
    async fn look(&mut self) {
        let books = self.context.ledgers.opened().await.into_iter();
        self.books = books.map(|book| (uid(&book.config()), book)).collect();
        let mut wanted = BTreeMap::new();
        for (uid, book) in &self.books {
            let generation = book.config().metadata.generation;
            wanted.extend(
                book.missing().into_iter().map(|run| {
                    ((uid.clone(), run.commit.clone(), run.base.clone()), Want { run, generation })
                }),
            );
        }
        self.agenda.want(wanted, Instant::now());
    }

    /// Begins what is due.
    fn begin(&mut self) {
        while let Some((key, want)) = self.agenda.next(Instant::now(), IN_FLIGHT) {
            let Some(book) = self.books.get(&key.0).cloned() else {
                self.agenda.ended(&key, Ended::Done, Instant::now(), 0.0);
                continue;
            };
            let (context, turns) = (self.context.clone(), Arc::clone(&self.turns));
            self.tasks.spawn(async move {
                let made = Box::pin(make_up(&want.run, &book, &context, &turns)).await;
                (key, made)
            });
        }
    }

    fn ended(&mut self, ended: Result<(Key, Result<(), CommandError>), JoinError>) -> Result<(), DrainError> {
        let (key, result) = ended.map_err(DrainError::Task)?;
        let how = match &result {
            Ok(()) => Ended::Done,
            Err(error) => {
                self.context.metrics.reconcile_failure("catch_up", error.category());
                Ended::Failed(error.waits_for(), error.retry_after())
            }
        };
        let jitter = rand::rng().random_range(0.0..1.0);
        if let Some(why) = self.agenda.ended(&key, how, Instant::now(), jitter) {
            let (uid, commit, base) = &key;
            let config = self.books.get(uid).map(|book| display_name(&book.config()));
            self.context.metrics.reconcile_failure("catch_up", "given_up");
            tracing::warn!(
                config,
                "gave up the missing run of {} into {base} until its config or pull requests change: {why}",
                commit.short()
            );
        }
        Ok(())
    }
}

/// Carries out for one pull request what a command would, if it is still missing in its turn.
async fn make_up(
    run: &MissingRun,
    book: &Book,
    context: &Context,
    turns: &Turns,
) -> Result<(), CommandError> {
    let config = book.config();
    let intention =
        Intention::RunPullRequest { pull_request: run.asker, head: run.commit.clone(), author: None };
    let _turn = turns.take(Subject::of(&config, &intention)).await;
    if !book.missing().contains(run) {
        return Ok(());
    }
    let envelope = envelope(&config, intention)?;
    let result = carry_out_for(&config, &envelope, context).await;
    note(&result, &config, &envelope, context);
    result.map(drop)
}

/// A command that no delivery brought.
fn envelope(config: &IntegrationConfig, intention: Intention) -> Result<Envelope<Command>, ParseError> {
    let namespace = config.namespace().unwrap_or_default().parse()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Envelope {
        v: Version,
        delivery: DELIVERY.parse()?,
        host: config.spec.git.type_,
        source: Source::Config(ConfigRef { namespace, name: config.name_any().parse()? }),
        received_at_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
        traceparent: None,
        body: Command { repository: config.spec.git.repository.clone(), intention },
    })
}
