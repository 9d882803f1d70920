//! Reads the facts about a comment from host and cluster.

use kube::{ResourceExt, core::DeserializeGuard};
use tidegate_hosts::client::{CommentFacts, PullRequestFacts, StatusFacts};
use tidegate_model::CommitSha;
use tidegate_resources::{CommentReference, IntegrationConfig, IntegrationJob, answer_digest};
use tidegate_rules::{
    chatops::{ChatCommand, Line, MARKER, permission::Who},
    trust::{Account, Head, TrustProof},
};

use super::comment::CommentRef;
use crate::{
    context::Context,
    error_chain, fitness,
    runs::existing,
    trigger::{
        error::{TriggerError, WaitsFor},
        reader::{FactsError, Reader},
    },
};

/// The facts about a comment.
#[derive(Debug, Clone)]
pub struct Known {
    /// The comment.
    pub comment: CommentFacts,
    /// The pull request that it is on.
    pub pull_request: PullRequestFacts,
    /// Who wrote the comment.
    pub commenter: Account,
    /// The pull request's head; it is not read where it decides nothing.
    pub head: Head,
    /// Every config of the repository that can run something, the oldest first, with its runs of the pull request.
    pub configs: Vec<Configured>,
    /// Why the other configs can't, one sentence each.
    pub unfit: Vec<String>,
    /// The statuses of the pull request's head, newest first; read only for an approval without a SHA.
    pub shown: Vec<StatusFacts>,
    /// The hidden marker of the answer to this comment.
    pub marker: String,
    /// Whether the answer exists.
    pub is_answered: bool,
}

impl Known {
    /// Whether a run names this comment.
    pub fn is_named_by(&self, reference: Option<&CommentReference>) -> bool {
        reference.is_some_and(|named| (named.kind, named.id) == (self.comment.kind, self.comment.id))
    }
}

/// A config, and its runs of the pull request.
#[derive(Debug, Clone)]
pub struct Configured {
    /// The config.
    pub config: IntegrationConfig,
    /// Its own runs, and those that it shares with other pull requests of the same head and base.
    pub runs: Vec<IntegrationJob>,
    /// Whether another open pull request has the same head and base.
    pub is_shared: bool,
    /// Why the pull request's head is trusted, by the config's ledger.
    pub earlier: Option<TrustProof>,
    /// The commit that this comment approved, by the config's ledger.
    pub approved: Option<CommitSha>,
}

/// The comment as the host shows it; empty if it doesn't exist.
pub async fn comments(reader: &Reader<'_>, comment: CommentRef<'_>) -> Result<Vec<CommentFacts>, FactsError> {
    Ok(reader.client.read_comments(comment.pull_request, comment.pointer).await?)
}

/// The other facts. The inner `Err` is the reason why there is nothing to decide.
pub async fn known(
    reader: &Reader<'_>,
    comment: CommentFacts,
    lines: &[Line],
    context: &Context,
) -> Result<Result<Known, String>, TriggerError> {
    let Some(number) = comment.pull_request else {
        return Ok(Err(format!("comment {} is on no pull request", comment.id)));
    };
    let Some(pull_request) = reader.find_pull_request(number).await? else {
        return Ok(Err(format!("there is no pull request {number} (any more)")));
    };
    let all = all_of_repository(reader.config, context);
    let Some(oldest) = all.first() else {
        return Ok(Err("the config is gone".to_owned()));
    };
    let marker = format!("{MARKER} {} -->", answer_digest(&oldest.identity(), comment.kind, comment.id));
    let (mut configs, mut unfit) = (Vec::new(), Vec::new());
    let is_one_of_several = all.len() > 1;
    for config in all {
        if let Some(reason) = fitness::unfit(&config) {
            unfit.push(format!("IntegrationConfig `{}`: {reason}", config.display_name()));
            continue;
        }
        match configured(config.clone(), &pull_request, &comment, context).await {
            Ok(configured) => configs.push(configured),
            // Its namespace may be forbidden: that delays no other config.
            Err(error) if is_one_of_several && error.waits_for() == WaitsFor::Person => {
                unfit.push(format!("IntegrationConfig `{}`: {}", config.display_name(), error_chain(&error)));
            }
            Err(error) => return Err(error),
        }
    }
    let later = reader.client.list_comments(number, comment.created_at).await?;
    let is_answered = later.iter().any(|later| later.body.contains(&marker));

    let mut commands = lines.iter().filter_map(Line::command);
    let needs_right = commands.clone().any(|command| command.who() != Who::Anybody);
    let (commenter, head) = if needs_right {
        let commenter = reader.account(&comment.author).await?;
        let opener = Some(commenter.clone()).filter(|commenter| commenter.login == pull_request.author);
        let head = reader.head(&pull_request, opener, None).await?;
        (commenter, head)
    } else {
        let head = Head::unread(pull_request.author.clone());
        (Account { login: comment.author.clone(), ..head.opener.clone() }, head)
    };
    let mut known = Known {
        comment,
        pull_request,
        commenter,
        head,
        configs,
        unfit,
        shown: Vec::new(),
        marker,
        is_answered,
    };
    let is_bare = |command: &ChatCommand| *command == ChatCommand::Approve { sha: None };
    let waits = |of: &Configured| !known.head.standing(of.earlier.as_ref(), None).may_run();
    if commands.any(is_bare) && known.configs.iter().any(waits) {
        known.shown = reader.client.list_statuses(&known.pull_request.head.sha).await?;
    }
    Ok(Ok(known))
}

/// Every config that serves the same repository on the same host, the oldest first.
pub fn all_of_repository(config: &IntegrationConfig, context: &Context) -> Vec<IntegrationConfig> {
    let (mut all, _) = context.configs.select(|git| git.is_same_repository(&config.spec.git));
    // The config may be newer than the store.
    if !all.iter().any(|other| other.uid() == config.uid()) {
        all.push(config.clone());
    }
    // Anybody may name a repository in a config: without a proven right the config gets none of its facts.
    all.retain(|other| other.is_proven() || other.uid() == config.uid());
    all.retain(|other| other.metadata.deletion_timestamp.is_none());
    all
}

/// Reads the runs of a pull request under a config, and the ledger's records of its head and of a comment on it.
async fn configured(
    config: IntegrationConfig,
    pull_request: &PullRequestFacts,
    comment: &CommentFacts,
    context: &Context,
) -> Result<Configured, TriggerError> {
    let mut runs =
        existing::of_pull_request(pull_request.number, &config, context).await.map_err(FactsError::Jobs)?;
    let book = context.ledgers.open(&config).await?;
    let (head, base) = (&pull_request.head.sha, &pull_request.base);
    let mut names = book.runs_for(head, base);
    names.retain(|name| runs.iter().all(|run| run.name_any() != *name));
    let api = context.namespaced::<DeserializeGuard<IntegrationJob>>(&config.namespace().unwrap_or_default());
    for name in names {
        let found = api.get_opt(&name).await.map_err(FactsError::Jobs)?;
        // The ledger holds deleted runs, too. The job loop logs unreadable ones.
        runs.extend(found.and_then(|DeserializeGuard(job)| job.ok()));
    }
    let is_shared = book.is_shared(head, base, pull_request.number);
    let (earlier, approved) = (book.proof(head), book.approved_by(comment.id, &comment.author));
    Ok(Configured { config, runs, is_shared, earlier, approved })
}
