//! A disk that notes every operation, fails some, and is found as a crash at any of them leaves it.

use std::hash::Hasher as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exposure_store_embedded::disk::{Disk, Entry, File, MemDisk, Op, OpenMode, SplitMix};
use parking_lot::Mutex;

use super::tally::Tally;

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full from now on: whatever needs room fails, a write after half of its bytes.
    Full,
    /// The device fails, once.
    Io,
    /// The device fails a sync, once, and what was to be synced is never written.
    SyncDrops,
    /// A signal came.
    Interrupted,
    /// Half of it is done.
    Short,
}

/// How a process ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crash {
    Death,
    PowerLoss,
}

/// A fault that is to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// So many operations that it can be done to pass before.
    pub(crate) after: u64,
    pub(crate) fault: Fault,
    /// To what alone it is done, if so.
    pub(crate) op: Option<Op>,
}

/// A disk in memory with a fate.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk {
    memory: MemDisk,
    fate: Arc<Mutex<Fate>>,
}

#[derive(Debug)]
struct Fate {
    random: SplitMix,
    /// Over all operations: what, where, which bytes, and how it ended.
    trace: u64,
    n_ops: u64,
    fault: Option<Plan>,
    is_full: bool,
    crash: Option<(u64, Crash)>,
    /// What is found after the crash; nothing is done any more.
    found: Option<MemDisk>,
    tally: Tally,
}

impl SimDisk {
    pub(crate) fn new(memory: MemDisk, seed: u64) -> Self {
        let fate = Fate {
            random: SplitMix::new(seed),
            trace: 0,
            n_ops: 0,
            fault: None,
            is_full: false,
            crash: None,
            found: None,
            tally: Tally::default(),
        };
        Self { memory, fate: Arc::new(Mutex::new(fate)) }
    }

    /// Fails an operation that comes.
    pub(crate) fn plan_fault(&self, plan: Plan) {
        self.fate.lock().fault = Some(plan);
    }

    /// Crashes before an operation, after `after` more have passed.
    pub(crate) fn plan_crash(&self, after: u64, crash: Crash) {
        self.fate.lock().crash = Some((after, crash));
    }

    /// Whether a fault is still to come, or stays.
    pub(crate) fn is_ill(&self) -> bool {
        let fate = self.fate.lock();
        fate.is_full || fate.fault.is_some()
    }

    /// No faults from now on.
    pub(crate) fn heal(&self) {
        let mut fate = self.fate.lock();
        (fate.fault, fate.crash, fate.is_full) = (None, None, false);
    }

    /// Crashes now, unless it has.
    pub(crate) fn crash(&self, crash: Crash) {
        let mut fate = self.fate.lock();
        if fate.found.is_none() {
            fate.strike(&self.memory, crash);
        }
    }

    /// Goes on with what is found after a crash, when nobody uses what was before it any more.
    pub(crate) fn revive(&mut self) {
        let mut fate = self.fate.lock();
        if let Some(found) = fate.found.take() {
            self.memory = found;
        }
        (fate.fault, fate.crash, fate.is_full) = (None, None, false);
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.fate.lock().found.is_some()
    }

    /// A number that stands for all operations so far, and how many there were.
    pub(crate) fn trace(&self) -> (u64, u64) {
        let fate = self.fate.lock();
        (fate.trace, fate.n_ops)
    }

    pub(crate) fn tally(&self) -> Tally {
        self.fate.lock().tally.clone()
    }

    fn begin(&self, op: Op, path: &Path, at: u64, bytes: &[u8]) -> Result<(), Fault> {
        let mut fate = self.fate.lock();
        let ends = fate.begin(&self.memory, op, needs_room(op, at));
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(bytes);
        let how = ends.err().map_or(0, |fault| fault as u64 + 1);
        let mut state = std::hash::DefaultHasher::new();
        for field in [fate.trace, op as u64, at, u64::from(hasher.finalize()), how] {
            state.write_u64(field);
        }
        state.write(path.as_os_str().as_encoded_bytes());
        fate.trace = state.finish();
        fate.n_ops += 1;
        ends
    }

    /// For what cannot be done by half.
    fn pass(&self, op: Op, path: &Path, at: u64) -> io::Result<()> {
        self.begin(op, path, at, &[]).map_err(Fault::into_error)
    }
}

impl Fate {
    fn strike(&mut self, memory: &MemDisk, crash: Crash) {
        let seed = self.random.next_u64();
        let (found, what) = match crash {
            Crash::Death => (memory.after_process_death(), "process deaths"),
            Crash::PowerLoss => (memory.after_power_loss(seed), "power losses"),
        };
        self.found = Some(found);
        self.tally.count(what, 1);
    }

