use exposure_core::Limits;
use foldhash::fast::RandomState;
use hashbrown::HashSet;
use parking_lot::RwLock;

/// Names that a project is counted by, up to a limit; what comes later is `(other)`.
#[derive(Debug)]
pub(crate) struct Names {
    known: RwLock<HashSet<Box<str>, RandomState>>,
    limit: usize,
}

impl Names {
    pub(crate) fn new(known: impl IntoIterator<Item = Box<str>>, limit: usize) -> Self {
        let known = known.into_iter().filter(|name| !name.is_empty() && **name != *Limits::OTHER);
        Self { known: RwLock::new(known.collect()), limit }
    }

    /// The name to count by. An empty one stays empty.
    pub(crate) fn admit<'a>(&self, name: &'a str) -> &'a str {
        if name.is_empty() || self.known.read().contains(name) {
            return name;
        }
        if name.contains('\0') || name.chars().nth(Limits::TEXT_CHARS).is_some() {
            return Limits::OTHER;
        }
        let mut known = self.known.write();
        if known.contains(name) {
            return name;
        }
        if known.len() >= self.limit {
            return Limits::OTHER;
        }
        known.insert(name.into());
        name
    }
}
