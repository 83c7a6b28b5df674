//! A commit of the store.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use exposure_core::{Admission, Admitted, Dialect, Rules, Timestamp, admit};
use exposure_proto::convert;
use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
use exposure_store::{Batch, KeyId, Origin, ProjectId, Store as _};
use exposure_store_embedded::disk::MemDisk;
use exposure_store_embedded::{EmbeddedStore, Options, Work};
use futures::executor::block_on;

use super::counted::{Part, Result, only_this_is_counted};
use super::events::{BEGIN, encoded};
use super::format_file;

pub(crate) const PARTS: &[Part] = &[
    Part { name: "commit-1-100-times", n_events: 100, run: || commits(1, 100) },
    Part { name: "commit-1000", n_events: 1000, run: || commits(1000, 1) },
];

/// Commits that go before: profiles, buffers and tables are there.
const BEFORE: u64 = 60;
const USERS: u64 = 3000;

/// Commits batches of `n_events` fresh events over profiles that are there, one after the other.
///
/// Counted is what the committing thread does until it waits for the log: it prepares the frame, decides and merges
/// under the lock, and appends. Waiting is not counted, for how long it is differs.
fn commits(n_events: u64, n_batches: u64) -> Result<()> {
    let (disk, dir) = (MemDisk::new(), Path::new("data"));
    format_file::write(&disk, dir)?;
    // Without threads: what is beside a commit would differ from run to run.
    let options = Options { segment_bytes: 4 << 20, driven: true, ..Options::new(dir) };
    let store = EmbeddedStore::open_on(Arc::new(disk), options, Timestamp::from_micros(BEGIN))?;
    for number in 0..BEFORE {
        commit(&store, &encoded(number * 1000, 1000, USERS), |poll| poll())?;
    }
    for number in 0..n_batches {
        let bytes = encoded(BEFORE * 1000 + number * n_events, n_events, USERS);
        commit(&store, &bytes, only_this_is_counted)?;
    }
    block_on(store.close())?;
    Ok(())
}

/// Commits the events of a request; `count` is given the part before the wait.
fn commit(store: &EmbeddedStore, bytes: &[u8], count: fn(&mut dyn FnMut())) -> Result<()> {
    let now = Timestamp::from_micros(BEGIN);
    let origin = Origin { project: ProjectId(1), key: KeyId(1), received: now, now };
    let request = IngestRequestRef::decode(bytes, DecodeLimits::default())?;
    let events = admitted(&request)?;
    let batch = Batch { origin, events: &events, rejects: &[] };
    let mut commit = pin!(store.commit(&batch));
    let mut context = Context::from_waker(Waker::noop());
    let mut polled = Poll::Pending;
    count(&mut || polled = commit.as_mut().poll(&mut context));
    let results = loop {
        if let Poll::Ready(results) = polled {
            break results?;
        }
        if !store.work(Work::Log)? {
            return Err("the commit waits for nothing".into());
        }
        polled = commit.as_mut().poll(&mut context);
    };
    store.work(Work::Segments)?;
    if results.len() == events.len() { Ok(()) } else { Err("not every event was committed".into()) }
}

fn admitted<'a>(request: &'a IngestRequestRef<'a>) -> Result<Vec<Admitted<'a>>> {
    let rules = Rules::new(Dialect::Native, Timestamp::from_micros(i64::MAX / 2));
    let mut events = Vec::with_capacity(request.events.len());
    for event in &request.events {
        if let Admission::Event(event) = admit(&convert::incoming(request, event)?, &rules)? {
            events.push(event);
        }
    }
    Ok(events)
}
