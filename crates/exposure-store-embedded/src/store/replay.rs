//! Recovery: the log's frames merged into the parts of the state that are behind them.

use exposure_core::{Admitted, Limits};
use exposure_store::{Origin, Reject, Result};

use super::history::damaged;
use super::locate::{Stagger, insert_owner};
use super::merge::{Numbered, Parts, merge_record};
use super::{Prepared, State};
use crate::frame::{
    FrameKind, FrameRef, InsertTexts, Malformed, Records, Status, decode_document, decode_erasure,
    decode_reject, decode_retirement,
};
use crate::intern::Interner;
use crate::keys::{ProfileKey, Secret};
use crate::state::shard_of;

/// What replay needs of a store that is not open yet.
pub(crate) struct Replay<'s> {
    pub state: State,
    pub interner: &'s Interner,
    pub secret: &'s Secret,
    pub limits: &'s Limits,
    pub retention: std::time::Duration,
    /// Up to where each shard is.
    pub shards: Vec<u64>,
    pub any_erased: bool,
    /// Whether a profile may be on disk only.
    pub any_cold: bool,
    /// Records merged.
    pub n_records: u64,
    pub warm: &'s (dyn Fn(&mut State, &[ProfileKey]) -> Result<()> + Sync),
}

/// The keys and numbers of events, in their order.
type Keys<'k> = dyn Iterator<Item = Prepared> + 'k;

/// A record that some part of the state is behind of.
struct Behind<'f> {
    position: u64,
    event: Admitted<'f>,
    status: Status,
    keys: Prepared,
    parts: Parts,
    in_window: bool,
}

