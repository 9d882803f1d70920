use proptest::prelude::*;

use super::*;

const CAPACITY: usize = 64;

fn lane(site: u8, credential: u8, pull_request: Option<u8>, is_comment: bool) -> Lane {
    Lane {
        site: format!("site-{site}"),
        credential: format!("credential-{site}-{credential}"),
        pull_request: pull_request.map(|number| format!("site-{site}#{number}")),
        is_comment,
    }
}

/// Lets commands begin until none may any more, and none ends: every host is silent.
fn begin(waiting: &mut Vec<Lane>) -> Vec<Lane> {
    let mut in_flight = Vec::new();
    while let Some(place) = next(CAPACITY, &in_flight, &waiting.iter().collect::<Vec<_>>()) {
        in_flight.push(waiting.remove(place));
    }
    in_flight
}

#[test]
fn a_silent_host_leaves_half_of_the_slots_to_the_others() {
    let mut waiting: Vec<_> = (0..=255).map(|number| lane(1, number % 9, Some(number), false)).collect();
    let mut in_flight = begin(&mut waiting);
    assert_eq!(in_flight.len(), CAPACITY / 2);
    let other = lane(2, 1, Some(1), false);
    assert_eq!(next(CAPACITY, &in_flight, &[&waiting[0], &other]), Some(1));
    in_flight.pop();
    assert_eq!(next(CAPACITY, &in_flight, &[&waiting[0]]), Some(0), "a slot that is free is used");
}

#[test]
fn a_pull_request_has_one_command_in_hand_however_many_comments_it_gets() {
    let mut waiting = vec![lane(1, 1, Some(7), true); 64];
    waiting.push(lane(1, 1, Some(8), true));
    let in_flight = begin(&mut waiting);
    assert_eq!(in_flight.len(), 2, "one of each pull request");
}

#[test]
fn a_status_goes_before_the_comments_that_came_earlier() {
    let comments: Vec<_> = (0..50).map(|number| lane(1, number, Some(number), true)).collect();
    let status = lane(1, 1, Some(60), false);
    let waiting: Vec<_> = comments.iter().chain([&status]).collect();
    assert_eq!(next(CAPACITY, &[], &waiting), Some(50));
    let in_flight = begin(&mut comments.clone());
    assert!(in_flight.len() < CAPACITY / 2, "comments of all leave room for statuses: {}", in_flight.len());
    assert_eq!(next(CAPACITY, &in_flight, &[&status]), Some(0));
}

#[test]
fn a_credential_that_has_less_in_hand_goes_first() {
    let in_flight = [lane(1, 1, None, false)];
    let waiting = [lane(1, 1, None, false), lane(1, 2, None, false)];
    assert_eq!(next(CAPACITY, &in_flight, &waiting.iter().collect::<Vec<_>>()), Some(1));
}

#[test]
fn a_noisy_pull_request_waits_in_the_queue_and_another_may_wait_here() {
    let noise = vec![lane(1, 1, Some(7), true); 8];
    let noise: Vec<_> = noise.iter().collect();
    assert!(!may_wait(CAPACITY, &noise, noise[0], 8));
    assert!(may_wait(CAPACITY, &noise, &lane(1, 1, Some(8), true), 8));
    assert!(may_wait(CAPACITY, &noise, &lane(1, 1, None, false), 8));
}

fn lanes(most: usize) -> impl Strategy<Value = Vec<Lane>> {
    let lane = (0_u8..4, 0_u8..3, prop::option::of(0_u8..6), any::<bool>()).prop_map(
        |(site, credential, pull_request, is_comment)| lane(site, credential, pull_request, is_comment),
    );
    prop::collection::vec(lane, 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Commands begin in the order that the rule says; at each step one of those in flight may end.
    #[test]
    fn nobody_ever_has_more_than_their_part_and_no_slot_is_free_for_one_that_may_begin(
        capacity in 1_usize..20,
        mut waiting in lanes(80),
        ends in prop::collection::vec(prop::option::of(any::<prop::sample::Index>()), 0..60),
    ) {
        let mut in_flight: Vec<Lane> = Vec::new();
        for end in ends {
            let places: Vec<_> = waiting.iter().collect();
            if let Some(place) = next(capacity, &in_flight, &places) {
                let begun = waiting.remove(place);
                let free = capacity - in_flight.len();
                let with = |is: &dyn Fn(&Lane) -> bool| in_flight.iter().filter(|lane| is(lane)).count();
                prop_assert!(free > 0);
                prop_assert!(with(&|lane| lane.site == begun.site) < free);
                prop_assert!(with(&|lane| lane.credential == begun.credential) < free.div_ceil(2));
                prop_assert!(!begun.is_comment || with(&|lane| lane.is_comment) < free.div_ceil(2));
                let of_pull_request = with(&|lane| lane.pull_request == begun.pull_request);
                prop_assert!(begun.pull_request.is_none() || of_pull_request == 0);
                let is_passed = |lane: &&Lane| !lane.is_comment && next(capacity, &in_flight, &[lane]).is_some();
                prop_assert!(!begun.is_comment || !waiting.iter().any(|lane| is_passed(&lane)), "a status waits");
                in_flight.push(begun);
            } else {
                let single = waiting.iter().find(|lane| next(capacity, &in_flight, &[lane]).is_some());
                prop_assert_eq!(single, None, "it waits beside a slot that it may have");
            }
            if let Some(end) = end.filter(|_| !in_flight.is_empty()) {
                in_flight.remove(end.index(in_flight.len()));
            }
        }
    }

    /// However much one host, one credential or one pull request sends, somebody else begins at once.
    #[test]
    fn a_newcomer_begins_at_once_beside_any_noise_of_one_host(
        mut noise in prop::collection::vec((0_u8..9, prop::option::of(0_u8..200), any::<bool>()), 0..150),
    ) {
        let mut noise: Vec<_> =
            noise.drain(..).map(|(credential, number, is_comment)| lane(1, credential, number, is_comment)).collect();
        let in_flight = begin(&mut noise);
        for newcomer in [lane(2, 1, Some(1), false), lane(2, 1, None, false)] {
            let mut waiting: Vec<_> = noise.iter().collect();
            waiting.push(&newcomer);
            prop_assert_eq!(next(CAPACITY, &in_flight, &waiting), Some(waiting.len() - 1));
        }
    }
}
