//! Registers and exposures of a profile on their own, with texts.

use exposure_core::{Change, Registers, Seen, SeenKey, SeenTable, Settled, Timestamp, Version};

use super::bytes::{Cursor, Malformed, put_text16};

/// Appends registers and exposures. An empty variant is an unset.
pub(crate) fn put_settled(out: &mut Vec<u8>, settled: &Settled) {
    put_registers(out, &settled.registers);
    put_seen(out, &settled.seen);
}

/// Appends registers.
pub(crate) fn put_registers(out: &mut Vec<u8>, registers: &Registers) {
    out.extend_from_slice(&(registers.len() as u32).to_le_bytes());
    for (flag, register) in registers.iter() {
        let version = register.version();
        put_text16(out, flag);
        out.extend_from_slice(&version.time.as_micros().to_le_bytes());
        out.extend_from_slice(&version.sequence.to_le_bytes());
        put_text16(out, version.change.variant().unwrap_or(""));
        put_text16(out, version.experiment_key);
        put_text16(out, version.insert_id);
    }
}

fn put_seen(out: &mut Vec<u8>, table: &SeenTable) {
    out.extend_from_slice(&(table.len() as u32).to_le_bytes());
    for (key, seen) in table.iter() {
        put_text16(out, &key.flag);
        put_text16(out, &key.experiment_key);
        put_text16(out, key.variant.as_deref().unwrap_or(""));
        out.extend_from_slice(&seen.first.as_micros().to_le_bytes());
        out.extend_from_slice(&seen.last.as_micros().to_le_bytes());
        out.extend_from_slice(&seen.count.to_le_bytes());
    }
}

/// Reads registers and exposures off the front.
pub(crate) fn take_settled(cursor: &mut Cursor<'_>) -> Result<Settled, Malformed> {
    let mut settled = Settled { registers: take_registers(cursor)?, seen: SeenTable::default() };
    for _ in 0..cursor.u32()? {
        let (flag, experiment_key) = (cursor.text16()?.into(), cursor.text16()?.into());
        let key = SeenKey { flag, experiment_key, variant: variant(cursor)?.map(Into::into) };
        let first = Timestamp::from_micros(cursor.i64()?);
        let last = Timestamp::from_micros(cursor.i64()?);
        settled.seen.add(key, Seen { first, last, count: cursor.u64()? });
    }
    Ok(settled)
}

/// Reads registers off the front.
pub(crate) fn take_registers(cursor: &mut Cursor<'_>) -> Result<Registers, Malformed> {
    let mut registers = Registers::default();
    for _ in 0..cursor.u32()? {
        let flag = cursor.text16()?;
        let (time, sequence) = (Timestamp::from_micros(cursor.i64()?), cursor.i64()?);
        let change = Change::to_variant(variant(cursor)?);
        let (experiment_key, insert_id) = (cursor.text16()?, cursor.text16()?);
        let version = Version { time, sequence, change, experiment_key, insert_id };
        registers.merge(flag, &version);
    }
    Ok(registers)
}

fn variant<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a str>, Malformed> {
    Ok(Some(cursor.text16()?).filter(|variant| !variant.is_empty()))
}
