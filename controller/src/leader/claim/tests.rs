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
    observed.observe(Some(record(1, None)), now);
    assert_eq!(observed.claim("a", now), Claim::Take(record(1, None)));
    observed.observe(Some(record(2, Some("a"))), now);
    assert_eq!(observed.claim("a", now), Claim::Renew(record(2, Some("a"))));
    assert_eq!(observed.claim("b", now), waits("a"));
    observed.observe(None, now);
    assert_eq!(observed.claim("b", now), Claim::Create);
}

#[test]
fn the_lease_of_another_replica_is_taken_only_after_its_whole_duration_without_a_change() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let mut observed = Observed::default();
    observed.observe(Some(record(1, Some("a"))), start);
    observed.observe(Some(record(1, Some("a"))), at(10));
    assert_eq!(observed.claim("b", at(14)), waits("a"));
    observed.observe(Some(record(2, Some("a"))), at(14));
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
        let term = LeaseTerm::new(renewed, duration);
        let seen = renewed + Duration::from_millis(seen_late_ms);
        let looked = seen + Duration::from_millis(looked_ms);
        let mut observed = Observed::default();
        observed.observe(Some(Record { duration, ..record(1, Some("a")) }), seen);
        if observed.claim("b", looked) != waits("a") {
            prop_assert!(looked >= term.expires_at());
        }
        prop_assert!(term.gives_up_at() < term.expires_at());
        // The leader has tried to renew at least twice before it gives up.
        prop_assert!(renewed + renew_every(duration) * 2 < term.gives_up_at());
    }
}
