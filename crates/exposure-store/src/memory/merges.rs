use std::collections::BTreeMap;
use std::ops::RangeFrom;

/// `Max(key, value)`: of two values under one key the greater stands.
#[derive(Debug)]
pub(super) struct Max<K, V>(BTreeMap<K, V>);

/// `Min(key, value)`: of two values under one key the lesser stands.
#[derive(Debug)]
pub(super) struct Min<K, V>(BTreeMap<K, V>);

/// `AddOnce(key, value)`: a key is added once; a count is the number of keys that were new.
#[derive(Debug)]
pub(super) struct AddOnce<K, V = ()>(BTreeMap<K, V>);

macro_rules! map {
    ($name:ident) => {
        impl<K, V> Default for $name<K, V> {
            fn default() -> Self {
                Self(BTreeMap::new())
            }
        }

        impl<K: Ord, V> $name<K, V> {
            pub(super) fn get(&self, key: &K) -> Option<&V> {
                self.0.get(key)
            }

            pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
                self.0.iter()
            }

            /// Only an erase takes anything away.
            pub(super) fn erase(&mut self, mut erased: impl FnMut(&K, &V) -> bool) {
                self.0.retain(|key, value| !erased(key, value));
            }
        }
    };
}

macro_rules! ranges {
    ($name:ident) => {
        impl<K: Ord, V> $name<K, V> {
            pub(super) fn range(&self, range: RangeFrom<K>) -> impl Iterator<Item = (&K, &V)> {
                self.0.range(range)
            }

            pub(super) fn len(&self) -> usize {
                self.0.len()
            }
        }
    };
}

map!(Max);
map!(Min);
map!(AddOnce);
ranges!(Max);
ranges!(AddOnce);

impl<K: Ord, V: Ord> Max<K, V> {
    pub(super) fn merge(&mut self, key: K, value: V) {
        match self.0.get_mut(&key) {
            Some(held) if value > *held => *held = value,
            Some(_) => {}
            None => {
                self.0.insert(key, value);
            }
        }
    }
}

impl<K: Ord, V: Ord> Min<K, V> {
    pub(super) fn merge(&mut self, key: K, value: V) {
        match self.0.get_mut(&key) {
            Some(held) if value < *held => *held = value,
            Some(_) => {}
            None => {
                self.0.insert(key, value);
            }
        }
    }
}

impl<K: Ord, V> AddOnce<K, V> {
    /// Adds a key; whether it was new.
    pub(super) fn merge(&mut self, key: K, value: V) -> bool {
        if self.0.contains_key(&key) {
            return false;
        }
        self.0.insert(key, value).is_none()
    }

    pub(super) fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn max_and_min_are_blind_to_order_and_repetition(
            pairs in proptest::collection::vec((0_u8..4, 0_u8..9), 0..20),
        ) {
            let (mut max, mut min) = (Max::default(), Min::default());
            let (mut max_back, mut min_back) = (Max::default(), Min::default());
            for &(key, value) in &pairs {
                max.merge(key, value);
                min.merge(key, value);
            }
            for &(key, value) in pairs.iter().rev().chain(&pairs) {
                max_back.merge(key, value);
                min_back.merge(key, value);
            }
            prop_assert_eq!(max.0, max_back.0);
            prop_assert_eq!(min.0, min_back.0);
        }

        #[test]
        fn add_once_counts_the_keys(keys in proptest::collection::vec(0_u8..9, 0..30)) {
            let mut set = AddOnce::default();
            let new = keys.iter().filter(|&&key| set.merge(key, ())).count();
            prop_assert_eq!(new, set.len());
        }
    }
}
