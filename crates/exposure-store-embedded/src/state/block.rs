//! A profile as one block of bytes: what a checkpoint holds, what a cold profile is read
//! from, and what an erasure leaves. It holds texts, not numbers, so it outlives the process.
//!
//! key u128 · project u32 · marks u8 · last u64 · activity u64 · id · cells · seen · more.

use exposure_core::{DeviceLinks, LinkSpan, Registers, Settled, Timestamp};
use exposure_store::{ProjectId, StoredDuplicate};

use super::cell::SeenCell;
use super::cell_bytes::{decode_cell, encode_cell, text};
use super::cell_bytes_v1::decode_cell_v1;
use super::insert_text::LongTexts;
use super::more::{DuplicateLog, More};
use super::profile::Profile;
use crate::frame::{
    Cursor, Malformed, put_registers, put_settled, put_text16, take_registers, take_settled,
};
use crate::intern::{Numbering, TextId, Texts};
use crate::keys::ProfileKey;

/// Beside whether it is a user: the cells are those of [`super::cell_bytes`].
const COMPACT: u8 = 1 << 7;
const IS_USER: u8 = 1;

/// Appends a profile's block.
pub(crate) fn encode_profile(
    out: &mut Vec<u8>,
    profile: &Profile,
    texts: &Texts,
    long: &LongTexts,
) {
    out.extend_from_slice(&profile.key.0.to_le_bytes());
    out.extend_from_slice(&profile.project.0.to_le_bytes());
    out.push(COMPACT | u8::from(profile.is_user));
    out.extend_from_slice(&profile.last.to_le_bytes());
    out.extend_from_slice(&profile.activity.to_le_bytes());
    put_text16(out, &profile.id);
    out.extend_from_slice(&(profile.cells.len() as u32).to_le_bytes());
    for cell in &profile.cells {
        encode_cell(out, cell, texts, long);
    }
    match &profile.more {
        None => out.push(0),
        Some(more) => {
            out.push(1);
            encode_more(out, more, texts);
        }
    }
}

/// The key of the block that begins here.
pub(crate) fn peek_key(bytes: &[u8]) -> Result<ProfileKey, Malformed> {
    Cursor(bytes).u128().map(ProfileKey)
}

/// Reads a block. Long insert ids go among `long`.
pub(crate) fn decode_profile(
    bytes: &[u8],
    numbers: &mut Numbering<'_>,
    long: &mut LongTexts,
) -> Result<Profile, Malformed> {
    let mut cursor = Cursor(bytes);
    let key = ProfileKey(cursor.u128()?);
    let project = ProjectId(cursor.u32()?);
    let marks = cursor.u8()?;
    let last = cursor.u64()?;
    let activity = cursor.u64()?;
    let id = cursor.text16()?.into();
    let n_cells = cursor.u32()? as usize;
    let mut cells = Vec::with_capacity(n_cells.min(bytes.len()));
    let decode = if marks & COMPACT == 0 { decode_cell_v1 } else { decode_cell };
    for _ in 0..n_cells {
        cells.push(decode(&mut cursor, numbers, long)?);
    }
    let more =
        if cursor.u8()? == 0 { None } else { Some(Box::new(decode_more(&mut cursor, numbers)?)) };
    let flags = cells.iter().map(|cell| cell.flag).collect();
    let (cells, is_user) = (cells.into_boxed_slice(), marks & IS_USER != 0);
    Ok(Profile {
        key,
        last,
        activity,
        id,
        project,
        is_user,
        referenced: false,
        unsaved: false,
        flags,
        cells,
        more,
    })
}

fn put_seen(out: &mut Vec<u8>, seen: &SeenCell, texts: &Texts) {
    put_text16(out, texts.text(seen.variant));
    put_text16(out, texts.text(seen.run));
    out.extend_from_slice(&seen.first.as_micros().to_le_bytes());
    out.extend_from_slice(&seen.last.as_micros().to_le_bytes());
    out.extend_from_slice(&seen.count.to_le_bytes());
}

pub(super) fn take_seen(
    cursor: &mut Cursor<'_>,
    flag: TextId,
    numbers: &mut Numbering<'_>,
) -> Result<SeenCell, Malformed> {
    Ok(SeenCell {
        flag,
        variant: text(cursor, numbers)?,
        run: text(cursor, numbers)?,
        first: Timestamp::from_micros(cursor.i64()?),
        last: Timestamp::from_micros(cursor.i64()?),
        count: cursor.u32()?,
    })
}

