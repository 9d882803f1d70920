//! Reads from host and cluster what decides about a comment.

use kube::ResourceExt;
use tidegate_hosts::client::{CommentFacts, PullRequestFacts, StatusFacts};
use tidegate_model::Permission;
use tidegate_resources::{CommentReference, IntegrationConfig, IntegrationJob, answer_digest};
use tidegate_rules::chatops::{ChatCommand, Line, MARKER, who::Who};

use super::{CommentRef, decide};
use crate::{
    context::Context,
    drain::{
        error::WaitsFor,
        facts::{FactsError, Reader, display_name, jobs_of},
        plan,
    },
    error_chain,
};

/// What is known about a comment, as host and cluster show it now.
#[derive(Debug, Clone)]
pub struct Known {
    /// The comment.
    pub comment: CommentFacts,
    /// The pull request it stands on.
    pub pull_request: PullRequestFacts,
    /// The right of who wrote the comment.
    pub commenter: Permission,
    /// The right of who opened the pull request; not asked for where it decides nothing.
    pub author: Permission,
    /// Every config of the repository that is fit to run something, the oldest first, with its runs of the pull request.
    pub configs: Vec<Configured>,
    /// Why the others are not, one sentence each.
    pub unfit: Vec<String>,
    /// The statuses of the pull request's head, newest first; read where somebody approves what he was shown.
    pub shown: Vec<StatusFacts>,
    /// What stands, unseen, in the answer to this comment.
    pub marker: String,
    /// Whether that answer is there.
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
    /// The runs.
    pub jobs: Vec<IntegrationJob>,
}

/// The comment as the host shows it; none when it is gone, or never was.
pub(in crate::drain) async fn comments(
    reader: &Reader<'_>,
    comment: CommentRef<'_>,
) -> Result<Vec<CommentFacts>, FactsError> {
    let repository = &reader.config.spec.git.repository;
    let read = reader.client.comments_at(repository, comment.pull_request, comment.pointer).await;
    reader.count("read the comment", read)
}

/// The rest. `Err` inside says why there is nothing to decide.
pub async fn known(
    reader: &Reader<'_>,
    comment: CommentFacts,
    lines: &[Line],
    context: &Context,
) -> Result<Result<Known, String>, FactsError> {
    let repository = &reader.config.spec.git.repository;
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
    let marker = format!("{MARKER} {} -->", answer_digest(&plan::uid(oldest), comment.kind, comment.id));
    let (mut configs, mut unfit) = (Vec::new(), Vec::new());
    let is_shared = all.len() > 1;
    for config in all {
        if let Some(reason) = plan::unfit(&config) {
            unfit.push(format!("IntegrationConfig `{}`: {reason}", display_name(&config)));
            continue;
        }
        match jobs_of(&config, number, context).await {
            Ok(jobs) => configs.push(Configured { config, jobs }),
            // Its namespace may not be read: that delays no other config.
            Err(error) if is_shared && error.waits_for() == WaitsFor::Person => {
                unfit.push(format!("IntegrationConfig `{}`: {}", display_name(&config), error_chain(&error)));
            }
            Err(error) => return Err(error),
        }
    }
    let later = reader.client.comments_since(repository, number, comment.created_at).await;
    let later = reader.count("list the comments", later)?;
    let is_answered = later.iter().any(|later| later.body.contains(&marker));

    let mut commands = lines.iter().filter_map(Line::command);
    let needs_right = commands.clone().any(|command| command.who() != Who::Anybody);
    let commenter = if needs_right { reader.permission(&comment.author).await? } else { Permission::None };
    let author = if comment.author == pull_request.author || !needs_right {
        commenter
    } else {
        reader.permission(&pull_request.author).await?
    };
    let mut known = Known {
        comment,
        pull_request,
        commenter,
        author,
        configs,
        unfit,
        shown: Vec::new(),
        marker,
        is_answered,
    };
    let is_bare = |command: &ChatCommand| *command == ChatCommand::Approve { sha: None };
    if commands.any(is_bare) && known.configs.iter().any(|of| decide::waiting(of, &known).next().is_some()) {
        let shown = reader.client.statuses(repository, &known.pull_request.head.sha).await;
        known.shown = reader.count("list the statuses", shown)?;
    }
    Ok(Ok(known))
}

/// Every config that serves the same repository on the same host, the oldest first.
fn all_of_repository(config: &IntegrationConfig, context: &Context) -> Vec<IntegrationConfig> {
    let (mut all, _) = context.configs.select(|git| git.is_same_repository(&config.spec.git));
    // The config may be younger than what was seen.
    if !all.iter().any(|other| other.uid() == config.uid()) {
        all.push(config.clone());
    }
    // Anybody may claim a repository in a config: one that has proven no right there gets none of its facts.
    all.retain(|other| other.is_proven() || other.uid() == config.uid());
    all.retain(|other| other.metadata.deletion_timestamp.is_none());
    all
}
