//! What a config looks for when it can be followed again, and which push is a new act.

use tidegate_model::CommitSha;

use super::world::{World, job, reference, sha};
use crate::{
    ledger::{Config, Ledger, Look, Observation},
    status::{ConfigState, JobKind},
};

fn config(state: ConfigState, has_pre_submit: bool) -> Config {
    let jobs = [job("unit", &[])];
    Config::new(state, if has_pre_submit { &jobs } else { &[] }, &[job("deploy", &[])])
}

fn invalid() -> Config {
    // Nobody knows which jobs it has.
    config(ConfigState::Invalid("a circle".to_owned()), true)
}

fn valid() -> Config {
    config(ConfigState::Valid, true)
}

/// A look at everything; the first one is at the pull requests alone.
fn both(is_first: bool) -> Look {
    Look { is_first, at_pull_requests: true, at_refs: !is_first, is_for_dropped: false }
}

fn stored(ledger: &Ledger) -> Ledger {
    Ledger::from_records(ledger.records())
}

#[test]
fn a_config_that_was_always_valid_looks_for_nothing() {
    let mut ledger = Ledger::default();
    ledger.apply(&Observation::Config, &valid(), 1);
    assert_eq!(stored(&ledger).look(&valid()), None);
}

#[test]
fn a_config_that_becomes_valid_looks_once_and_at_its_first_time_only_at_what_it_knows() {
    let mut ledger = Ledger::default();
    for is_first in [true, false] {
        ledger.apply(&Observation::Config, &invalid(), 1);
        assert_eq!(ledger.look(&invalid()), None, "nothing can run yet");
        ledger = stored(&ledger);
        ledger.apply(&Observation::Config, &valid(), 2);
        assert_eq!(ledger.look(&valid()), Some(both(is_first)));
        ledger.apply(&Observation::Config, &valid(), 3);
        assert_eq!(stored(&ledger).look(&valid()), Some(both(is_first)), "it was not made yet");
        ledger.looked(both(is_first));
        assert_eq!(stored(&ledger).look(&valid()), None);
    }
    ledger.apply(&Observation::Config, &config(ConfigState::Conflicting, true), 4);
    ledger.apply(&Observation::Config, &valid(), 5);
    assert_eq!(ledger.look(&valid()), Some(both(false)));
}

#[test]
fn an_event_that_was_dropped_leads_to_one_look_at_everything() {
    let mut ledger = Ledger::default();
    ledger.apply(&Observation::Config, &valid(), 1);
    ledger.apply(&Observation::Dropped, &valid(), 2);
    ledger.apply(&Observation::Dropped, &valid(), 3);
    let look = Look { is_for_dropped: true, ..both(false) };
    assert_eq!(stored(&ledger).look(&valid()), Some(look));
    ledger.looked(look);
    assert_eq!(stored(&ledger).look(&valid()), None);
}

#[test]
fn a_config_looks_at_its_pull_requests_when_it_gets_its_first_job_for_them() {
    let mut ledger = Ledger::default();
    let without = config(ConfigState::Valid, false);
    ledger.apply(&Observation::Config, &without, 1);
    assert_eq!(ledger.look(&without), None);
    ledger.apply(&Observation::Config, &valid(), 2);
    let pull_requests = Look { at_refs: false, ..both(false) };
    assert_eq!(ledger.look(&valid()), Some(pull_requests));
    // What the look was not made for stays due.
    ledger.apply(&Observation::Config, &without, 3);
    ledger.apply(&Observation::Dropped, &without, 3);
    let refs = Look { at_pull_requests: false, at_refs: true, is_for_dropped: true, is_first: false };
    assert_eq!(stored(&ledger).look(&without), Some(refs));
    ledger.looked(refs);
    assert_eq!(ledger.look(&without), None);
    assert_eq!(ledger.look(&valid()), Some(pull_requests));
}

#[test]
fn a_push_that_no_config_could_follow_is_due_until_it_was_followed_or_deleted() {
    let mut ledger = Ledger::default();
    let see = |ledger: &mut Ledger, target: Option<CommitSha>, is_due| {
        let reference = reference("main");
        ledger.apply(&Observation::Ref { reference: reference.clone(), target }, &invalid(), 1);
        ledger.apply(&Observation::RefDue { reference, is_due }, &invalid(), 1);
    };
    see(&mut ledger, Some(sha('a')), true);
    assert_eq!(ledger.due_refs(&invalid()), []);
    assert_eq!(stored(&ledger).due_refs(&valid()), [(reference("main"), sha('a'))]);
    // The same again changes nothing, and a deletion ends it.
    see(&mut ledger, Some(sha('a')), true);
    assert_eq!(ledger.due_refs(&valid()).len(), 1);
    see(&mut ledger, None, true);
    assert_eq!(ledger.due_refs(&valid()), []);
    see(&mut ledger, Some(sha('b')), true);
    see(&mut ledger, Some(sha('b')), false);
    assert_eq!(ledger.due_refs(&valid()), []);
}

#[test]
fn a_push_is_a_new_act_after_the_ref_was_seen_gone_or_elsewhere_and_never_at_first_sight() {
    let mut ledger = Ledger::default();
    let mut now = 0;
    let mut see = |target: Option<char>| {
        now += 1;
        let observation = Observation::Ref { reference: reference("main"), target: target.map(sha) };
        ledger.apply(&observation, &valid(), now);
        ledger.refs.get(&reference("main")).and_then(|record| record.renewed_at_ms)
    };
    assert_eq!(see(None), None, "nobody knew of it");
    assert_eq!(see(Some('a')), None);
    assert_eq!(see(Some('a')), None);
    assert_eq!(see(None), None);
    assert_eq!(see(Some('a')), Some(5));
    assert_eq!(see(Some('a')), Some(5), "a delivery that comes again is no new act");
    assert_eq!(see(Some('b')), Some(7));
    assert_eq!(see(Some('a')), Some(8));
}

#[test]
fn the_deletion_of_a_ref_that_only_a_run_tells_of_ends_what_waits_for_a_slot() {
    let mut world = World::new(&[], &[job("deploy", &[])]);
    world.push("topic", 'a');
    world.ledger.refs.clear();
    let reference = reference("topic");
    world.observe(&Observation::Ref { reference: reference.clone(), target: None });
    assert_eq!(world.shown('a', "deploy"), "error: branch topic was deleted");
    assert!(world.ledger.refs[&reference].target.is_none());
    assert!(world.ledger.target(&sha('a'), JobKind::PostSubmit, &reference).is_some());
}
