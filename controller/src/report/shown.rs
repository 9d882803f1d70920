//! Which configs are gone. Pure.
//!
//! A config that the store doesn't show need not be gone: it may be younger than the store's watch, or in a namespace that can't be
//! read at the moment. Only a config that the store has shown before, and shows no more, is gone.

use std::collections::BTreeSet;

/// The uids of the configs that the store showed last.
#[derive(Debug, Default)]
pub struct Shown(BTreeSet<String>);

impl Shown {
    /// Takes what the store shows now. Returns what it showed before, and shows no more.
    pub fn replace(&mut self, now: BTreeSet<String>) -> BTreeSet<String> {
        let before = std::mem::replace(&mut self.0, now);
        before.difference(&self.0).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uids(uids: &[&str]) -> BTreeSet<String> {
        uids.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn only_a_config_that_was_shown_before_is_gone() {
        let mut shown = Shown::default();
        assert_eq!(shown.replace(uids(&[])), uids(&[]), "it may still be unlisted");
        assert_eq!(shown.replace(uids(&["a", "b"])), uids(&[]));
        assert_eq!(shown.replace(uids(&["b", "c"])), uids(&["a"]));
        assert_eq!(shown.replace(uids(&["b", "c"])), uids(&[]), "it is named once");
    }
}
