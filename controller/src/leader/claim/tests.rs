use proptest::prelude::*;

use super::*;

const DURATION: Duration = Duration::from_secs(15);

fn record(version: u32, holder: Option<&str>) -> Record {
    Record {
        version: version.to_string(),
        holder: holder.map(str::to_owned),
        duration: DURATION,
        transitions: 3,
    }
}

fn waits(holder: &str) -> Claim {
    Claim::Wait { holder: holder.to_owned() }
}

#[test]
fn a_missing_lease_is_created_a_released_one_acquired_and_our_own_renewed() {
    let now = Instant::now();
    let mut observed = Observed::default();
    assert_eq!(observed.claim("a", now), Claim::Create);
    observed.note(Some(record(1, None)), now);
    assert_eq!(observed.claim("a", now), Claim::Take(record(1, None)));
    observed.note(Some(record(2, Some("a"))), now);
    assert_eq!(observed.claim("a", now), Claim::Renew(record(2, Some("a"))));
    assert_eq!(observed.claim("b", now), waits("a"));
    observed.note(None, now);
    assert_eq!(observed.claim("b", now), Claim::Create);
}

#[test]
fn anothers_lease_is_taken_only_after_it_was_silent_for_its_whole_duration() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut observed = Observed::default();
    observed.note(Some(record(1, Some("a"))), start);
    observed.note(Some(record(1, Some("a"))), at(10));
    assert_eq!(observed.claim("b", at(14)), waits("a"));
    observed.note(Some(record(2, Some("a"))), at(14));
    assert_eq!(observed.claim("b", at(28)), waits("a"), "a renewal starts the time again");
    assert_eq!(observed.claim("b", at(29)), Claim::Take(record(2, Some("a"))));
}

proptest! {
    /// However late the standby sees a renewal, it takes the lease only after the leader must have ended.
    #[test]
    fn nobody_takes_a_lease_before_its_leader_must_have_ended(
        seconds in 1_u64..60, seen_late_ms in 0_u64..100_000, looked_ms in 0_u64..200_000,
    ) {
        let duration = Duration::from_secs(seconds);
        let renewed = Instant::now();
        let tenure = Tenure::new(renewed, duration);
        let seen = renewed + Duration::from_millis(seen_late_ms);
        let looked = seen + Duration::from_millis(looked_ms);
        let mut observed = Observed::default();
        observed.note(Some(Record { duration, ..record(1, Some("a")) }), seen);
        if observed.claim("b", looked) != waits("a") {
            prop_assert!(looked >= tenure.expires_at());
        }
        prop_assert!(tenure.gives_up_at() < tenure.expires_at());
        // The leader has tried to renew at least twice before it gives up.
        prop_assert!(renewed + renew_every(duration) * 2 < tenure.gives_up_at());
    }
}
