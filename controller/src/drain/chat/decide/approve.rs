//! `/ok-to-test`: which head its author meant, and that nobody runs another.

use kube::ResourceExt;
use tidegate_model::CommitSha;
use tidegate_resources::IntegrationJob;
use tidegate_rules::status;

use super::{Deciding, Verdict, goes_on};
use crate::drain::chat::facts::{Configured, Known};

/// The runs that wait for somebody to approve the present head.
pub fn waiting<'a>(of: &'a Configured, known: &'a Known) -> impl Iterator<Item = &'a IntegrationJob> {
    let head = &known.pull_request.head.sha;
    let is_head = move |job: &IntegrationJob| job.spec.pulls.first().is_some_and(|pull| pull.sha == *head);
    of.jobs.iter().filter(move |job| goes_on(job) && job.spec.lacks_approval() && is_head(job))
}

impl Deciding<'_> {
    /// With a SHA it is exact. Without one it means what was shown as waiting when the comment was written: by the host's
    /// clock alone, and not in the same second, in which nobody can tell what came first.
    pub(super) fn approve(&mut self, sha: Option<&CommitSha>) -> Verdict {
        let head = &self.known.pull_request.head.sha;
        let mut jobs = self.known.configs.iter().flat_map(|of| &of.jobs);
        let was_followed = jobs.any(|job| self.known.is_named_by(job.spec.approved.as_ref()));
        if was_followed && !self.configs.iter().any(|wanted| wanted.is_approving) {
            // Another head came since.
            return Verdict::Done;
        }
        let is_waiting = || self.configs.iter().any(|wanted| waiting(wanted.of, self.known).next().is_some());
        if let Some(sha) = sha
            && sha != head
        {
            return Verdict::Said(format!(
                "not approved: the head is `{head}`. Look at it, and then say `/ok-to-test {head}`"
            ));
        }
        if self.known.author.can_write() && !is_waiting() {
            return Verdict::Done;
        }
        if self.configs.iter().all(|wanted| wanted.approved.is_some()) {
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
        let was_shown = self.configs.iter().any(|wanted| wanted.is_approving || self.was_shown(wanted.of));
        if sha.is_none() && !was_shown {
            return Verdict::Said(format!(
                "not approved: the head is `{head}`, and it was not shown as waiting yet when you wrote. Look at it, and \
                 then say `/ok-to-test {head}`"
            ));
        }
        let reference = self.reference();
        for wanted in self.configs.iter_mut().filter(|wanted| wanted.approved.is_none()) {
            wanted.approved = Some(reference.clone());
            wanted.is_approving = true;
        }
        Verdict::Done
    }

    /// Whether the host had shown, before the comment was written, that the present head waits for approval.
    fn was_shown(&self, of: &Configured) -> bool {
        let context = status::Context::Config.name(&of.config.name_any());
        let shown = self.known.shown.iter();
        let shown = shown
            .filter(|status| status.context == context && status.description == status::WAITS_FOR_APPROVAL)
            .map(|status| status.created_at)
            .max();
        let is_waiting = waiting(of, self.known).next().is_some();
        is_waiting && shown.is_some_and(|at| at < self.known.comment.created_at)
    }
}
