//! The log: a frame is appended, by the thread that committed it.

use std::path::Path;
use std::sync::Arc;

use exposure_store_embedded::disk::MemDisk;
use exposure_store_embedded::log::{Log, LogOptions};

use super::counted::{Part, Result, only_this_is_counted};

pub(crate) const PARTS: &[Part] = &[Part { name: "log-append-1000", n_events: 1000, run: append }];

/// Appends the bytes of a thousand events; the write and the sync are another thread's.
fn append() -> Result<()> {
    let disk = Arc::new(MemDisk::new());
    let log = Log::open(disk, Path::new("log"), LogOptions::default(), |_, _| Ok(()))?;
    let payload = vec![7; 120_000];
    // The first one makes buffers.
    let end = log.lock()?.push(&payload)? + payload.len() as u64;
    log.wait_durable(end).block()?;
    let mut pushed = None;
    only_this_is_counted(&mut || {
        pushed = log.lock().and_then(|mut appender| appender.push(&payload)).ok();
    });
    let end = pushed.ok_or("the log took nothing")? + payload.len() as u64;
    log.wait_durable(end).block()?;
    log.close()?;
    Ok(())
}
