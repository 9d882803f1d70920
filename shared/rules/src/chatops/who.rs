//! Who may use a command.

use tidegate_model::Permission;

/// Whom a command listens to.
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
    /// The right in the base repository.
    pub permission: Permission,
    /// Whether the same person opened the pull request.
    pub is_author: bool,
}

/// Why a command isn't followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
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

    /// Judges a commenter. `approved` says whether the pull request's head may run: its author may write, or somebody who
    /// may has approved it.
    pub fn judge(self, commenter: Commenter, approved: bool) -> Result<(), Refusal> {
        match self {
            Self::Writer | Self::WriterOrAuthor if commenter.permission.can_write() => Ok(()),
            Self::Writer => Err(Refusal::NeedsWrite),
            Self::WriterOrAuthor if !commenter.is_author => Err(Refusal::NeedsWriteOrAuthor),
            Self::WriterOrAuthor if !approved => Err(Refusal::NeedsApproval),
            Self::Anybody | Self::WriterOrAuthor => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(who: Who, permission: Permission, is_author: bool, approved: bool) -> Result<(), Refusal> {
        who.judge(Commenter { permission, is_author }, approved)
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
            assert_eq!(judge(Who::WriterOrAuthor, permission, true, false), Err(Refusal::NeedsApproval));
            assert_eq!(judge(Who::Writer, permission, true, true), Err(Refusal::NeedsWrite));
        }
    }

    #[test]
    fn a_stranger_may_ask_for_help_and_nothing_else() {
        assert_eq!(judge(Who::Anybody, Permission::None, false, false), Ok(()));
        assert_eq!(judge(Who::Writer, Permission::Read, false, true), Err(Refusal::NeedsWrite));
        assert_eq!(
            judge(Who::WriterOrAuthor, Permission::Read, false, true),
            Err(Refusal::NeedsWriteOrAuthor)
        );
    }
}
