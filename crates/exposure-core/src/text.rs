//! Validated text: ids and keys. Each type borrows what was checked once.

use crate::{ErrorCode, Limits, Rejection};

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name<'a>(&'a str);

        impl<'a> $name<'a> {
            /// The text.
            pub const fn as_str(self) -> &'a str {
                self.0
            }

            /// Takes text that was checked before, such as that of a stored event.
            pub const fn trusted(text: &'a str) -> Self {
                Self(text)
            }
        }
    };
}

text_type!(
    /// A user's id: 1 to 1024 characters, none of the ids that are no ids.
    UserId
);
text_type!(
    /// A device's id: 1 to 1024 characters, none of the ids that are no ids.
    DeviceId
);
text_type!(
    /// A flag's key: 1 to 1024 characters.
    FlagKey
);
text_type!(
    /// A variant: 1 to 1024 characters.
    Variant
);
text_type!(
    /// Tells two runs of one flag apart: 1 to 1024 characters.
    ExperimentKey
);
text_type!(
    /// Makes a retry harmless: 1 to 1024 characters.
    InsertId
);

impl<'a> FlagKey<'a> {
    /// Checks a flag key.
    #[inline]
    pub fn new(field: &'static str, text: &'a str) -> Result<Self, Rejection> {
        if text.is_empty() {
            return Err(Rejection::new(
                ErrorCode::Invalid,
                field,
                "is empty; it must name the flag with 1 to 1024 characters",
            ));
        }
        check_text(field, text).map(Self)
    }
}

impl<'a> Variant<'a> {
    /// Checks a variant that is not empty.
    #[inline]
    pub fn new(field: &'static str, text: &'a str) -> Result<Self, Rejection> {
        if text.is_empty() {
            return Err(Rejection::new(
                ErrorCode::Invalid,
                field,
                "is empty; leave it out to unset the user's property",
            ));
        }
        check_text(field, text).map(Self)
    }
}

impl<'a> ExperimentKey<'a> {
    /// Checks an experiment key; an empty one is an absent one.
    #[inline]
    pub fn new(text: &'a str) -> Result<Option<Self>, Rejection> {
        if text.is_empty() {
            Ok(None)
        } else {
            check_text("experiment_key", text).map(|t| Some(Self(t)))
        }
    }
}

impl<'a> InsertId<'a> {
    /// Checks an insert id; an empty one is an absent one.
    #[inline]
    pub fn new(text: &'a str) -> Result<Option<Self>, Rejection> {
        if text.is_empty() {
            Ok(None)
        } else {
            check_text("insert_id", text).map(|t| Some(Self(t)))
        }
    }
}

impl<'a> UserId<'a> {
    /// Checks a user id of at least `min_chars` characters.
    #[inline]
    pub fn new(text: &'a str, min_chars: usize) -> Result<Self, Rejection> {
        check_id("user_id", text, min_chars).map(Self)
    }
}

impl<'a> DeviceId<'a> {
    /// Checks a device id of at least `min_chars` characters.
    #[inline]
    pub fn new(text: &'a str, min_chars: usize) -> Result<Self, Rejection> {
        check_id("device_id", text, min_chars).map(Self)
    }
}

/// At most 1024 characters and no NUL.
#[inline]
pub(crate) fn check_text<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Rejection> {
    // A character has at least one byte, so text of few bytes need not be counted.
    if text.len() <= Limits::TEXT_CHARS && !has_nul(text.as_bytes()) {
        return Ok(text);
    }
    check_any_text(field, text)
}

/// The same of every text: what is rare or wrong ends here.
#[cold]
fn check_any_text<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Rejection> {
    let chars = text.chars().count();
    if chars > Limits::TEXT_CHARS {
        return Err(Rejection::new(
            ErrorCode::TooLong,
            field,
            format!("has {chars} characters; it may have at most {}", Limits::TEXT_CHARS),
        ));
    }
    if text.contains('\0') {
        return Err(Rejection::new(
            ErrorCode::Invalid,
            field,
            "has a NUL character; it must be text without one",
        ));
    }
    Ok(text)
}

#[inline]
fn check_id<'a>(
    field: &'static str,
    text: &'a str,
    min_chars: usize,
) -> Result<&'a str, Rejection> {
    // A character has at most four bytes, so long enough text need not be counted.
    if text.len() < min_chars.saturating_mul(4) || may_be_no_id(text) {
        check_unusual_id(field, text, min_chars)?;
    }
    check_text(field, text)
}

