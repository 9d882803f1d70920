//! What one pull request's code may do.

use tidegate_model::CommentId;

use super::{Account, HeadFacts, HeadTrust, Proof, Rights, of_head, rights};

/// What a pull request's code may do: whether it runs, and what it may read then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether its head may run, and why.
    pub trust: HeadTrust,
    /// What a run of it may read.
    pub rights: Rights,
}

impl Standing {
    /// Judges a pull request by who controls its head, and by who opened it.
    pub fn of(head: &HeadFacts<'_>, opener: &Account) -> Self {
        let trust = of_head(head);
        let rights = rights(&trust, head.refs, opener);
        Self { trust, rights }
    }

    /// Whether the code may run.
    pub fn may_run(&self) -> bool {
        self.trust.proof().is_some()
    }
}

impl Proof {
    /// The proof that a comment gives by approving a head; `None` where its author may not approve: no person, or one
    /// without write permission.
    pub fn of_approval(approver: &Account, comment: CommentId) -> Option<Self> {
        approver
            .is_writer()
            .then(|| Self::Approval { approver: approver.login.clone(), comment: Some(comment) })
    }
}

#[cfg(test)]
mod tests;
