//! What one pull request's code may do.

use tidegate_model::{AccountKind, CommentId, GitRef, Login, Permission};

use super::{Account, HeadFacts, HeadRepository, HeadTrust, Rights, TrustProof, of_head, rights};

/// Who controls the head of a pull request, and who opened it, as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the head is.
    pub repository: HeadRepository,
    /// The branch of the base repository that points to it now; empty for the head of a fork.
    pub refs: Vec<GitRef>,
    /// Who opened the pull request.
    pub opener: Account,
}

impl Head {
    /// Of a pull request whose code nobody asks to run: the host is not asked about its people.
    pub fn unread(opener: Login) -> Self {
        let opener = Account { login: opener, kind: AccountKind::Unknown, permission: Permission::None };
        Self { repository: HeadRepository::Gone, refs: Vec::new(), opener }
    }

    /// What the code may do, given what the ledger remembers about the head, and an approval that is being given.
    pub fn standing(&self, earlier: Option<&TrustProof>, approval: Option<&TrustProof>) -> Standing {
        let facts = HeadFacts {
            repository: Some(&self.repository),
            refs: &self.refs,
            // Nobody looks at the heads in a host's queue yet.
            are_queued_heads_trusted: false,
            approval,
            earlier,
        };
        Standing::from_facts(&facts, &self.opener)
    }
}

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
    pub fn from_facts(head: &HeadFacts<'_>, opener: &Account) -> Self {
        let trust = of_head(head);
        let rights = rights(&trust, head.refs, opener);
        Self { trust, rights }
    }

    /// Whether the code may run.
    pub fn may_run(&self) -> bool {
        self.trust.proof().is_some()
    }
}

impl TrustProof {
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
