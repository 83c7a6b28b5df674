//! Reads the primitives of the wire format, with the verdicts of generated code.

use super::fault::{Fault, Kind};

/// How deep messages and groups may nest: the limit of generated code.
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

/// The key of a field of eight bytes.
pub(super) const fn fixed_64(number: u32) -> u64 {
    (number << 3 | FIXED_64) as u64
}

/// The key of a field of four bytes.
pub(super) const fn fixed_32(number: u32) -> u64 {
    (number << 3 | FIXED_32) as u64
}

/// The key of a text, bytes or message field.
pub(super) const fn delimited(number: u32) -> u64 {
    (number << 3 | LENGTH_DELIMITED) as u64
}

/// The field numbers that a message knows, all below 32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known(u32);

impl Known {
    pub(super) const fn new(numbers: &[u32]) -> Self {
        let (mut set, mut rest) = (0, numbers);
        while let [number, others @ ..] = rest {
            set |= 1 << *number;
            rest = others;
        }
        Self(set)
    }

    const fn contains(self, number: u32) -> bool {
        number < u32::BITS && self.0 & (1 << number) != 0
    }
}

/// What is left of one message.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    pub(super) const fn new(message: &'b [u8]) -> Self {
        Self { rest: message }
    }

    /// The key of the next field, unchecked: a match on the known ones finds those, and
    /// [`skip`](Self::skip) judges every other. `None` at the end.
    #[inline]
    pub(super) fn key(&mut self) -> Result<Option<u64>, Fault> {
        if self.rest.is_empty() { Ok(None) } else { self.varint().map(Some) }
    }

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

    fn long_varint(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        for (index, &byte) in self.rest.iter().enumerate().take(10) {
            value |= u64::from(byte & 0x7f) << (7 * index);
            if byte < 0x80 {
                // The tenth byte has room for a single bit.
                if index == 9 && 1 < byte {
                    break;
                }
                self.rest = self.rest.get(index + 1..).unwrap_or_default();
                return Ok(value);
            }
        }
        Err(self.fault(Kind::Varint))
    }

    #[inline]
    pub(super) fn eight_bytes(&mut self) -> Result<u64, Fault> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(u64::from_le_bytes(*bytes))
            }
            None => Err(self.fault(Kind::Truncated)),
        }
    }

    #[inline]
    pub(super) fn four_bytes(&mut self) -> Result<u32, Fault> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(u32::from_le_bytes(*bytes))
            }
            None => Err(self.fault(Kind::Truncated)),
        }
    }

    /// The content of a text, bytes or message field.
    #[inline]
    pub(super) fn bytes(&mut self) -> Result<&'b [u8], Fault> {
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

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'b str, Fault> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Fault::new(Kind::Utf8, bytes))
    }

    /// The content of a message field of a message at `depth`, and the depth it is read at.
    #[inline]
    pub(super) fn message(&mut self, depth: u32) -> Result<(&'b [u8], u32), Fault> {
        if depth == 0 {
            return Err(self.fault(Kind::Depth));
        }
        Ok((self.bytes()?, depth - 1))
    }

    /// Skips a field that is none of the known ones, or refuses it: one of those comes here
    /// only with a wire type that is not its own.
    #[cold]
    pub(super) fn skip(&mut self, key: u64, known: Known, depth: u32) -> Result<(), Fault> {
        let (number, wire_type) = self.check_key(key)?;
        if known.contains(number) {
            return Err(self.fault(Kind::WireType));
        }
        self.skip_value(number, wire_type, depth)
    }

    fn check_key(&self, key: u64) -> Result<(u32, u32), Fault> {
        let key = u32::try_from(key).map_err(|_| self.fault(Kind::Key))?;
        let (number, wire_type) = (key >> 3, key & 7);
        if number == 0 || FIXED_32 < wire_type {
            return Err(self.fault(Kind::Key));
        }
        Ok((number, wire_type))
    }

    fn skip_value(&mut self, number: u32, wire_type: u32, depth: u32) -> Result<(), Fault> {
        if depth == 0 {
            return Err(self.fault(Kind::Depth));
        }
        match wire_type {
            VARINT => self.varint().map(drop),
            FIXED_64 => self.eight_bytes().map(drop),
            FIXED_32 => self.four_bytes().map(drop),
            LENGTH_DELIMITED => self.bytes().map(drop),
            START_GROUP => loop {
                let key = self.varint()?;
                let (inner_number, inner_type) = self.check_key(key)?;
                if inner_type != END_GROUP {
                    self.skip_value(inner_number, inner_type, depth - 1)?;
                } else if inner_number == number {
                    return Ok(());
                } else {
                    return Err(self.fault(Kind::EndGroup));
                }
            },
            _ => Err(self.fault(Kind::EndGroup)),
        }
    }

    #[cold]
    fn fault(&self, kind: Kind) -> Fault {
        Fault::new(kind, self.rest)
    }
}
