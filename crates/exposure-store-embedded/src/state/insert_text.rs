//! An insert id in sixteen bytes, where it fits.

use crate::frame::{Cursor, Malformed, put_text16};
use crate::uuid::{parse_uuid, write_uuid};

/// How the sixteen bytes are to be read; kept beside them, and stored.
const NONE: u8 = 0;
const UUID: u8 = 1;
const LONG: u8 = 2;
/// Tags from here on are short texts, with the length added.
const SHORT: u8 = 16;

/// An insert id: nothing, a UUID in canonical text, up to sixteen bytes, or a place among the long ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InsertText {
    pub bytes: [u8; 16],
    pub tag: u8,
}

/// The insert ids of a shard that are longer.
#[derive(Debug, Default)]
pub(crate) struct LongTexts {
    texts: Vec<Box<str>>,
    free: Vec<u32>,
    bytes: usize,
}

impl InsertText {
    /// Packs a text; long ones go among `long`.
    pub(crate) fn pack(text: &str, long: &mut LongTexts) -> Self {
        Self::pack_short(text).unwrap_or_else(|| {
            let place = long.add(text);
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&place.to_le_bytes());
            Self { bytes, tag: LONG }
        })
    }

    /// Packs a text that needs no place of its own.
    pub(crate) fn pack_short(text: &str) -> Option<Self> {
        if text.len() <= 16 {
            let mut bytes = [0; 16];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            return Some(Self {
                bytes,
                tag: if text.is_empty() { NONE } else { SHORT + text.len() as u8 },
            });
        }
        parse_uuid(text).map(|bytes| Self { bytes, tag: UUID })
    }

    /// The bytes of a UUID.
    pub(crate) fn uuid(&self) -> Option<&[u8; 16]> {
        (self.tag == UUID).then_some(&self.bytes)
    }

    /// A UUID.
    pub(crate) const fn of_uuid(bytes: [u8; 16]) -> Self {
        Self { bytes, tag: UUID }
    }

    /// The text, written into `buffer` where it is not stored as such.
    pub(crate) fn text<'a>(&'a self, long: &'a LongTexts, buffer: &'a mut [u8; 36]) -> &'a str {
        match self.tag {
            NONE => "",
            UUID => {
                write_uuid(&self.bytes, buffer);
                std::str::from_utf8(&buffer[..]).unwrap_or("")
            }
            LONG => long.get(self.place()),
            tag => std::str::from_utf8(&self.bytes[..usize::from(tag - SHORT)]).unwrap_or(""),
        }
    }

    /// Whether its text is kept among the long ones.
    pub(crate) const fn is_long(self) -> bool {
        self.tag == LONG
    }

    /// Gives back a place among the long ones.
    pub(crate) fn release(self, long: &mut LongTexts) {
        if self.tag == LONG {
            long.remove(self.place());
        }
    }

    /// Appends it to a profile's block: how it is to be read, and its bytes.
    pub(super) fn encode(&self, out: &mut Vec<u8>, long: &LongTexts) {
        out.push(self.tag);
        match self.tag {
            NONE => {}
            UUID => out.extend_from_slice(&self.bytes),
            LONG => put_text16(out, long.get(self.place())),
            tag => out.extend_from_slice(&self.bytes[..usize::from(tag - SHORT)]),
        }
    }

    /// Reads it from a profile's block; a long one goes among `long`.
    pub(super) fn decode(cursor: &mut Cursor<'_>, long: &mut LongTexts) -> Result<Self, Malformed> {
        let tag = cursor.u8()?;
        match tag {
            NONE => Ok(Self { bytes: [0; 16], tag }),
            UUID => Ok(Self { bytes: cursor.array()?, tag }),
            LONG => Ok(Self::pack(cursor.text16()?, long)),
            _ => tag
                .checked_sub(SHORT)
                .filter(|length| (1..=16).contains(length))
                .ok_or(Malformed("an insert id of an unknown kind"))
                .and_then(|length| cursor.text(usize::from(length)))
                .map(|text| Self::pack(text, long)),
        }
    }

    fn place(self) -> u32 {
        u32::from_le_bytes([self.bytes[0], self.bytes[1], self.bytes[2], self.bytes[3]])
    }
}

impl LongTexts {
    fn add(&mut self, text: &str) -> u32 {
        self.bytes += text.len();
        if let Some(place) = self.free.pop() {
            self.texts[place as usize] = text.into();
            return place;
        }
        self.texts.push(text.into());
        (self.texts.len() - 1) as u32
    }

    fn get(&self, place: u32) -> &str {
        &self.texts[place as usize]
    }

    fn remove(&mut self, place: u32) {
        self.bytes -= self.texts[place as usize].len();
        self.texts[place as usize] = "".into();
        self.free.push(place);
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + self.texts.capacity() * 16 + self.free.capacity() * 4
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_comes_back(text in prop_oneof![
            "[a-zé]{0,18}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "[0-9A-F]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            // Neighbours of the digits, and what is no ASCII.
            "[/0-9:`a-g@é-]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            ".{36,50}",
        ]) {
            let mut long = LongTexts::default();
            let packed = InsertText::pack(&text, &mut long);
            let mut buffer = [0; 36];
            prop_assert_eq!(packed.text(&long, &mut buffer), text.as_str());
            packed.release(&mut long);
            prop_assert_eq!(long.bytes, 0);
        }
    }
}
