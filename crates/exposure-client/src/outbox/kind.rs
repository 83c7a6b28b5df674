use std::sync::mpsc::sync_channel;

use super::{DiskOutbox, Fate, Job};
use crate::engine::{Engine, Room};
use crate::member::Entry;
use crate::tracker::Place;
use crate::{DropReason, Exposure, Tracked};

/// Where exposures wait until every required provider acknowledged them.
#[derive(Debug)]
pub(crate) enum Outbox {
    /// In the providers' queues alone.
    Memory,
    /// In those and on disk.
    Disk(DiskOutbox),
}

/// Where an exposure is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) segment: u64,
    pub(crate) number: u64,
}

impl Outbox {
    /// Takes an exposure that has room, and hands it on: at once, or when it is written.
    pub(crate) fn queue(
        &self,
        engine: &Engine,
        exposure: Exposure,
        place: Place,
        room: Option<Room>,
    ) -> Tracked {
        let Self::Disk(disk) = self else {
            let entry = engine.new_entry(exposure, place, None);
            engine.send(&entry, room.unwrap_or_default());
            return Tracked::Queued;
        };
        if room.is_none() {
            disk.spill();
        }
        let (sender, receiver) = sync_channel(1);
        let reply = disk.is_write_through.then_some(sender);
        if let Err(job) = disk.push(Job { exposure, place, room, reply }) {
            engine.unwritten(job, DropReason::Closed);
            return Tracked::Dropped(DropReason::Closed);
        }
        if !disk.is_write_through {
            return Tracked::Queued;
        }
        match receiver.recv() {
            Ok(Fate::Written) => Tracked::Queued,
            Ok(Fate::Dropped(reason)) => Tracked::Dropped(reason),
            Err(_closed) => Tracked::Dropped(DropReason::Closed),
        }
    }

    /// How many exposures were ever to wait on disk alone, and how many of them do not any more.
    pub(crate) fn spilled(&self) -> (u64, u64) {
        match self {
            Self::Memory => (0, 0),
            Self::Disk(disk) => disk.spilled(),
        }
    }

    /// How many exposures wait on disk alone.
    pub(crate) fn backlog(&self) -> u64 {
        let (n_spilled, n_read_back) = self.spilled();
        n_spilled.saturating_sub(n_read_back)
    }

    /// An exposure that was to wait on disk alone does not come there.
    pub(crate) fn unspill(&self) {
        if let Self::Disk(disk) = self {
            disk.unspill();
        }
    }

    /// How many exposures are kept for the next run.
    pub(crate) fn kept(&self) -> u64 {
        match self {
            Self::Memory => 0,
            Self::Disk(disk) => disk.n_open(),
        }
    }

    /// An exposure has ended, and need not be kept.
    pub(crate) fn done(&self, entry: &Entry) {
        if let (Self::Disk(disk), Some(record)) = (self, entry.record) {
            disk.ended(record);
        }
    }

    /// Bytes that were cut from its end when it was opened.
    pub(crate) fn cut_bytes(&self) -> u64 {
        match self {
            Self::Memory => 0,
            Self::Disk(disk) => disk.recovered.cut_bytes,
        }
    }

    /// Returns when everything that was tracked before is on stable storage, or dropped.
    pub(crate) async fn synced(&self) {
        if let Self::Disk(disk) = self {
            disk.synced().await;
        }
    }

    pub(crate) async fn close(&self) {
        if let Self::Disk(disk) = self {
            disk.close().await;
        }
    }

    pub(crate) fn close_after_lanes(&self) {
        if let Self::Disk(disk) = self {
            disk.close_after_lanes();
        }
    }
}
