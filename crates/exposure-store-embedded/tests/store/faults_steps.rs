//! A step of retention, an erasure, a flag that is retired: whatever fails within, and whenever the
//! process dies or the power goes, it is found done or not done, and doing it again ends it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use exposure_core::{RawId, Registers, SeenTable};
use exposure_store::{
    Batch, Document, Error, KeyId, Origin, Result, StateHash, Store as _, StoredEvent,
    StoredReject, UsageRow,
};
use exposure_store_embedded::EmbeddedStore;
use exposure_store_embedded::disk::{Disk, Fault, FaultyDisk, MemDisk, Op};
use futures::executor::block_on;
use parking_lot::Mutex;

use super::retention::{Ids2, MINUTE, PROJECT, START, at, event, n_events, resolved, scanned};
use super::sabotage::{Flaky, Part, Place, Sabotage, Strike, in_parallel, say, stride};
use super::workload::options;

/// When the later events came in. Those before are not yet past retention, which is an hour.
const YOUNG: i64 = 50 * MINUTE;
/// When the first ones are.
const DUE: i64 = 70 * MINUTE;
/// Up to when the user is erased: before its last events.
const ERASED: i64 = 40;
const USERS: [&str; 3] = ["ann", "bob", "eve"];
const DEVICES: [&str; 4] = ["alone", "anns", "both", "young"];

fn ids() -> impl Iterator<Item = RawId<'static>> {
    USERS.map(RawId::User).into_iter().chain(DEVICES.map(RawId::Device))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Retention,
    Erase,
    RetireFlag,
}

fn open(disk: &(impl Disk + Clone)) -> Result<EmbeddedStore> {
    open_within(disk, usize::MAX)
}

/// Opens a store that keeps as much of the profiles in memory.
fn open_within(disk: &(impl Disk + Clone), memory_limit: usize) -> Result<EmbeddedStore> {
    let mut options = options(Path::new("data"));
    options.retention = Duration::from_hours(1);
    options.memory_limit = memory_limit;
    EmbeddedStore::open_on(Arc::new(disk.clone()), options, at(YOUNG))
}

/// Makes the store's clock what it says, without an event.
fn tell(store: &EmbeddedStore, now: i64) -> Result<()> {
    let origin = Origin { project: PROJECT, key: KeyId(1), received: at(now), now: at(now) };
    block_on(store.commit(&Batch { origin, events: &[], rejects: &[] })).map(|_| ())
}

/// A store with what each step needs: events of users and devices, old and young, some of them in
/// files, the last ones in the log alone.
fn image() -> MemDisk {
    let memory = MemDisk::new();
    let store = open(&memory).unwrap();
    let write = |ids: Ids2<'_>, flag, variant, time: i64, now: i64| {
        let origin = Origin { project: PROJECT, key: KeyId(1), received: at(now), now: at(now) };
        let event = event(ids, Some((flag, variant)), time);
        block_on(store.commit(&Batch { origin, events: &[event], rejects: &[] })).unwrap();
    };
    write((None, Some("alone")), "f", Some("a"), 1, 0);
    write((None, Some("alone")), "g", None, 2, 0);
    write((None, Some("anns")), "f", Some("b"), 3, 0);
    write((Some("ann"), Some("anns")), "g", Some("c"), 10, 0);
    write((None, Some("both")), "h", Some("past"), 5, 0);
    write((Some("ann"), Some("both")), "g", Some("d"), 20, 0);
    write((None, Some("both")), "h", Some("anns"), 25, 0);
    write((Some("bob"), Some("both")), "g", Some("e"), 30, 0);
    write((None, Some("both")), "h", Some("bobs"), 35, 0);
    write((Some("eve"), None), "f", Some("a"), 36, 0);
    write((Some("ann"), None), "k", Some("late"), 60, 0);
    store.settle().unwrap();
    write((Some("ann"), None), "f", Some("x"), YOUNG, YOUNG);
    write((None, Some("young")), "f", Some("y"), YOUNG + 1, YOUNG);
    write((Some("eve"), Some("young")), "g", None, YOUNG + 2, YOUNG);
    store.settle().unwrap();
    write((None, Some("alone")), "h", Some("z"), YOUNG + 3, YOUNG);
    write((None, Some("anns")), "h", Some("z"), YOUNG + 4, YOUNG);
    write((Some("bob"), None), "f", None, YOUNG + 5, YOUNG);
    drop(store);
    memory
}

impl Step {
    const ALL: [Self; 3] = [Self::Retention, Self::Erase, Self::RetireFlag];

