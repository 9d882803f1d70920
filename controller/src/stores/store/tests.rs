use std::collections::BTreeSet;

use futures::FutureExt as _;
use k8s_openapi::api::core::v1::ConfigMap;
use proptest::prelude::*;

use super::*;

impl Held for ConfigMap {
    fn key(&self) -> Key {
        Key::of(self)
    }

    fn uid(&self) -> Option<&str> {
        self.metadata.uid.as_deref()
    }

    fn version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }
}

fn object(namespace: &str, name: &str) -> ConfigMap {
    let mut object = ConfigMap::default();
    object.metadata.namespace = Some(namespace.to_owned());
    object.metadata.name = Some(name.to_owned());
    object
}

fn version(version: &str) -> ConfigMap {
    let mut object = object("a", "x");
    object.metadata.uid = Some("1".to_owned());
    object.metadata.resource_version = Some(version.to_owned());
    object
}

fn two() -> (Store<ConfigMap>, Writer<ConfigMap>) {
    store(["a".to_owned(), "b".to_owned()])
}

fn list(writer: &mut Writer<ConfigMap>, namespace: &str, names: &[&str]) {
    let applied = names.iter().map(|name| Event::InitApply(object(namespace, name)));
    for event in std::iter::once(Event::Init).chain(applied).chain([Event::InitDone]) {
        writer.take(namespace, event, Some);
    }
}

/// One word a change: what happened to which object.
fn words(subscription: &mut Subscription<ConfigMap>) -> Vec<String> {
    let word = |change| match change {
        Change::Applied(object) => format!("+{}", Held::key(&object)),
        Change::Deleted(object) => format!("-{}", Held::key(&object)),
        Change::Listed => "listed".to_owned(),
    };
    std::iter::from_fn(|| subscription.try_next()).map(word).collect()
}

#[test]
fn all_is_listed_when_every_namespace_is() {
    let (store, mut writer) = two();
    let mut changes = store.subscribe();
    list(&mut writer, "a", &["x"]);
    assert_eq!(words(&mut changes), ["+a/x"]);
    assert_eq!((store.listed().now_or_never(), writer.is_listed()), (None, false));
    list(&mut writer, "b", &["x"]);
    assert_eq!(words(&mut changes), ["+b/x", "listed"]);
    assert_eq!((store.listed().now_or_never(), writer.is_listed()), (Some(()), true));
}

#[test]
fn what_a_later_list_lacks_is_deleted_and_what_is_the_same_is_no_change() {
    let (store, mut writer) = two();
    list(&mut writer, "a", &["gone"]);
    list(&mut writer, "b", &["x"]);
    writer.take("a", Event::Apply(version("1")), Some);
    let mut changes = store.subscribe();
    drop(words(&mut changes));
    writer.take("a", Event::<ConfigMap>::Init, Some);
    writer.take("a", Event::InitApply(version("1")), Some);
    writer.take("a", Event::<ConfigMap>::InitDone, Some);
    assert_eq!(words(&mut changes), ["-a/gone"]);
    assert!(store.get(&Key::new("b", "x")).is_some());
}

#[test]
fn a_list_that_began_twice_counts_once() {
    let (store, mut writer) = two();
    writer.take("a", Event::<ConfigMap>::Init, Some);
    writer.take("a", Event::InitApply(object("a", "gone")), Some);
    list(&mut writer, "a", &["x"]);
    assert_eq!(store.all().iter().map(kube::ResourceExt::name_any).collect::<Vec<_>>(), ["x"]);
}

#[test]
fn a_namespace_without_read_permission_is_unreadable_until_its_next_list() {
    let (store, mut writer) = two();
    list(&mut writer, "a", &["x"]);
    writer.refuse("b", false);
    assert_eq!((store.listed().now_or_never(), store.unreadable_namespaces()), (None, vec!["b".to_owned()]));
    writer.refuse("b", true);
    assert_eq!(store.listed().now_or_never(), Some(()), "it delays no other");
    list(&mut writer, "b", &["x"]);
    assert_eq!((store.all().len(), store.unreadable_namespaces()), (2, Vec::new()));
}