fn encode_more(out: &mut Vec<u8>, more: &More, texts: &Texts) {
    out.extend_from_slice(&(more.seen.len() as u32).to_le_bytes());
    for seen in &more.seen {
        put_text16(out, texts.text(seen.flag));
        put_seen(out, seen, texts);
    }
    out.extend_from_slice(&(more.devices.len() as u32).to_le_bytes());
    for device in &more.devices {
        put_text16(out, device);
    }
    let n_users =
        if more.links == DeviceLinks::Shared { u32::MAX } else { more.links.spans().len() as u32 };
    out.extend_from_slice(&n_users.to_le_bytes());
    for span in more.links.spans() {
        put_text16(out, &span.user);
        out.extend_from_slice(&span.earliest.as_micros().to_le_bytes());
        out.extend_from_slice(&span.latest.as_micros().to_le_bytes());
    }
    let erased_until = more.erased_until.unwrap_or(Timestamp::MIN);
    out.extend_from_slice(&erased_until.as_micros().to_le_bytes());
    let none = DuplicateLog::default();
    let duplicates = more.duplicates.as_deref().unwrap_or(&none);
    out.extend_from_slice(&duplicates.count.to_le_bytes());
    out.extend_from_slice(&(duplicates.last.len() as u32).to_le_bytes());
    for duplicate in &duplicates.last {
        put_text16(out, &duplicate.insert_id);
        out.extend_from_slice(&duplicate.received.as_micros().to_le_bytes());
        put_text16(out, duplicate.flag.as_deref().unwrap_or(""));
        out.push(u8::from(duplicate.conflict));
        put_text16(out, &duplicate.library);
    }
    out.extend_from_slice(&more.folded_until.to_le_bytes());
    put_registers(out, more.folded.as_deref().unwrap_or(&Registers::default()));
    put_settled(out, more.settled.as_deref().unwrap_or(&Settled::default()));
}

fn decode_more(cursor: &mut Cursor<'_>, numbers: &mut Numbering<'_>) -> Result<More, Malformed> {
    let mut more = More::default();
    for _ in 0..cursor.u32()? {
        let flag = text(cursor, numbers)?;
        more.seen.push(take_seen(cursor, flag, numbers)?);
    }
    for _ in 0..cursor.u32()? {
        more.devices.push(cursor.text16()?.into());
    }
    more.links = decode_links(cursor)?;
    let erased_until = Timestamp::from_micros(cursor.i64()?);
    more.erased_until = (erased_until != Timestamp::MIN).then_some(erased_until);
    let count = cursor.u64()?;
    let mut last = Vec::new();
    for _ in 0..cursor.u32()? {
        last.push(StoredDuplicate {
            insert_id: cursor.text16()?.into(),
            received: Timestamp::from_micros(cursor.i64()?),
            flag: Some(cursor.text16()?).filter(|flag| !flag.is_empty()).map(Into::into),
            conflict: cursor.u8()? != 0,
            library: cursor.text16()?.into(),
        });
    }
    more.duplicates = (count > 0).then(|| Box::new(DuplicateLog { count, last }));
    // Blocks from before there was retention end here.
    if cursor.0.is_empty() {
        return Ok(more);
    }
    more.folded_until = cursor.u64()?;
    more.folded = Some(take_registers(cursor)?).filter(|held| !held.is_empty()).map(Box::new);
    more.settled = Some(take_settled(cursor)?).filter(|held| !held.is_empty()).map(Box::new);
    Ok(more)
}

fn decode_links(cursor: &mut Cursor<'_>) -> Result<DeviceLinks, Malformed> {
    let n_users = cursor.u32()?;
    if n_users == u32::MAX {
        return Ok(DeviceLinks::Shared);
    }
    let mut spans = Vec::new();
    for _ in 0..n_users {
        spans.push(LinkSpan {
            user: cursor.text16()?.into(),
            earliest: Timestamp::from_micros(cursor.i64()?),
            latest: Timestamp::from_micros(cursor.i64()?),
        });
    }
    Ok(match spans.len() {
        0 => DeviceLinks::None,
        1 => spans.pop().map_or(DeviceLinks::None, DeviceLinks::One),
        _ => DeviceLinks::Many(spans),
    })
}
