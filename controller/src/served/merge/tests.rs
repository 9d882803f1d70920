use futures::FutureExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::core::{Status, response::StatusSummary};
use proptest::prelude::*;

use super::*;

fn object(namespace: &str, name: &str) -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.name = Some(name.to_owned());
    object
}

/// As the API server words it: with code and reason.
fn refusal(code: u16, reason: &str) -> watcher::Error {
    let (status, reason) = (Some(StatusSummary::Failure), reason.to_owned());
    let status = Status { code, reason, status, ..Status::default() };
    watcher::Error::InitialListFailed(kube::Error::Api(Box::new(status)))
}

/// A list, as one watch tells it.
fn list(namespace: &str, names: &[&str]) -> Vec<watcher::Result<Event<ConfigMap>>> {
    let applied = names.iter().map(|name| Ok(Event::InitApply(object(namespace, name))));
    std::iter::once(Ok(Event::Init)).chain(applied).chain([Ok(Event::InitDone)]).collect()
}

/// One word an event: what happened to which object.
fn words(events: impl IntoIterator<Item = watcher::Result<Event<ConfigMap>>>) -> Vec<String> {
    let of = |object: ConfigMap| {
        format!(
            "{}/{}",
            object.metadata.namespace.unwrap_or_default(),
            object.metadata.name.unwrap_or_default()
        )
    };
    let word = |event| match event {
        Ok(Event::Init) => "init".to_owned(),
        Ok(Event::InitApply(object)) => format!("={}", of(object)),
        Ok(Event::InitDone) => "done".to_owned(),
        Ok(Event::Apply(object)) => format!("+{}", of(object)),
        Ok(Event::Delete(object)) => format!("-{}", of(object)),
        Err(_) => "error".to_owned(),
    };
    events.into_iter().map(word).collect()
}

fn take(
    merge: &mut Merge<ConfigMap>,
    index: usize,
    events: Vec<watcher::Result<Event<ConfigMap>>>,
) -> Vec<String> {
    for event in events {
        merge.take(index, event);
    }
    words(merge.out.drain(..))
}

#[test]
fn the_first_lists_of_all_watches_become_one_list() {
    let mut merge = Merge::of(2);
    assert_eq!(take(&mut merge, 0, list("a", &["x"])), ["init", "=a/x"]);
    assert!(merge.holds_back(0) && !merge.holds_back(1));
    assert_eq!(take(&mut merge, 1, list("b", &["x"])), ["=b/x", "done"]);
    assert!(!merge.holds_back(0) && !merge.holds_back(1));
}

#[test]
fn a_first_list_that_began_twice_is_delivered_once() {
    let mut merge = Merge::of(2);
    let mut events = list("a", &["x", "gone"]);
    events.pop();
    events.push(Err(refusal(500, "InternalError")));
    events.extend(list("a", &["x"]));
    assert_eq!(take(&mut merge, 0, events), ["init", "error", "=a/x"]);
}

#[test]
fn a_later_list_becomes_the_changes_since_the_last_one() {
    let mut merge = Merge::of(2);
    take(&mut merge, 0, list("a", &["x", "y"]));
    take(&mut merge, 1, list("b", &["x"]));
    let changes = vec![Ok(Event::Apply(object("a", "z"))), Ok(Event::Delete(object("a", "y")))];
    assert_eq!(take(&mut merge, 0, changes), ["+a/z", "-a/y"]);
    let mut told = take(&mut merge, 0, list("a", &["new", "z"]));
    told[1..].sort();
    assert_eq!(told, ["-a/x", "+a/new", "+a/z"]);
}

#[test]
fn a_namespace_without_read_permission_delays_no_other() {
    let mut merge = Merge::of(2);
    take(&mut merge, 0, list("a", &["x"]));
    assert_eq!(
        take(&mut merge, 1, vec![Ok(Event::Init), Err(refusal(500, "InternalError"))]),
        ["error"],
        "it may come back"
    );
    assert_eq!(take(&mut merge, 1, vec![Ok(Event::Init), Err(refusal(403, "Forbidden"))]), ["error", "done"]);
    assert_eq!(take(&mut merge, 1, list("b", &["x"])), ["+b/x"]);
}

#[test]
fn the_merge_ends_with_its_first_stream_and_not_while_all_are_silent() {
    let ended = stream::iter(list("a", &["x"])).boxed();
    let silent = || stream::iter(list("b", &[])).chain(stream::pending()).boxed();
    let mut merged = all(vec![silent(), silent()]);
    assert_eq!(words([merged.next().now_or_never().flatten().expect("an event")]), ["init"]);
    assert_eq!(words([merged.next().now_or_never().flatten().expect("an event")]), ["done"]);
    assert!(merged.next().now_or_never().is_none());
    let said: Vec<_> = all(vec![ended, silent()]).collect().now_or_never().expect("it ends");
    assert_eq!(words(said), ["init", "=a/x", "done"]);
}

proptest! {
    /// Who follows the merged watch knows the same in the end as who follows each alone.
    #[test]
    fn whoever_follows_it_ends_with_what_is_there(
        steps in prop::collection::vec((0..3_usize, 0..4_u8, prop::collection::vec(0..4_u8, 0..4)), 0..40),
    ) {
        let names = ["a", "b", "c"];
        let mut merge = Merge::of(3);
        let mut there = vec![std::collections::BTreeSet::new(); 3];
        let mut follower = std::collections::BTreeSet::new();
        let all_listed = (0..3).map(|index| (index, 0, vec![0, 1]));
        for (index, kind, keys) in all_listed.chain(steps) {
            let object = |key: u8| object(names[index], &key.to_string());
            let events: Vec<Event<ConfigMap>> = if kind == 0 {
                there[index] = keys.iter().copied().collect();
                let listed = keys.iter().map(|key| Event::InitApply(object(*key)));
                std::iter::once(Event::Init).chain(listed).chain([Event::InitDone]).collect()
            } else {
                let key = kind - 1;
                if there[index].remove(&key) {
                    vec![Event::Delete(object(key))]
                } else {
                    there[index].insert(key);
                    vec![Event::Apply(object(key))]
                }
            };
            for event in events {
                merge.take(index, Ok(event));
            }
        }
        let mut buffer = std::collections::BTreeSet::new();
        for event in merge.out {
            let key = |object: &ConfigMap| (object.metadata.namespace.clone(), object.metadata.name.clone());
            match event.expect("no error was told") {
                Event::Init => buffer.clear(),
                Event::InitApply(object) => drop(buffer.insert(key(&object))),
                Event::InitDone => follower = std::mem::take(&mut buffer),
                Event::Apply(object) => drop(follower.insert(key(&object))),
                Event::Delete(object) => drop(follower.remove(&key(&object))),
            }
        }
        let expected: std::collections::BTreeSet<_> = there
            .iter()
            .zip(names)
            .flat_map(|(keys, namespace)| {
                keys.iter().map(move |key| (Some(namespace.to_owned()), Some(key.to_string())))
            })
            .collect();
        prop_assert_eq!(follower, expected);
    }
}
