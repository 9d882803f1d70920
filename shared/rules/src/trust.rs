//! Whose code runs, and with what.
//!
//! Trust belongs to whoever controls the head, and is a property of the commit: see [`of_head`]. Whether a run gets Secrets
//! is a second, narrower question: see [`rights`]. [`Standing`] gives both answers for one pull request, and
//! [`TrustProof::of_approval`] says who may approve: nothing else decides about trust.

mod standing;

use std::fmt;

use serde::{Deserialize, Serialize};
pub use tidegate_model::AccountKind;
use tidegate_model::{CommentId, GitRef, JobName, JobSpec, Login, Permission};

pub use standing::{Head, Standing};

/// The start of every branch name that a merge queue writes: GitHub's, Bitbucket's and Tidegate's own. A stranger's head
/// reaches such a branch without anybody's write permission.
const QUEUE_PREFIXES: [&str; 3] = ["gh-readonly-queue/", "bitbucket-merge-queue-", "tidegate-queue/"];

/// Why a commit is trusted. It is stored: a commit that was trusted once stays trusted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "camelCase")]
pub enum TrustProof {
    /// It was seen as the target of this branch or tag in the base repository's list of refs.
    HeadOf {
        /// The branch or tag.
        #[serde(rename = "ref")]
        reference: GitRef,
    },
    /// It is a merge queue's commit, and every head in it is trusted.
    QueuedHeads {
        /// The queue's branch.
        #[serde(rename = "ref")]
        reference: GitRef,
    },
    /// A person with write permission approved this SHA.
    Approval {
        /// Who approved.
        approver: Login,
        /// The comment, as far as the approval was one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<CommentId>,
    },
    /// It is the head of a fork, and the fork's owner is a person with write permission in the base repository.
    ForkOfWriter {
        /// The fork's owner.
        owner: Login,
    },
}

/// The text of a commit status: `approved by X`, `trusted: head of B`.
impl fmt::Display for TrustProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeadOf { reference: GitRef::Branch(name) } => write!(f, "trusted: head of {name}"),
            Self::HeadOf { reference: GitRef::Tag(name) } => write!(f, "trusted: head of tag {name}"),
            Self::QueuedHeads { reference } => {
                write!(f, "trusted: every head in {} is trusted", reference.name())
            }
            Self::Approval { approver, .. } => write!(f, "approved by {approver}"),
            Self::ForkOfWriter { owner } => write!(f, "trusted: head of a fork of {owner}"),
        }
    }
}

/// An account of a host, and its permission in the base repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub login: Login,
    /// What it is.
    pub kind: AccountKind,
    /// Its permission in the base repository.
    pub permission: Permission,
}

impl Account {
    /// Whether it is a person who may push to the base repository: who may approve heads, and have code run with Secrets.
    pub fn is_writer(&self) -> bool {
        self.kind == AccountKind::Person && self.permission.can_write()
    }
}

/// Where a host says that a pull request's head is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadRepository {
    /// In the base repository. That alone proves nothing: Gitea shows heads of its `AGit` flow (`refs/for/…`) like this, and
    /// any reader may push those.
    Base,
    /// In a fork.
    Fork {
        /// The owner of the fork.
        owner: Account,
    },
    /// The fork was deleted or can't be seen, or the host shows no account that controls it.
    Gone,
}

/// What is known about a commit that is, or may be, the head of a pull request. Every host is asked for the same facts.
#[derive(Debug, Clone)]
pub struct HeadFacts<'a> {
    /// The repository of the head; `None` for a commit that no pull request shows.
    pub repository: Option<&'a HeadRepository>,
    /// The branches and tags of the base repository that point to this commit now, from its list of refs (heads and tags
    /// alone: never `refs/pull/…`, `refs/for/…` or `refs/merge-requests/…`).
    pub refs: &'a [GitRef],
    /// For a commit at a merge queue's branch: whether every head in it is trusted. `false` where that is not known.
    pub are_queued_heads_trusted: bool,
    /// The approval of this SHA.
    pub approval: Option<&'a TrustProof>,
    /// What the ledger remembers about this SHA.
    pub earlier: Option<&'a TrustProof>,
}

/// Whether a commit's code may run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadTrust {
    /// It may, for this reason.
    Trusted(TrustProof),
    /// A person with write permission has to look at it first.
    Waiting(Waiting),
}

