use super::*;

#[test]
fn without_the_right_no_job_gets_a_secret_and_the_first_one_is_named() {
    let job: JobSpec = serde_json::from_value(serde_json::json!({
        "name": "deploy", "image": "i", "script": "s",
        "env": [{"name": "A", "value": "1"}, {"name": "T", "secretKeyRef": {"name": "key", "key": "k"}}],
    }))
    .expect("a job");
    let withheld = first_forbidden_secret(Rights::WithoutSecrets, std::slice::from_ref(&job))
        .map(|(job, secret)| (job.as_str(), secret));
    assert_eq!(withheld, Some(("deploy", "key")));
    assert_eq!(first_forbidden_secret(Rights::WithSecrets, &[job]), None);
}

fn account(kind: AccountKind, permission: Permission) -> Account {
    Account { login: "x".parse().expect("a login"), kind, permission }
}

fn git_ref(text: &str) -> GitRef {
    text.parse().expect("a ref")
}

fn approval() -> TrustProof {
    TrustProof::Approval { approver: "dora".parse().expect("a login"), comment: None }
}

const KINDS: [AccountKind; 4] =
    [AccountKind::Person, AccountKind::Organisation, AccountKind::Bot, AccountKind::Unknown];
const PERMISSIONS: [Permission; 4] =
    [Permission::None, Permission::Read, Permission::Write, Permission::Admin];

/// Every place that a host shows a head in, with the refs of the base repository that point to it, whether its queue is
/// trusted, and whether that alone makes it trusted.
fn heads() -> Vec<(&'static str, HeadRepository, Vec<GitRef>, bool, bool)> {
    let branch = || vec![git_ref("refs/heads/topic")];
    let queue = |name: &str| vec![git_ref(&format!("refs/heads/{name}"))];
    let github_queue = || queue("gh-readonly-queue/main/pr-1-abc");
    let mut heads = vec![
        ("a branch of the base repository", HeadRepository::Base, branch(), false, true),
        ("a tag of the base repository", HeadRepository::Base, vec![git_ref("refs/tags/v1")], false, true),
        ("Gitea's AGit flow, refs/for/main/x", HeadRepository::Base, Vec::new(), false, false),
        ("a branch that moved on", HeadRepository::Base, Vec::new(), false, false),
        ("a deleted fork", HeadRepository::Gone, Vec::new(), false, false),
        ("a deleted fork, pushed to a branch", HeadRepository::Gone, branch(), false, true),
        ("GitHub's queue", HeadRepository::Base, github_queue(), false, false),
        ("GitHub's queue of trusted heads", HeadRepository::Base, github_queue(), true, true),
        ("Bitbucket's queue", HeadRepository::Base, queue("bitbucket-merge-queue-7"), false, false),
        ("Tidegate's queue", HeadRepository::Base, queue("tidegate-queue/main"), false, false),
        (
            "a branch that only sounds like a queue",
            HeadRepository::Base,
            queue("my/tidegate-queue/x"),
            false,
            true,
        ),
        (
            "a queue's branch beside a plain one",
            HeadRepository::Base,
            [github_queue(), branch()].concat(),
            false,
            true,
        ),
    ];
    for kind in KINDS {
        for permission in PERMISSIONS {
            let fork = || HeadRepository::Fork { owner: account(kind, permission) };
            let is_writer = kind == AccountKind::Person && permission >= Permission::Write;
            heads.push(("a fork", fork(), Vec::new(), false, is_writer));
            heads.push(("a fork's head at a branch of the base repository", fork(), branch(), false, true));
            heads.push(("a fork's head at an untrusted queue", fork(), github_queue(), false, false));
        }
    }
    heads
}

#[test]
fn trust_follows_who_controls_the_head_and_never_who_opened_the_pull_request() {
    for (what, repository, refs, are_queued_heads_trusted, expected) in heads() {
        let facts = HeadFacts {
            repository: Some(&repository),
            refs: &refs,
            are_queued_heads_trusted,
            approval: None,
            earlier: None,
        };
        let trust = of_head(&facts);
        assert_eq!(trust.proof().is_some(), expected, "{what}: {repository:?} {refs:?}: {trust:?}");
        let approved = HeadFacts { approval: Some(&approval()), ..facts.clone() };
        assert!(of_head(&approved).proof().is_some(), "{what}, approved");
        let remembered = HeadFacts { earlier: Some(&approval()), ..facts };
        assert_eq!(of_head(&remembered), HeadTrust::Trusted(approval()), "{what}, trusted before");
    }
}

#[test]
fn only_a_person_who_may_write_with_a_trusted_head_at_a_branch_now_gets_secrets() {
    for (what, repository, refs, are_queued_heads_trusted, _) in heads() {
        for approved in [None, Some(approval())] {
            let facts = HeadFacts {
                repository: Some(&repository),
                refs: &refs,
                are_queued_heads_trusted,
                approval: approved.as_ref(),
                earlier: None,
            };
            let trust = of_head(&facts);
            let is_at_branch = refs
                .iter()
                .any(|of| ["refs/heads/topic", "refs/heads/my/tidegate-queue/x"].contains(&&*of.to_string()));
            for kind in KINDS {
                for permission in PERMISSIONS {
                    let opener = account(kind, permission);
                    let is_writer = kind == AccountKind::Person && permission >= Permission::Write;
                    let expected =
                        if is_at_branch && is_writer { Rights::WithSecrets } else { Rights::WithoutSecrets };
                    assert_eq!(rights(&trust, &refs, &opener), expected, "{what}, opened by {opener:?}");
                }
            }
        }
    }
    let waiting = HeadTrust::Waiting(Waiting::NotAtABranch);
    let writer = account(AccountKind::Person, Permission::Admin);
    assert_eq!(rights(&waiting, &[git_ref("refs/heads/topic")], &writer), Rights::WithoutSecrets);
}

#[test]
fn a_branch_counts_before_an_approval_and_a_forks_owner_last() {
    let owner = account(AccountKind::Person, Permission::Write);
    let fork = HeadRepository::Fork { owner };
    let branch = [git_ref("refs/heads/topic")];
    let facts = HeadFacts {
        repository: Some(&fork),
        refs: &branch,
        are_queued_heads_trusted: false,
        approval: Some(&approval()),
        earlier: None,
    };
    let text = |facts: &HeadFacts<'_>| of_head(facts).proof().map(ToString::to_string).unwrap_or_default();
    assert_eq!(text(&facts), "trusted: head of topic");
    assert_eq!(text(&HeadFacts { refs: &[], ..facts.clone() }), "approved by dora");
    assert_eq!(text(&HeadFacts { refs: &[], approval: None, ..facts }), "trusted: head of a fork of x");
}

#[test]
fn a_proof_is_stored_and_read_again() {
    let proofs = [
        approval(),
        TrustProof::HeadOf { reference: git_ref("refs/tags/v1") },
        TrustProof::QueuedHeads { reference: git_ref("refs/heads/tidegate-queue/main") },
        TrustProof::ForkOfWriter { owner: "dora".parse().expect("a login") },
    ];
    for proof in proofs {
        let text = serde_json::to_string(&proof).expect("JSON");
        assert_eq!(serde_json::from_str::<TrustProof>(&text).expect("a proof"), proof, "{text}");
    }
}
