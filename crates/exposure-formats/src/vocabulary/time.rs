//! Times as JSON senders write them.

use exposure_core::{EventTime, Timestamp};
use jiff::civil;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::TimeZone;

use crate::Arena;
use crate::json::{Value, is_integer};

/// A time: ISO 8601 text, in UTC where it names no offset, or milliseconds since the epoch.
/// What is there and is none of them is out of range: the receive time counts instead.
pub(crate) fn time<'b>(json: Option<&'b str>, arena: &'b Arena) -> EventTime {
    let known = |time: Option<Timestamp>| time.map_or(EventTime::OutOfRange, EventTime::At);
    match json.and_then(|json| Value::read(json, arena)) {
        None | Some(Value::Null | Value::Text("")) => EventTime::Missing,
        Some(Value::Text(text)) => known(moment(text)),
        Some(Value::Number(number)) => known(millis(number)),
        Some(_) => EventTime::OutOfRange,
    }
}

/// The same, where only a time that can be read counts.
pub(crate) fn known_time<'b>(json: Option<&'b str>, arena: &'b Arena) -> Option<Timestamp> {
    match time(json, arena) {
        EventTime::At(time) => Some(time),
        EventTime::Missing | EventTime::OutOfRange => None,
    }
}

/// A moment as text: ISO 8601, or milliseconds since the epoch.
pub(crate) fn moment(text: &str) -> Option<Timestamp> {
    const ISO: DateTimeParser = DateTimeParser::new();
    let text = text.trim();
    if let Some(time) = millis(text) {
        return Some(time);
    }
    let time = ISO.parse_timestamp(text).ok().or_else(|| {
        let local: civil::DateTime = ISO.parse_datetime(text).ok()?;
        TimeZone::UTC.to_timestamp(local).ok()
    })?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

/// Milliseconds since the epoch; some clients write fractions of them.
fn millis(number: &str) -> Option<Timestamp> {
    let whole = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && is_integer(fraction) => whole,
        Some(_) => return None,
        None => number,
    };
    if !is_integer(whole) {
        return None;
    }
    Timestamp::from_millis(whole.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_spelling() {
        let at = |micros| EventTime::At(Timestamp::from_micros(micros));
        for (json, expected) in [
            ("\"2026-01-02T03:04:05.678Z\"", at(1_767_323_045_678_000)),
            ("\"2026-01-02T03:04:05.678901+00:00\"", at(1_767_323_045_678_901)),
            ("\"2026-01-02T03:04:05.678901234Z\"", at(1_767_323_045_678_901)),
            ("\"2026-01-02T05:04:05+02:00\"", at(1_767_323_045_000_000)),
            ("\"2026-01-02 03:04:05Z\"", at(1_767_323_045_000_000)),
            ("\"2026-01-02T03:04:05\"", at(1_767_323_045_000_000)),
            ("\"2026-01-02\"", at(1_767_312_000_000_000)),
            ("1767323045678", at(1_767_323_045_678_000)),
            ("1767323045678.25", at(1_767_323_045_678_000)),
            ("\"1767323045678\"", at(1_767_323_045_678_000)),
            ("\"0001-01-01T00:00:00Z\"", at(-62_135_596_800_000_000)),
            ("null", EventTime::Missing),
            ("\"\"", EventTime::Missing),
            ("\"yesterday\"", EventTime::OutOfRange),
            ("\"2026-13-02T03:04:05Z\"", EventTime::OutOfRange),
            ("99999999999999999999", EventTime::OutOfRange),
            ("1e3", EventTime::OutOfRange),
            ("true", EventTime::OutOfRange),
            ("{}", EventTime::OutOfRange),
        ] {
            assert_eq!(time(Some(json), &Arena::new()), expected, "{json}");
        }
        assert_eq!(time(None, &Arena::new()), EventTime::Missing);
    }
}
