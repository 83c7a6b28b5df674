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
    pub fn new(text: &'a str, min_chars: usize) -> Result<Self, Rejection> {
        check_id("user_id", text, min_chars).map(Self)
    }
}

impl<'a> DeviceId<'a> {
    /// Checks a device id of at least `min_chars` characters.
    pub fn new(text: &'a str, min_chars: usize) -> Result<Self, Rejection> {
        check_id("device_id", text, min_chars).map(Self)
    }
}

/// At most 1024 characters and no NUL.
pub(crate) fn check_text<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Rejection> {
    if text.len() > Limits::TEXT_CHARS {
        let chars = text.chars().count();
        if chars > Limits::TEXT_CHARS {
            return Err(Rejection::new(
                ErrorCode::TooLong,
                field,
                format!("has {chars} characters; it may have at most {}", Limits::TEXT_CHARS),
            ));
        }
    }
    if text.as_bytes().contains(&0) {
        return Err(Rejection::new(
            ErrorCode::Invalid,
            field,
            "has a NUL character; it must be text without one",
        ));
    }
    Ok(text)
}

fn check_id<'a>(
    field: &'static str,
    text: &'a str,
    min_chars: usize,
) -> Result<&'a str, Rejection> {
    if is_no_id(text) {
        return Err(Rejection::new(
            ErrorCode::Invalid,
            field,
            format!("is `{text}`, which names nobody; send a real id or leave it out"),
        ));
    }
    // A character has at most four bytes, so long enough text need not be counted.
    if text.len() < min_chars.saturating_mul(4) {
        let chars = text.chars().count();
        if chars < min_chars {
            return Err(Rejection::new(
                ErrorCode::TooShort,
                field,
                format!("has {chars} characters; it must have at least {min_chars}"),
            ));
        }
    }
    check_text(field, text)
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
    const ZERO_UUID: &str = "00000000-0000-0000-0000-000000000000";
    match text.len() {
        1..=9 => NO_IDS.iter().any(|no_id| no_id.eq_ignore_ascii_case(text)),
        36 => text == ZERO_UUID,
        _ => false,
    }
}
