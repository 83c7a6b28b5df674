//! A commit: decide under the lock, let the log make it durable, answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use exposure_core::{Admitted, Effects, Limits};
use exposure_store::{Batch, Committed, Error, Origin, Reject, Result, StoredReject};
use parking_lot::{MutexGuard, RwLockReadGuard};

use super::locate::{Stagger, insert_owner};
use super::merge::{Merged, Numbered, Parts, merge_record};
use super::prepare::{Numbers, PreparedFrame, prepare_frame};
use super::state::log_error;
use super::{Inner, State};
use crate::frame::Status;
use crate::intern::Texts;
use crate::keys::ProfileKey;
use crate::state::shard_of;
use crate::window::Outcome;

/// Events of one frame: the lock is let go between frames, so that reads get their turn.
const FRAME_EVENTS: usize = 256;
/// Batches of so many events wait for their turn.
const TURN_EVENTS: usize = 32;
/// Rejects of one frame, as many as its header can count.
const FRAME_REJECTS: usize = 1024;
/// Bytes of a frame that are not exceeded by choice.
const FRAME_BYTES: usize = 8 << 20;

/// What of a batch goes into one frame.
struct Part<'b> {
    events: &'b [Admitted<'b>],
    rejects: &'b [Reject<'b>],
    prepared: PreparedFrame,
}

impl Inner {
    /// Merges a batch; durable when it returns.
    pub(crate) async fn commit(&self, batch: &Batch<'_>) -> Result<Vec<Committed>> {
        self.check_room()?;
        self.clock.fetch_max(batch.origin.now.as_micros().max(0) as u64, Ordering::Relaxed);
        let mut frames = self.prepare_frames(batch)?;
        let mut results = Vec::with_capacity(batch.events.len());
        let mut end = 0;
        if self.resident.load(Ordering::Relaxed) > self.options.memory_limit {
            drop(self.room.lock().await);
        }
        let warm = self.warm_parts(&frames)?;
        // A small batch is decided sooner than another task would get going.
        let is_small = batch.events.len() < TURN_EVENTS;
        let turn = if is_small { None } else { Some(self.turn.lock().await) };
        for part in &mut frames {
            self.log.ready().await.map_err(log_error)?;
            end = self.commit_frame(&batch.origin, part, warm, &mut results)?;
        }
        drop(turn);
        // Not before: others wait for their turn. Nor later: it is a kilobyte for three events.
        drop(frames);
        self.log.wait_durable(end).await.map_err(log_error)?;
        Ok(results)
    }

