use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashSet;
use parking_lot::RwLock;

/// The keys of flags that exposures name, each once in memory: a program has few flags, and what
/// all of its exposures share need not be made for each, nor fetched for each when it is sent.
#[derive(Default)]
pub(crate) struct FlagKeys(RwLock<HashSet<Arc<str>, RandomState>>);

/// A program with more makes keys up; those past this are not shared.
const MOST: usize = 4096;

impl FlagKeys {
    pub(crate) fn shared(&self, flag_key: &str) -> Arc<str> {
        if let Some(known) = self.0.read().get(flag_key) {
            return Arc::clone(known);
        }
        let fresh: Arc<str> = flag_key.into();
        let mut keys = self.0.write();
        if keys.len() < MOST {
            // Another thread may have been first; then there are two for a while.
            keys.insert(Arc::clone(&fresh));
        }
        fresh
    }
}

impl fmt::Debug for FlagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagKeys").field("n_keys", &self.0.read().len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_there_once_and_keys_are_bounded() {
        let keys = FlagKeys::default();
        let one = keys.shared("one");
        assert!(Arc::ptr_eq(&one, &keys.shared("one")));
        for number in 0..2 * MOST {
            assert_eq!(*keys.shared(&number.to_string()), number.to_string());
        }
        assert_eq!(keys.0.read().len(), MOST);
        assert!(Arc::ptr_eq(&one, &keys.shared("one")));
    }
}
