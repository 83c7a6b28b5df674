//! A file system whose n-th operation fails.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use super::{Disk, Entry, File, OpenMode};

/// A file system that passes everything on to another one, except what it was told to fail.
#[derive(Clone, Debug)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    plan: Arc<Mutex<Plan>>,
    saboteur: Option<Arc<dyn Saboteur>>,
}

/// Decides about each operation, by what is done and where.
pub trait Saboteur: Debug + Send + Sync {
    /// How the operation fails that is about to be done to a file or directory, if so. A rename is
    /// one of the older name.
    fn strike(&self, op: Op, path: &Path) -> Option<Fault>;
}

/// A kind of operation, counted apart from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Op {
    /// [`Disk::open`].
    Open,
    /// [`File::read_at`].
    Read,
    /// [`File::write_at`].
    Write,
    /// [`File::truncate`].
    Truncate,
    /// [`File::allocate`].
    Allocate,
    /// [`File::sync_data`] and [`File::sync_all`].
    Sync,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::list`].
    List,
}

impl Op {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Open,
        Self::Read,
        Self::Write,
        Self::Truncate,
        Self::Allocate,
        Self::Sync,
        Self::SyncDir,
        Self::Rename,
        Self::Remove,
        Self::List,
    ];
}

/// How an operation fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk is full (`ENOSPC`); a write leaves half of its bytes, as a full disk does.
    OutOfSpace,
    /// The device failed (`EIO`); nothing was done.
    Io,
    /// A signal came (`EINTR`); nothing was done, and doing it again works.
    Interrupted,
    /// Half of the bytes are written or read, without an error; other operations pass.
    Short,
}

#[derive(Debug, Default)]
struct Plan {
    counts: BTreeMap<Op, u64>,
    faults: Vec<Planned>,
    n_hits: u64,
}

#[derive(Debug)]
struct Planned {
    op: Op,
    first: u64,
    last: u64,
    fault: Fault,
}

impl FaultyDisk {
    /// A file system that fails nothing yet.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        Self { inner, plan: Arc::default(), saboteur: None }
    }

    /// A file system that fails what somebody decides, beside what is planned.
    pub fn with_saboteur(inner: Arc<dyn Disk>, saboteur: Arc<dyn Saboteur>) -> Self {
        Self { saboteur: Some(saboteur), ..Self::new(inner) }
    }

    /// Fails the operation of this kind after `n` more have passed, once.
    pub fn fail_after(&self, op: Op, n: u64, fault: Fault) {
        self.plan_fault(op, n, 0, fault);
    }

    /// Fails every operation of this kind after `n` more have passed, until [`Self::heal`].
    pub fn fail_all_after(&self, op: Op, n: u64, fault: Fault) {
        self.plan_fault(op, n, u64::MAX / 2, fault);
    }

    /// Forgets all planned faults.
    pub fn heal(&self) {
        self.plan.lock().faults.clear();
    }

    /// How many operations of this kind were asked for.
    pub fn count(&self, op: Op) -> u64 {
        self.plan.lock().counts.get(&op).copied().unwrap_or_default()
    }

    /// How many operations were failed.
    pub fn n_hits(&self) -> u64 {
        self.plan.lock().n_hits
    }

    fn plan_fault(&self, op: Op, after: u64, more: u64, fault: Fault) {
        let mut plan = self.plan.lock();
        let first = plan.counts.get(&op).copied().unwrap_or_default() + after;
        plan.faults.push(Planned { op, first, last: first + more, fault });
    }

    fn check(&self, op: Op, path: &Path) -> Result<(), Fault> {
        // Without the lock: the saboteur may look at the file system meanwhile.
        let struck = self.saboteur.as_ref().and_then(|saboteur| saboteur.strike(op, path));
        let mut plan = self.plan.lock();
        let count = plan.counts.entry(op).or_default();
        let this = *count;
        *count += 1;
        let hit = plan.faults.iter().find(|f| f.op == op && f.first <= this && this <= f.last);
        match hit.map(|planned| planned.fault).or(struck) {
            Some(fault) => {
                plan.n_hits += 1;
                Err(fault)
            }
            None => Ok(()),
        }
    }

    /// For operations that cannot be done by half.
    fn pass(&self, op: Op, path: &Path) -> io::Result<()> {
        match self.check(op, path) {
            Ok(()) | Err(Fault::Short) => Ok(()),
            Err(fault) => Err(fault.into_error()),
        }
    }
}

impl Fault {
    fn into_error(self) -> io::Error {
        match self {
            Self::OutOfSpace => io::Error::from_raw_os_error(libc::ENOSPC),
            Self::Io => io::Error::from_raw_os_error(libc::EIO),
            Self::Interrupted => io::Error::from_raw_os_error(libc::EINTR),
            Self::Short => io::ErrorKind::WriteZero.into(),
        }
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        self.pass(Op::Open, path)?;
        let inner = self.inner.open(path, mode)?;
        Ok(Arc::new(FaultyFile { inner, path: path.to_owned(), disk: self.clone() }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.pass(Op::Rename, from)?;
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.pass(Op::Remove, path)?;
        self.inner.remove(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.inner.create_dir(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        self.pass(Op::List, dir)?;
        self.inner.list(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.pass(Op::SyncDir, dir)?;
        self.inner.sync_dir(dir)
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Arc<dyn File>,
    /// As it was opened; it may have been renamed since.
    path: PathBuf,
    disk: FaultyDisk,
}

impl File for FaultyFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        match self.disk.check(Op::Read, &self.path) {
            Ok(()) => self.inner.read_at(buf, offset),
            Err(Fault::Short) => {
                let half = buf.len().div_ceil(2);
                self.inner.read_at(buf.get_mut(..half).unwrap_or_default(), offset)
            }
            Err(fault) => Err(fault.into_error()),
        }
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        let half = buf.get(..buf.len().div_ceil(2)).unwrap_or_default();
        match self.disk.check(Op::Write, &self.path) {
            Ok(()) => self.inner.write_at(buf, offset),
            Err(Fault::Short) => self.inner.write_at(half, offset),
            Err(fault) => {
                if fault == Fault::OutOfSpace {
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
        self.disk.pass(Op::Truncate, &self.path)?;
        self.inner.truncate(len)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.disk.pass(Op::Allocate, &self.path)?;
        self.inner.allocate(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.pass(Op::Sync, &self.path)?;
        self.inner.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.disk.pass(Op::Sync, &self.path)?;
        self.inner.sync_all()
    }

    fn forget(&self, offset: u64, len: u64) {
        self.inner.forget(offset, len);
    }
}