    /// Encodes a batch as frames, without any lock.
    fn prepare_frames<'b>(&self, batch: &Batch<'b>) -> Result<Vec<Part<'b>>> {
        let mut numbers = Numbers::new(&self.interner, &self.secret);
        let (mut events, mut rejects) = (batch.events, batch.rejects);
        let mut parts = Vec::with_capacity(events.len() / FRAME_EVENTS + 1);
        while !events.is_empty() || !rejects.is_empty() {
            let (now, later) = events.split_at(frame_events(events));
            let (now_rejects, later_rejects) = rejects.split_at(rejects.len().min(FRAME_REJECTS));
            (events, rejects) = (later, later_rejects);
            let prepared = prepare_frame(&mut numbers, &batch.origin, now, now_rejects)
                .map_err(|_| no_texts())?;
            parts.push(Part { events: now, rejects: now_rejects, prepared });
        }
        Ok(parts)
    }

    /// Decides a frame and appends it; returns the position behind it.
    fn commit_frame(
        &self,
        origin: &Origin,
        part: &mut Part<'_>,
        warm: Option<u64>,
        results: &mut Vec<Committed>,
    ) -> Result<u64> {
        let Part { events, rejects, prepared } = part;
        let (texts, mut locked) = self.lock_warm(prepared, warm)?;
        let state = &mut *locked;
        // A commit that failed half-way left the state ahead of the log: nothing may be decided by it.
        self.check_intact()?;
        if !state.window.has_room(events.len()) {
            return Err(Error::Exhausted {
                what: "the window of insert ids is at its bound; raise dedupe_max_bytes or wait"
                    .into(),
                retry_after: Duration::from_secs(1),
            });
        }
        let mut appender = self.log.lock().map_err(log_error)?;
        let length = prepared.frame.bytes.len();
        let base = appender.position_for(length).map_err(log_error)?;

        let touched = &prepared.events;
        let mut stagger = Stagger::new(origin.project, events.len());
        while let Some((index, at)) =
            stagger.next(state, |index| (&touched[index].0, &events[index]))
        {
            let (event, (keys, patch)) = (&events[index], &touched[index]);
            let position = base + u64::from(patch.at);
            let status = match decide(state, origin, event, keys, at, position) {
                Ok(status) => status,
                // The window remembers ids whose records are not written: only opening again helps.
                Err(cause) => return Err(self.poison(cause)),
            };
            let merged = merge_record(
                state,
                &texts,
                origin,
                event,
                keys,
                at,
                position,
                status,
                Parts::ALL,
                &self.options.limits,
            );
            if status == Status::Erased {
                let reject = Reject::erased(event);
                keep_reject(state, &texts, origin, &reject, position, &self.options.limits);
            }
            note(&mut prepared.frame.bytes, *patch, event, status, &merged);
            results.push(match status {
                Status::Merged => Committed::Merged(merged.effects),
                Status::Duplicate => Committed::Duplicate { conflict: false },
                Status::Conflict => Committed::Duplicate { conflict: true },
                Status::Erased => Committed::Erased,
            });
        }
        for (reject, at) in rejects.iter().zip(&prepared.rejects) {
            keep_reject(state, &texts, origin, reject, base + *at as u64, &self.options.limits);
        }
        // The log failed meanwhile: what was merged is in no log.
        appender.push(&prepared.frame.bytes).map_err(|error| self.poison(error.to_string()))?;
        state.ledger.position = base + length as u64;
        if !events.is_empty() {
            let end = state.ledger.position;
            state.ledger.arrivals.add(origin.now, end, self.options.retention);
        }
        let end = state.ledger.position;
        drop(appender);
        // Who waits to read gets the lock before the next frame does.
        MutexGuard::unlock_fair(locked);
        Ok(end)
    }

    /// Brings what a batch touches into memory before its turn: other batches go on meanwhile.
    fn warm_parts(&self, parts: &[Part<'_>]) -> Result<Option<u64>> {
        if !self.any_cold.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let keys: Vec<_> = parts.iter().flat_map(|part| part.prepared.keys()).collect();
        self.warm_ahead(&keys)
    }

    /// Locks the texts and the state, with every profile that the frame touches in memory. `warm` is the number of
    /// evictions when all of them were.
    ///
    /// The order is texts before state, here and everywhere: a text is never added under the
    /// state's lock, and reading a profile back may add some.
    fn lock_warm(
        &self,
        prepared: &PreparedFrame,
        warm: Option<u64>,
    ) -> Result<(RwLockReadGuard<'_, Texts>, MutexGuard<'_, State>)> {
        loop {
            let texts = self.interner.read();
            let state = self.state.lock();
            if !self.any_cold.load(Ordering::Relaxed) || warm == Some(state.evictions) {
                return Ok((texts, state));
            }
            let cold = self.cold_among(&state, prepared.keys());
            if cold.is_empty() {
                return Ok((texts, state));
            }
            drop((texts, state));
            self.warm(&cold)?;
        }
    }

    /// Refuses intake past a bound.
    pub(crate) fn check_room(&self) -> Result<()> {
        if self.log.is_short_of_room() {
            return Err(Error::Exhausted {
                what: "the disk has no room for another segment of the log; free some".into(),
                retry_after: Duration::from_secs(1),
            });
        }
        let unconverted = self.log.durable().saturating_sub(self.converted_position());
        if unconverted > self.options.max_unconverted {
            return Err(Error::Exhausted {
                what: format!("{unconverted} bytes of log wait to be turned into stored events"),
                retry_after: Duration::from_secs(5),
            });
        }
        Ok(())
    }
}

