//! Recovery: the log's frames merged into the parts of the state that are behind them.

use std::time::Duration;

use exposure_core::Limits;
use exposure_store::{Origin, Result};

use super::State;
use super::history::damaged;
use super::prepare::Numbers;
use crate::frame::{
    FrameKind, FrameRef, Malformed, decode_document, decode_erasure, decode_reject,
    decode_retirement,
};
use crate::intern::Interner;
use crate::keys::{ProfileKey, Secret};
use crate::state::shard_of;
use crate::window::Marks;

/// What a replay needs of a store that is not open yet.
pub(crate) struct Context<'s> {
    pub interner: &'s Interner,
    pub secret: &'s Secret,
    pub limits: &'s Limits,
    pub retention: Duration,
    /// Whether a profile may be on disk only.
    pub any_cold: bool,
    /// Up to where the window has all insert ids.
    pub covered: u64,
    pub warm: &'s (dyn Fn(&mut State, &[ProfileKey]) -> Result<()> + Sync),
}

/// Which shards one of those who replay merges into. The first one keeps what is there once, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub index: usize,
    pub of: usize,
}

impl Share {
    pub(crate) const fn has(self, shard: usize) -> bool {
        shard % self.of == self.index
    }

    pub(super) const fn is_first(self) -> bool {
        self.index == 0
    }
}

/// An insert id on its way to the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReplayedId {
    pub key: u128,
    pub content: u64,
    pub received_us: i64,
    pub inserted_us: u64,
    pub position: u64,
}

/// Merges the log into a share of the shards, and counts their records.
pub(crate) struct Replay<'s> {
    /// Of the shards that are not its own it has none, and of the window nothing.
    pub state: State,
    pub share: Share,
    pub any_erased: bool,
    /// Records merged that name a profile of its own.
    pub n_records: u64,
    /// Insert ids since they were last taken, in the order of the log.
    pub ids: Vec<ReplayedId>,
    pub(super) context: &'s Context<'s>,
    /// Up to where each shard is. Those of others are never behind.
    shards: Vec<u64>,
    pub(super) marks: Marks,
}

impl<'s> Replay<'s> {
    /// `shards` says up to where each of all shards is.
    pub(crate) fn new(
        context: &'s Context<'s>,
        share: Share,
        state: State,
        shards: impl Iterator<Item = u64>,
        marks: Marks,
    ) -> Self {
        let shards =
            shards.enumerate().map(|(shard, at)| if share.has(shard) { at } else { u64::MAX });
        Self {
            state,
            share,
            any_erased: false,
            n_records: 0,
            ids: Vec::new(),
            context,
            shards: shards.collect(),
            marks,
        }
    }

    /// Numbers of texts for [`group`](Self::group), of the thread that calls it.
    pub(crate) fn numbers(&self) -> Numbers<'s> {
        Numbers::new(self.context.interner, self.context.secret)
    }

    /// Replays a group of the log.
    pub(crate) fn group(
        &mut self,
        numbers: &mut Numbers<'_>,
        position: u64,
        payload: &[u8],
    ) -> Result<()> {
        let (mut at, mut rest) = (position, payload);
        while !rest.is_empty() {
            let (frame, behind) = FrameRef::split(rest).map_err(|what| damaged(at, what))?;
            self.frame(numbers, at, &frame)?;
            at += frame.bytes.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    fn frame(&mut self, numbers: &mut Numbers<'_>, base: u64, frame: &FrameRef<'_>) -> Result<()> {
        let end = base + frame.bytes.len() as u64;
        let ledger = self.state.ledger.position <= base;
        let keeps = ledger && self.share.is_first();
        match frame.kind {
            FrameKind::Events | FrameKind::EventsV1 => self.events(numbers, base, frame, ledger)?,
            FrameKind::Document => {
                if keeps {
                    let document =
                        decode_document(frame.body()).map_err(|what| damaged(base, what))?;
                    self.state.ledger.document(document);
                }
            }
            FrameKind::Retirement => {
                let retirement =
                    decode_retirement(frame.body()).map_err(|what| damaged(base, what))?;
                for fold in &retirement.folds {
                    if self.is_behind(fold.key, base) {
                        (self.context.warm)(&mut self.state, &[fold.key])?;
                        super::fold::intern_fold(fold, self.context.interner)
                            .map_err(|_| no_numbers(base))?;
                        super::fold::apply_fold(
                            &mut self.state,
                            &self.context.interner.read(),
                            fold,
                        );
                    }
                }
                if keeps {
                    super::fold::count_retired(&mut self.state.ledger, &retirement);
                }
            }
            FrameKind::Erasure => {
                self.any_erased = true;
                let erasures = decode_erasure(frame.body()).map_err(|what| damaged(base, what))?;
                if self.share.is_first() {
                    self.state.purges.add(&(base..end), &erasures);
                }
                for erasure in erasures {
                    if self.is_behind(erasure.key, base) {
                        (self.context.warm)(&mut self.state, &[erasure.key])?;
                        let (profile, long) =
                            super::erase::decode_erased(&erasure, self.context.interner)
                                .map_err(|what| damaged(base, what))?;
                        super::erase::put_erased(&mut self.state, profile, &long);
                    }
                    if keeps {
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

    /// Whether a profile is its own, and may not know what stands at a position.
    pub(super) fn is_behind(&self, key: ProfileKey, position: u64) -> bool {
        self.shards[shard_of(key)] <= position
    }

    pub(super) fn rejects(
        &mut self,
        base: u64,
        frame: &FrameRef<'_>,
        origin: &Origin,
        keeps: bool,
        mut at: usize,
    ) -> Result<()> {
        for _ in 0..frame.n_rejects {
            let position = base + at as u64;
            let (reject, length) = decode_reject(frame.bytes.get(at..).unwrap_or_default())
                .map_err(|what| damaged(position, what))?;
            at += length;
            if keeps {
                self.context.interner.intern(reject.library).map_err(|_| no_numbers(position))?;
                let texts = self.context.interner.read();
                super::commit::keep_reject(
                    &mut self.state,
                    &texts,
                    origin,
                    &reject,
                    position,
                    self.context.limits,
                );
            }
        }
        Ok(())
    }
}

pub(super) fn no_numbers(position: u64) -> exposure_store::Error {
    damaged(position, Malformed("more texts than there are numbers"))
}
