//! Stopping a loop of kube's `Controller`.

use std::hash::Hash;

use kube::runtime::reflector::{Lookup, Store};
use tokio_util::sync::CancellationToken;

/// Ends when a loop is cancelled before its objects are listed.
///
/// A `Controller` starts no round before the first list, and one that is cancelled earlier waits for that list forever: its
/// `Runner` takes the end of the changes for "not yet".
pub async fn cancelled_before_first_list<K>(store: &Store<K>, stop: &CancellationToken)
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
        assert_eq!(cancelled_before_first_list(&store, &stop).now_or_never(), None, "nothing was cancelled");
        stop.cancel();
        assert_eq!(cancelled_before_first_list(&store, &stop).now_or_never(), Some(()));
        writer.apply_watcher_event(&Event::Init);
        writer.apply_watcher_event(&Event::InitDone);
        assert_eq!(cancelled_before_first_list(&store, &stop).now_or_never(), None, "rounds may be active");
    }
}
