use exposure_core::{EventTime, Rejection, Timestamp};

use super::member::{invalid, unquoted};

const WHAT_TIME_IS: &str =
    "is no time; send milliseconds since 1970-01-01 as a number, or RFC 3339 text";

/// The `time` of an event, from its JSON: milliseconds since the epoch, or RFC 3339.
pub(super) fn event_time(json: &str) -> Result<EventTime, Rejection> {
    if let Some(text) = unquoted(json) {
        return rfc3339(&text).map(EventTime::At).ok_or_else(|| invalid("time", WHAT_TIME_IS));
    }
    if !json.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return Err(invalid("time", WHAT_TIME_IS));
    }
    let millis = json.parse().ok().and_then(Timestamp::from_millis);
    // JavaScript's clocks also tell fractions of a millisecond, and 1e400 is a JSON number.
    let time = millis.or_else(|| {
        let micros = json.parse::<f64>().ok()? * 1000.0;
        (micros.abs() < 9.0e18).then(|| Timestamp::from_micros(micros as i64))
    });
    Ok(time.map_or(EventTime::OutOfRange, EventTime::At))
}

/// A time in a query: milliseconds since the epoch, or RFC 3339.
pub(crate) fn parse_time(text: &str) -> Option<Timestamp> {
    let millis = text.parse().ok().and_then(Timestamp::from_millis);
    millis.or_else(|| rfc3339(text))
}

/// A time as answers show it: RFC 3339 in UTC.
pub(crate) fn show_time(time: Timestamp) -> String {
    match jiff::Timestamp::from_microsecond(time.as_micros()) {
        Ok(time) => time.to_string(),
        // Before the year -9999 or after 9999: the number is all there is to show.
        Err(_) => time.as_micros().to_string(),
    }
}

/// A time as answers show it, with the offset that a time zone has then.
pub(crate) fn show_time_in(time: Timestamp, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).ok();
    let moment = jiff::Timestamp::from_microsecond(time.as_micros()).ok();
    match zone.zip(moment) {
        Some((zone, moment)) => moment.display_with_offset(zone.to_offset(moment)).to_string(),
        None => show_time(time),
    }
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_micros(time.as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_or_text() {
        let at = |micros| Ok(EventTime::At(Timestamp::from_micros(micros)));
        for (json, expected) in [
            ("1700000000000", at(1_700_000_000_000_000)),
            ("1700000000000.25", at(1_700_000_000_000_250)),
            ("1.7e12", at(1_700_000_000_000_000)),
            ("-1", at(-1000)),
            ("0", at(0)),
            ("\"2026-01-01T00:00:00Z\"", at(1_767_225_600_000_000)),
            ("\"2026-01-01T01:00:00.000001+01:00\"", at(1_767_225_600_000_001)),
            ("9223372036854775807", Ok(EventTime::OutOfRange)),
            ("1e400", Ok(EventTime::OutOfRange)),
            ("-1e400", Ok(EventTime::OutOfRange)),
            ("\"1700000000000\"", Err(())),
            ("\"yesterday\"", Err(())),
            ("\"\"", Err(())),
            ("true", Err(())),
            ("[1]", Err(())),
            ("{}", Err(())),
        ] {
            assert_eq!(event_time(json).map_err(|_| ()), expected, "{json}");
        }
    }

    #[test]
    fn zones_show_their_offset() {
        let time = Timestamp::from_micros(1_767_225_600_000_000);
        assert_eq!(show_time(time), "2026-01-01T00:00:00Z");
        assert_eq!(show_time_in(time, "Asia/Kolkata"), "2026-01-01T05:30:00+05:30");
        assert_eq!(show_time_in(time, "nowhere"), "2026-01-01T00:00:00Z");
    }
}
