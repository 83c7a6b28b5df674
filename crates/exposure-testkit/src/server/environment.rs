use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

use exposure_core::Timestamp;
use exposure_service::{Clock, Entropy};

use crate::ManualClock;

/// The clock of the machine.
#[derive(Debug)]
pub(super) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let since = UNIX_EPOCH.elapsed().unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// Bytes that differ, and that anybody can guess.
#[derive(Debug, Default)]
pub(super) struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9) as u8;
        }
    }
}
