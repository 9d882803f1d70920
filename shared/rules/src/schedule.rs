//! Who gets a slot next.

use std::collections::HashMap;

mod limits;

pub use self::limits::Limits;

/// A run that has a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running<'a> {
    /// The repository whose limit counts.
    pub repository: &'a str,
    /// The namespace whose limit counts.
    pub namespace: &'a str,
}

/// A run that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued<'a, K> {
    /// Which run.
    pub key: K,
    /// The repository whose limit counts.
    pub repository: &'a str,
    /// How many runs of that repository may be active at once.
    pub repository_limit: u32,
    /// The namespace whose limit counts.
    pub namespace: &'a str,
    /// Its position in the queue: smaller is older. Equal positions are settled by the key.
    pub position: i64,
}

/// The runs that get a slot now: oldest first, as long as the cluster, their namespace and their repository have room.
///
/// A repository or namespace at its limit doesn't hold up the others. `running` are the runs that have a slot.
pub fn grant<'a, K: Ord + Clone>(
    cluster_limit: u32,
    namespace_limit: u32,
    running: impl IntoIterator<Item = Running<'a>>,
    mut queued: Vec<Queued<'a, K>>,
) -> Vec<K> {
    let mut per_repository: HashMap<&str, u32> = HashMap::new();
    let mut per_namespace: HashMap<&str, u32> = HashMap::new();
    let mut total = 0;
    for run in running {
        total += 1;
        *per_repository.entry(run.repository).or_default() += 1;
        *per_namespace.entry(run.namespace).or_default() += 1;
    }
    queued.sort_by(|a, b| (a.position, &a.key).cmp(&(b.position, &b.key)));
    let mut granted = Vec::new();
    for run in queued {
        if total >= cluster_limit {
            break;
        }
        let of_repository = per_repository.entry(run.repository).or_default();
        let of_namespace = per_namespace.entry(run.namespace).or_default();
        if *of_repository < run.repository_limit && *of_namespace < namespace_limit {
            *of_repository += 1;
            *of_namespace += 1;
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

    fn queued(key: u32, repository: &str, limit: u32, position: i64) -> Queued<'_, u32> {
        Queued { key, repository, repository_limit: limit, namespace: "ci", position }
    }

    fn running(repository: &str) -> Running<'_> {
        Running { repository, namespace: "ci" }
    }

    #[test]
    fn the_oldest_comes_first_and_ties_go_by_key() {
        let waiting = vec![queued(3, "a", 9, 5), queued(2, "b", 9, 1), queued(1, "c", 9, 5)];
        assert_eq!(grant(2, 9, [], waiting), [2, 1]);
    }

    #[test]
    fn a_repository_at_its_limit_does_not_hold_up_the_others() {
        let waiting = vec![queued(1, "a", 1, 1), queued(2, "a", 1, 2), queued(3, "b", 1, 3)];
        assert_eq!(grant(10, 9, [running("b")], waiting.clone()), [1]);
        assert_eq!(grant(10, 9, [], waiting), [1, 3]);
    }

    #[test]
    fn a_namespace_at_its_limit_does_not_hold_up_the_others() {
        let elsewhere = Queued { namespace: "other", ..queued(4, "d", 9, 9) };
        let waiting = vec![queued(1, "a", 9, 1), queued(2, "b", 9, 2), queued(3, "c", 9, 3), elsewhere];
        assert_eq!(grant(10, 2, [running("x")], waiting), [1, 4]);
    }

    #[test]
    fn running_more_than_the_limit_grants_nothing() {
        let running = [running("a"), running("b")];
        assert_eq!(grant(1, 9, running, vec![queued(1, "c", 1, 1)]), Vec::<u32>::new());
    }

    proptest! {
        #[test]
        fn no_limit_is_ever_exceeded_and_no_slot_is_left_idle(
            cluster in 0_u32..6,
            namespace in 1_u32..5,
            running in prop::collection::vec((0_usize..3, 0_usize..2), 0..4),
            waiting in prop::collection::vec((0_usize..3, 0_usize..2, 0_i64..5), 0..12),
        ) {
            const NAMES: [&str; 3] = ["a", "b", "c"];
            const LIMITS: [u32; 3] = [1, 2, 3];
            const NAMESPACES: [&str; 2] = ["ci", "other"];
            let queue: Vec<_> = (0_u32..)
                .zip(&waiting)
                .map(|(key, (repository, namespace, position))| Queued {
                    namespace: NAMESPACES[*namespace],
                    ..queued(key, NAMES[*repository], LIMITS[*repository], *position)
                })
                .collect();
            let have: Vec<_> = running
                .iter()
                .map(|(repository, namespace)| Running {
                    repository: NAMES[*repository],
                    namespace: NAMESPACES[*namespace],
                })
                .collect();
            let granted = grant(cluster, namespace, have.clone(), queue.clone());
            let new: Vec<_> = granted.iter().map(|key| &queue[*key as usize]).collect();
            let total = u32::try_from(have.len() + new.len()).expect("small");
            let of_repository = |name: &str| {
                let new = new.iter().filter(|run| run.repository == name).count();
                (new, new + have.iter().filter(|run| run.repository == name).count())
            };
            let of_namespace = |name: &str| {
                let new = new.iter().filter(|run| run.namespace == name).count();
                (new, new + have.iter().filter(|run| run.namespace == name).count())
            };
            prop_assert!(granted.is_empty() || total <= cluster);
            for (name, limit) in NAMES.iter().zip(LIMITS) {
                let (new, all) = of_repository(name);
                prop_assert!(new == 0 || all <= limit as usize);
            }
            for name in NAMESPACES {
                let (new, all) = of_namespace(name);
                prop_assert!(new == 0 || all <= namespace as usize);
            }
            for run in queue.iter().filter(|run| !granted.contains(&run.key)) {
                let is_full = total >= cluster
                    || of_repository(run.repository).1 >= run.repository_limit as usize
                    || of_namespace(run.namespace).1 >= namespace as usize;
                prop_assert!(is_full, "{} of {} waits beside an idle slot", run.repository, run.namespace);
            }
        }
    }
}
