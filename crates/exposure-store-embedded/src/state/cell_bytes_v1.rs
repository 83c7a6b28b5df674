//! A cell as data directories of version 1 hold it: every part in its full length, insert ids as text.

use exposure_core::Timestamp;

use super::block::take_seen;
use super::cell::{Cell, NewVersion};
use super::cell_bytes::text;
use super::insert_text::{InsertText, LongTexts};
use crate::frame::{Cursor, Malformed};
use crate::intern::Numbering;

const REGISTER: u8 = 1;
const SEEN: u8 = 2;

pub(super) fn decode_cell_v1(
    cursor: &mut Cursor<'_>,
    numbers: &mut Numbering<'_>,
    long: &mut LongTexts,
) -> Result<Cell, Malformed> {
    let has = cursor.u8()?;
    let flag = text(cursor, numbers)?;
    let mut cell = Cell::new(flag);
    if has & REGISTER != 0 {
        let (time, sequence) = (Timestamp::from_micros(cursor.i64()?), cursor.i64()?);
        let variant = text(cursor, numbers)?;
        let run = text(cursor, numbers)?;
        let insert = InsertText::pack(cursor.text16()?, long);
        cell.put(&NewVersion { time, sequence, variant, run }, insert);
    }
    if has & SEEN != 0 {
        cell.put_seen(take_seen(cursor, flag, numbers)?);
    }
    Ok(cell)
}
