use tidegate_rules::trust::TrustProof;

use tidegate_rules::chatops::Verdict;

use super::*;
use crate::trigger::head::fixture::fork_of;

/// Steve's approved pull request shares its head, its base and a running run with Dora's.
fn shared(commenter: Permission) -> Known {
    let mut known = known();
    known.configs[0].is_shared = true;
    let mut job = ran("first", 0, &[("build", Some("Running")), ("unit", None)]);
    job.spec.pulls[0].number = PullRequestNumber(3);
    known.configs[0].runs.push(job);
    known.pull_request.author = "steve".parse().expect("a login");
    known.comment.author = known.pull_request.author.clone();
    known.commenter = person("steve", commenter);
    known.head = fork_of(person("steve", Permission::Read));
    let approver = "dora".parse().expect("a login");
    known.configs[0].earlier = Some(TrustProof::Approval { approver, comment: Some(CommentId(1)) });
    known
}

#[test]
fn a_shared_run_is_stopped_by_a_writer_alone() {
    let (actions, verdicts) = decided(&shared(Permission::Write), "/cancel");
    assert!(matches!(&actions[..], [Action::Cancel { runs, .. }] if runs == &["first"]), "{actions:?}");
    assert_eq!(verdicts, [Verdict::Done]);
    refused(&shared(Permission::Read), "/cancel", "another pull request shares the run");
    refused(&shared(Permission::Read), "/cancel build unit", "another pull request shares the run");
    let mut alone = shared(Permission::Read);
    alone.configs[0].is_shared = false;
    assert_eq!(decided(&alone, "/cancel").1, [Verdict::Done]);
}

#[test]
fn retest_runs_what_failed_in_a_run_that_another_pull_request_shares() {
    let mut known = shared(Permission::Write);
    let ended = ran(
        "first",
        0,
        &[("build", Some("Succeeded")), ("unit", Some("Failed")), ("style", Some("Succeeded"))],
    );
    known.configs[0].runs = vec![ended];
    assert_eq!(jobs_of(&decided(&known, "/retest").0), ["unit"]);
}

#[test]
fn a_test_by_a_writer_is_recorded_and_one_by_the_author_is_not() {
    let tested = |known: &Known, body: &str| planned(known, body).configs[0].tested.clone();
    let unit = Some(BTreeSet::from(["unit".parse().expect("a name")]));
    assert_eq!(tested(&known(), "/test"), [None]);
    assert_eq!(tested(&known(), "/test unit"), [unit]);
    assert_eq!(tested(&known(), "/retest"), []);
    assert_eq!(tested(&shared(Permission::Read), "/test"), []);
}

#[test]
fn a_run_with_fewer_rights_takes_the_place_of_none_with_more() {
    let mut known = shared(Permission::Read);
    known.configs[0].runs[0].spec.pulls[0].fork = false;
    let (actions, _) = decided(&known, "/test");
    assert!(matches!(&actions[..], [Action::Ensure(_)]), "{actions:?}");
    known.configs[0].runs[0].spec.pulls[0].fork = true;
    let (actions, _) = decided(&known, "/test");
    assert!(matches!(&actions[..], [Action::Cancel { .. }, Action::Ensure(_)]), "{actions:?}");
}
