//! Appending is bounded.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};

use super::support::{append, open, options, read_all};
use crate::disk::{Disk, Entry, File, MemDisk, OpenMode};
use crate::log::LogError;

/// A disk whose writes wait until they are let through.
#[derive(Clone, Debug)]
struct GatedDisk {
    inner: MemDisk,
    gate: Arc<parking_lot::RwLock<()>>,
}

#[derive(Debug)]
struct GatedFile {
    inner: Arc<dyn File>,
    gate: Arc<parking_lot::RwLock<()>>,
}

impl Disk for GatedDisk {
    fn open(&self, path: &std::path::Path, mode: OpenMode) -> std::io::Result<Arc<dyn File>> {
        Ok(Arc::new(GatedFile {
            inner: self.inner.open(path, mode)?,
            gate: Arc::clone(&self.gate),
        }))
    }
    fn rename(&self, from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
        self.inner.rename(from, to)
    }
    fn remove(&self, path: &std::path::Path) -> std::io::Result<()> {
        self.inner.remove(path)
    }
    fn create_dir(&self, path: &std::path::Path) -> std::io::Result<()> {
        self.inner.create_dir(path)
    }
    fn list(&self, dir: &std::path::Path) -> std::io::Result<Vec<Entry>> {
        self.inner.list(dir)
    }
    fn sync_dir(&self, dir: &std::path::Path) -> std::io::Result<()> {
        self.inner.sync_dir(dir)
    }
}

impl File for GatedFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> std::io::Result<usize> {
        self.inner.read_at(buf, offset)
    }
    fn write_at(&self, buf: &[u8], offset: u64) -> std::io::Result<usize> {
        let _passed = self.gate.read();
        self.inner.write_at(buf, offset)
    }
    fn len(&self) -> std::io::Result<u64> {
        self.inner.len()
    }
    fn truncate(&self, len: u64) -> std::io::Result<()> {
        self.inner.truncate(len)
    }
    fn allocate(&self, len: u64) -> std::io::Result<()> {
        self.inner.allocate(len)
    }
    fn sync_data(&self) -> std::io::Result<()> {
        self.inner.sync_data()
    }
    fn sync_all(&self) -> std::io::Result<()> {
        self.inner.sync_all()
    }
    fn forget(&self, offset: u64, len: u64) {
        self.inner.forget(offset, len);
    }
}

#[test]
fn a_slow_disk_holds_up_those_who_append() {
    let gate = Arc::new(parking_lot::RwLock::new(()));
    let disk = GatedDisk { inner: MemDisk::new(), gate: Arc::clone(&gate) };
    let mut options = options(1 << 20);
    options.max_pending_bytes = 1000;
    let (log, _) = open(&disk, options).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    assert!(matches!(pin!(log.ready()).poll(&mut context), Poll::Ready(Ok(()))));

    let closed = gate.write();
    let mut appended: Vec<_> = (0..10).map(|n| append(&log, n, 100).unwrap()).collect();
    assert_eq!(log.pending_bytes(), 1000);
    let mut ready = pin!(log.ready());
    assert!(ready.as_mut().poll(&mut context).is_pending());
    let begins = Barrier::new(2);
    std::thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            begins.wait();
            append(&log, 10, 100).unwrap()
        });
        begins.wait();
        assert_eq!(log.pending_bytes(), 1000);
        drop(closed);
        appended.push(blocked.join().unwrap());
    });
    log.wait_durable(log.end()).block().unwrap();
    super::support::eventually("room", || log.pending_bytes() == 0);
    assert!(matches!(ready.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    assert_eq!(read_all(&log, 0), appended);
    log.close().unwrap();
    assert!(matches!(pin!(log.ready()).poll(&mut context), Poll::Ready(Err(LogError::Closed))));
}
