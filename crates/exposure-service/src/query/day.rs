use jiff::civil::Date;

use crate::{Result, ServiceError};

/// The days since the epoch of a day in UTC, written as `YYYY-MM-DD`.
pub fn parse_day(field: &'static str, text: &str) -> Result<i64> {
    let date: Date = text
        .parse()
        .ok()
        // The parser also takes dates with a time, which is not what a day is.
        .filter(|_| text.len() == "YYYY-MM-DD".len())
        .ok_or_else(|| {
            let message = format!("`{field}` is `{text}`; it must be a day such as 2026-01-31");
            ServiceError::invalid(field, message)
        })?;
    Ok(i64::from(date.since(EPOCH).map_or(0, |span| span.get_days())))
}

/// A day in UTC, counted from the epoch, as `YYYY-MM-DD`.
pub fn format_day(day: i64) -> String {
    let span = jiff::Span::new().try_days(day);
    match span.and_then(|span| EPOCH.checked_add(span)) {
        Ok(date) => date.to_string(),
        // Outside of the years that have a name; no event has such a day.
        Err(_) => format!("day {day}"),
    }
}

const EPOCH: Date = Date::constant(1970, 1, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_round_trip() {
        for (day, text) in
            [(0, "1970-01-01"), (-1, "1969-12-31"), (19_782, "2024-02-29"), (20_000, "2024-10-04")]
        {
            assert_eq!(format_day(day), text);
            assert_eq!(parse_day("start_day", text), Ok(day));
        }
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for text in ["", "2024-13-01", "2024-02-30", "20240101", "2024-01-01T00:00", "yesterday"] {
            let error = parse_day("start_day", text).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("start_day"), "{text}");
        }
    }
}
