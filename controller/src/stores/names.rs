//! The names of a store's objects, in the form that kube's `Controller` takes: it schedules by names, and the loop reads the
//! object itself from the store.

use futures::{Stream, StreamExt as _, future, stream};
use kube::{
    Resource,
    api::ObjectMeta,
    core::{PartialObjectMeta, PartialObjectMetaExt as _},
    runtime::{
        WatchStreamExt as _,
        reflector::{self, Store},
        watcher::{self, Event},
    },
};

use super::{
    changes::{Change, Subscription},
    held::Held,
};

/// The names of objects of a kind.
pub type Names<K> = Store<PartialObjectMeta<K>>;

/// What a loop wants to know of an object.
pub enum Interest {
    /// Its name and metadata, for [`predicate_filter`](kube::runtime::WatchStreamExt::predicate_filter).
    Wanted(ObjectMeta),
    /// Nothing, or nothing any more.
    Unwanted(ObjectMeta),
}

/// The names of the objects that a loop wants, and those that have changed.
pub fn names<K, H: Held>(
    subscription: Subscription<H>,
    interest: impl Fn(&H) -> Interest + Send + 'static,
) -> (Names<K>, impl Stream<Item = watcher::Result<PartialObjectMeta<K>>> + Send)
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let (names, writer) = reflector::store();
    let mut is_listed = false;
    let event = move |change| {
        let deleted = |meta: ObjectMeta| Some(Event::Delete(meta.into_response_partial()));
        let event = match change {
            Change::Listed => {
                is_listed = true;
                Some(Event::InitDone)
            }
            Change::Applied(object) => match interest(&object) {
                Interest::Wanted(meta) if is_listed => Some(Event::Apply(meta.into_response_partial())),
                Interest::Wanted(meta) => Some(Event::InitApply(meta.into_response_partial())),
                Interest::Unwanted(meta) => deleted(meta),
            },
            Change::Deleted(object) => match interest(&object) {
                Interest::Wanted(meta) | Interest::Unwanted(meta) => deleted(meta),
            },
        };
        future::ready(event.map(Ok))
    };
    let events = stream::iter([Ok(Event::Init)]).chain(subscription.stream().filter_map(event));
    (names, events.reflect(writer).applied_objects())
}
