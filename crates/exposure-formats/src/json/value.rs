use crate::Arena;

/// One JSON value, looked at without reading into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'b> {
    /// `null`: an absent one.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(&'b str),
    /// A string, unescaped.
    Text(&'b str),
    /// An object, as it was written.
    Object(&'b str),
    /// An array, as it was written.
    Array(&'b str),
}

impl<'b> Value<'b> {
    /// Looks at JSON that a parser delimited; `None` for what is none.
    pub(crate) fn read(raw: &'b str, arena: &'b Arena) -> Option<Self> {
        Some(match raw.as_bytes().first()? {
            b'n' => Self::Null,
            b't' => Self::Bool(true),
            b'f' => Self::Bool(false),
            b'{' => Self::Object(raw),
            b'[' => Self::Array(raw),
            b'"' => {
                let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
                if has_escapes(inner) {
                    let text: String = serde_json::from_str(raw).ok()?;
                    Self::Text(arena.text(&text))
                } else {
                    Self::Text(inner)
                }
            }
            _ => Self::Number(raw),
        })
    }

    /// What is there, in words, for messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::Object(_) => "an object",
            Self::Array(_) => "an array",
        }
    }
}

/// Whether text has a backslash: eight bytes at once, for texts that are mostly short.
#[inline]
fn has_escapes(text: &str) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let (eights, rest) = text.as_bytes().as_chunks::<8>();
    let found = eights.iter().fold(0, |found, eight| {
        // A byte of zeros is a backslash; above one, others may be told for one too.
        let bits = u64::from_le_bytes(*eight) ^ (ONES * u64::from(b'\\'));
        found | bits.wrapping_sub(ONES) & !bits & (ONES << 7)
    });
    found != 0 || rest.contains(&b'\\')
}

/// Whether a number is written as an integer: no fraction, no exponent.
pub(crate) fn is_integer(number: &str) -> bool {
    let digits = number.strip_prefix('-').unwrap_or(number);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}
