//! Recovery on several threads: one reads the log, each of some merges it into the shards that are its own, and one
//! adds insert ids to the window.
//!
//! Each of those who merge passes over all records, and reads those that are of its own profiles: whose a record is
//! takes a hash of an id or two, and what they share is the bytes alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::ScopedJoinHandle;

use exposure_store::{Error, Result};

use super::State;
use super::open::window_error;
use super::replay::{Context, Replay, ReplayedId, Share};
use super::state::log_error;
use crate::log::{Log, LogError, Payload, Replay as Taking, ReplayError};
use crate::state::{Ledger, N_SHARDS, Shard};
use crate::window::Window;

/// Bytes of log that are handed on at once.
const BATCH_BYTES: usize = 256 << 10;
/// Batches that may wait to be merged.
const BATCHES_AHEAD: usize = 8;
/// Insert ids whose place in the window is asked for ahead of the one that is added.
const IDS_AHEAD: usize = 16;
/// More than all events there can be: what is taken out of a part of the counts need not be in it.
const EVENTS_LENT: u64 = 1 << 62;

/// Groups of the log, each behind its position.
type Batch = Arc<Vec<(u64, Payload)>>;

/// What a log gives its groups to while it opens, and whom it tells that there are no more.
pub(crate) type Opening<'o> = dyn FnMut(
        &mut Taking<'_>,
        &mut dyn FnMut() -> std::result::Result<(), ReplayError>,
    ) -> std::result::Result<Log, LogError>
    + 'o;

/// What a replay came to.
pub(crate) struct Recovered {
    pub log: Log,
    pub state: State,
    pub any_erased: bool,
    pub n_records: u64,
}

/// Opens a log and merges what it replays into what was loaded; on one thread if all is to happen in one order.
///
/// All of it is merged before the log takes anything new.
pub(crate) fn recover(
    context: &Context<'_>,
    shards: Vec<Shard>,
    ledger: Ledger,
    mut window: Window,
    positions: &[u64],
    on_one_thread: bool,
    open: &mut Opening<'_>,
) -> Result<Recovered> {
    let n_threads = if on_one_thread {
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8)
    };
    let mut parts = split(context, shards, ledger, &window, positions, n_threads);
    let log = match parts.as_mut_slice() {
        [part] => open_alone(part, &mut window, open),
        parts => open_together(parts, &mut window, open),
    }?;
    let any_erased = parts.iter().any(|part| part.any_erased);
    let n_records = parts.iter().map(|part| part.n_records).sum();
    Ok(Recovered { log, state: gather(parts, window), any_erased, n_records })
}

/// Gives each of those who will replay the shards that are its own.
fn split<'s>(
    context: &'s Context<'s>,
    shards: Vec<Shard>,
    ledger: Ledger,
    window: &Window,
    positions: &[u64],
    of: usize,
) -> Vec<Replay<'s>> {
    let position = ledger.position;
    let mut parts: Vec<_> = (0..of)
        .map(|index| {
            let mut state = State::new(window.stand_in());
            state.ledger.position = position;
            let share = Share { index, of };
            Replay::new(context, share, state, positions.iter().copied(), window.marks())
        })
        .collect();
    if let Some(first) = parts.first_mut() {
        first.state.ledger = ledger;
        first.state.ledger.n_events += EVENTS_LENT;
    }
    for (number, shard) in shards.into_iter().enumerate() {
        if let Some(part) = parts.iter_mut().find(|part| part.share.has(number)) {
            part.state.shards[number] = shard;
        }
    }
    parts
}

/// Puts the parts together again.
fn gather(parts: Vec<Replay<'_>>, window: Window) -> State {
    let mut whole = State::new(window);
    for part in parts {
        let Replay { mut state, share, .. } = part;
        for number in (0..N_SHARDS).filter(|number| share.has(*number)) {
            std::mem::swap(&mut whole.shards[number], &mut state.shards[number]);
        }
        if share.index == 0 {
            whole.ledger = state.ledger;
            whole.purges = state.purges;
        } else {
            whole.ledger.add(state.ledger);
        }
    }
    whole.ledger.n_events = whole.ledger.n_events.saturating_sub(EVENTS_LENT);
    whole
}

fn open_alone(part: &mut Replay<'_>, window: &mut Window, open: &mut Opening<'_>) -> Result<Log> {
    let mut numbers = part.numbers();
    let mut merge = |position, payload: Payload| {
        part.group(&mut numbers, position, &payload)?;
        let ids = std::mem::take(&mut part.ids);
        remember(window, &ids).map_err(Into::into)
    };
    open(&mut merge, &mut || Ok(())).map_err(cause)
}

