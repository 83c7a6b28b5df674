use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use exposure_core::{Limits, Timestamp};

use crate::InsertId;

/// Gives exposures what orders and names them: time, sequence, insert id.
///
/// Time does not run backwards: after a clock was set back, exposures keep the last time they had
/// and their sequence orders them, so that what was seen last also wins last. A step back of more
/// than ten minutes is believed: what lies further in the future is clamped by the server anyway,
/// and a client must not stay there.
#[derive(Debug)]
pub(crate) struct Stamper {
    last: AtomicI64,
    sequence: AtomicU64,
    run: u64,
}

/// What orders and names one exposure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) time: Timestamp,
    pub(crate) sequence: i64,
    pub(crate) insert_id: InsertId,
}

impl Stamper {
    /// `run` is random; `last` is the latest time that is known to have been given.
    pub(crate) fn new(run: u64, last: Timestamp) -> Self {
        Self { last: AtomicI64::new(last.as_micros()), sequence: AtomicU64::new(0), run }
    }

    pub(crate) fn stamp(&self, now: Timestamp) -> Stamp {
        let time = self.forward(now.as_micros());
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        Stamp {
            time: Timestamp::from_micros(time),
            sequence: i64::try_from(sequence).unwrap_or(i64::MAX),
            insert_id: insert_id(time, self.run, sequence),
        }
    }

    fn forward(&self, now: i64) -> i64 {
        let chosen = |last: i64| {
            let ahead = last.saturating_sub(now);
            if 0 < ahead && ahead <= Limits::MAX_FUTURE_SKEW_MICROS { last } else { now }
        };
        let update =
            self.last.fetch_update(Ordering::AcqRel, Ordering::Acquire, |last| Some(chosen(last)));
        chosen(update.unwrap_or(now))
    }
}

/// A UUID of version 7: the time in milliseconds, then 42 random bits of the run around 32 bits
/// that count, so that no two of a run are equal and two of different runs practically never.
fn insert_id(micros: i64, run: u64, sequence: u64) -> InsertId {
    let millis = u128::from(u64::try_from(micros / 1000).unwrap_or(0)) & 0xFFFF_FFFF_FFFF;
    let run_high = u128::from(run) & 0xFFF;
    let run_low = u128::from(run >> 12) & 0x3FFF_FFFF;
    let count = u128::from(sequence) & 0xFFFF_FFFF;
    InsertId::from_u128(
        (millis << 80) | (0x7 << 76) | (run_high << 64) | (0b10 << 62) | (run_low << 32) | count,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(stamper: &Stamper, now: i64) -> (i64, i64) {
        let stamp = stamper.stamp(Timestamp::from_micros(now));
        (stamp.time.as_micros(), stamp.sequence)
    }

    #[test]
    fn time_never_runs_backwards_by_little() {
        let stamper = Stamper::new(1, Timestamp::from_micros(0));
        let hour = 3_600_000_000;
        assert_eq!(micros(&stamper, 10 * hour), (10 * hour, 0));
        assert_eq!(micros(&stamper, 10 * hour - 5), (10 * hour, 1));
        assert_eq!(micros(&stamper, 10 * hour + 1), (10 * hour + 1, 2));
        assert_eq!(micros(&stamper, 9 * hour), (9 * hour, 3), "a large step is believed");
    }

    #[test]
    fn insert_ids_are_uuids_and_differ() {
        let stamper = Stamper::new(u64::MAX, Timestamp::from_micros(0));
        let now = Timestamp::from_micros(1_780_272_000_000_000);
        let ids: std::collections::BTreeSet<String> =
            (0..1000).map(|_| stamper.stamp(now).insert_id.to_string()).collect();
        assert_eq!(ids.len(), 1000);
        for id in ids {
            let uuid = uuid::Uuid::parse_str(&id).unwrap();
            assert_eq!(uuid.get_version_num(), 7);
            assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
        }
    }
}