#[test]
fn what_need_not_be_held_is_deleted() {
    let (store, mut writer) = two();
    let mut changes = store.subscribe();
    writer.take("a", Event::Apply(version("1")), Some);
    assert_eq!(words(&mut changes), ["+a/x"]);
    writer.take("a", Event::Apply(version("2")), |_| None);
    assert_eq!((words(&mut changes), store.all().len()), (vec!["-a/x".to_owned()], 0));
}

#[test]
fn changes_that_a_loop_has_not_read_become_one() {
    let (store, writer) = two();
    let mut changes = store.subscribe();
    for number in 1..=100 {
        writer.put(&Key::of(&version("1")), Some(version(&number.to_string())));
    }
    assert_eq!(changes.try_next(), Some(Change::Applied(version("100"))));
    assert_eq!(changes.try_next(), None);
}

#[test]
fn an_object_that_is_made_again_under_its_name_is_deleted_first() {
    let (store, writer) = two();
    let (old, mut new) = (version("1"), version("2"));
    new.metadata.uid = Some("2".to_owned());
    writer.put(&Key::of(&old), Some(old.clone()));
    let mut changes = store.subscribe();
    drop(words(&mut changes));
    writer.put(&Key::of(&new), Some(new.clone()));
    assert_eq!(changes.try_next(), Some(Change::Deleted(old)));
    assert_eq!(changes.try_next(), Some(Change::Applied(new)));
}

#[test]
fn who_subscribes_late_first_reads_all_that_is_held() {
    let (store, mut writer) = two();
    list(&mut writer, "a", &["x"]);
    list(&mut writer, "b", &[]);
    assert_eq!(words(&mut store.subscribe()), ["+a/x", "listed"]);
}

#[test]
fn each_change_is_signalled_and_the_end_of_the_changes_never_is() {
    let (mut store, mut writer) = two();
    let mut changes = store.subscribe();
    assert_eq!(store.changed().now_or_never(), None, "nothing has changed");
    list(&mut writer, "a", &[]);
    assert_eq!(store.changed().now_or_never(), Some(()));
    drop(writer);
    assert_eq!(store.changed().now_or_never(), None);
    assert_eq!(store.listed().now_or_never(), None);
    assert!(changes.next().now_or_never().is_none());
}

proptest! {
    /// Who follows the changes knows the same in the end as who reads the store, and as the cluster.
    #[test]
    fn whoever_follows_it_ends_with_what_is_there(
        steps in prop::collection::vec((0..3_usize, 0..4_u8, prop::collection::vec(0..4_u8, 0..4), any::<bool>()), 0..40),
    ) {
        let names = ["a", "b", "c"];
        let (store, mut writer) = store(names.map(str::to_owned));
        let mut changes = store.subscribe();
        let mut there = vec![BTreeSet::new(); 3];
        let mut follower = BTreeSet::new();
        let mut follow = |changes: &mut Subscription<ConfigMap>| {
            while let Some(change) = changes.try_next() {
                match change {
                    Change::Applied(object) => drop(follower.insert(Held::key(&object))),
                    Change::Deleted(object) => drop(follower.remove(&Held::key(&object))),
                    Change::Listed => (),
                }
            }
            follower.clone()
        };
        let all_listed = (0..3).map(|index| (index, 0, vec![0, 1], false));
        for (index, kind, keys, reads) in all_listed.chain(steps) {
            let object = |key: u8| object(names[index], &key.to_string());
            if kind == 0 {
                there[index] = keys.iter().copied().collect();
                let keys: Vec<_> = keys.iter().map(u8::to_string).collect();
                list(&mut writer, names[index], &keys.iter().map(String::as_str).collect::<Vec<_>>());
            } else if there[index].remove(&(kind - 1)) {
                writer.take(names[index], Event::Delete(object(kind - 1)), Some);
            } else {
                there[index].insert(kind - 1);
                writer.take(names[index], Event::Apply(object(kind - 1)), Some);
            }
            if reads {
                follow(&mut changes);
            }
        }
        let expected: BTreeSet<Key> = there
            .iter()
            .zip(names)
            .flat_map(|(keys, namespace)| {
                keys.iter().map(move |key| Key::new(namespace, key.to_string()))
            })
            .collect();
        prop_assert_eq!(follow(&mut changes), expected.clone());
        prop_assert_eq!(store.all().iter().map(Held::key).collect::<BTreeSet<_>>(), expected);
    }
}
