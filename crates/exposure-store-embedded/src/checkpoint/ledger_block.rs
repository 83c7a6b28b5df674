//! The ledger as one block of a section: its counts with texts instead of numbers.

use exposure_core::{ErrorCode, Kind, RawId, Timestamp};
use exposure_store::{KeyId, ProjectId, StateHash, StoredReject};

use crate::frame::{Cursor, Malformed, put_bytes32, put_document, put_text16, take_document};
use crate::intern::{Interner, TextId, Texts};
use crate::state::{Arrival, Ledger, UsageKey};

/// Appends the ledger. It must be settled.
pub(crate) fn encode_ledger(out: &mut Vec<u8>, ledger: &Ledger, texts: &Texts) {
    out.extend_from_slice(&ledger.events.to_u128().to_le_bytes());
    out.extend_from_slice(&ledger.n_events.to_le_bytes());
    put_len(out, ledger.usage.len());
    for (key, events) in &ledger.usage {
        out.extend_from_slice(&key.project.0.to_le_bytes());
        out.extend_from_slice(&key.day.to_le_bytes());
        out.push(key.kind as u8);
        put_text16(out, texts.text(key.event_type));
        out.extend_from_slice(&key.key.0.to_le_bytes());
        put_text16(out, texts.text(key.library));
        out.extend_from_slice(&events.to_le_bytes());
    }
    put_len(out, ledger.senders.len());
    for ((project, library), counts) in &ledger.senders {
        out.extend_from_slice(&project.0.to_le_bytes());
        put_text16(out, texts.text(*library));
        out.extend_from_slice(&counts.accepted.to_le_bytes());
        out.extend_from_slice(&counts.duplicates.to_le_bytes());
        put_len(out, counts.rejected.len());
        for (code, n) in &counts.rejected {
            put_text16(out, code.as_str());
            out.extend_from_slice(&n.to_le_bytes());
        }
    }
    put_len(out, ledger.flags.len());
    for (project, flags) in &ledger.flags {
        out.extend_from_slice(&project.0.to_le_bytes());
        put_len(out, flags.len());
        for flag in flags {
            put_text16(out, texts.text(*flag));
        }
    }
    put_len(out, ledger.documents.len());
    for document in ledger.documents.values() {
        put_document(out, document);
    }
    put_len(out, ledger.rejects.len());
    for (project, rejects) in &ledger.rejects {
        out.extend_from_slice(&project.0.to_le_bytes());
        put_len(out, rejects.len());
        for reject in rejects {
            put_reject(out, reject);
        }
    }
    out.extend_from_slice(&ledger.retired.to_le_bytes());
    out.push(u8::from(ledger.is_retiring));
    put_len(out, ledger.arrivals.0.len());
    for part in &ledger.arrivals.0 {
        out.extend_from_slice(&part.first.as_micros().to_le_bytes());
        out.extend_from_slice(&part.last.as_micros().to_le_bytes());
        out.extend_from_slice(&part.end.to_le_bytes());
    }
    let times = || {
        let senders = ledger.senders.iter();
        senders.filter_map(|(sender, counts)| Some((sender, counts.last_received?)))
    };
    put_len(out, times().count());
    for ((project, library), received) in times() {
        out.extend_from_slice(&project.0.to_le_bytes());
        put_text16(out, texts.text(*library));
        out.extend_from_slice(&received.as_micros().to_le_bytes());
    }
}

