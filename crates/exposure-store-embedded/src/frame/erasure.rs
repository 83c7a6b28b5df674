use exposure_core::{Owner, RawId, Timestamp};
use exposure_store::ProjectId;

use super::bytes::{Cursor, Malformed, put_bytes32, put_text16};
use super::header::{FrameKind, FrameWriter};
use crate::keys::ProfileKey;

/// An erased profile and what is left of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Erasure {
    pub project: ProjectId,
    pub key: ProfileKey,
    /// Who it was: for the change feed, until the log's segment goes.
    pub owner: Owner,
    pub until: Timestamp,
    /// The profile's block afterwards.
    pub block: Vec<u8>,
    /// The sum of the hashes of the events that are gone, and how many they are.
    pub removed: u128,
    pub n_removed: u64,
}

/// A frame that holds erasures.
pub(crate) fn encode_erasure<'e>(
    erasures: impl ExactSizeIterator<Item = &'e Erasure>,
) -> FrameWriter {
    let mut frame = FrameWriter::new(FrameKind::Erasure, 256);
    frame.bytes.extend_from_slice(&(erasures.len() as u32).to_le_bytes());
    for erasure in erasures {
        frame.bytes.extend_from_slice(&erasure.project.0.to_le_bytes());
        frame.bytes.extend_from_slice(&erasure.key.0.to_le_bytes());
        frame.bytes.push(u8::from(erasure.owner.as_raw().is_user()));
        put_text16(&mut frame.bytes, erasure.owner.as_raw().as_str());
        frame.bytes.extend_from_slice(&erasure.until.as_micros().to_le_bytes());
        put_bytes32(&mut frame.bytes, &erasure.block);
        frame.bytes.extend_from_slice(&erasure.removed.to_le_bytes());
        frame.bytes.extend_from_slice(&erasure.n_removed.to_le_bytes());
    }
    frame.finish(0, 0);
    frame
}

/// Reads a frame's erasures.
pub(crate) fn decode_erasure(body: &[u8]) -> Result<Vec<Erasure>, Malformed> {
    let mut cursor = Cursor(body);
    let n = cursor.u32()?;
    let mut erasures = Vec::new();
    for _ in 0..n {
        let project = ProjectId(cursor.u32()?);
        let key = ProfileKey(cursor.u128()?);
        let is_user = cursor.u8()? != 0;
        let id = cursor.text16()?;
        let owner = if is_user { RawId::User(id) } else { RawId::Device(id) }.to_owner();
        let until = Timestamp::from_micros(cursor.i64()?);
        let block = cursor.bytes32()?.to_vec();
        let (removed, n_removed) = (cursor.u128()?, cursor.u64()?);
        erasures.push(Erasure { project, key, owner, until, block, removed, n_removed });
    }
    Ok(erasures)
}