    /// Does it; whether it said that it is done is noted before what may fail after.
    fn run(self, store: &EmbeddedStore, is_done: &AtomicBool) -> Result<()> {
        let done = || is_done.store(true, Ordering::SeqCst);
        match self {
            Self::Retention => {
                tell(store, DUE)?;
                store.settle()?;
                done();
                // The checkpoint learns of it.
                store.settle()
            }
            Self::Erase => {
                block_on(store.erase(PROJECT, "ann", at(ERASED)))?;
                done();
                store.settle()
            }
            Self::RetireFlag => {
                let bytes = b"retired".as_slice().into();
                let name = "retired-flag/1/f".into();
                block_on(store.put_document(&Document { name, version: 1, bytes }))?;
                done();
                Ok(())
            }
        }
    }
}

/// What can be asked of a store.
#[derive(Debug, PartialEq)]
struct View {
    hash: StateHash,
    n_events: u64,
    resolved: Vec<(Registers, SeenTable)>,
    histories: Vec<Vec<StoredEvent>>,
    scanned: BTreeSet<u64>,
    usage: Vec<UsageRow>,
    rejects: Vec<StoredReject>,
    documents: Vec<Document>,
}

impl View {
    fn of(store: &EmbeddedStore) -> Self {
        let all = scanned(store);
        let scanned: BTreeSet<u64> = all.iter().map(|event| event.position).collect();
        assert_eq!(all.len(), scanned.len(), "an event is there twice");
        let history = |id| block_on(store.history(PROJECT, id)).unwrap();
        Self {
            hash: block_on(store.state_hash()).unwrap(),
            n_events: n_events(store),
            resolved: ids().map(|id| resolved(store, id)).collect(),
            histories: ids().map(history).collect(),
            scanned,
            usage: block_on(store.usage(PROJECT, i64::MIN, i64::MAX)).unwrap(),
            rejects: block_on(store.rejects(PROJECT, None, 100)).unwrap(),
            documents: block_on(store.documents("")).unwrap(),
        }
    }

    /// Every event that some history shows.
    fn shown(&self) -> BTreeSet<u64> {
        self.histories.iter().flatten().map(|event| event.position).collect()
    }
}

/// A step, where it begins, and what is there before and after it.
struct Bench {
    step: Step,
    memory: MemDisk,
    before: View,
    after: View,
    /// Of retention: the hash when devices are folded, and the horizon has not moved.
    folded: Mutex<Option<StateHash>>,
    /// How often the step does each operation when nothing fails.
    counts: BTreeMap<Place, u64>,
}

impl Bench {
    fn new(step: Step, memory: MemDisk) -> Self {
        let before = View::of(&open(&memory.after_process_death()).unwrap());
        let copy = memory.after_process_death();
        let (disk, sabotage) = Sabotage::on(&copy, None);
        let store = open(&disk).unwrap();
        sabotage.arm(true);
        step.run(&store, &AtomicBool::new(false)).unwrap();
        sabotage.arm(false);
        let after = View::of(&store);
        drop(store);
        assert_eq!(View::of(&open(&copy).unwrap()), after, "{step:?}");
        assert_ne!(before, after, "{step:?}");
        Self { step, memory, before, after, folded: Mutex::default(), counts: sabotage.counts() }
    }

    /// What is found is what was before or what is to be after, and doing it again ends it.
    fn check(&self, found: &MemDisk, is_done: bool, what: &dyn std::fmt::Debug) {
        let store = match open(found) {
            Ok(store) => store,
            Err(error) => panic!("{what:?}: can not be opened again: {error}"),
        };
        let view = View::of(&store);
        if is_done {
            assert_eq!(view, self.after, "{what:?}");
        } else if self.step == Step::Retention {
            self.check_retention(&view, what);
        } else if view != self.before {
            assert_eq!(view, self.after, "{what:?}");
        }
        let again = self.step.run(&store, &AtomicBool::new(false));
        assert!(again.is_ok(), "{what:?}: {again:?}");
        assert_eq!(View::of(&store), self.after, "{what:?}, done again");
        drop(store);
        assert_eq!(View::of(&open(found).unwrap()), self.after, "{what:?}, done again and opened");
    }