    fn begin(&mut self, memory: &MemDisk, op: Op, needs_room: bool) -> Result<(), Fault> {
        if self.found.is_some() {
            return Err(Fault::Io);
        }
        match &mut self.crash {
            Some((0, crash)) => {
                let crash = *crash;
                self.strike(memory, crash);
                return Err(Fault::Io);
            }
            Some((after, _)) => *after -= 1,
            None => {}
        }
        let fault =
            self.due(op, needs_room).or((self.is_full && needs_room).then_some(Fault::Full));
        let Some(fault) = fault else { return Ok(()) };
        let (name, on) = (fault.name(), name_of(op));
        let more = if fault == Fault::SyncDrops { ", pages dropped" } else { "" };
        self.tally.count(&format!("{name} on {on}{more}"), 1);
        Err(fault)
    }

    /// The planned fault, if this is its operation.
    fn due(&mut self, op: Op, needs_room: bool) -> Option<Fault> {
        let plan = self.fault.as_mut()?;
        let fits = match plan.fault {
            Fault::Full => needs_room,
            Fault::Short => matches!(op, Op::Read | Op::Write),
            Fault::SyncDrops => op == Op::Sync,
            Fault::Io | Fault::Interrupted => true,
        };
        if !fits || plan.op.is_some_and(|only| only != op) {
            return None;
        }
        if plan.after > 0 {
            plan.after -= 1;
            return None;
        }
        let fault = plan.fault;
        self.fault = None;
        self.is_full |= fault == Fault::Full;
        Some(fault)
    }
}

/// Of an open, `at` says whether it may make a file.
fn needs_room(op: Op, at: u64) -> bool {
    matches!(op, Op::Write | Op::Allocate | Op::Rename) || (op == Op::Open && at > 0)
}

fn name_of(op: Op) -> &'static str {
    match op {
        Op::Open => "open",
        Op::Read => "read",
        Op::Write => "write",
        Op::Truncate => "truncate",
        Op::Allocate => "allocate",
        Op::Sync => "sync",
        Op::SyncDir => "sync of a directory",
        Op::Rename => "rename",
        Op::Remove => "remove",
        Op::List => "list",
    }
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Full => "ENOSPC",
            Self::Io | Self::SyncDrops => "EIO",
            Self::Interrupted => "EINTR",
            Self::Short => "short",
        }
    }

    fn into_error(self) -> io::Error {
        io::Error::from_raw_os_error(match self {
            Self::Full => libc_errno::ENOSPC,
            Self::Io | Self::SyncDrops | Self::Short => libc_errno::EIO,
            Self::Interrupted => libc_errno::EINTR,
        })
    }
}

/// Numbers of Linux.
mod libc_errno {
    pub(super) const EINTR: i32 = 4;
    pub(super) const EIO: i32 = 5;
    pub(super) const ENOSPC: i32 = 28;
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let makes = matches!(mode, OpenMode::Create | OpenMode::CreateNew);
        self.pass(Op::Open, path, u64::from(makes))?;
        let inner = self.memory.open(path, mode)?;
        Ok(Arc::new(SimFile { inner, path: path.to_owned(), disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(Op::Rename, from, 0)?;
        self.memory.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass(Op::Remove, path, 0)?;
        self.memory.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.memory.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.pass(Op::List, dir, 0)?;
        self.memory.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass(Op::SyncDir, dir, 0)?;
        self.memory.sync_dir(dir)
    }
}

#[derive(Debug)]
struct SimFile {
    inner: Arc<dyn File>,
    path: PathBuf,
    disk: SimDisk,
}

impl SimFile {
    fn sync(&self, sync: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        match self.disk.begin(Op::Sync, &self.path, 0, &[]) {
            Ok(()) => sync(),
            Err(fault) => {
                if fault == Fault::SyncDrops {
                    self.disk.memory.fail_sync(&self.path);
                }
                Err(fault.into_error())
            }
        }
    }
}

impl File for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.disk.begin(Op::Read, &self.path, offset, &[]) {
            Ok(()) => self.inner.read_at(buf, offset),
            Err(Fault::Short) => {
                let half = buf.len().div_ceil(2);
                self.inner.read_at(&mut buf[..half], offset)
            }
            Err(fault) => Err(fault.into_error()),
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let half = &buf[..buf.len().div_ceil(2)];
        match self.disk.begin(Op::Write, &self.path, offset, buf) {
            Ok(()) => self.inner.write_at(buf, offset),
            Err(Fault::Short) => self.inner.write_at(half, offset),
            Err(fault) => {
                if fault == Fault::Full {
                    self.inner.write_at(half, offset)?;
                }
                Err(fault.into_error())
            }
        }
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.disk.pass(Op::Truncate, &self.path, len)?;
        self.inner.truncate(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.pass(Op::Allocate, &self.path, len)?;
        self.inner.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(|| self.inner.sync_data())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(|| self.inner.sync_all())
    }

    fn forget(&self, offset: u64, len: u64) {
        self.inner.forget(offset, len);
    }
}
