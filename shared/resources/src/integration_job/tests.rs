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
            "trigger": {"type": "PullRequest"},
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
    job["spec"]["trigger"]["type"] = "Push".into();
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
        job["spec"]["trigger"]["type"] = "Push".into();
        job["spec"]["base"]["sha"] = "b".repeat(40).into();
    });
    assert_eq!(messages(with_pull.validate_cel()), [commit]);
}

#[test]
fn a_long_name_is_refused() {
    let long = job(|job| job["metadata"]["name"] = "n".repeat(64).into());
    assert_eq!(messages(long.validate_cel()), ["a name has at most 63 characters"]);
}

type Edit = fn(&mut Value);

#[test]
fn every_field_of_what_runs_is_fixed_and_the_refusal_names_it() {
    let sound = |job: &mut Value| job["spec"]["skipped"] = json!([{"name": "lint", "reason": "filtered"}]);
    let old = job(sound);
    let edits: [(&str, Edit); 12] = [
        ("config can't change", |job| job["spec"]["config"]["uid"] = "v".into()),
        ("host can't change", |job| job["spec"]["host"] = "gitea".into()),
        ("repository can't change", |job| job["spec"]["repository"] = "acme/other".into()),
        ("trigger can't change", |job| job["spec"]["trigger"] = json!({"type": "Manual"})),
        ("base can't change", |job| job["spec"]["base"]["ref"] = "refs/heads/dev".into()),
        ("base can't change", |job| job["spec"]["base"]["sha"] = "c".repeat(40).into()),
        ("pulls can't change", |job| job["spec"]["pulls"][0]["sha"] = "c".repeat(40).into()),
        ("jobs can't change", |job| job["spec"]["jobs"][0]["script"] = "false".into()),
        ("timeout can't change", |job| job["spec"]["timeout"] = "2h".into()),
        ("skipped can't change", |job| job["spec"]["skipped"][0]["reason"] = "other".into()),
        ("skipped can't be set or removed", |job| job["spec"]["skipped"] = json!([])),
        ("awaitsApproval can't be set or removed", |job| job["spec"]["awaitsApproval"] = true.into()),
    ];
    for (message, edit) in edits {
        let new = job(|job| {
            sound(job);
            edit(job);
        });
        assert_eq!(messages(new.validate_cel_update(&old)), [message]);
    }
}

#[test]
fn a_run_is_cancelled_once() {
    let old = job(|_| ());
    let cancelled =
        job(|job| job["spec"]["cancel"] = json!({"reason": "Superseded", "message": "a newer head"}));
    assert_eq!(messages(cancelled.validate_cel_update(&old)), [""; 0]);
    assert_eq!(messages(old.validate_cel_update(&cancelled)), ["a cancelled run stays cancelled"]);
    let other =
        job(|job| job["spec"]["cancel"] = json!({"reason": "PullRequestClosed", "message": "closed"}));
    let message = "a cancelled run stays cancelled, for the reason it was cancelled for";
    assert_eq!(messages(other.validate_cel_update(&cancelled)), [message]);
}

#[test]
fn a_comment_trigger_has_one_pull_and_keeps_its_comment() {
    let of_comment = |id: u64| {
        let comment = json!({"type": "Comment", "comment": {"id": id, "author": "ada"}});
        job(move |job| job["spec"]["trigger"] = comment)
    };
    assert_eq!(messages(of_comment(5).validate_cel()), [""; 0]);
    assert_eq!(messages(of_comment(6).validate_cel_update(&of_comment(5))), ["trigger can't change"]);
    let mut without_pull = of_comment(5);
    without_pull.spec.pulls.clear();
    assert_eq!(messages(without_pull.validate_cel()), ["a Comment trigger has exactly one pull"]);
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
        ["awaitsApproval can't be set or removed"]
    );
    let given = approved_by("ada");
    assert_eq!(messages(waiting.validate_cel_update(&given)), ["an approval can't be taken back"]);
    assert_eq!(messages(approved_by("eve").validate_cel_update(&given)), ["an approval can't change"]);
}