    /// A step of retention is two records: devices are folded, then the horizon moves. Answers are
    /// the same in between, and each profile's history is the one before or the one after.
    fn check_retention(&self, view: &View, what: &dyn std::fmt::Debug) {
        let (before, after) = (&self.before, &self.after);
        assert_eq!(view.resolved, before.resolved, "{what:?}");
        assert_eq!(view.resolved, after.resolved, "{what:?}");
        assert_eq!((&view.usage, &view.rejects), (&before.usage, &before.rejects), "{what:?}");
        assert_eq!(view.n_events, view.shown().len() as u64, "{what:?}");
        if view.scanned == after.scanned {
            assert_eq!(view, after, "{what:?}");
            return;
        }
        assert_eq!(view.scanned, before.scanned, "{what:?}");
        let (users, devices) = view.histories.split_at(USERS.len());
        let is_anonymous = |event: &&StoredEvent| event.user.is_none();
        let anonymous = |events: &[Vec<StoredEvent>]| -> Vec<Vec<u64>> {
            let position = |event: &StoredEvent| event.position;
            events.iter().map(|e| e.iter().filter(is_anonymous).map(position).collect()).collect()
        };
        let (devices, users_before) = (anonymous(devices), &before.histories[..USERS.len()]);
        if devices == anonymous(&before.histories[USERS.len()..]) {
            assert_eq!(view, before, "{what:?}");
            return;
        }
        assert_eq!(devices, anonymous(&after.histories[USERS.len()..]), "{what:?}");
        assert_eq!(users, users_before, "{what:?}");
        let mut folded = self.folded.lock();
        assert_eq!(*folded.get_or_insert(view.hash), view.hash, "{what:?}");
    }

    /// Every how many operations of a place one is struck.
    fn stride((part, op): Place) -> usize {
        match (part, op) {
            // A checkpoint is struck everywhere in `faults`; here it knows of the step.
            (Part::Checkpoint, _) => 8 * stride(),
            (_, Op::Read) => stride(),
            _ => 1,
        }
    }

    fn strikes(&self) -> Vec<Strike> {
        let mut strikes = Vec::new();
        for (&place, &count) in &self.counts {
            let ways = [(Fault::Io, false), (Fault::Io, true), (Fault::OutOfSpace, true)];
            let is_possible = |(fault, _): &(Fault, bool)| {
                *fault == Fault::Io || !matches!(place.1, Op::Read | Op::List | Op::Remove)
            };
            for (turn, (fault, lasts)) in ways.into_iter().filter(is_possible).enumerate() {
                let stride = Self::stride(place);
                for after in (turn % stride..count as usize).step_by(stride) {
                    strikes.push(Strike { place, after: after as u64, fault, lasts });
                }
            }
        }
        strikes
    }

    /// Does the step with a fault, and looks at what is left; whether something was struck.
    fn strike(&self, strike: &Strike) -> bool {
        let memory = self.memory.after_process_death();
        let (disk, sabotage) = Sabotage::on(&memory, Some(*strike));
        let store = open(&disk).unwrap();
        sabotage.arm(true);
        let is_done = AtomicBool::new(false);
        let result = self.step.run(&store, &is_done);
        let what = (self.step, strike);
        assert!(!matches!(result, Err(Error::Corrupt { .. })), "{what:?}: {result:?}");
        assert!(!memory.forgot_too_soon(), "{what:?}");
        let lost = memory.after_power_loss(strike.after);
        let died = memory.after_process_death();
        drop(store);
        let is_done = is_done.into_inner();
        self.check(&lost, is_done, &(what, "lost power"));
        if strike.after.is_multiple_of(2) {
            self.check(&died, is_done, &(what, "died"));
        } else {
            self.check(&memory.after_process_death(), is_done, &(what, "dropped"));
        }
        sabotage.n_hits() > 0
    }

    /// What is found when the process dies or the power goes before an operation.
    fn crashes(&self) -> Vec<(MemDisk, bool, String)> {
        let memory = self.memory.after_process_death();
        let (found, is_done) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let counts: Mutex<BTreeMap<Place, usize>> = Mutex::default();
        let strides: BTreeMap<Place, usize> =
            self.counts.keys().map(|place| (*place, Self::stride(*place))).collect();
        let look = {
            let (memory, found, is_done) =
                (memory.clone(), Arc::clone(&found), Arc::clone(&is_done));
            move |place: Place| {
                let n = {
                    let mut counts = counts.lock();
                    let n = counts.entry(place).or_default();
                    *n += 1;
                    *n - 1
                };
                if matches!(place.1, Op::Read | Op::List)
                    || n % strides.get(&place).unwrap_or(&1) != 0
                {
                    return;
                }
                let is_done = is_done.load(Ordering::SeqCst);
                let mut found = found.lock();
                found.push((memory.after_process_death(), is_done, format!("{place:?} {n}, died")));
                for seed in 0..2 {
                    let lost = memory.after_power_loss(2 * n as u64 + seed);
                    found.push((lost, is_done, format!("{place:?} {n}, lost power by {seed}")));
                }
            }
        };
        let (disk, sabotage) = Sabotage::watched(&memory, look);
        let store = open(&disk).unwrap();
        sabotage.arm(true);
        self.step.run(&store, &is_done).unwrap();
        drop(store);
        std::mem::take(&mut *found.lock())
    }

