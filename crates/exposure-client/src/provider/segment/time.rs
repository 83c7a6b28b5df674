use exposure_core::Timestamp;

/// A time as Segment reads it, to the microsecond: `2026-06-01T00:00:00.000001Z`.
pub(super) fn text(time: Timestamp) -> String {
    const SECOND: i64 = 1_000_000;
    let micros = time.as_micros();
    let (seconds, fraction) = (micros.div_euclid(SECOND), micros.rem_euclid(SECOND));
    let (days, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z")
}

/// The civil date of a day counted from the epoch.
///
/// Years are counted from March, so that the leap day is the last of a year, and in eras of 400
/// years, which all have the same number of days.
fn date(days: i64) -> (i64, i64, i64) {
    const DAYS_TO_EPOCH: i64 = 719_468;
    const DAYS_OF_ERA: i64 = 146_097;
    let days = days + DAYS_TO_EPOCH;
    let (era, of_era) = (days.div_euclid(DAYS_OF_ERA), days.rem_euclid(DAYS_OF_ERA));
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_these_texts() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_780_272_000_123_456, "2026-06-01T00:00:00.123456Z"),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(text(Timestamp::from_micros(micros)), expected);
        }
        for extreme in [i64::MIN, i64::MAX] {
            assert!(text(Timestamp::from_micros(extreme)).ends_with('Z'));
        }
    }

    proptest! {
        #[test]
        fn each_day_follows_the_one_before(days in -800_000_i64..800_000) {
            let ((year, month, day), next) = (date(days), date(days + 1));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month { 2 => 28 + i64::from(is_leap), 4 | 6 | 9 | 11 => 30, _ => 31 };
            let expected = match (month, day) {
                (12, 31) => (year + 1, 1, 1),
                _ if day == last => (year, month + 1, 1),
                _ => (year, month, day + 1),
            };
            prop_assert_eq!(next, expected);
        }
    }
}
