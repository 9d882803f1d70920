//! Who gets a slot next.

use std::collections::HashMap;

/// A run that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued<'a, K> {
    /// Which run.
    pub key: K,
    /// The repository whose cap counts.
    pub repository: &'a str,
    /// How many runs of that repository may go on at once.
    pub repository_cap: u32,
    /// Where it stands in the queue: smaller is older. Equal places are settled by the key.
    pub place: i64,
}

/// The runs that get a slot now: oldest first, as long as the cluster and their repository have room.
///
/// A repository at its cap doesn't hold up the others. `running` names the repository of each run that has a slot.
pub fn grant<'a, K: Ord + Clone>(
    cluster_cap: u32,
    running: impl IntoIterator<Item = &'a str>,
    mut queued: Vec<Queued<'a, K>>,
) -> Vec<K> {
    let mut per_repository: HashMap<&str, u32> = HashMap::new();
    let mut total = 0;
    for repository in running {
        total += 1;
        *per_repository.entry(repository).or_default() += 1;
    }
    queued.sort_by(|a, b| (a.place, &a.key).cmp(&(b.place, &b.key)));
    let mut granted = Vec::new();
    for run in queued {
        if total >= cluster_cap {
            break;
        }
        let used = per_repository.entry(run.repository).or_default();
        if *used < run.repository_cap {
            *used += 1;
            total += 1;
            granted.push(run.key);
        }
    }
    granted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queued(key: u32, repository: &str, cap: u32, place: i64) -> Queued<'_, u32> {
        Queued { key, repository, repository_cap: cap, place }
    }

    #[test]
    fn the_oldest_comes_first_and_ties_go_by_key() {
        let waiting = vec![queued(3, "a", 9, 5), queued(2, "b", 9, 1), queued(1, "c", 9, 5)];
        assert_eq!(grant(2, [], waiting), [2, 1]);
    }

    #[test]
    fn a_repository_at_its_cap_does_not_hold_up_the_others() {
        let waiting = vec![queued(1, "a", 1, 1), queued(2, "a", 1, 2), queued(3, "b", 1, 3)];
        assert_eq!(grant(10, ["b"], waiting.clone()), [1]);
        assert_eq!(grant(10, [], waiting), [1, 3]);
    }

    #[test]
    fn running_more_than_the_cap_grants_nothing() {
        assert_eq!(grant(1, ["a", "b"], vec![queued(1, "c", 1, 1)]), Vec::<u32>::new());
    }

    proptest! {
        #[test]
        fn no_cap_is_ever_exceeded_and_no_slot_is_left_idle(
            cluster in 0_u32..6,
            running in prop::collection::vec(0_usize..3, 0..4),
            waiting in prop::collection::vec((0_usize..3, 0_i64..5), 0..12),
        ) {
            const NAMES: [&str; 3] = ["a", "b", "c"];
            const CAPS: [u32; 3] = [1, 2, 3];
            let queue: Vec<_> = (0_u32..)
                .zip(&waiting)
                .map(|(key, (repository, place))| queued(key, NAMES[*repository], CAPS[*repository], *place))
                .collect();
            let granted = grant(cluster, running.iter().map(|index| NAMES[*index]), queue.clone());
            let total = u32::try_from(running.len() + granted.len()).expect("small");
            prop_assert!(granted.is_empty() || total <= cluster);
            for (name, cap) in NAMES.iter().zip(CAPS) {
                let new = granted.iter().filter(|key| queue[**key as usize].repository == *name).count();
                let all = running.iter().filter(|index| NAMES[**index] == *name).count() + new;
                prop_assert!(new == 0 || all <= cap as usize);
                let waits = queue.iter().any(|run| run.repository == *name && !granted.contains(&run.key));
                prop_assert!(!waits || total >= cluster || all >= cap as usize, "{name} waits beside an idle slot");
            }
        }
    }
}