    /// Interrupted and short operations are not noticed.
    fn check_flaky(&self, fault: Fault) {
        let memory = self.memory.after_process_death();
        let flaky = Arc::new(Flaky::new(fault));
        let disk = FaultyDisk::with_saboteur(Arc::new(memory.clone()), flaky);
        let store = open(&disk).unwrap();
        self.step.run(&store, &AtomicBool::new(false)).unwrap();
        drop(store);
        self.check(&memory.after_power_loss(1), true, &(self.step, fault));
    }
}

#[test]
fn a_step_is_done_or_not_done() {
    let memory = image();
    for step in Step::ALL {
        let began = Instant::now();
        let bench = Bench::new(step, memory.after_process_death());
        bench.check_flaky(Fault::Interrupted);
        bench.check_flaky(Fault::Short);
        let crashes = bench.crashes();
        in_parallel(&crashes, |(found, is_done, what)| bench.check(found, *is_done, what));
        let strikes = bench.strikes();
        let hits = in_parallel(&strikes, |strike| bench.strike(strike));
        let n_missed = hits.iter().filter(|hit| !**hit).count();
        say(&format!(
            "faults of {step:?}: {} crashes, {} failures ({n_missed} not struck because the \
             operation did not come) in {:?}",
            crashes.len(),
            strikes.len(),
            began.elapsed(),
        ));
        assert!(n_missed < strikes.len() / 2);
        if step == Step::Retention {
            assert!(bench.folded.lock().is_some(), "nothing was found between fold and horizon");
        }
    }
    assert!(START < at(DUE));
}

/// Looks after, and again when the checkpoint went round once more, and when it is opened again.
fn check_rests(bench: &Bench, memory: &MemDisk, store: &EmbeddedStore, what: &str) {
    assert_eq!(View::of(store), bench.after, "{what}");
    store.settle().unwrap();
    assert_eq!(View::of(store), bench.after, "{what}, settled");
    let found = memory.after_power_loss(0);
    assert_eq!(View::of(&open(&found).unwrap()), bench.after, "{what}, opened");
}

#[test]
fn an_erasure_while_its_profile_is_written_stays() {
    let bench = Bench::new(Step::Erase, image());
    let n_syncs = bench.counts.get(&(Part::Checkpoint, Op::Sync)).copied().unwrap();
    // One of them is of the file that the profile goes to.
    for chosen in 0..n_syncs {
        let memory = bench.memory.after_process_death();
        // Taken out in the end: the store holds its disk, which holds who looks, who holds the store.
        let opened: Arc<Mutex<Option<Arc<EmbeddedStore>>>> = Arc::default();
        let (n_seen, is_done) = (AtomicU64::new(0), Arc::new(AtomicBool::new(false)));
        let look = {
            let (opened, is_done) = (Arc::clone(&opened), Arc::clone(&is_done));
            move |place: Place| {
                let is_sync = place == (Part::Checkpoint, Op::Sync);
                if is_sync && n_seen.fetch_add(1, Ordering::SeqCst) == chosen {
                    let store = opened.lock().clone().unwrap();
                    block_on(store.erase(PROJECT, "ann", at(ERASED))).unwrap();
                    is_done.store(true, Ordering::SeqCst);
                }
            }
        };
        let (disk, sabotage) = Sabotage::watched(&memory, look);
        let store = Arc::new(open_within(&disk, 1).unwrap());
        *opened.lock() = Some(Arc::clone(&store));
        sabotage.arm(true);
        store.settle().unwrap();
        assert!(is_done.load(Ordering::SeqCst), "no erasure at sync {chosen}");
        sabotage.arm(false);
        opened.lock().take();
        check_rests(&bench, &memory, &store, &format!("erased at sync {chosen}"));
    }
}

#[test]
fn steps_go_well_where_profiles_are_on_disk_only() {
    let memory = image();
    for step in Step::ALL {
        let bench = Bench::new(step, memory.after_process_death());
        for _ in 0..4 {
            let memory = bench.memory.after_process_death();
            let store = open_within(&memory, 1).unwrap();
            step.run(&store, &AtomicBool::new(false)).unwrap();
            check_rests(&bench, &memory, &store, &format!("{step:?}"));
        }
    }
}
