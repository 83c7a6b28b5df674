//! Recovery on two threads: one reads the log and works out keys and numbers, the other merges.

use std::sync::mpsc::{Receiver, sync_channel};

use exposure_store::{Error, Result};

use super::Prepared;
use super::history::damaged;
use super::prepare::Numbers;
use super::replay::Replay;
use super::state::log_error;
use crate::frame::{FrameRef, InsertTexts, Malformed, Records};
use crate::intern::Interner;
use crate::keys::Secret;
use crate::log::{Log, LogError, Replay as Taking, ReplayError};

/// Groups that may wait to be merged.
const GROUPS_AHEAD: usize = 4;

/// A group of the log on its way to who merges it.
struct Group {
    position: u64,
    payload: Vec<u8>,
    keys: Vec<Prepared>,
}

/// What a log gives its groups to while it opens, and whom it tells that there are no more.
pub(crate) type Opening<'o> = dyn FnMut(
        &mut Taking<'_>,
        &mut dyn FnMut() -> std::result::Result<(), ReplayError>,
    ) -> std::result::Result<Log, LogError>
    + 'o;

/// Opens a log and merges what it replays; on one thread if all is to happen in one order.
///
/// All of it is merged before the log takes anything new.
pub(crate) fn recover(
    replay: &mut Replay<'_>,
    on_one_thread: bool,
    open: &mut Opening<'_>,
) -> Result<Log> {
    let (interner, secret) = (replay.interner, replay.secret);
    if on_one_thread {
        let mut merge = |position, payload: &[u8]| {
            let keys = keys(interner, secret, position, payload)?;
            replay.group(position, payload, &mut keys.into_iter()).map_err(Into::into)
        };
        return open(&mut merge, &mut || Ok(())).map_err(cause);
    }
    std::thread::scope(|scope| {
        let (sender, groups) = sync_channel::<Group>(GROUPS_AHEAD);
        let mut merging = Some(scope.spawn(move || merge_all(replay, groups)));
        let mut sender = Some(sender);
        let mut failure = None;
        let opened = {
            let sender = std::cell::RefCell::new(&mut sender);
            let mut send = |position, payload: &[u8]| -> std::result::Result<(), ReplayError> {
                let keys = keys(interner, secret, position, payload)?;
                let group = Group { position, payload: payload.to_vec(), keys };
                let sent = sender.borrow().as_ref().map(|sender| sender.send(group));
                // Whoever merges has failed and says below why.
                if matches!(sent, Some(Ok(()))) { Ok(()) } else { Err(Error::Closed.into()) }
            };
            let mut end = || -> std::result::Result<(), ReplayError> {
                sender.borrow_mut().take();
                let merged = merging.take().map_or(Ok(()), join);
                failure = merged.as_ref().err().cloned();
                merged.map_err(Into::into)
            };
            open(&mut send, &mut end)
        };
        drop(sender);
        if let Some(merging) = merging {
            join(merging)?;
        }
        match failure {
            Some(failure) => Err(failure),
            None => opened.map_err(cause),
        }
    })
}

fn merge_all(replay: &mut Replay<'_>, groups: Receiver<Group>) -> Result<()> {
    for Group { position, payload, keys } in groups {
        replay.group(position, &payload, &mut keys.into_iter())?;
    }
    Ok(())
}

fn join(merging: std::thread::ScopedJoinHandle<'_, Result<()>>) -> Result<()> {
    merging.join().unwrap_or_else(|_| {
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

/// The keys and numbers of a group's events, in their order.
fn keys(
    interner: &Interner,
    secret: &Secret,
    position: u64,
    payload: &[u8],
) -> Result<Vec<Prepared>> {
    let mut numbers = Numbers::new(interner, secret);
    let (mut keys, mut texts) = (Vec::new(), InsertTexts::default());
    let (mut base, mut rest) = (position, payload);
    while !rest.is_empty() {
        let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(base, what))?;
        if frame.kind.is_events() {
            let records =
                Records::of(base, &frame, &mut texts).map_err(|what| damaged(base, what))?;
            let origin = *records.origin();
            keys.reserve(frame.n_events.min(frame.bytes.len()));
            for (position, record) in records {
                let record = record.map_err(|what| damaged(position, what))?;
                let prepared = numbers.prepare(&origin, &record.event, record.insert_uuid);
                keys.push(prepared.map_err(|_| {
                    damaged(position, Malformed("more texts than there are numbers"))
                })?);
            }
        }
        base += frame.bytes.len() as u64;
        rest = behind;
    }
    Ok(keys)
}
