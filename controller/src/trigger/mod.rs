//! Carries out an act on a pull request, branch or tag for one config: facts (host, cluster) → the ledger's record → plan
//! (pure) → actions, which `runs` carries out.
//!
//! The acts are those of commands and of the catch-up. The caller holds the lock of the pull request, branch or tag.

mod act;
pub mod error;
mod follower;
pub mod head;
pub mod proof;
pub mod pull_request;
pub mod push;
pub mod reader;
mod reference;
pub mod retest;

use kube::{ResourceExt, runtime::reflector::ObjectRef};
use tidegate_resources::IntegrationConfig;
use tidegate_telemetry::field;

pub use self::{
    act::{Act, Followed, Plan},
    follower::Follower,
};
use self::{error::TriggerError, pull_request::Request};
use crate::{context::Context, error_chain, runs::Executor};

impl Follower<'_> {
    /// Carries out an act, and logs the result. If the credential or its right is the cause of a failure, the config is
    /// checked.
    pub async fn follow(self, act: &Act) -> Result<Followed, TriggerError> {
        let result = self.try_to_follow(act).await;
        note(&result, act.as_str(), self.config, self.context);
        result
    }

    async fn try_to_follow(self, act: &Act) -> Result<Followed, TriggerError> {
        if self.config.metadata.deletion_timestamp.is_some() {
            return Ok(Followed::Done("the config is being deleted".to_owned()));
        }
        let (plan, settled) = match act {
            Act::PullRequest { number, author, branch } => {
                let hint = head::PullRequestHint { opener: author.as_ref(), branch: branch.as_ref() };
                (pull_request::plan_for(Request::Run, *number, hint, self).await?, None)
            }
            Act::Closed(number) => (
                pull_request::plan_for(Request::Cancel, *number, head::PullRequestHint::default(), self)
                    .await?,
                None,
            ),
            Act::Push(reference, sha) => {
                (push::plan_for(reference, sha, self).await?, Some((reference, sha)))
            }
            Act::Moved(reference, shown) => {
                (reference::plan_for(reference, shown.as_ref(), self).await?, None)
            }
        };
        let actions = match plan {
            Plan::Act(actions) => actions,
            Plan::Nothing(reason) => return Ok(Followed::Done(reason)),
            Plan::Refuse(reason) => return Ok(Followed::Refused(reason)),
        };
        let book = self.book().await?;
        let Self { config, origin, held, context, .. } = self;
        let happened = Executor { config, book: &book, origin, held, context }.perform(&actions).await?;
        if let Some((reference, sha)) = settled
            && book.settle_ref(reference, sha)
        {
            book.save().await?;
        }
        Ok(Followed::Done(happened.join("; ")))
    }
}

/// Logs the result for one config. If its credential or right is the cause of a failure, the config is checked, so that its
/// conditions show it.
pub fn note(
    result: &Result<Followed, TriggerError>,
    what: &str,
    config: &IntegrationConfig,
    context: &Context,
) {
    match result {
        Ok(Followed::Done(happened)) => log(what, Some(config), happened),
        Ok(Followed::Refused(reason)) => log(what, Some(config), &format!("refused: {reason}")),
        Err(error) => {
            log(what, Some(config), &format!("not carried out yet: {}", error_chain(error)));
            if error.concerns_config() {
                let namespace = config.namespace().unwrap_or_default();
                context.configs.request_check(ObjectRef::new(&config.name_any()).within(&namespace));
            }
        }
    }
}

/// Logs a result. Repository, delivery and trace are those of the span around it.
pub fn log(what: &str, config: Option<&IntegrationConfig>, happened: &str) {
    tracing::info!({ field::CONFIG } = config.map(IntegrationConfig::display_name), "{what}: {happened}");
}
