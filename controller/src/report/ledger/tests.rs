use serde_json::json;
use tidegate_model::StatusState;
use tidegate_resources::annotation;

use super::*;
use crate::job::fixture::pull_request;

fn job(name: &str, created: &str, phase: &str) -> IntegrationJob {
    let entry = json!({"name": "unit", "phase": if phase == "Succeeded" { "Succeeded" } else { "Running" }});
    let mut job = pull_request(&json!([{"name": "unit"}]), &json!({"phase": phase, "jobs": [entry]}));
    job.metadata.name = Some(name.to_owned());
    job.metadata.creation_timestamp = serde_json::from_value(json!(created)).expect("a time");
    job
}

const EARLY: &str = "2026-01-01T00:00:00Z";
const LATE: &str = "2026-01-01T00:00:09Z";

fn said(todo: Option<&Todo>) -> Vec<&str> {
    todo.map(|todo| todo.say.iter().map(|(_, desired)| desired.status.description.as_str()).collect())
        .unwrap_or_default()
}

/// The job as the store shows it once its reports are written down.
fn seen(mut job: IntegrationJob, reports: Vec<Report>) -> IntegrationJob {
    job.status.get_or_insert_default().reports = reports;
    job
}

#[test]
fn what_the_host_was_told_is_written_down_once_and_then_forgotten() {
    let mut ledger = Ledger::default();
    let running = job("a-1", EARLY, "Running");
    let key = Key::of(&running);
    ledger.apply(running);
    let todo = ledger.todo(&key).expect("something to say");
    assert_eq!(said(Some(&todo)), ["running"]);
    assert_eq!(todo.record, []);
    ledger.told(&key, "tidegate/shop/unit", todo.say[0].1.status.clone(), None);

    let todo = ledger.todo(&key).expect("something to write down");
    assert_eq!((said(Some(&todo)), todo.record.len()), (vec![], 1));
    assert_eq!(ledger.todo(&key).map(|todo| todo.record), Some(vec![]), "it is being written");
    ledger.recorded(&key, Some(todo.record.clone()));
    assert_eq!(ledger.todo(&key).map(|todo| todo.record), Some(vec![]), "it is written");

    // The verdict comes with an object that doesn't show the report yet.
    ledger.apply(job("a-1", EARLY, "Succeeded"));
    let todo = ledger.todo(&key).expect("a verdict");
    assert_eq!(said(Some(&todo)), ["succeeded"]);
    ledger.told(&key, "tidegate/shop/unit", todo.say[0].1.status.clone(), None);
    let record = ledger.todo(&key).expect("something to write down").record;
    ledger.recorded(&key, Some(record.clone()));
    assert!(ledger.todo(&key).is_some(), "an older state of the object may still come");
    ledger.apply(job("a-1", EARLY, "Succeeded"));
    assert_eq!(said(ledger.todo(&key).as_ref()), Vec::<&str>::new(), "nothing is said twice");
    ledger.apply(seen(job("a-1", EARLY, "Succeeded"), record));
    assert_eq!(ledger.todo(&key), None);
    assert_eq!(ledger.keys(), []);
}

#[test]
fn what_could_not_be_written_down_is_tried_again() {
    let mut ledger = Ledger::default();
    let running = job("a-1", EARLY, "Running");
    let key = Key::of(&running);
    ledger.apply(running);
    let status = ledger.todo(&key).expect("something to say").say[0].1.status.clone();
    ledger.told(&key, "tidegate/shop/unit", status, None);
    assert_eq!(ledger.todo(&key).map(|todo| todo.record.len()), Some(1));
    ledger.recorded(&key, None);
    assert_eq!(ledger.todo(&key).map(|todo| todo.record.len()), Some(1));
}

#[test]
fn a_restart_says_nothing_twice() {
    let mut ledger = Ledger::default();
    let reports = vec![Report {
        context: "tidegate/shop/unit".to_owned(),
        reported: ReportedStatus { state: StatusState::Pending, description: "running".to_owned() },
        refused: None,
    }];
    let running = seen(job("a-1", EARLY, "Running"), reports);
    let key = Key::of(&running);
    ledger.apply(running);
    assert_eq!(said(ledger.todo(&key).as_ref()), Vec::<&str>::new());
}

#[test]
fn of_two_runs_of_one_commit_only_the_newer_tells() {
    let (old, new) = (job("old-1", EARLY, "Succeeded"), job("new-1", LATE, "Running"));
    let (old_key, new_key) = (Key::of(&old), Key::of(&new));
    for order in [[old.clone(), new.clone()], [new, old]] {
        let mut ledger = Ledger::default();
        for job in order {
            ledger.apply(job);
        }
        assert_eq!(said(ledger.todo(&new_key).as_ref()), ["running"]);
        let todo = ledger.todo(&old_key).expect("something to write down");
        assert_eq!(said(Some(&todo)), Vec::<&str>::new());
        assert_eq!(todo.record[0].refused.as_deref(), Some(OUTDONE));
    }
}

#[test]
fn of_two_attempts_within_a_second_the_higher_tells() {
    let mut ledger = Ledger::default();
    let (first, second) = (job("a-9", EARLY, "Running"), job("a-10", EARLY, "Running"));
    let (first_key, second_key) = (Key::of(&first), Key::of(&second));
    ledger.apply(second);
    ledger.apply(first);
    assert_eq!(said(ledger.todo(&first_key).as_ref()), Vec::<&str>::new());
    assert_eq!(said(ledger.todo(&second_key).as_ref()), ["running"]);
}

#[test]
fn a_job_made_anew_under_its_name_starts_from_what_it_says_itself() {
    let mut ledger = Ledger::default();
    let mut again = job("a-1", EARLY, "Running");
    let key = Key::of(&again);
    ledger.apply(again.clone());
    let status = ledger.todo(&key).expect("something to say").say[0].1.status.clone();
    ledger.told(&key, "tidegate/shop/unit", status, None);
    again.metadata.uid = Some("another".to_owned());
    ledger.apply(again);
    assert_eq!(said(ledger.todo(&key).as_ref()), ["running"]);
}

#[test]
fn what_a_new_list_lacks_is_gone() {
    let mut ledger = Ledger::default();
    let (old, new) = (job("old-1", EARLY, "Running"), job("new-1", LATE, "Running"));
    let old_key = Key::of(&old);
    ledger.apply(new);
    ledger.begin_list();
    ledger.apply(old);
    ledger.end_list();
    assert_eq!(ledger.keys(), std::slice::from_ref(&old_key));
    assert_eq!(said(ledger.todo(&old_key).as_ref()), ["running"]);
}

/// A pull request's base may change in the second in which its first run was made: names say nothing about age.
#[test]
fn of_two_runs_of_one_second_the_milliseconds_tell_which_is_newer() {
    let made_at = |name: &str, ms: &str| {
        let mut job = job(name, EARLY, "Succeeded");
        job.annotations_mut().insert(annotation::CREATED_AT_MS.to_owned(), ms.to_owned());
        job
    };
    let (older, newer) = (made_at("shop-ff-1", "1767225600100"), made_at("shop-00-1", "1767225600300"));
    let mut ledger = Ledger::default();
    ledger.apply(older.clone());
    ledger.apply(newer.clone());
    assert_eq!(said(ledger.todo(&Key::of(&older)).as_ref()), Vec::<&str>::new());
    assert_eq!(said(ledger.todo(&Key::of(&newer)).as_ref()), ["succeeded"]);
}
