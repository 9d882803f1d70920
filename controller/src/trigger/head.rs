//! Reads who controls the head of a pull request. `rules::trust` decides what follows.

use futures::future::OptionFuture;
use tidegate_hosts::client::{AccountFacts, PullRequestFacts};
use tidegate_model::{CommitSha, GitRef, Login, PullRequestNumber, RefName};
use tidegate_rules::trust::{Account, Head, HeadRepository};

use super::reader::{FactsError, Reader};

/// A plugin's claims about a pull request. They are read at the same time as the pull request, and used if they are true.
#[derive(Debug, Clone, Copy, Default)]
pub struct PullRequestHint<'a> {
    /// Who opened it.
    pub opener: Option<&'a Login>,
    /// The branch of its head.
    pub branch: Option<&'a RefName>,
}

/// What a branch of the base repository points to.
pub struct Target {
    branch: RefName,
    /// `None` if the branch doesn't exist.
    commit: Option<CommitSha>,
}

impl Reader<'_> {
    /// A pull request with its head; `None` if the host has none of this number.
    pub async fn pull_request_with_head(
        &self,
        number: PullRequestNumber,
        hint: PullRequestHint<'_>,
    ) -> Result<Option<(PullRequestFacts, Head)>, FactsError> {
        let opener = OptionFuture::from(hint.opener.map(|login| self.account(login)));
        let target = OptionFuture::from(hint.branch.map(|branch| self.branch_target(branch)));
        let (pull_request, opener, target) = tokio::join!(self.find_pull_request(number), opener, target);
        let Some(pull_request) = pull_request? else {
            return Ok(None);
        };
        if !pull_request.open {
            let head = Head::unread(pull_request.author.clone());
            return Ok(Some((pull_request, head)));
        }
        let opener = opener.filter(|_| hint.opener == Some(&pull_request.author)).transpose()?;
        let target = target.filter(|_| hint.branch == pull_request.head.branch.as_ref()).transpose()?;
        let head = self.head(&pull_request, opener, target).await?;
        let Some(branch) = pull_request.head.branch.as_ref() else {
            return Ok(Some((pull_request, head)));
        };
        if head.repository != HeadRepository::Base || !head.refs.is_empty() {
            return Ok(Some((pull_request, head)));
        }
        // The branch may have moved between the two responses, or one was stale: both are read once more.
        let (again, target) = tokio::join!(self.find_pull_request(number), self.branch_target(branch));
        let Some(again) = again? else {
            return Ok(None);
        };
        let opener = Some(head.opener).filter(|opener| opener.login == again.author);
        let head = self.head(&again, opener, Some(target?)).await?;
        Ok(Some((again, head)))
    }

    /// Reads the missing facts about the head of a pull request: its author's permission, and what its branch points to.
    pub async fn head(
        &self,
        pull_request: &PullRequestFacts,
        opener: Option<Account>,
        target: Option<Target>,
    ) -> Result<Head, FactsError> {
        let own = &self.config.spec.git.repository;
        let author = &pull_request.author;
        let repository = pull_request.head.repository.as_ref();
        let is_own = repository.is_some_and(|repository| repository.is_same_as(own));
        let owner = pull_request.head.owner.as_ref().filter(|_| !is_own);
        let read_opener = async {
            match opener {
                Some(opener) => Ok(opener),
                None => self.account(author).await,
            }
        };
        let other = owner.filter(|owner| *owner != author);
        let read_owner = OptionFuture::from(other.map(|owner| self.account(owner)));
        let branch = pull_request.head.branch.as_ref().filter(|_| is_own);
        let target = target.filter(|target| Some(&target.branch) == branch);
        let read_target = async {
            match (branch, target) {
                (None, _) => Ok(None),
                (Some(_), Some(target)) => Ok(Some(target)),
                (Some(branch), None) => self.branch_target(branch).await.map(Some),
            }
        };
        let (opener, other, target) = tokio::join!(read_opener, read_owner, read_target);
        let (opener, other) = (opener?, other.transpose()?);
        let at = target?.filter(|target| target.commit.as_ref() == Some(&pull_request.head.sha));
        Ok(Head {
            repository: match owner {
                Some(_) => HeadRepository::Fork { owner: other.unwrap_or_else(|| opener.clone()) },
                None if is_own => HeadRepository::Base,
                None => HeadRepository::Gone,
            },
            refs: at.map(|target| GitRef::Branch(target.branch)).into_iter().collect(),
            opener,
        })
    }

    pub async fn account(&self, login: &Login) -> Result<Account, FactsError> {
        let AccountFacts { kind, permission } = self.client.read_account(login).await?;
        Ok(Account { login: login.clone(), kind, permission })
    }

    async fn branch_target(&self, branch: &RefName) -> Result<Target, FactsError> {
        let reference = GitRef::Branch(branch.clone());
        Ok(Target { branch: branch.clone(), commit: self.client.read_ref(&reference).await? })
    }
}

#[cfg(test)]
pub mod fixture {
    use tidegate_model::{AccountKind, Permission};

    use super::*;

    /// A person, or a stranger without write permission.
    pub fn person(login: &str, permission: Permission) -> Account {
        Account { login: login.parse().expect("a login"), kind: AccountKind::Person, permission }
    }

    /// The head of a pull request that Dora opened from a branch of the base repository.
    pub fn own_branch() -> Head {
        let branch = GitRef::Branch("fix".parse().expect("a branch"));
        let opener = person("dora", Permission::Write);
        Head { repository: HeadRepository::Base, refs: vec![branch], opener }
    }

    /// The head of a pull request that an account opened from its own fork.
    pub fn fork_of(owner: Account) -> Head {
        let repository = HeadRepository::Fork { owner: owner.clone() };
        Head { repository, refs: Vec::new(), opener: owner }
    }
}
