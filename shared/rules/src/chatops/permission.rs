//! Who may use a command.

use crate::trust::Account;

/// Who may use a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Whoever may comment.
    Anybody,
    /// People who may push to the repository.
    Writer,
    /// The same, and the pull request's author where the head is approved.
    WriterOrAuthor,
}

/// Who wrote a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commenter {
    /// Whether it is a person who may push to the base repository ([`Account::is_writer`]).
    pub is_writer: bool,
    /// Whether the same person opened the pull request.
    pub is_author: bool,
}

impl Commenter {
    /// Somebody who comments on a pull request that this account opened.
    pub fn new(commenter: &Account, opener: &Account) -> Self {
        Self { is_writer: commenter.is_writer(), is_author: commenter.login == opener.login }
    }
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PermissionDenied {
    /// It takes write permission.
    NeedsWrite,
    /// It takes write permission, or to be the pull request's author.
    NeedsWriteOrAuthor,
    /// It is the author, but the head is not approved.
    NeedsApproval,
}

impl Who {
    /// For `/help`.
    pub(super) fn description(self) -> &'static str {
        match self {
            Self::Anybody => "everybody",
            Self::Writer => "people with write permission",
            Self::WriterOrAuthor => "people with write permission; the author, once the head is approved",
        }
    }

    /// Judges a commenter. `may_run` says whether the pull request's head may run ([`crate::trust::Standing`]).
    pub fn judge(self, commenter: Commenter, may_run: bool) -> Result<(), PermissionDenied> {
        match self {
            Self::Writer | Self::WriterOrAuthor if commenter.is_writer => Ok(()),
            Self::Writer => Err(PermissionDenied::NeedsWrite),
            Self::WriterOrAuthor if !commenter.is_author => Err(PermissionDenied::NeedsWriteOrAuthor),
            Self::WriterOrAuthor if !may_run => Err(PermissionDenied::NeedsApproval),
            Self::Anybody | Self::WriterOrAuthor => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidegate_model::{AccountKind, Permission};

    use super::*;

    fn judge(
        who: Who,
        permission: Permission,
        is_author: bool,
        may_run: bool,
    ) -> Result<(), PermissionDenied> {
        let account = |login: &str| Account {
            login: login.parse().expect("a login"),
            kind: AccountKind::Person,
            permission,
        };
        let opener = account(if is_author { "x" } else { "y" });
        who.judge(Commenter::new(&account("x"), &opener), may_run)
    }

    #[test]
    fn who_may_write_may_do_everything() {
        for who in [Who::Anybody, Who::Writer, Who::WriterOrAuthor] {
            for permission in [Permission::Write, Permission::Admin] {
                assert_eq!(judge(who, permission, false, false), Ok(()), "{who:?} {permission:?}");
            }
        }
    }

    #[test]
    fn an_author_who_may_not_write_needs_an_approved_head_and_can_never_approve() {
        for permission in [Permission::None, Permission::Read] {
            assert_eq!(judge(Who::WriterOrAuthor, permission, true, true), Ok(()));
            assert_eq!(
                judge(Who::WriterOrAuthor, permission, true, false),
                Err(PermissionDenied::NeedsApproval)
            );
            assert_eq!(judge(Who::Writer, permission, true, true), Err(PermissionDenied::NeedsWrite));
        }
    }

    #[test]
    fn a_stranger_may_ask_for_help_and_nothing_else() {
        assert_eq!(judge(Who::Anybody, Permission::None, false, false), Ok(()));
        assert_eq!(judge(Who::Writer, Permission::Read, false, true), Err(PermissionDenied::NeedsWrite));
        assert_eq!(
            judge(Who::WriterOrAuthor, Permission::Read, false, true),
            Err(PermissionDenied::NeedsWriteOrAuthor)
        );
    }
}
