//! Each CEL rule accepts and rejects. The sandbox and a real API server run the same rules.

use serde_json::{Value, json};

use super::IntegrationJob;

fn job(edit: impl FnOnce(&mut Value)) -> IntegrationJob {
    let mut value = json!({
        "apiVersion": "tidegate.dev/v1alpha1",
        "kind": "IntegrationJob",
        "metadata": {"name": "web-1"},
        "spec": {
            "config": {"name": "web", "uid": "u"},
            "host": "github",
            "repository": "acme/web",
            "trigger": "PullRequest",
            "base": {"ref": "refs/heads/main"},
            "pulls": [{"number": 1, "sha": "a".repeat(40), "author": "ada"}],
            "jobs": [{"name": "test", "image": "busybox", "script": "true"}],
            "timeout": "1h",
        },
    });
    edit(&mut value);
    serde_json::from_value(value).expect("the edited object is an IntegrationJob")
}

fn messages(outcome: Result<(), kube::core::cel::ValidationErrors>) -> Vec<String> {
    outcome
        .err()
        .map_or_else(Vec::new, |errors| errors.into_vec().into_iter().map(|error| error.message).collect())
}

fn push(job: &mut Value) {
    job["spec"]["trigger"] = "Push".into();
    job["spec"]["pulls"] = json!([]);
    job["spec"]["base"]["sha"] = "b".repeat(40).into();
}

#[test]
fn sound_jobs_break_no_rule() {
    assert_eq!(messages(job(|_| ()).validate_cel()), [""; 0]);
    assert_eq!(messages(job(push).validate_cel()), [""; 0]);
}

#[test]
fn each_trigger_has_what_it_needs() {
    let pull = "a PullRequest trigger has exactly one pull";
    assert_eq!(messages(job(|job| job["spec"]["pulls"] = json!([])).validate_cel()), [pull]);
    let two = job(|job| {
        let first = job["spec"]["pulls"][0].clone();
        job["spec"]["pulls"] = json!([first, first]);
    });
    assert_eq!(messages(two.validate_cel()), [pull]);

    let commit = "a Push trigger has base.sha and no pulls";
    let without_sha = job(|job| {
        push(job);
        job["spec"]["base"] = json!({"ref": "refs/heads/main"});
    });
    assert_eq!(messages(without_sha.validate_cel()), [commit]);
    let with_pull = job(|job| {
        job["spec"]["trigger"] = "Push".into();
        job["spec"]["base"]["sha"] = "b".repeat(40).into();
    });
    assert_eq!(messages(with_pull.validate_cel()), [commit]);
}

#[test]
fn a_long_name_is_refused() {
    let long = job(|job| job["metadata"]["name"] = "n".repeat(64).into());
    assert_eq!(messages(long.validate_cel()), ["a name has at most 63 characters"]);
}

#[test]
fn what_runs_stays_and_cancel_may_only_be_set() {
    let old = job(|_| ());
    for edit in [
        |job: &mut Value| job["spec"]["config"]["uid"] = "v".into(),
        |job: &mut Value| job["spec"]["host"] = "gitea".into(),
        |job: &mut Value| job["spec"]["repository"] = "acme/other".into(),
        |job: &mut Value| job["spec"]["base"]["ref"] = "refs/heads/dev".into(),
        |job: &mut Value| job["spec"]["pulls"][0]["sha"] = "c".repeat(40).into(),
        |job: &mut Value| job["spec"]["jobs"][0]["script"] = "false".into(),
        |job: &mut Value| job["spec"]["timeout"] = "2h".into(),
        |job: &mut Value| job["spec"]["awaitsApproval"] = true.into(),
    ] {
        assert_eq!(
            messages(job(edit).validate_cel_update(&old)),
            ["what a job runs can't change; only approved and cancel may be set"]
        );
    }
    let cancelled =
        job(|job| job["spec"]["cancel"] = json!({"reason": "Superseded", "message": "a newer head"}));
    assert_eq!(messages(cancelled.validate_cel_update(&old)), [""; 0]);
    let reversed =
        job(|job| job["spec"]["cancel"] = json!({"reason": "PullRequestClosed", "message": "closed"}));
    for change in [old, reversed] {
        assert_eq!(
            messages(change.validate_cel_update(&cancelled)),
            ["a cancelled job stays cancelled, for the reason it was cancelled for"]
        );
    }
}

fn comment(job: &mut Value) {
    job["spec"]["trigger"] = "Comment".into();
    job["spec"]["comment"] = json!({"id": 5, "author": "ada"});
}

#[test]
fn a_comment_trigger_names_its_comment_and_no_other_trigger_does() {
    let message = "a Comment trigger, and no other, has a comment; it has exactly one pull";
    assert_eq!(messages(job(comment).validate_cel()), [""; 0]);
    for edit in [
        |job: &mut Value| job["spec"]["trigger"] = "Comment".into(),
        |job: &mut Value| job["spec"]["comment"] = json!({"id": 5, "author": "ada"}),
        |job: &mut Value| {
            comment(job);
            job["spec"]["pulls"] = json!([]);
        },
    ] {
        assert_eq!(messages(job(edit).validate_cel()), [message]);
    }
    let another = job(|job| {
        comment(job);
        job["spec"]["comment"]["id"] = 6.into();
    });
    assert_eq!(
        messages(another.validate_cel_update(&job(comment))),
        ["what a job runs can't change; only approved and cancel may be set"]
    );
}

#[test]
fn an_approval_may_be_given_once_and_waiting_for_it_stays_as_it_was() {
    let waiting = job(|job| job["spec"]["awaitsApproval"] = true.into());
    let approved_by = |author: &'static str| {
        job(move |job| {
            job["spec"]["awaitsApproval"] = true.into();
            job["spec"]["approved"] = json!({"id": 5, "author": author});
        })
    };
    assert_eq!(messages(approved_by("ada").validate_cel_update(&waiting)), [""; 0]);
    assert_eq!(
        messages(job(|_| ()).validate_cel_update(&waiting)),
        ["what a job runs can't change; only approved and cancel may be set"]
    );
    for change in [waiting, approved_by("eve")] {
        assert_eq!(
            messages(change.validate_cel_update(&approved_by("ada"))),
            ["an approval can't be changed or taken back"]
        );
    }
}
