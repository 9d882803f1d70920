use serde_json::json;

use super::*;
use crate::job::fixture::{pull_request, running};

fn stored(run: IntegrationJob) -> StoredRun {
    StoredRun::new(DeserializeGuard(Ok(run)), &mut Pools::default())
}

#[test]
fn a_finished_run_shows_the_same_as_all_of_it_does() {
    let jobs = json!([{"name": "unit"}, {"name": "lint"}]);
    let mut run = pull_request(
        &jobs,
        &json!({"phase": "Failed", "jobs": [
            {"name": "unit", "phase": "Failed", "message": "exit code 1",
             "startedAt": "2026-01-01T00:00:02Z", "completedAt": "2026-01-01T00:00:07Z"},
            {"name": "lint", "phase": "NotRun"},
        ]}),
    );
    run.annotations_mut().insert("tidegate.dev/retest".to_owned(), "1".to_owned());
    let whole = RunFacts::of(&run).expect("something to show");
    let stored = stored(run);
    assert!(stored.active().is_none());
    assert_eq!(stored.seen().as_ref(), Some(&whole));
    assert_eq!(stored.id(), whole.run.map(|run| run.id));
}

#[test]
fn a_run_that_has_not_ended_is_held_whole() {
    let run = running(&json!([{"name": "unit"}]));
    let seen = RunFacts::of(&run);
    let stored = stored(run.clone());
    assert_eq!(stored.active().map(|held| (&held.spec, &held.status)), Some((&run.spec, &run.status)));
    assert_eq!(stored.seen(), seen);
}

#[test]
fn a_run_that_cannot_be_read_shows_nothing_but_exists() {
    let object = json!({
        "apiVersion": "tidegate.dev/v1alpha1", "kind": "IntegrationJob",
        "metadata": {"namespace": "ci", "name": "bad", "uid": "1"}, "spec": {},
    });
    let stored =
        StoredRun::new(serde_json::from_value(object).expect("a guarded object"), &mut Pools::default());
    assert_eq!((stored.key().to_string().as_str(), stored.uid()), ("ci/bad", Some("1")));
    assert_eq!(stored.seen(), None);
}
