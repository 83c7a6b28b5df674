use crate::engine::{Engine, Room};
use crate::member::Entry;
use crate::tracker::Place;
use crate::{Exposure, Tracked};

/// Where exposures wait until every required provider acknowledged them.
#[derive(Debug)]
pub(crate) enum Outbox {
    /// In the providers' queues alone.
    Memory,
}

/// Where an exposure is on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) segment: u64,
    pub(crate) number: u64,
}

impl Outbox {
    /// Takes an exposure that has room, and hands it on.
    pub(crate) fn queue(
        &self,
        engine: &Engine,
        exposure: Exposure,
        place: Place,
        room: Room,
    ) -> Tracked {
        match self {
            Self::Memory => {
                let entry = engine.new_entry(exposure, place, None);
                engine.send(&entry, room);
                Tracked::Queued
            }
        }
    }

    /// How many exposures are kept for the next run.
    pub(crate) fn kept(&self) -> u64 {
        match self {
            Self::Memory => 0,
        }
    }

    /// An exposure has ended, and need not be kept.
    pub(crate) fn done(&self, _entry: &Entry) {
        match self {
            Self::Memory => {}
        }
    }
}