fn open_together(
    parts: &mut [Replay<'_>],
    window: &mut Window,
    open: &mut Opening<'_>,
) -> Result<Log> {
    std::thread::scope(|scope| {
        let (mut threads, mut all_ids, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            let (sender, batches) = sync_channel::<Batch>(BATCHES_AHEAD);
            let (ids_sender, ids) = sync_channel(BATCHES_AHEAD);
            senders.push(sender);
            all_ids.push(ids);
            threads.push(scope.spawn(move || merge_all(part, &batches, &ids_sender)));
        }
        threads.push(scope.spawn(move || remember_all(window, &all_ids)));
        let feeder = std::cell::RefCell::new(Feeder { senders, batch: Vec::new(), n_bytes: 0 });
        let mut threads = Some(threads);
        let mut failure = None;
        let opened = {
            let mut send =
                |position, payload| feeder.borrow_mut().take(position, payload).map_err(Into::into);
            let mut end = || -> std::result::Result<(), ReplayError> {
                // Whoever merges and has failed says below why.
                let sent = feeder.borrow_mut().send();
                feeder.borrow_mut().senders.clear();
                let merged = threads.take().map_or(Ok(()), join).and(sent);
                failure = merged.as_ref().err().cloned();
                merged.map_err(Into::into)
            };
            open(&mut send, &mut end)
        };
        drop(feeder);
        if let Some(threads) = threads {
            join(threads)?;
        }
        match failure {
            Some(failure) => Err(failure),
            None => opened.map_err(cause),
        }
    })
}

/// Hands groups on, many at a time: to wake somebody takes longer than to merge a small one.
struct Feeder {
    senders: Vec<SyncSender<Batch>>,
    batch: Vec<(u64, Payload)>,
    n_bytes: usize,
}

impl Feeder {
    fn take(&mut self, position: u64, payload: Payload) -> Result<()> {
        self.n_bytes += payload.len();
        self.batch.push((position, payload));
        if self.n_bytes < BATCH_BYTES { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<()> {
        let batch = Arc::new(std::mem::take(&mut self.batch));
        self.n_bytes = 0;
        for sender in &self.senders {
            sender.send(Arc::clone(&batch)).map_err(|_| Error::Closed)?;
        }
        Ok(())
    }
}

fn merge_all(
    part: &mut Replay<'_>,
    batches: &Receiver<Batch>,
    ids: &SyncSender<Vec<ReplayedId>>,
) -> Result<()> {
    let mut numbers = part.numbers();
    for batch in batches {
        for (position, payload) in &*batch {
            part.group(&mut numbers, *position, payload)?;
        }
        if ids.send(std::mem::take(&mut part.ids)).is_err() {
            // The window has failed and says why.
            return Ok(());
        }
    }
    Ok(())
}

/// Adds the ids of each batch in the order of the log, whoever they come from.
fn remember_all(window: &mut Window, all_ids: &[Receiver<Vec<ReplayedId>>]) -> Result<()> {
    let mut of_batch = Vec::new();
    loop {
        of_batch.clear();
        for ids in all_ids {
            // There are no more, or somebody has failed and says why.
            let Ok(ids) = ids.recv() else { return Ok(()) };
            of_batch.extend(ids);
        }
        of_batch.sort_by_key(|id| id.position);
        remember(window, &of_batch)?;
    }
}

fn remember(window: &mut Window, ids: &[ReplayedId]) -> Result<()> {
    for (index, id) in ids.iter().enumerate() {
        if let Some(ahead) = ids.get(index + IDS_AHEAD) {
            window.prefetch(ahead.key, 0);
        }
        // Whoever merged the record has marked its owner.
        let mut marked = 0;
        let inserted_us = i64::try_from(id.inserted_us).unwrap_or(i64::MAX);
        let (received_us, position) = (id.received_us, id.position);
        window
            .add_replayed(id.key, id.content, received_us, inserted_us, position, Some(&mut marked))
            .map_err(window_error)?;
    }
    Ok(())
}

fn join(threads: Vec<ScopedJoinHandle<'_, Result<()>>>) -> Result<()> {
    let joined: Vec<_> = threads.into_iter().map(join_one).collect();
    joined.into_iter().collect()
}

fn join_one(thread: ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    thread.join().unwrap_or_else(|_| {
        Err(Error::Corrupt {
            file: "log".into(),
            what: "merging it failed in a way that it must not".into(),
        })
    })
}

/// Why a log could not be opened, as the port tells it.
fn cause(error: LogError) -> Error {
    match error {
        LogError::Replay { ref source, .. } => match source.downcast_ref::<Error>() {
            Some(cause) => cause.clone(),
            None => log_error(error),
        },
        error => log_error(error),
    }
}
