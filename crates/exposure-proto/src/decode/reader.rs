//! Reads the primitives of the wire format, with the verdicts of the generated code.

use ascii::AsciiStr;

use super::error::{DecodeErrorKind as Kind, Fault};

/// How deep messages and groups may nest: the limit of the generated code.
pub(super) const MAX_DEPTH: u32 = 100;

const VARINT: u32 = 0;
const FIXED_64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const START_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
const FIXED_32: u32 = 5;

/// The key of an integer field.
pub(super) const fn integer(number: u32) -> u64 {
    (number << 3 | VARINT) as u64
}

/// The key of a text, bytes or message field.
pub(super) const fn delimited(number: u32) -> u64 {
    (number << 3 | LENGTH_DELIMITED) as u64
}

/// What is left of one message.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// An integer, a length, or a key. Keys are left unchecked: a match on the known ones
    /// finds those, and [`skip_unknown`](Self::skip_unknown) judges every other.
    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_varint(),
        }
    }

    /// An integer of up to eight bytes in a few steps for all of them together.
    #[inline]
    fn long_varint(&mut self) -> Result<u64, Fault> {
        // Where there are no eight bytes, they end nowhere.
        let word = self.rest.first_chunk::<8>().map_or(u64::MAX, |word| u64::from_le_bytes(*word));
        let ends = !word & 0x8080_8080_8080_8080;
        if ends == 0 {
            let (value, rest) = slow_varint(self.rest)?;
            self.rest = rest;
            return Ok(value);
        }
        // Keep the bytes up to the first one without a continuation bit, and close their gaps.
        let word = word & (ends ^ (ends - 1)) & 0x7f7f_7f7f_7f7f_7f7f;
        let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
        let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
        let word = (word & 0x0000_0000_0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4);
        let length = (ends.trailing_zeros() / 8 + 1) as usize;
        self.rest = self.rest.get(length..).unwrap_or_default();
        Ok(word)
    }

    /// The content of a text, bytes or message field.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.varint()?;
        // A length that does not fit is past every end.
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.fault(Kind::Truncated)),
        }
    }

    /// The content of a text field.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Fault> {
        let bytes = self.bytes()?;
        text(bytes).ok_or_else(|| Fault::new(Kind::Utf8, bytes))
    }

    /// Skips a field that is none of the known ones, or refuses it.
    ///
    /// The known fields of a message have the numbers 1 to `n_known`; one of those comes
    /// here only with a wire type that is not its own.
    #[inline]
    pub(super) fn skip_unknown(&mut self, key: u64, n_known: u32, depth: u32) -> Result<(), Fault> {
        self.rest = skip_unknown(self.rest, key, n_known, depth)?;
        Ok(())
    }

    fn check_key(&self, key: u64) -> Result<(u32, u32), Fault> {
        let key = u32::try_from(key).map_err(|_| self.fault(Kind::Key))?;
        let (number, wire_type) = (key >> 3, key & 7);
        if number == 0 || FIXED_32 < wire_type {
            return Err(self.fault(Kind::Key));
        }
        Ok((number, wire_type))
    }

    fn skip(&mut self, number: u32, wire_type: u32, depth: u32) -> Result<(), Fault> {
        if depth == 0 {
            return Err(self.fault(Kind::Depth));
        }
        match wire_type {
            VARINT => self.varint().map(drop),
            FIXED_64 => self.advance(8),
            FIXED_32 => self.advance(4),
            LENGTH_DELIMITED => self.bytes().map(drop),
            START_GROUP => loop {
                let key = self.varint()?;
                let (inner_number, inner_type) = self.check_key(key)?;
                if inner_type != END_GROUP {
                    self.skip(inner_number, inner_type, depth - 1)?;
                } else if inner_number == number {
                    return Ok(());
                } else {
                    return Err(self.fault(Kind::EndGroup));
                }
            },
            _ => Err(self.fault(Kind::EndGroup)),
        }
    }

    fn advance(&mut self, n_bytes: usize) -> Result<(), Fault> {
        match self.rest.get(n_bytes..) {
            Some(rest) => {
                self.rest = rest;
                Ok(())
            }
            None => Err(self.fault(Kind::Truncated)),
        }
    }

    #[cold]
    fn fault(&self, kind: Kind) -> Fault {
        Fault::new(kind, self.rest)
    }
}

// What is apart below takes and gives back the rest, not the reader: one whose address is known
// elsewhere would be kept in memory, not in registers.

/// The bytes as text. Most are short and ASCII, and of those whole words are checked at once,
/// where the check for UTF-8 walks from byte to byte.
#[inline(never)]
fn text(bytes: &[u8]) -> Option<&str> {
    match AsciiStr::from_ascii(bytes) {
        Ok(text) => Some(text.as_str()),
        Err(_) => std::str::from_utf8(bytes).ok(),
    }
}

#[cold]
fn slow_varint(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            // The tenth byte has room for a single bit.
            if index == 9 && byte > 1 {
                break;
            }
            return Ok((value, bytes.get(index + 1..).unwrap_or_default()));
        }
    }
    Err(Fault::new(Kind::Varint, bytes))
}

#[cold]
fn skip_unknown(bytes: &[u8], key: u64, n_known: u32, depth: u32) -> Result<&[u8], Fault> {
    let mut reader = Reader::new(bytes);
    let (number, wire_type) = reader.check_key(key)?;
    if number <= n_known {
        return Err(reader.fault(Kind::WireType));
    }
    reader.skip(number, wire_type, depth)?;
    Ok(reader.rest)
}
