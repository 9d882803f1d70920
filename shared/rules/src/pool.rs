//! One copy of each value that many objects repeat. What was read apart has copies of its own.

use std::{collections::HashSet, hash::Hash};

/// Values whose clones share their memory, each held once.
#[derive(Debug)]
pub struct Pool<T>(HashSet<T>);

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self(HashSet::new())
    }
}

impl<T: Clone + Eq + Hash> Pool<T> {
    /// Beyond so many values, those that were seen so far are forgotten: what they are in keeps them.
    const MAX: usize = 4096;

    /// Replaces a value by the equal one that was seen first.
    pub fn share(&mut self, value: &mut T) {
        if let Some(known) = self.0.get(value) {
            *value = known.clone();
            return;
        }
        if self.0.len() == Self::MAX {
            self.0.clear();
        }
        self.0.insert(value.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn equal_values_become_one_and_the_pool_is_bounded() {
        let mut pool = Pool::default();
        let (mut first, mut second): (Arc<str>, Arc<str>) = ("unit".into(), "unit".into());
        assert!(!Arc::ptr_eq(&first, &second));
        pool.share(&mut first);
        pool.share(&mut second);
        assert!(Arc::ptr_eq(&first, &second));
        for number in 0..3 * Pool::<Arc<str>>::MAX {
            pool.share(&mut number.to_string().into());
            assert!(pool.0.len() <= Pool::<Arc<str>>::MAX);
        }
    }
}
