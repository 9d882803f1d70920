//! Several watches as one. Pure but for the polling.
//!
//! A watch tells its list anew whenever it had to begin again, and whoever follows it drops what isn't in there. So the
//! lists of all watches make the first one together, and each later one becomes the changes that it amounts to.

use std::{
    collections::{HashMap, VecDeque},
    task::Poll,
};

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use kube::{
    Resource, ResourceExt as _,
    runtime::watcher::{self, Event},
};

use super::is_forbidden;

type Changes<K> = BoxStream<'static, watcher::Result<Event<K>>>;

/// What all of these watches say, each of one namespace.
pub(super) fn all<K>(mut watches: Vec<Changes<K>>) -> Changes<K>
where
    K: Resource + Clone + Send + 'static,
{
    if watches.len() == 1 {
        return watches.remove(0);
    }
    let mut merge = Merge::of(watches.len());
    let (count, mut first) = (watches.len(), 0);
    stream::poll_fn(move |context| {
        loop {
            if let Some(event) = merge.out.pop_front() {
                return Poll::Ready(Some(event));
            }
            // Each in turn, so that a busy namespace doesn't silence the others.
            let said = (0..count).map(|offset| (first + offset) % count).find_map(|index| {
                if merge.holds_back(index) {
                    return None;
                }
                match watches[index].poll_next_unpin(context) {
                    Poll::Ready(event) => Some((index, event)),
                    Poll::Pending => None,
                }
            });
            match said {
                Some((index, Some(event))) => {
                    merge.take(index, event);
                    first = index + 1;
                }
                Some((_, None)) => return Poll::Ready(None),
                None => return Poll::Pending,
            }
        }
    })
    .boxed()
}

struct Merge<K> {
    parts: Vec<Part<K>>,
    /// Whether the first list is told.
    is_listed: bool,
    out: VecDeque<watcher::Result<Event<K>>>,
}

/// One watch, by the names of its objects.
struct Part<K> {
    known: HashMap<String, K>,
    listing: HashMap<String, K>,
    /// Whether the first list waits for it.
    is_missing: bool,
}

impl<K: Resource + Clone> Merge<K> {
    fn of(count: usize) -> Self {
        let part = || Part { known: HashMap::new(), listing: HashMap::new(), is_missing: true };
        Self { parts: (0..count).map(|_| part()).collect(), is_listed: false, out: [Ok(Event::Init)].into() }
    }

    /// Whether a watch has to wait: its part of the first list is told, and the others' aren't.
    fn holds_back(&self, index: usize) -> bool {
        !self.is_listed && !self.parts[index].is_missing
    }

    fn take(&mut self, index: usize, event: watcher::Result<Event<K>>) {
        let part = &mut self.parts[index];
        match event {
            Ok(Event::Init) => part.listing.clear(),
            Ok(Event::InitApply(object)) => drop(part.listing.insert(object.name_any(), object)),
            Ok(Event::InitDone) => {
                let listed = std::mem::take(&mut part.listing);
                let tell = if self.is_listed { Event::Apply } else { Event::InitApply };
                let known = std::mem::replace(&mut part.known, listed);
                let gone = known.into_iter().filter(|(name, _)| !part.known.contains_key(name));
                self.out.extend(gone.map(|(_, object)| Ok(Event::Delete(object))));
                self.out.extend(part.known.values().cloned().map(|object| Ok(tell(object))));
                self.settle(index);
            }
            Ok(Event::Apply(object)) => {
                part.known.insert(object.name_any(), object.clone());
                self.out.push_back(Ok(Event::Apply(object)));
            }
            Ok(Event::Delete(object)) => {
                part.known.remove(&object.name_any());
                self.out.push_back(Ok(Event::Delete(object)));
            }
            Err(error) => {
                let is_refused =
                    matches!(&error, watcher::Error::InitialListFailed(error) if is_forbidden(error));
                self.out.push_back(Err(error));
                if is_refused {
                    // Its namespace may be gone for good; what it says later are changes.
                    self.settle(index);
                }
            }
        }
    }

    /// The first list need not wait for this watch any more.
    fn settle(&mut self, index: usize) {
        self.parts[index].is_missing = false;
        if !self.is_listed && self.parts.iter().all(|part| !part.is_missing) {
            self.is_listed = true;
            self.out.push_back(Ok(Event::InitDone));
        }
    }
}

#[cfg(test)]
mod tests;
