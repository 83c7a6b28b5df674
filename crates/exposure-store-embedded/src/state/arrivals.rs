//! When which part of the log came in, coarsely: retention asks how far the old part reaches.

use std::collections::VecDeque;
use std::time::Duration;

use exposure_core::Timestamp;

/// Parts that a retention's length is kept in: events go at most this much of it late.
const PARTS: u32 = 64;

/// A part of the log and when it came in, by the server's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub first: Timestamp,
    pub last: Timestamp,
    /// The position behind it.
    pub end: u64,
}

/// The parts of the log that hold events which are still kept, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrivals(pub VecDeque<Arrival>);

impl Arrivals {
    /// Notes that events came in. Where the clock went back, they count as of the part before.
    pub(crate) fn add(&mut self, now: Timestamp, end: u64, retention: Duration) {
        let part = (retention / PARTS).as_micros() as i64;
        match self.0.back_mut() {
            Some(held) if now.since(held.first) < part.max(1) => {
                held.last = held.last.max(now);
                held.end = held.end.max(end);
            }
            _ => self.0.push_back(Arrival { first: now, last: now, end }),
        }
    }

    /// Behind which position the oldest part ends, if all of it came in before a time.
    pub(crate) fn due(&self, before: Timestamp) -> Option<u64> {
        self.0.front().filter(|part| part.last < before).map(|part| part.end)
    }

    /// Forgets the parts below a position.
    pub(crate) fn forget(&mut self, below: u64) {
        while self.0.front().is_some_and(|part| part.end <= below) {
            self.0.pop_front();
        }
    }
}
