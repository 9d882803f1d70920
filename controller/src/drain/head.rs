//! Reads who controls the head of a pull request. `rules::trust` decides what follows.

use futures::future::OptionFuture;
use tidegate_hosts::client::{AccountFacts, PullRequestFacts};
use tidegate_model::{AccountKind, CommitSha, GitRef, Login, Permission, PullRequestNumber, RefName};
use tidegate_rules::trust::{Account, HeadFacts, HeadRepository, Proof, Standing};

use super::facts::{FactsError, Reader};

/// Who controls the head of a pull request, and who opened it, as the host shows it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Where the head is.
    pub repository: HeadRepository,
    /// The branch of the base repository that points to it now; none for the head of a fork.
    pub refs: Vec<GitRef>,
    /// Who opened the pull request.
    pub opener: Account,
}

/// What a plugin says about a pull request. It is read at the same time as the pull request, and used if it is so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hint<'a> {
    /// Who opened it.
    pub opener: Option<&'a Login>,
    /// The branch of its head.
    pub branch: Option<&'a RefName>,
}

/// What the branch of a head points to in the base repository.
#[derive(Debug)]
pub enum Target {
    /// The host was not asked.
    Unread,
    /// This; `None` where there is no such branch.
    Read(Option<CommitSha>),
}

impl Head {
    /// Of a pull request whose code nobody asks to run: the host is not asked about its people.
    pub fn unread(pull_request: &PullRequestFacts) -> Self {
        let login = pull_request.author.clone();
        let opener = Account { login, kind: AccountKind::Unknown, permission: Permission::None };
        Self { repository: HeadRepository::Gone, refs: Vec::new(), opener }
    }

    /// What the code may do, given what the ledger remembers about the head, and an approval that is being given.
    pub fn standing(&self, earlier: Option<&Proof>, approval: Option<&Proof>) -> Standing {
        let facts = HeadFacts {
            repository: Some(&self.repository),
            refs: &self.refs,
            // Nobody looks at the heads in a host's queue yet.
            are_queued_heads_trusted: false,
            approval,
            earlier,
        };
        Standing::of(&facts, &self.opener)
    }
}

impl Reader<'_> {
    /// A pull request with its head; `None` where the host knows none of that number.
    pub(super) async fn pull_request_with_head(
        &self,
        number: PullRequestNumber,
        hint: Hint<'_>,
    ) -> Result<Option<(PullRequestFacts, Head)>, FactsError> {
        let opener = OptionFuture::from(hint.opener.map(|login| self.account(login)));
        let target = OptionFuture::from(hint.branch.map(|branch| self.branch_target(branch)));
        let (pull_request, opener, target) = tokio::join!(self.find_pull_request(number), opener, target);
        let Some(pull_request) = pull_request? else {
            return Ok(None);
        };
        if !pull_request.open {
            let head = Head::unread(&pull_request);
            return Ok(Some((pull_request, head)));
        }
        let opener = opener.filter(|_| hint.opener == Some(&pull_request.author)).transpose()?;
        let target = match target.filter(|_| hint.branch == Some(&pull_request.head.branch)) {
            Some(target) => Target::Read(target?),
            None => Target::Unread,
        };
        let head = self.head(&pull_request, opener, target).await?;
        if head.repository != HeadRepository::Base || !head.refs.is_empty() {
            return Ok(Some((pull_request, head)));
        }
        // The branch may have moved between the two answers, or one of them was old: both are read once more.
        let opener = Some(head.opener);
        let target = self.branch_target(&pull_request.head.branch);
        let (again, target) = tokio::join!(self.find_pull_request(number), target);
        let Some(again) = again? else {
            return Ok(None);
        };
        let opener = opener.filter(|opener| opener.login == again.author);
        let is_same_branch = again.head.branch == pull_request.head.branch;
        let target = if is_same_branch { Target::Read(target?) } else { Target::Unread };
        let head = self.head(&again, opener, target).await?;
        Ok(Some((again, head)))
    }

    /// Reads what is not known yet about the head of a pull request: who opened it, and what its branch points to.
    pub(super) async fn head(
        &self,
        pull_request: &PullRequestFacts,
        opener: Option<Account>,
        target: Target,
    ) -> Result<Head, FactsError> {
        let own = &self.config.spec.git.repository;
        let (author, branch) = (&pull_request.author, &pull_request.head.branch);
        let repository = pull_request.head.repository.as_ref();
        let is_own = repository.is_some_and(|repository| repository.is_same_as(own));
        let owner = repository.filter(|_| !is_own).and_then(|fork| fork.owner().parse::<Login>().ok());
        let read_opener = async {
            match opener {
                Some(opener) => Ok(opener),
                None => self.account(author).await,
            }
        };
        let other = owner.as_ref().filter(|owner| *owner != author);
        let read_owner = OptionFuture::from(other.map(|owner| self.account(owner)));
        let read_target = async {
            match target {
                _ if !is_own => Ok(None),
                Target::Read(target) => Ok(target),
                Target::Unread => self.branch_target(branch).await,
            }
        };
        let (opener, other, target) = tokio::join!(read_opener, read_owner, read_target);
        let (opener, other) = (opener?, other.transpose()?);
        let is_at_branch = target?.is_some_and(|target| target == pull_request.head.sha);
        Ok(Head {
            repository: match owner {
                Some(_) => HeadRepository::Fork { owner: other.unwrap_or_else(|| opener.clone()) },
                None if is_own => HeadRepository::Base,
                None => HeadRepository::Gone,
            },
            refs: if is_at_branch { vec![GitRef::Branch(branch.clone())] } else { Vec::new() },
            opener,
        })
    }

    pub(super) async fn account(&self, login: &Login) -> Result<Account, FactsError> {
        let read = self.client.account(&self.config.spec.git.repository, login).await;
        let AccountFacts { kind, permission } = self.count("read a person's permission", read)?;
        Ok(Account { login: login.clone(), kind, permission })
    }

    async fn branch_target(&self, branch: &RefName) -> Result<Option<CommitSha>, FactsError> {
        let reference = GitRef::Branch(branch.clone());
        let read = self.client.ref_target(&self.config.spec.git.repository, &reference).await;
        self.count("look for the ref", read)
    }
}

#[cfg(test)]
pub(super) mod fixture {
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