fn no_texts() -> Error {
    Error::Exhausted {
        what:
            "there are 16 million different flags, variants and runs; no number is left for another"
                .into(),
        retry_after: Duration::from_hours(1),
    }
}

/// How many events go into the next frame.
fn frame_events(events: &[Admitted<'_>]) -> usize {
    let mut bytes = 0;
    for (index, event) in events.iter().take(FRAME_EVENTS).enumerate() {
        bytes += event.payload.len();
        if bytes > FRAME_BYTES && index > 0 {
            return index;
        }
    }
    events.len().min(FRAME_EVENTS)
}

fn decide(
    state: &mut State,
    origin: &Origin,
    event: &Admitted<'_>,
    keys: &super::Prepared,
    at: Numbered,
    position: u64,
) -> std::result::Result<Status, String> {
    let erased = |key: ProfileKey, number| {
        let more = state.shard(key).get(number)?.more.as_deref()?;
        more.erased_until.filter(|until| event.time <= *until)
    };
    if erased(keys.raw, at.raw).is_some() {
        return Ok(Status::Erased);
    }
    let Some((insert, content)) = keys.insert else { return Ok(Status::Merged) };
    let (owner, number) = insert_owner(keys, at);
    let State { shards, window, .. } = state;
    let mut unknown = 0;
    let activity = match shards[shard_of(owner)].get_mut(number) {
        Some(profile) => &mut profile.activity,
        None => &mut unknown,
    };
    let outcome = window
        .check_and_add(
            insert,
            content,
            origin.received.as_micros(),
            origin.now.as_micros(),
            position,
            activity,
        )
        .map_err(|error| format!("the window of insert ids can not be read: {error}"))?;
    match outcome {
        Outcome::New => Ok(Status::Merged),
        Outcome::Duplicate { conflict: false } => Ok(Status::Duplicate),
        Outcome::Duplicate { conflict: true } => Ok(Status::Conflict),
        Outcome::Full => Err("the window of insert ids has less room than it said".into()),
    }
}

/// Writes what was decided into the encoded record.
fn note(
    frame: &mut [u8],
    patch: crate::frame::Patch,
    event: &Admitted<'_>,
    status: Status,
    merged: &Merged,
) {
    patch.status(frame, status);
    patch.previous(frame, merged.previous);
    patch.previous_device(frame, merged.previous_device);
    if merged.links_changed {
        patch.links_changed(frame);
    }
    let mut effects = Effects::as_slice(&merged.effects).iter().copied();
    if event.own_write().is_some()
        && let Some(effect) = effects.next()
    {
        patch.own_effect(frame, effect);
    }
    for (index, effect) in effects.enumerate() {
        patch.extra_effect(frame, event.extra.len(), index, effect);
    }
}

/// Keeps and counts a reject.
pub(crate) fn keep_reject(
    state: &mut State,
    texts: &Texts,
    origin: &Origin,
    reject: &Reject<'_>,
    position: u64,
    limits: &Limits,
) {
    let library = texts.find(reject.library).unwrap_or_default();
    let sender = state.ledger.sender(origin.project, library, Some(origin.received));
    *sender.rejected.entry(reject.code).or_default() += 1;
    let named = match (reject.user, reject.device) {
        ("", "") => None,
        ("", device) => Some(exposure_core::RawId::Device(device).to_owner()),
        (user, _) => Some(exposure_core::RawId::User(user).to_owner()),
    };
    let kept = StoredReject {
        position,
        received: origin.received,
        code: reject.code,
        field: reject.field.into(),
        message: reject.message.into(),
        named,
        event: reject.event.into(),
        key: origin.key,
        library: reject.library.into(),
    };
    state.ledger.reject(origin.project, kept, limits.rejects_kept);
}
