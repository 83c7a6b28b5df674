use exposure_core::{Dialect, ErrorCode, Limits, Rejection, Rules, Timestamp};

use crate::decode::ImportOptionsRef;
use crate::v1;

/// The rules that a request asks for, received at `now`.
///
/// Whether its key may import, and what its project asks for, is for the caller to say.
///
/// # Errors
/// Refuses the whole request if an option is out of bounds, naming it.
pub fn rules(options: Option<&ImportOptionsRef>, now: Timestamp) -> Result<Rules, Rejection> {
    let Some(options) = options else {
        return Ok(Rules::new(Dialect::Native, now));
    };
    let dialect = match v1::Dialect::try_from(options.dialect) {
        Ok(v1::Dialect::Unspecified | v1::Dialect::Native) => Dialect::Native,
        Ok(v1::Dialect::Amplitude) => Dialect::Amplitude,
        Ok(v1::Dialect::Foreign) => Dialect::Foreign,
        Err(unknown) => {
            return Err(Rejection::new(
                ErrorCode::Invalid,
                "import_options.dialect",
                format!("is {}, which this server does not know", unknown.0),
            ));
        }
    };
    let received = options.received_us.map_or(now, Timestamp::from_micros);
    // What was received was received before: a later time would let its events win for longer.
    if received < Timestamp::EARLIEST_EVENT || now < received {
        return Err(Rejection::new(
            ErrorCode::Invalid,
            "import_options.received_us",
            "lies before 2000-01-01 or in the future; give microseconds since 1970-01-01",
        ));
    }
    let mut rules = Rules::new(dialect, received);
    if let Some(length) = options.min_id_length {
        rules.min_id_chars = usize::try_from(length)
            .ok()
            .filter(|length| (1..=Limits::TEXT_CHARS).contains(length))
            .ok_or_else(|| {
                Rejection::new(
                    ErrorCode::Invalid,
                    "import_options.min_id_length",
                    format!("is {length}; give 1 to {}", Limits::TEXT_CHARS),
                )
            })?;
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn check(options: ImportOptionsRef) -> Result<(Dialect, i64, usize), String> {
        rules(Some(&options), NOW)
            .map(|rules| (rules.dialect, rules.received.as_micros(), rules.min_id_chars))
            .map_err(|rejection| rejection.field.into_owned())
    }

    #[test]
    fn options_override_the_dialect_s_defaults() {
        let none = ImportOptionsRef::default();
        let now = NOW.as_micros();
        assert_eq!(check(none), Ok((Dialect::Native, now, 1)));
        assert_eq!(
            check(ImportOptionsRef { dialect: 2, received_us: Some(now - 5), ..none }),
            Ok((Dialect::Amplitude, now - 5, 5))
        );
        assert_eq!(
            check(ImportOptionsRef { dialect: 2, min_id_length: Some(1), ..none }),
            Ok((Dialect::Amplitude, now, 1))
        );
        assert_eq!(check(ImportOptionsRef { dialect: 3, ..none }), Ok((Dialect::Foreign, now, 1)));
    }

    #[test]
    fn options_out_of_bounds_are_named() {
        let none = ImportOptionsRef::default();
        for length in [i32::MIN, -1, 0, 1025] {
            let options = ImportOptionsRef { min_id_length: Some(length), ..none };
            assert_eq!(check(options), Err("import_options.min_id_length".into()));
        }
        for received in [i64::MIN, 0, NOW.as_micros() + 1, i64::MAX] {
            let options = ImportOptionsRef { received_us: Some(received), ..none };
            assert_eq!(check(options), Err("import_options.received_us".into()));
        }
        let options = ImportOptionsRef { dialect: 9, ..none };
        assert_eq!(check(options), Err("import_options.dialect".into()));
    }
}
