use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use parking_lot::RwLock;

use crate::{User, Variant, VariantSource};

/// Variants that the program sets: for each flag one for everybody, and others for single users.
/// Cheap to clone; clones share what is set.
///
/// ```
/// use exposure_client::{InMemorySource, User, Variant, VariantSource};
///
/// let source = InMemorySource::new();
/// source.set("checkout", Variant::new("control"));
/// source.set_for("user-1", "checkout", Variant::new("treatment"));
/// assert_eq!(source.variant(&User::new("user-1"), "checkout"), Some(Variant::new("treatment")));
/// assert_eq!(source.variant(&User::new("user-2"), "checkout"), Some(Variant::new("control")));
/// ```
#[derive(Clone, Default)]
pub struct InMemorySource(Arc<RwLock<HashMap<Box<str>, Flag, RandomState>>>);

#[derive(Default)]
struct Flag {
    for_all: Option<Variant>,
    for_one: HashMap<Box<str>, Variant, RandomState>,
}

impl InMemorySource {
    /// A source that knows no flag.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives everybody this variant who has none of their own.
    pub fn set(&self, flag_key: &str, variant: Variant) {
        self.0.write().entry_ref(flag_key).or_default().for_all = Some(variant);
    }

    /// Gives one user this variant, by `user_id`, or by `device_id` where there is no user.
    pub fn set_for(&self, id: &str, flag_key: &str, variant: Variant) {
        self.0.write().entry_ref(flag_key).or_default().for_one.insert(id.into(), variant);
    }

    /// Forgets the flag.
    pub fn remove(&self, flag_key: &str) {
        self.0.write().remove(flag_key);
    }

    /// Replaces all that is set by one variant for each flag, at once.
    pub fn replace(&self, flags: impl IntoIterator<Item = (String, Variant)>) {
        let flags = flags.into_iter().map(|(flag_key, variant)| {
            (flag_key.into(), Flag { for_all: Some(variant), ..Flag::default() })
        });
        *self.0.write() = flags.collect();
    }
}

impl VariantSource for InMemorySource {
    fn variant(&self, user: &User, flag_key: &str) -> Option<Variant> {
        let flags = self.0.read();
        let flag = flags.get(flag_key)?;
        let own = if flag.for_one.is_empty() {
            None
        } else {
            user.user_id().or(user.device_id()).and_then(|id| flag.for_one.get(id))
        };
        own.or(flag.for_all.as_ref()).cloned()
    }
}

impl fmt::Debug for InMemorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemorySource").field("n_flags", &self.0.read().len()).finish()
    }
}
