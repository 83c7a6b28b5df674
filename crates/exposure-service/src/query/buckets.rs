use std::collections::BTreeMap;

use exposure_core::{ErrorCode, Timestamp};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};

use super::Interval;
use crate::{Result, ServiceError};

/// Civil hours or days of a time zone. A day has 23, 24 or 25 hours, and now and then others.
pub(crate) struct Buckets {
    zone: TimeZone,
    interval: Interval,
    /// Buckets that were met, by start, with the first moment behind them: a neighbor of an
    /// exposure is mostly in the same bucket, and to ask the time zone is dear.
    known: BTreeMap<Timestamp, Timestamp>,
}

impl Buckets {
    /// Buckets of an IANA time zone; an empty name is UTC.
    pub(crate) fn new(time_zone: &str, interval: Interval) -> Result<Self> {
        let zone = match time_zone {
            "" => TimeZone::UTC,
            name => TimeZone::get(name).map_err(|_| {
                ServiceError::invalid(
                    "time_zone",
                    format!(
                        "`time_zone` is `{name}`; it must be an IANA name such as `Europe/Berlin`"
                    ),
                )
            })?,
        };
        Ok(Self { zone, interval, known: BTreeMap::new() })
    }

    /// The first moment of the bucket that a time is in.
    pub(crate) fn start_of(&mut self, time: Timestamp) -> Result<Timestamp> {
        if let Some((&start, &end)) = self.known.range(..=time).next_back()
            && time < end
        {
            return Ok(start);
        }
        let (start, end) = self.find(time).map_err(|cause| {
            ServiceError::new(ErrorCode::Internal, format!("{time} has no bucket: {cause}"))
        })?;
        self.known.insert(start, end);
        Ok(start)
    }

    fn find(&self, time: Timestamp) -> std::result::Result<(Timestamp, Timestamp), jiff::Error> {
        let moment = jiff::Timestamp::from_microsecond(time.as_micros())?;
        let zoned = moment.to_zoned(self.zone.clone());
        let (start, end) = match self.interval {
            Interval::Day => {
                let start = zoned.start_of_day()?;
                let end = start.tomorrow()?.start_of_day()?;
                (start.timestamp(), end.timestamp())
            }
            Interval::Hour => self.hour(&zoned)?,
        };
        Ok((
            Timestamp::from_micros(start.as_microsecond()),
            Timestamp::from_micros(end.as_microsecond()),
        ))
    }

    /// The hour of the wall clock. Where the clock is put back, the same hour comes twice and
    /// is two buckets; where it is put by less than an hour, the hour is cut short.
    fn hour(
        &self,
        zoned: &Zoned,
    ) -> std::result::Result<(jiff::Timestamp, jiff::Timestamp), jiff::Error> {
        let moment = zoned.timestamp();
        let into_hour = SignedDuration::from_secs(i64::from(zoned.minute()) * 60)
            + SignedDuration::from_secs(i64::from(zoned.second()))
            + SignedDuration::from_nanos(i64::from(zoned.subsec_nanosecond()));
        let mut start = moment.checked_sub(into_hour)?;
        let mut end = start.checked_add(SignedDuration::from_hours(1))?;
        // `preceding` means strictly before, and a transition at the moment itself counts.
        let behind = moment.checked_add(SignedDuration::from_nanos(1))?;
        if let Some(change) = self.zone.preceding(behind).next() {
            start = start.max(change.timestamp());
        }
        if let Some(change) = self.zone.following(moment).next() {
            end = end.min(change.timestamp());
        }
        Ok((start, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Timestamp {
        Timestamp::from_micros(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn check(zone: &str, interval: Interval, cases: &[(&str, &str)]) {
        let mut buckets = Buckets::new(zone, interval).unwrap();
        // Twice: the second time from what is known.
        for _ in 0..2 {
            for (time, start) in cases {
                let found = buckets.start_of(micros(time)).unwrap();
                assert_eq!(found, micros(start), "{zone} {interval:?} {time}");
            }
        }
    }

    #[test]
    fn days_of_a_zone_three_quarters_of_an_hour_off() {
        check(
            "Asia/Kathmandu",
            Interval::Day,
            &[
                ("2026-03-01T18:14:59.999999Z", "2026-02-28T18:15:00Z"),
                ("2026-03-01T18:15:00Z", "2026-03-01T18:15:00Z"),
                ("2026-03-02T18:14:59Z", "2026-03-01T18:15:00Z"),
            ],
        );
    }

    #[test]
    fn days_of_23_and_25_hours() {
        check(
            "Europe/Berlin",
            Interval::Day,
            &[
                ("2026-03-28T23:00:00Z", "2026-03-28T23:00:00Z"),
                ("2026-03-29T21:59:59.999999Z", "2026-03-28T23:00:00Z"),
                ("2026-03-29T22:00:00Z", "2026-03-29T22:00:00Z"),
                ("2026-10-24T22:00:00Z", "2026-10-24T22:00:00Z"),
                ("2026-10-25T22:59:59.999999Z", "2026-10-24T22:00:00Z"),
                ("2026-10-25T23:00:00Z", "2026-10-25T23:00:00Z"),
            ],
        );
    }

    #[test]
    fn hours_of_the_wall_clock() {
        check(
            "Asia/Kathmandu",
            Interval::Hour,
            &[
                ("2026-03-01T10:14:59Z", "2026-03-01T09:15:00Z"),
                ("2026-03-01T10:15:00Z", "2026-03-01T10:15:00Z"),
            ],
        );
        // Three o'clock becomes two: both hours that are called two are buckets.
        check(
            "Europe/Berlin",
            Interval::Hour,
            &[
                ("2026-10-25T00:59:59Z", "2026-10-25T00:00:00Z"),
                ("2026-10-25T01:00:00Z", "2026-10-25T01:00:00Z"),
                ("2026-10-25T01:59:59Z", "2026-10-25T01:00:00Z"),
            ],
        );
        // The clock goes back by half an hour, at 2 o'clock of 2026-04-05 to half past one.
        check(
            "Australia/Lord_Howe",
            Interval::Hour,
            &[
                ("2026-04-04T14:59:59Z", "2026-04-04T14:00:00Z"),
                ("2026-04-04T15:00:00Z", "2026-04-04T15:00:00Z"),
                ("2026-04-04T15:29:59Z", "2026-04-04T15:00:00Z"),
                ("2026-04-04T15:30:00Z", "2026-04-04T15:30:00Z"),
            ],
        );
    }

    #[test]
    fn every_day_follows_the_one_before() {
        for zone in ["Pacific/Apia", "America/Sao_Paulo", "Asia/Kathmandu", "Europe/Berlin", ""] {
            for interval in [Interval::Day, Interval::Hour] {
                let buckets = Buckets::new(zone, interval).unwrap();
                let mut at = micros("2011-12-25T00:00:00Z");
                for _ in 0..300 {
                    let (start, end) = buckets.find(at).unwrap();
                    assert!(start <= at && at < end, "{zone} {interval:?}");
                    assert_eq!(buckets.find(start).unwrap(), (start, end), "{zone} {interval:?}");
                    let last = Timestamp::from_micros(end.as_micros() - 1);
                    assert_eq!(buckets.find(last).unwrap(), (start, end), "{zone} {interval:?}");
                    at = end;
                }
            }
        }
    }

    #[test]
    fn a_zone_that_is_none_is_refused() {
        for zone in ["Europe/Nowhere", "+02:00", "CEST-1"] {
            let error = Buckets::new(zone, Interval::Day).map(|_| ()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("time_zone"), "{zone}");
        }
    }
}
