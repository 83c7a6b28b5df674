//! Strikes chosen operations of a disk, and tries many cases at a time.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use exposure_store_embedded::disk::{Fault, FaultyDisk, MemDisk, Op, Saboteur};
use parking_lot::Mutex;

/// A part of the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Log,
    Checkpoint,
    /// Stored events, links, the window's runs, the format.
    Others,
}

impl Part {
    /// The part that a file or directory belongs to.
    fn of(path: &Path) -> Self {
        let is_in = |name| path.components().any(|part| part.as_os_str() == name);
        match () {
            () if is_in("log") => Self::Log,
            () if is_in("checkpoint") => Self::Checkpoint,
            () => Self::Others,
        }
    }
}

/// Operations that are counted together.
pub(crate) type Place = (Part, Op);

/// Which operation fails, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Strike {
    pub place: Place,
    /// So many of its place pass before.
    pub after: u64,
    pub fault: Fault,
    /// Whether all later ones of its kind fail too, wherever; where the disk is full, all that need room.
    pub lasts: bool,
}

impl Strike {
    /// Whether an operation fails that comes after the one that was struck first.
    fn hits_later(&self, op: Op) -> bool {
        let needs_room = matches!(op, Op::Write | Op::Allocate);
        self.lasts && (op == self.place.1 || (self.fault == Fault::OutOfSpace && needs_room))
    }
}

/// Looks at each operation before it is done.
type Look = dyn Fn(Place) + Send + Sync;

/// Counts operations, and strikes or looks at those it was told to.
pub(crate) struct Sabotage {
    strike: Option<Strike>,
    look: Option<Box<Look>>,
    is_armed: AtomicBool,
    counts: Mutex<BTreeMap<Place, u64>>,
    n_hits: AtomicU64,
}

impl std::fmt::Debug for Sabotage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sabotage").field("strike", &self.strike).finish_non_exhaustive()
    }
}

impl Sabotage {
    /// A disk that strikes, as soon as it is armed.
    pub(crate) fn on(memory: &MemDisk, strike: Option<Strike>) -> (FaultyDisk, Arc<Self>) {
        Self::with(memory, strike, None)
    }

    /// A disk that is looked at before each operation, as soon as it is armed.
    pub(crate) fn watched(
        memory: &MemDisk,
        look: impl Fn(Place) + Send + Sync + 'static,
    ) -> (FaultyDisk, Arc<Self>) {
        Self::with(memory, None, Some(Box::new(look)))
    }

    fn with(
        memory: &MemDisk,
        strike: Option<Strike>,
        look: Option<Box<Look>>,
    ) -> (FaultyDisk, Arc<Self>) {
        let this = Arc::new(Self {
            strike,
            look,
            is_armed: AtomicBool::new(false),
            counts: Mutex::default(),
            n_hits: AtomicU64::new(0),
        });
        let saboteur: Arc<dyn Saboteur> = Arc::<Self>::clone(&this);
        (FaultyDisk::with_saboteur(Arc::new(memory.clone()), saboteur), this)
    }

    /// Counts and strikes from now on.
    pub(crate) fn arm(&self, is_armed: bool) {
        self.is_armed.store(is_armed, Ordering::SeqCst);
    }

    /// How many operations there were of each place.
    pub(crate) fn counts(&self) -> BTreeMap<Place, u64> {
        self.counts.lock().clone()
    }

    /// How many operations were struck.
    pub(crate) fn n_hits(&self) -> u64 {
        self.n_hits.load(Ordering::SeqCst)
    }
}

impl Saboteur for Sabotage {
    fn strike(&self, op: Op, path: &Path) -> Option<Fault> {
        if !self.is_armed.load(Ordering::SeqCst) {
            return None;
        }
        let place = (Part::of(path), op);
        if let Some(look) = &self.look {
            look(place);
        }
        let before = {
            let mut counts = self.counts.lock();
            let count = counts.entry(place).or_default();
            *count += 1;
            *count - 1
        };
        let strike = self.strike?;
        let is_first = place == strike.place && before == strike.after;
        (is_first || (self.n_hits() > 0 && strike.hits_later(op))).then(|| {
            self.n_hits.fetch_add(1, Ordering::SeqCst);
            strike.fault
        })
    }
}

/// Strikes every operation at its first attempt, by file, and lets the next one pass.
#[derive(Debug)]
pub(crate) struct Flaky {
    fault: Fault,
    attempts: Mutex<BTreeMap<(Op, PathBuf), u64>>,
    hits: Mutex<BTreeMap<Op, u64>>,
}

impl Flaky {
    pub(crate) fn new(fault: Fault) -> Self {
        Self { fault, attempts: Mutex::default(), hits: Mutex::default() }
    }

    /// How many operations were struck, by kind.
    pub(crate) fn hits(&self) -> BTreeMap<Op, u64> {
        self.hits.lock().clone()
    }
}

impl Saboteur for Flaky {
    fn strike(&self, op: Op, path: &Path) -> Option<Fault> {
        // Nothing else can be done by half.
        if self.fault == Fault::Short && !matches!(op, Op::Read | Op::Write) {
            return None;
        }
        let is_first = {
            let mut attempts = self.attempts.lock();
            let count = attempts.entry((op, path.to_owned())).or_default();
            *count += 1;
            *count % 2 == 1
        };
        is_first.then(|| {
            *self.hits.lock().entry(op).or_default() += 1;
            self.fault
        })
    }
}

/// Of operations that are many and alike, one of so many is struck: `EXPOSURE_FAULT_STRIDE`, or 8.
pub(crate) fn stride() -> usize {
    #[expect(clippy::disallowed_methods, reason = "a setting of the test, for a longer run")]
    let set = std::env::var("EXPOSURE_FAULT_STRIDE");
    set.map_or(8, |stride| stride.parse::<usize>().unwrap().max(1))
}

/// Tells whoever runs the tests, also where they pass.
pub(crate) fn say(what: &str) {
    // `eprintln` would be kept from who sees only what fails.
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Ends the others when one ends by a panic.
struct Guard<'n>(&'n AtomicUsize);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(usize::MAX / 2, Ordering::Relaxed);
        }
    }
}

/// Does everything, several at a time; what they return is in no order.
pub(crate) fn in_parallel<T: Sync, R: Send>(cases: &[T], run: impl Fn(&T) -> R + Sync) -> Vec<R> {
    // The cases wait for threads of their stores now and then.
    let n_threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(cases.len())));
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                let _guard = Guard(&next);
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = run(case);
                    done.lock().push(result);
                }
            });
        }
    });
    done.into_inner()
}