/// Reads the ledger of a position.
pub(crate) fn decode_ledger(
    bytes: &[u8],
    position: u64,
    interner: &Interner,
) -> Result<Ledger, Malformed> {
    let mut cursor = Cursor(bytes);
    let mut ledger = Ledger::default();
    ledger.position = position;
    ledger.events = StateHash::from_u128(cursor.u128()?);
    ledger.n_events = cursor.u64()?;
    for _ in 0..cursor.u32()? {
        let key = UsageKey {
            project: ProjectId(cursor.u32()?),
            day: cursor.i64()?,
            kind: Kind::from_number(cursor.u8()?).ok_or(Malformed("an unknown kind"))?,
            event_type: text(&mut cursor, interner)?,
            key: KeyId(cursor.u32()?),
            library: text(&mut cursor, interner)?,
        };
        ledger.usage.insert(key, cursor.u64()?);
    }
    for _ in 0..cursor.u32()? {
        let project = ProjectId(cursor.u32()?);
        let library = text(&mut cursor, interner)?;
        let counts = ledger.sender(project, library, None);
        counts.accepted = cursor.u64()?;
        counts.duplicates = cursor.u64()?;
        for _ in 0..cursor.u32()? {
            let code =
                ErrorCode::from_name(cursor.text16()?).ok_or(Malformed("an unknown code"))?;
            counts.rejected.insert(code, cursor.u64()?);
        }
    }
    for _ in 0..cursor.u32()? {
        let project = ProjectId(cursor.u32()?);
        for _ in 0..cursor.u32()? {
            let flag = text(&mut cursor, interner)?;
            ledger.flag(project, flag);
        }
    }
    for _ in 0..cursor.u32()? {
        ledger.document(take_document(&mut cursor)?);
    }
    for _ in 0..cursor.u32()? {
        let project = ProjectId(cursor.u32()?);
        for _ in 0..cursor.u32()? {
            let reject = take_reject(&mut cursor)?;
            ledger.reject(project, reject, usize::MAX);
        }
    }
    // Blocks from before there was retention end here.
    if cursor.0.is_empty() {
        return Ok(ledger);
    }
    ledger.retired = cursor.u64()?;
    ledger.is_retiring = cursor.u8()? != 0;
    for _ in 0..cursor.u32()? {
        let (first, last) = (cursor.i64()?, cursor.i64()?);
        ledger.arrivals.0.push_back(Arrival {
            first: Timestamp::from_micros(first),
            last: Timestamp::from_micros(last),
            end: cursor.u64()?,
        });
    }
    // And those from before there were times of senders here.
    if cursor.0.is_empty() {
        return Ok(ledger);
    }
    for _ in 0..cursor.u32()? {
        let project = ProjectId(cursor.u32()?);
        let library = text(&mut cursor, interner)?;
        let received = Timestamp::from_micros(cursor.i64()?);
        ledger.sender(project, library, Some(received));
    }
    Ok(ledger)
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&(len as u32).to_le_bytes());
}

fn text(cursor: &mut Cursor<'_>, interner: &Interner) -> Result<TextId, Malformed> {
    interner.intern(cursor.text16()?).map_err(|_| Malformed("more texts than there are numbers"))
}

fn put_reject(out: &mut Vec<u8>, reject: &StoredReject) {
    out.extend_from_slice(&reject.position.to_le_bytes());
    out.extend_from_slice(&reject.received.as_micros().to_le_bytes());
    let (kind, id) = match &reject.named {
        None => (0, ""),
        Some(owner) => (1 + u8::from(owner.as_raw().is_user()), owner.as_raw().as_str()),
    };
    out.push(kind);
    for text in [reject.code.as_str(), &reject.field, &reject.message, id, &reject.library] {
        put_text16(out, text);
    }
    put_bytes32(out, &reject.event);
    out.extend_from_slice(&reject.key.0.to_le_bytes());
}

fn take_reject(cursor: &mut Cursor<'_>) -> Result<StoredReject, Malformed> {
    let position = cursor.u64()?;
    let received = Timestamp::from_micros(cursor.i64()?);
    let kind = cursor.u8()?;
    let code = ErrorCode::from_name(cursor.text16()?).ok_or(Malformed("an unknown code"))?;
    let (field, message) = (cursor.text16()?.into(), cursor.text16()?.into());
    let id = cursor.text16()?;
    let named = match kind {
        0 => None,
        1 => Some(RawId::Device(id).to_owner()),
        _ => Some(RawId::User(id).to_owner()),
    };
    let library = cursor.text16()?.into();
    let event = cursor.bytes32()?.into();
    let key = KeyId(cursor.u32()?);
    Ok(StoredReject { position, received, code, field, message, named, event, key, library })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_from_before_senders_had_times_are_read() {
        let interner = Interner::new();
        let library = interner.intern("web/1").unwrap();
        let mut ledger = Ledger::default();
        let received = Timestamp::from_micros(7);
        ledger.sender(ProjectId(1), library, Some(received)).accepted = 3;
        let mut block = Vec::new();
        encode_ledger(&mut block, &ledger, &interner.read());
        let sender = |block: &[u8]| {
            let ledger = decode_ledger(block, 0, &interner).unwrap();
            let counts = &ledger.senders[&(ProjectId(1), library)];
            (counts.accepted, counts.last_received)
        };
        assert_eq!(sender(&block), (3, Some(received)));
        // How many there are; project, text with its length, and time of each.
        block.truncate(block.len() - (4 + 4 + 2 + "web/1".len() + 8));
        assert_eq!(sender(&block), (3, None));
    }
}
