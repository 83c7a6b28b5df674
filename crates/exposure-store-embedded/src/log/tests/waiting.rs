//! Nobody waits for ever, and nobody is told too early.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::support::{append, append_durable, open, options, parse, read_all};
use crate::disk::{Fault, FaultyDisk, MemDisk, Op};
use crate::log::LogError;

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn many_threads_wait_for_their_own_positions() {
    const N_THREADS: u64 = 16;
    const N_EACH: u64 = 150;
    let disk = MemDisk::new();
    let mut options = options(1 << 16);
    options.max_pending_bytes = 500;
    let (log, _) = open(&disk, options.clone()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..N_THREADS {
            let log = &log;
            scope.spawn(move || {
                for n in 0..N_EACH {
                    let (position, _) = append(log, thread * N_EACH + n, 120).unwrap();
                    let wait = log.wait_durable(position + 120);
                    if n % 10 == 0 {
                        // Given up after it was registered.
                        let mut wait = pin!(log.wait_durable(position + 120));
                        let _pending = wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                    }
                    wait.block().unwrap();
                    assert!(position + 120 <= log.durable());
                }
            });
        }
    });
    let found = read_all(&log, 0);
    let mut numbers: Vec<_> = found.iter().map(|(_, number)| *number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..N_THREADS * N_EACH).collect::<Vec<_>>());
    let metrics = log.metrics();
    assert!(metrics.groups < N_THREADS * N_EACH, "groups were shared: {metrics:?}");
    assert_eq!(metrics.payload_bytes, N_THREADS * N_EACH * 120);
    log.close().unwrap();
    drop(log);
    assert_eq!(open(&disk, options).unwrap().1, found);
}

#[test]
fn waiters_are_woken_once_and_only_when_reached() {
    let (log, _) = open(&MemDisk::new(), options(4096)).unwrap();
    let count = Arc::new(Count::default());
    let waker = Arc::clone(&count).into();
    let mut context = Context::from_waker(&waker);
    let far = log.end() + 2000;
    let mut waits: Vec<_> = (0..64).map(|_| Box::pin(log.wait_durable(far))).collect();
    for wait in &mut waits {
        assert!(wait.as_mut().poll(&mut context).is_pending());
        assert!(wait.as_mut().poll(&mut context).is_pending(), "polling again is harmless");
    }
    append_durable(&log, 1, 100).unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 0);
    waits.truncate(32);
    let (position, _) = append_durable(&log, 2, 2500).unwrap();
    assert!(far <= position + 2500);
    super::support::eventually("waking", || count.0.load(Ordering::SeqCst) == 32);
    for mut wait in waits {
        assert!(matches!(wait.as_mut().poll(&mut context), Poll::Ready(Ok(()))));
    }
}

#[test]
fn every_waiter_hears_of_a_failed_sync() {
    let disk = FaultyDisk::new(Arc::new(MemDisk::new()));
    let (log, _) = open(&disk, options(1 << 20)).unwrap();
    let durable = append_durable(&log, 0, 50).unwrap();
    disk.fail_all_after(Op::Sync, 0, Fault::Io);
    std::thread::scope(|scope| {
        for n in 0..32 {
            let log = &log;
            scope.spawn(move || {
                let failure = append_durable(log, n, 50).unwrap_err();
                assert!(matches!(&failure, LogError::Poisoned { .. }), "{failure}");
                assert!(!failure.is_out_of_space());
                assert!(failure.to_string().contains("cannot sync"), "{failure}");
            });
        }
    });
    assert_eq!(read_all(&log, 0), [durable]);
    // Also once it is reopened on a disk that works, though the failed groups may be there.
    drop(log);
    disk.heal();
    let (log, found) = open(&disk, options(1 << 20)).unwrap();
    assert_eq!(found[0], durable);
    append_durable(&log, 1, 50).unwrap();
}

#[test]
fn closing_ends_all_waiting() {
    let (log, _) = open(&MemDisk::new(), options(4096)).unwrap();
    let (position, _) = append(&log, 0, 50).unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| log.wait_durable(position + 1_000_000).block());
        log.close().unwrap();
        assert!(matches!(waiter.join().unwrap(), Err(LogError::Closed)));
    });
    assert!(position + 50 <= log.durable(), "what was appended is written");
    assert!(matches!(log.lock(), Err(LogError::Closed)));
    log.close().unwrap();
}

#[test]
fn a_reader_follows_the_log() {
    let (log, _) = open(&MemDisk::new(), options(1024)).unwrap();
    std::thread::scope(|scope| {
        let follower = scope.spawn(|| {
            let mut reader = log.reader(0).unwrap();
            let mut found = Vec::new();
            while found.len() < 200 {
                match reader.next_group().unwrap() {
                    Some(group) => {
                        assert!(group.end() <= log.durable());
                        found.extend(parse(group.position, group.payload));
                    }
                    None => reader.wait().block().unwrap(),
                }
            }
            (found, reader.position())
        });
        let appended: Vec<_> = (0..200)
            .map(|n| {
                if n % 4 == 0 { append_durable(&log, n, 90) } else { append(&log, n, 90) }.unwrap()
            })
            .collect();
        let (found, position) = follower.join().unwrap();
        assert_eq!(found, appended);
        assert!(log.reader(position).unwrap().next_group().unwrap().is_none());
    });
}