impl Replay<'_> {
    /// Replays a group of the log, with the keys and numbers of its events.
    pub(crate) fn group(
        &mut self,
        position: u64,
        payload: &[u8],
        keys: &mut Keys<'_>,
    ) -> Result<()> {
        let (mut at, mut rest) = (position, payload);
        while !rest.is_empty() {
            let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(at, what))?;
            self.frame(at, &frame, keys)?;
            at += frame.bytes.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    fn frame(&mut self, base: u64, frame: &FrameRef<'_>, keys: &mut Keys<'_>) -> Result<()> {
        let end = base + frame.bytes.len() as u64;
        let ledger = self.state.ledger.position <= base;
        match frame.kind {
            FrameKind::Events | FrameKind::EventsV1 => self.events(base, frame, ledger, keys)?,
            FrameKind::Document => {
                if ledger {
                    let document =
                        decode_document(frame.body()).map_err(|what| damaged(base, what))?;
                    self.state.ledger.document(document);
                }
            }
            FrameKind::Retirement => {
                let retirement =
                    decode_retirement(frame.body()).map_err(|what| damaged(base, what))?;
                for fold in &retirement.folds {
                    if self.shards[shard_of(fold.key)] > base {
                        continue;
                    }
                    (self.warm)(&mut self.state, &[fold.key])?;
                    super::fold::intern_fold(fold, self.interner).map_err(|_| {
                        damaged(base, Malformed("more texts than there are numbers"))
                    })?;
                    super::fold::apply_fold(&mut self.state, &self.interner.read(), fold);
                }
                if ledger {
                    super::fold::count_retired(&mut self.state.ledger, &retirement);
                }
            }
            FrameKind::Erasure => {
                self.any_erased = true;
                let erasures = decode_erasure(frame.body()).map_err(|what| damaged(base, what))?;
                self.state.purges.add(&(base..end), &erasures);
                for erasure in erasures {
                    if self.shards[shard_of(erasure.key)] <= base {
                        (self.warm)(&mut self.state, &[erasure.key])?;
                        let (profile, long) = super::erase::decode_erased(&erasure, self.interner)
                            .map_err(|what| damaged(base, what))?;
                        super::erase::put_erased(&mut self.state, profile, &long);
                    }
                    if ledger {
                        super::erase::forget(&mut self.state.ledger, &erasure);
                    }
                }
            }
        }
        if ledger {
            self.state.ledger.position = end;
        }
        Ok(())
    }

    fn events(
        &mut self,
        base: u64,
        frame: &FrameRef<'_>,
        ledger: bool,
        keys: &mut Keys<'_>,
    ) -> Result<()> {
        let mut insert_texts = InsertTexts::default();
        let mut records =
            Records::of(base, frame, &mut insert_texts).map_err(|what| damaged(base, what))?;
        let origin = *records.origin();
        if ledger && frame.n_events > 0 {
            let end = base + frame.bytes.len() as u64;
            self.state.ledger.arrivals.add(origin.now, end, self.retention);
        }
        let behind = self.behind(base, &mut records, ledger, keys)?;
        let rejects_at = records.at();
        // Where every profile is in memory it need not be looked for twice.
        if self.any_cold {
            let keys =
                behind.iter().flat_map(|at| std::iter::once(at.keys.raw).chain(at.keys.device));
            (self.warm)(&mut self.state, &keys.collect::<Vec<_>>())?;
        }
        self.n_records += behind.len() as u64;
        let texts = self.interner.read();
        let mut stagger = Stagger::new(origin.project, behind.len());
        while let Some((index, at)) =
            stagger.next(&mut self.state, |index| (&behind[index].keys, &behind[index].event))
        {
            let record = &behind[index];
            self.remember(&origin, record, at)?;
            if ledger && record.status == Status::Erased {
                let reject = Reject::erased(&record.event);
                super::commit::keep_reject(
                    &mut self.state,
                    &texts,
                    &origin,
                    &reject,
                    record.position,
                    self.limits,
                );
            }
            merge_record(
                &mut self.state,
                &texts,
                &origin,
                &record.event,
                &record.keys,
                at,
                record.position,
                record.status,
                record.parts,
                self.limits,
            );
        }
        drop(texts);
        self.rejects(base, frame, &origin, ledger, rejects_at)
    }

    /// The records of a frame that some part of the state does not know yet.
    fn behind<'f>(
        &self,
        base: u64,
        records: &mut Records<'f>,
        ledger: bool,
        keys: &mut Keys<'_>,
    ) -> Result<Vec<Behind<'f>>> {
        let mut behind = Vec::with_capacity(records.len());
        for (position, record) in records {
            let record = record.map_err(|what| damaged(position, what))?;
            let Some(keys) = keys.next() else {
                return Err(damaged(position, Malformed("an event more than keys were made for")));
            };
            let parts = Parts {
                raw: self.shards[shard_of(keys.raw)] <= base,
                device: keys.device.is_some_and(|key| self.shards[shard_of(key)] <= base),
                ledger,
            };
            let in_window = keys.insert.is_some()
                && record.status == Status::Merged
                && position >= self.state.window.covered_position();
            if parts.raw || parts.device || parts.ledger || in_window {
                let (status, event) = (record.status, record.event);
                behind.push(Behind { position, event, status, keys, parts, in_window });
            }
        }
        Ok(behind)
    }

    /// Brings the window and the activity of the insert id's owner up to a record.
    fn remember(&mut self, origin: &Origin, record: &Behind<'_>, at: Numbered) -> Result<()> {
        let Some((insert, content)) = record.keys.insert else { return Ok(()) };
        if record.status != Status::Merged {
            return Ok(());
        }
        let (owner, number) = insert_owner(&record.keys, at);
        let is_behind =
            if record.keys.device.is_some() { record.parts.device } else { record.parts.raw };
        let mut activity =
            self.state.shard(owner).get(number).map_or(0, |profile| profile.activity);
        // The window may be ahead of the owner's section: its bitmap must still tell where to look.
        if is_behind {
            self.state.window.mark_replayed(record.position, &mut activity);
        }
        if record.in_window {
            self.state
                .window
                .add_replayed(
                    insert,
                    content,
                    origin.received.as_micros(),
                    origin.now.as_micros(),
                    record.position,
                    Some(&mut activity),
                )
                .map_err(super::open::window_error)?;
        }
        if let Some(profile) = self.state.shard_mut(owner).get_mut(number)
            && profile.activity != activity
        {
            profile.activity = activity;
            profile.unsaved = true;
        }
        Ok(())
    }

    fn rejects(
        &mut self,
        base: u64,
        frame: &FrameRef<'_>,
        origin: &Origin,
        ledger: bool,
        mut at: usize,
    ) -> Result<()> {
        for _ in 0..frame.n_rejects {
            let position = base + at as u64;
            let (reject, length) = decode_reject(frame.bytes.get(at..).unwrap_or_default())
                .map_err(|what| damaged(position, what))?;
            at += length;
            if ledger {
                self.interner.intern(reject.library).map_err(|_| {
                    damaged(position, Malformed("more texts than there are numbers"))
                })?;
                let texts = self.interner.read();
                super::commit::keep_reject(
                    &mut self.state,
                    &texts,
                    origin,
                    &reject,
                    position,
                    self.limits,
                );
            }
        }
        Ok(())
    }
}
