//! Stopping a loop of kube's `Controller`.

use std::hash::Hash;

use kube::runtime::reflector::{Lookup, Store};
use tokio_util::sync::CancellationToken;

/// Ends when a loop is told to stop before its objects are listed.
///
/// A `Controller` starts no round before that list is there, and one that is told to stop earlier waits for it for ever: its
/// `Runner` takes the end of the changes for "not yet".
pub async fn stopped_unlisted<K>(store: &Store<K>, stop: &CancellationToken)
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    tokio::select! {
        biased;
        _ = store.wait_until_ready() => std::future::pending().await,
        () = stop.cancelled() => (),
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use kube::runtime::{reflector, watcher::Event};
    use tidegate_resources::IntegrationConfig;

    use super::*;

    #[test]
    fn a_stop_ends_a_reconciler_at_once_only_before_its_first_list() {
        let (store, mut writer) = reflector::store::<IntegrationConfig>();
        let stop = CancellationToken::new();
        assert_eq!(stopped_unlisted(&store, &stop).now_or_never(), None, "nobody has said stop");
        stop.cancel();
        assert_eq!(stopped_unlisted(&store, &stop).now_or_never(), Some(()));
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitDone);
        assert_eq!(stopped_unlisted(&store, &stop).now_or_never(), None, "rounds may be in hand");
    }
}
