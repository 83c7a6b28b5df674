use foldhash::fast::RandomState;
use hashbrown::{HashMap, HashSet};
use parking_lot::{RwLock, RwLockReadGuard};

/// The flags of a project, and how many more it may have.
///
/// A flag takes its place before its first set is stored, or two batches at once would both
/// find the last place free. Until a set of it is stored the place is a reserved one, held by
/// the batches that count on it, and given back when none of them stores one.
#[derive(Debug, Default)]
pub(crate) struct FlagRegistry {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    flags: HashMap<Box<str>, Place, RandomState>,
    retired: HashSet<Box<str>, RandomState>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// A set of it is stored.
    Taken,
    /// So many batches count on it.
    Reserved(usize),
}

/// The places that one batch counts on.
#[derive(Debug, Default)]
pub(crate) struct Reservations {
    flags: Vec<Box<str>>,
    /// Those that were retired: they come back before anything of the batch is stored.
    revived: Vec<Box<str>>,
}

/// A look at the flags, held for the length of a batch: one lock for all of its events.
pub(crate) struct Look<'r>(RwLockReadGuard<'r, State>);

impl Look<'_> {
    /// Whether the flag has its place for good.
    pub(crate) fn has(&self, flag: &str) -> bool {
        self.0.flags.get(flag) == Some(&Place::Taken)
    }
}

impl FlagRegistry {
    pub(crate) fn new(
        created: impl IntoIterator<Item = Box<str>>,
        retired: impl IntoIterator<Item = Box<str>>,
    ) -> Self {
        let retired: HashSet<_, _> = retired.into_iter().collect();
        let flags = created
            .into_iter()
            .filter(|flag| !retired.contains(flag))
            .map(|flag| (flag, Place::Taken))
            .collect();
        Self { state: RwLock::new(State { flags, retired }) }
    }

    pub(crate) fn look(&self) -> Look<'_> {
        Look(self.state.read())
    }

    /// Takes a place for a flag, if there is one. `limit` is the most flags there may be.
    pub(crate) fn reserve(&self, flag: &str, limit: usize, held: &mut Reservations) -> bool {
        let mut state = self.state.write();
        let n_flags = state.flags.len();
        match state.flags.get_mut(flag) {
            Some(Place::Taken) => return true,
            Some(Place::Reserved(n_batches)) => {
                if held.holds(flag) {
                    return true;
                }
                *n_batches += 1;
            }
            None if n_flags >= limit => return false,
            None => {
                state.flags.insert(flag.into(), Place::Reserved(1));
            }
        }
        held.flags.push(flag.into());
        if state.retired.contains(flag) {
            held.revived.push(flag.into());
        }
        true
    }

    /// Ends a batch: what it stored has its place for good, what it did not is given back.
    pub(crate) fn settle(&self, held: Reservations, stored: impl Fn(&str) -> bool) {
        if held.flags.is_empty() {
            return;
        }
        let mut state = self.state.write();
        for flag in held.flags {
            if stored(&flag) {
                state.retired.remove(&flag);
                state.flags.insert(flag, Place::Taken);
                continue;
            }
            match state.flags.get_mut(&flag) {
                Some(Place::Reserved(1)) => {
                    state.flags.remove(&flag);
                }
                Some(Place::Reserved(n_batches)) => *n_batches -= 1,
                Some(Place::Taken) | None => {}
            }
        }
    }

    /// Retires a flag. Says whether it had a place.
    pub(crate) fn retire(&self, flag: &str) -> bool {
        let mut state = self.state.write();
        if state.flags.get(flag) != Some(&Place::Taken) {
            return false;
        }
        state.flags.remove(flag);
        state.retired.insert(flag.into());
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.state.read().flags.len()
    }

    pub(crate) fn is_retired(&self, flag: &str) -> bool {
        self.state.read().retired.contains(flag)
    }

    /// The flags that have their place for good, by key.
    pub(crate) fn all(&self) -> Vec<Box<str>> {
        let state = self.state.read();
        let taken = state.flags.iter().filter(|(_, place)| **place == Place::Taken);
        let mut flags: Vec<_> = taken.map(|(flag, _)| flag.clone()).collect();
        flags.sort();
        flags
    }
}

impl Reservations {
    fn holds(&self, flag: &str) -> bool {
        self.flags.iter().any(|held| **held == *flag)
    }

    pub(crate) fn revived(&self) -> &[Box<str>] {
        &self.revived
    }
}
