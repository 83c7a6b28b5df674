//! A cell as bytes of a profile's block: what is there, and nothing of what is not.
//!
//! parts u8 · flag, then with a register: time i64 · \[sequence i64\] · \[variant\] · \[run\] · insert id,
//! and with exposures: \[variant · run\] · first i64 · \[last i64\] · count u8 or u32. A text stands behind its
//! length in two bytes, and an insert id behind how it is to be read.

use exposure_core::Timestamp;

use super::cell::{Cell, NewVersion, SeenCell};
use super::insert_text::{InsertText, LongTexts};
use crate::frame::{Cursor, Malformed, put_text16};
use crate::intern::{Numbering, TextId, Texts};

const REGISTER: u8 = 1;
const SEEN: u8 = 1 << 1;
const SEQUENCE: u8 = 1 << 2;
/// The register holds a variant, and no tombstone.
const VARIANT: u8 = 1 << 3;
const RUN: u8 = 1 << 4;
/// What was seen is not the register's variant and run.
const OTHER: u8 = 1 << 5;
/// There is more than one exposure, of more than one time.
const LAST: u8 = 1 << 6;
/// More exposures than a byte can count.
const MANY: u8 = 1 << 7;

pub(super) fn encode_cell(out: &mut Vec<u8>, cell: &Cell, texts: &Texts, long: &LongTexts) {
    let at = out.len();
    out.push(0);
    let mut parts = 0;
    put_text16(out, texts.text(cell.flag));
    if cell.has_register() {
        parts |= REGISTER;
        out.extend_from_slice(&cell.time.as_micros().to_le_bytes());
        if cell.sequence != 0 {
            parts |= SEQUENCE;
            out.extend_from_slice(&cell.sequence.to_le_bytes());
        }
        if !cell.variant.is_none() {
            parts |= VARIANT;
            put_text16(out, texts.text(cell.variant));
        }
        if !cell.run().is_none() {
            parts |= RUN;
            put_text16(out, texts.text(cell.run()));
        }
        cell.insert().encode(out, long);
    }
    if let Some(seen) = cell.seen() {
        parts |= SEEN;
        // Without a register both are none, which nothing seen has for long.
        if (seen.variant, seen.run) != (cell.variant, cell.run()) {
            parts |= OTHER;
            put_text16(out, texts.text(seen.variant));
            put_text16(out, texts.text(seen.run));
        }
        out.extend_from_slice(&seen.first.as_micros().to_le_bytes());
        if seen.last != seen.first {
            parts |= LAST;
            out.extend_from_slice(&seen.last.as_micros().to_le_bytes());
        }
        if let Ok(count) = u8::try_from(seen.count) {
            out.push(count);
        } else {
            parts |= MANY;
            out.extend_from_slice(&seen.count.to_le_bytes());
        }
    }
    out[at] = parts;
}

pub(super) fn decode_cell(
    cursor: &mut Cursor<'_>,
    numbers: &mut Numbering<'_>,
    long: &mut LongTexts,
) -> Result<Cell, Malformed> {
    let parts = cursor.u8()?;
    let has = |part| parts & part != 0;
    let flag = text(cursor, numbers)?;
    let mut cell = Cell::new(flag);
    if has(REGISTER) {
        let new = NewVersion {
            time: Timestamp::from_micros(cursor.i64()?),
            sequence: if has(SEQUENCE) { cursor.i64()? } else { 0 },
            variant: if has(VARIANT) { text(cursor, numbers)? } else { TextId::NONE },
            run: if has(RUN) { text(cursor, numbers)? } else { TextId::NONE },
        };
        cell.put(&new, InsertText::decode(cursor, long)?);
    }
    if has(SEEN) {
        let (variant, run) = if has(OTHER) {
            (text(cursor, numbers)?, text(cursor, numbers)?)
        } else {
            (cell.variant, cell.run())
        };
        let first = Timestamp::from_micros(cursor.i64()?);
        let last = if has(LAST) { Timestamp::from_micros(cursor.i64()?) } else { first };
        let count = if has(MANY) { cursor.u32()? } else { u32::from(cursor.u8()?) };
        cell.put_seen(SeenCell { flag, run, variant, count, first, last });
    }
    Ok(cell)
}

/// The number of the text that comes next.
pub(super) fn text(
    cursor: &mut Cursor<'_>,
    numbers: &mut Numbering<'_>,
) -> Result<TextId, Malformed> {
    let bytes = cursor.bytes16()?;
    // What equals a text is one.
    if let Some(id) = numbers.recent(bytes) {
        return Ok(id);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a text is no UTF-8"))?;
    numbers.number(text).map_err(|_| Malformed("more texts than there are numbers"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::intern::Interner;

    /// Times, numbers and texts that agree now and then.
    fn cells() -> impl Strategy<Value = (NewVersion, String, Option<SeenCell>)> {
        let time = || (0_i64..4).prop_map(Timestamp::from_micros);
        let id = || (0_u32..3).prop_map(TextId);
        let version = (time(), prop_oneof![Just(0), any::<i64>()], id(), id())
            .prop_map(|(time, sequence, variant, run)| NewVersion { time, sequence, variant, run });
        let insert = prop_oneof![
            "[a-zé]{0,18}",
            "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            ".{36,50}",
        ];
        let count = prop_oneof![1_u32..4, 254_u32..258, Just(u32::MAX)];
        let seen = (id(), id(), count, time(), time()).prop_map(|(run, variant, count, a, b)| {
            SeenCell { flag: TextId(1), run, variant, count, first: a.min(b), last: a.max(b) }
        });
        (version, insert, proptest::option::of(seen))
    }

    proptest! {
        #[test]
        fn a_cell_comes_back((version, insert_id, seen) in cells(), has_register in any::<bool>()) {
            let interner = Interner::new();
            for text in ["one", "another"] {
                interner.intern(text).unwrap();
            }
            let mut long = LongTexts::default();
            let mut cell = Cell::new(TextId(1));
            if has_register {
                cell.put(&version, InsertText::pack(&insert_id, &mut long));
            }
            if let Some(seen) = seen {
                cell.put_seen(seen);
            }
            let mut bytes = Vec::new();
            encode_cell(&mut bytes, &cell, &interner.read(), &long);
            let mut found_long = LongTexts::default();
            let mut cursor = Cursor(&bytes);
            let found = decode_cell(&mut cursor, &mut Numbering::new(&interner), &mut found_long).unwrap();
            prop_assert!(cursor.0.is_empty());
            prop_assert_eq!((found.time, found.sequence), (cell.time, cell.sequence));
            prop_assert_eq!((found.flag, found.variant, found.run()), (cell.flag, cell.variant, cell.run()));
            let (mut a, mut b) = ([0; 36], [0; 36]);
            let (found_insert, insert) = (found.insert(), cell.insert());
            prop_assert_eq!(found_insert.text(&found_long, &mut a), insert.text(&long, &mut b));
            prop_assert_eq!(found.seen(), cell.seen());
            // Half of it is no cell, and does no harm.
            for end in 0..bytes.len() {
                let (mut numbers, mut long) = (Numbering::new(&interner), LongTexts::default());
                let cut = decode_cell(&mut Cursor(&bytes[..end]), &mut numbers, &mut long);
                prop_assert!(cut.is_err());
            }
        }
    }
}
