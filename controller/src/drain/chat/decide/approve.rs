//! `/ok-to-test`: which head its author meant, and that nobody runs another.

use kube::ResourceExt;
use tidegate_model::CommitSha;
use tidegate_resources::{Cancel, CancelReason};
use tidegate_rules::{chatops::who::Refusal, status, trust::Proof};

use super::{Action, Deciding, Verdict, Wanted, goes_on};

impl Deciding<'_> {
    /// With a SHA it is exact. Without one it means what was shown as waiting when the comment was written: by the host's
    /// clock alone, and not in the same second, in which nobody can tell what came first.
    pub(super) fn approve(&mut self, sha: Option<&CommitSha>) -> Verdict {
        let head = &self.known.pull_request.head.sha;
        if self.has_approved() && !self.configs.iter().any(|wanted| wanted.is_approving) {
            // Another head came since.
            return Verdict::Done;
        }
        if let Some(sha) = sha
            && sha != head
        {
            return Verdict::Said(format!(
                "not approved: the head is `{head}`. Look at it, and then say `/ok-to-test {head}`"
            ));
        }
        if self.configs.iter().all(|wanted| wanted.standing.may_run()) {
            return Verdict::Done;
        }
        if sha.is_none()
            && let Some(reviewed) = &self.known.comment.reviewed
            && reviewed != head
        {
            return Verdict::Said(format!(
                "not approved: the review is of `{reviewed}`, and the head is `{head}`. Look at it, and then say `/ok-to-test {head}`"
            ));
        }
        let was_shown = self.configs.iter().any(|wanted| wanted.is_approving || self.was_shown(wanted));
        if sha.is_none() && !was_shown {
            return Verdict::Said(format!(
                "not approved: the head is `{head}`, and it was not shown as waiting yet when you wrote. Look at it, and \
                 then say `/ok-to-test {head}`"
            ));
        }
        let Some(proof) = Proof::of_approval(&self.known.commenter, self.known.comment.id) else {
            return Verdict::Said(self.refused(Refusal::NeedsWrite));
        };
        for wanted in self.configs.iter_mut().filter(|wanted| !wanted.standing.may_run()) {
            wanted.standing = self.known.head.standing(None, Some(&proof));
            wanted.is_approving = true;
        }
        Verdict::Done
    }

    /// Whether a ledger remembers that this comment approved a head, be it the present one or another.
    pub(super) fn has_approved(&self) -> bool {
        self.known.configs.iter().any(|of| of.approved.is_some())
    }

    /// Whether the host had shown, before the comment was written, that the present head waits for approval.
    fn was_shown(&self, wanted: &Wanted<'_>) -> bool {
        let context = status::Context::Config.name(&wanted.of.config.name_any());
        let shown = self.known.shown.iter();
        let shown = shown
            .filter(|status| status.context == context && status.description == status::WAITS_FOR_APPROVAL)
            .map(|status| status.created_at)
            .max();
        !wanted.standing.may_run() && shown.is_some_and(|at| at < self.known.comment.created_at)
    }

    /// The runs that waited for the approval end: the approved head has a run of its own.
    pub(super) fn replaced(&self, config: usize, wanted: &Wanted<'_>) -> Option<Action> {
        let waiting = wanted.of.jobs.iter().filter(|job| goes_on(job) && job.spec.awaits_approval);
        let names: Vec<String> = waiting.map(ResourceExt::name_any).collect();
        let message = format!("superseded by the run that {} approved", self.known.comment.author);
        let order = Cancel {
            reason: CancelReason::Superseded,
            message: message.chars().take(140).collect(),
            comment: None,
        };
        (!names.is_empty()).then_some(Action::Stop { config, names, order })
    }
}
