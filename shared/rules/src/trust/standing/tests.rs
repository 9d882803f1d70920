use tidegate_model::{AccountKind, GitRef, Permission};

use super::*;
use crate::trust::HeadRepository;

/// What runs, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Waits,
    Runs,
    RunsWithSecrets,
}
use Expected::{Runs, RunsWithSecrets, Waits};

fn account(kind: AccountKind, permission: Permission) -> Account {
    Account { login: "x".parse().expect("a login"), kind, permission }
}

fn person(permission: Permission) -> Account {
    account(AccountKind::Person, permission)
}

fn branch(name: &str) -> Vec<GitRef> {
    vec![GitRef::Branch(name.parse().expect("a branch"))]
}

fn fork(owner: Account) -> HeadRepository {
    HeadRepository::Fork { owner }
}

/// Where each host shows a head, the branches of the base repository that point to it, and what follows when a stranger, a
/// bot or a writer opened the pull request.
fn table() -> Vec<(&'static str, HeadRepository, Vec<GitRef>, [Expected; 3])> {
    use AccountKind::{Bot, Organisation, Unknown};
    use HeadRepository::{Base, Gone};
    use Permission::{Admin, Read, Write};
    let at_branch = [Runs, Runs, RunsWithSecrets];
    let (waits, runs) = ([Waits; 3], [Runs; 3]);
    let moved = Vec::new;
    vec![
        ("every host: a branch of the base repository", Base, branch("fix"), at_branch),
        ("Gitea: refs/for/main/x, AGit", Base, moved(), waits),
        ("every host: the branch moved on", Base, moved(), waits),
        ("GitHub, Gitea, Bitbucket: the fork was deleted", Gone, moved(), waits),
        ("GitLab, Bitbucket: the fork can't be seen", Gone, moved(), waits),
        ("every host: a stranger's fork", fork(person(Read)), moved(), waits),
        ("every host: the fork of an unknown person", fork(person(Permission::None)), moved(), waits),
        ("every host: a writer's fork", fork(person(Write)), moved(), runs),
        ("every host: an administrator's fork", fork(person(Admin)), moved(), runs),
        ("GitHub, Gitea: an organisation's fork", fork(account(Organisation, Write)), moved(), waits),
        ("GitLab: a group's fork", fork(account(Organisation, Admin)), moved(), waits),
        ("Bitbucket: a workspace's fork", fork(account(Unknown, Write)), moved(), waits),
        ("GitHub: a bot's fork", fork(account(Bot, Write)), moved(), waits),
        ("GitHub: its queue", Base, branch("gh-readonly-queue/main/pr-1-a"), waits),
        ("Bitbucket: its queue", Base, branch("bitbucket-merge-queue-1"), waits),
        ("every host: Tidegate's queue", Base, branch("tidegate-queue/main"), waits),
        ("every host: a fork's head that is at a branch", fork(person(Read)), branch("fix"), at_branch),
    ]
}

#[test]
fn every_head_has_one_standing_by_host_and_opener_and_an_approval_gives_no_secrets() {
    let approval = TrustProof::of_approval(&person(Permission::Write), CommentId(5)).expect("an approval");
    let openers =
        [person(Permission::Read), account(AccountKind::Bot, Permission::Write), person(Permission::Write)];
    for (what, repository, refs, by_itself) in table() {
        for (opener, by_itself) in openers.iter().zip(by_itself) {
            let once_approved = if by_itself == Waits { Runs } else { by_itself };
            for (approval, expected) in [(None, by_itself), (Some(&approval), once_approved)] {
                let facts = HeadFacts {
                    repository: Some(&repository),
                    refs: &refs,
                    are_queued_heads_trusted: false,
                    approval,
                    earlier: None,
                };
                let standing = Standing::from_facts(&facts, opener);
                let shown = match (standing.may_run(), standing.rights) {
                    (false, _) => Waits,
                    (true, Rights::WithoutSecrets) => Runs,
                    (true, Rights::WithSecrets) => RunsWithSecrets,
                };
                assert_eq!(shown, expected, "{what}, opened by {opener:?}, {approval:?}");
            }
        }
    }
}

#[test]
fn a_head_that_waits_has_no_rights() {
    let facts = HeadFacts {
        repository: Some(&HeadRepository::Base),
        refs: &[],
        are_queued_heads_trusted: false,
        approval: None,
        earlier: None,
    };
    let standing = Standing::from_facts(&facts, &person(Permission::Admin));
    assert_eq!((standing.may_run(), standing.rights), (false, Rights::WithoutSecrets));
}

#[test]
fn only_a_person_who_may_write_can_approve() {
    for permission in [Permission::None, Permission::Read, Permission::Write, Permission::Admin] {
        for kind in [AccountKind::Person, AccountKind::Organisation, AccountKind::Bot, AccountKind::Unknown] {
            let approval = TrustProof::of_approval(&account(kind, permission), CommentId(5));
            let expected = kind == AccountKind::Person && permission >= Permission::Write;
            assert_eq!(approval.is_some(), expected, "{kind:?} {permission:?}");
        }
    }
}