impl HeadTrust {
    /// Why it is trusted; `None` while it waits.
    pub fn proof(&self) -> Option<&TrustProof> {
        match self {
            Self::Trusted(proof) => Some(proof),
            Self::Waiting(_) => None,
        }
    }
}

/// Why a head is not trusted by itself. For logs; the commit status doesn't say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// The host shows it in the base repository, but no branch or tag points to it: an `AGit` head, or one that moved on.
    NotAtABranch,
    /// It is at a merge queue's branch, and some head in it is not trusted.
    UntrustedQueue,
    /// The fork's owner may not write to the base repository.
    OwnerMayNotWrite,
    /// The fork's owner is no person: whoever may write to the fork is not known.
    OwnerIsNoPerson,
    /// The fork is gone or nobody is known to control it, or no pull request shows the commit.
    UnknownRepository,
}

/// Says whether a commit is trusted, and why.
///
/// Who opened a pull request is no argument: trust belongs to whoever controls the head.
pub fn of_head(facts: &HeadFacts<'_>) -> HeadTrust {
    if let Some(proof) = facts.earlier {
        return HeadTrust::Trusted(proof.clone());
    }
    let (queue, plain): (Vec<&GitRef>, Vec<&GitRef>) =
        facts.refs.iter().partition(|reference| is_queue_branch(reference));
    if let Some(reference) = plain.first() {
        return HeadTrust::Trusted(TrustProof::HeadOf { reference: (*reference).clone() });
    }
    if let Some(proof @ TrustProof::Approval { .. }) = facts.approval {
        return HeadTrust::Trusted(proof.clone());
    }
    if let Some(reference) = queue.first() {
        return if facts.are_queued_heads_trusted {
            HeadTrust::Trusted(TrustProof::QueuedHeads { reference: (*reference).clone() })
        } else {
            HeadTrust::Waiting(Waiting::UntrustedQueue)
        };
    }
    match facts.repository {
        Some(HeadRepository::Fork { owner }) if owner.is_writer() => {
            HeadTrust::Trusted(TrustProof::ForkOfWriter { owner: owner.login.clone() })
        }
        Some(HeadRepository::Fork { owner }) if owner.kind == AccountKind::Person => {
            HeadTrust::Waiting(Waiting::OwnerMayNotWrite)
        }
        Some(HeadRepository::Fork { .. }) => HeadTrust::Waiting(Waiting::OwnerIsNoPerson),
        Some(HeadRepository::Base) => HeadTrust::Waiting(Waiting::NotAtABranch),
        Some(HeadRepository::Gone) | None => HeadTrust::Waiting(Waiting::UnknownRepository),
    }
}

/// Whether a branch is a merge queue's, so that being its target proves nothing.
pub fn is_queue_branch(reference: &GitRef) -> bool {
    match reference {
        GitRef::Branch(name) => QUEUE_PREFIXES.iter().any(|prefix| name.as_str().starts_with(prefix)),
        GitRef::Tag(_) => false,
    }
}

/// What a run of trusted code may read. The order is that of the rights: a run that pull requests share has the greatest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Rights {
    /// No Secret: a job that names one ends as error `needs secret X`.
    #[default]
    WithoutSecrets,
    /// The Secrets that its jobs name.
    WithSecrets,
}

impl Rights {
    /// The name, for the identity of a run.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithoutSecrets => "without-secrets",
            Self::WithSecrets => "with-secrets",
        }
    }
}

/// The rights of a pull request's run: Secrets need a trusted head that is now at a branch of the base repository (a merge
/// queue's branch doesn't count), and an opener who is a person with write permission.
///
/// So a writer's fork gets none, nor a bot's branch, an `AGit` head, or an approved head.
pub fn rights(trust: &HeadTrust, refs: &[GitRef], opener: &Account) -> Rights {
    let is_at_branch =
        refs.iter().any(|reference| matches!(reference, GitRef::Branch(_)) && !is_queue_branch(reference));
    if trust.proof().is_some() && is_at_branch && opener.is_writer() {
        Rights::WithSecrets
    } else {
        Rights::WithoutSecrets
    }
}

/// The first job that needs a Secret which a run with these rights may not read, and that Secret; `None` when all can run.
pub fn first_forbidden_secret(rights: Rights, jobs: &[JobSpec]) -> Option<(&JobName, &str)> {
    if rights == Rights::WithSecrets {
        return None;
    }
    jobs.iter().find_map(|job| job.secret_names().next().map(|secret| (&job.name, secret)))
}

#[cfg(test)]
mod tests;