#[inline(never)]
fn check_unusual_id(field: &'static str, text: &str, min_chars: usize) -> Result<(), Rejection> {
    if is_no_id(text) {
        return Err(Rejection::new(
            ErrorCode::Invalid,
            field,
            format!("is `{text}`, which names nobody; send a real id or leave it out"),
        ));
    }
    let chars = text.chars().count();
    if chars < min_chars {
        return Err(Rejection::new(
            ErrorCode::TooShort,
            field,
            format!("has {chars} characters; it must have at least {min_chars}"),
        ));
    }
    Ok(())
}

const ZERO_UUID: &str = "00000000-0000-0000-0000-000000000000";

/// Whether a look at the length and the first byte leaves it open that the text is no id.
#[inline]
fn may_be_no_id(text: &str) -> bool {
    text.len() <= 9 || (text.len() == ZERO_UUID.len() && text.starts_with('0'))
}

/// Whether the text is one of the ids that are no ids, in any letter case.
fn is_no_id(text: &str) -> bool {
    const NO_IDS: [&str; 12] = [
        "anonymous",
        "nil",
        "none",
        "null",
        "n/a",
        "na",
        "undefined",
        "unknown",
        "{}",
        "lmy47d",
        "0",
        "-1",
    ];
    text == ZERO_UUID || NO_IDS.iter().any(|no_id| no_id.eq_ignore_ascii_case(text))
}

/// Whether there is a zero byte, found by wide words: the last one overlaps the one before, so
/// that no text of eight bytes or more is walked byte by byte.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "without an early end, sixteen bytes are compared at once"
)]
#[inline]
fn has_nul(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<16>() {
        let (chunks, _) = bytes.as_chunks::<16>();
        let has_nul = |chunk: &[u8; 16]| chunk.iter().fold(false, |any, byte| any | (*byte == 0));
        return chunks.iter().any(has_nul) || has_nul(last);
    }
    match (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (Some(first), Some(last)) => word_has_nul(*first) || word_has_nul(*last),
        _ => bytes.contains(&0),
    }
}

/// Whether one of eight bytes is zero: only below a zero byte, or in it, does a borrow reach a
/// highest bit that was not set.
#[inline]
const fn word_has_nul(bytes: [u8; 8]) -> bool {
    let word = u64::from_le_bytes(bytes);
    word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080 != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rules of ids and texts as they are written, without a shorter way.
    fn plainly(text: &str, min_chars: usize) -> Result<(), ErrorCode> {
        let chars = text.chars().count();
        if is_no_id(text) {
            Err(ErrorCode::Invalid)
        } else if chars < min_chars {
            Err(ErrorCode::TooShort)
        } else if Limits::TEXT_CHARS < chars {
            Err(ErrorCode::TooLong)
        } else if text.contains('\0') {
            Err(ErrorCode::Invalid)
        } else {
            Ok(())
        }
    }

    #[test]
    fn a_nul_is_found_at_every_place() {
        for n_bytes in 0..100 {
            // Beside 1 and 128 a borrow could be taken for a zero.
            for around in [b'a', 0x01, 0x7F, 0x80, 0xFF] {
                let mut bytes = vec![around; n_bytes];
                assert!(!has_nul(&bytes), "{n_bytes} bytes of {around}");
                for place in 0..n_bytes {
                    bytes[place] = 0;
                    assert!(has_nul(&bytes), "at {place} of {n_bytes} bytes of {around}");
                    bytes[place] = around;
                }
            }
        }
    }

    proptest! {
        #[test]
        fn an_id_is_judged_as_by_the_plain_rules(
            text in prop_oneof![
                "[a-z0]{0,40}",
                "\\PC{0,40}",
                "[ab\\x00é𝄞]{0,40}",
                "[aé]{1000,1050}",
                "[Nn](one|ONE|IL|/a|A)|lmy47D|\\{\\}|-1|0",
                "0000000[01]-0000-0000-0000-00000000000[01]",
            ],
            min_chars in 0_usize..12,
        ) {
            let found = check_id("user_id", &text, min_chars);
            prop_assert_eq!(found.map(drop).map_err(|error| error.code), plainly(&text, min_chars));
        }
    }
}
