use exposure_core::{Owner, RawId, Registers, Settled};
use exposure_store::ProjectId;

use super::bytes::{Cursor, Malformed, put_text16};
use super::header::{FrameKind, FrameWriter};
use super::settled::{put_registers, put_settled, take_registers, take_settled};
use crate::keys::ProfileKey;

/// A part of what retention does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Retirement {
    /// Events below this position of the log are gone; 0 in a frame that only folds.
    pub horizon: u64,
    /// The sum of the hashes of events that count no more, and how many they are.
    pub removed: u128,
    pub n_removed: u64,
    pub folds: Vec<Fold>,
}

/// What a profile gets for good, or keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fold {
    pub project: ProjectId,
    pub key: ProfileKey,
    pub owner: Owner,
    /// Is merged into a user's own, or into what a device has for itself.
    pub gained: Settled,
    /// Of a device whose events went.
    pub left: Option<Left>,
}

/// What is left of a device's anonymous events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Below which position they went.
    pub until: u64,
    /// What the others hold.
    pub held: Settled,
    /// The greatest writes of those that went, whoever owns them: later ones are judged by them.
    pub folded: Registers,
}

/// A frame that holds a retirement.
pub(crate) fn encode_retirement(retirement: &Retirement) -> FrameWriter {
    let mut frame = FrameWriter::new(FrameKind::Retirement, 256 + 256 * retirement.folds.len());
    frame.bytes.extend_from_slice(&retirement.horizon.to_le_bytes());
    frame.bytes.extend_from_slice(&retirement.removed.to_le_bytes());
    frame.bytes.extend_from_slice(&retirement.n_removed.to_le_bytes());
    frame.bytes.extend_from_slice(&(retirement.folds.len() as u32).to_le_bytes());
    for fold in &retirement.folds {
        frame.bytes.extend_from_slice(&fold.project.0.to_le_bytes());
        frame.bytes.extend_from_slice(&fold.key.0.to_le_bytes());
        frame.bytes.push(u8::from(fold.owner.as_raw().is_user()));
        put_text16(&mut frame.bytes, fold.owner.as_raw().as_str());
        put_settled(&mut frame.bytes, &fold.gained);
        frame.bytes.push(u8::from(fold.left.is_some()));
        if let Some(left) = &fold.left {
            frame.bytes.extend_from_slice(&left.until.to_le_bytes());
            put_settled(&mut frame.bytes, &left.held);
            put_registers(&mut frame.bytes, &left.folded);
        }
    }
    frame.finish(0, 0);
    frame
}

/// Reads a frame's retirement.
pub(crate) fn decode_retirement(body: &[u8]) -> Result<Retirement, Malformed> {
    let mut cursor = Cursor(body);
    let (horizon, removed, n_removed) = (cursor.u64()?, cursor.u128()?, cursor.u64()?);
    let mut folds = Vec::new();
    for _ in 0..cursor.u32()? {
        let (project, key) = (ProjectId(cursor.u32()?), ProfileKey(cursor.u128()?));
        let is_user = cursor.u8()? != 0;
        let id = cursor.text16()?;
        let owner = if is_user { RawId::User(id) } else { RawId::Device(id) }.to_owner();
        let gained = take_settled(&mut cursor)?;
        let left = if cursor.u8()? == 0 {
            None
        } else {
            let (until, held) = (cursor.u64()?, take_settled(&mut cursor)?);
            Some(Left { until, held, folded: take_registers(&mut cursor)? })
        };
        folds.push(Fold { project, key, owner, gained, left });
    }
    Ok(Retirement { horizon, removed, n_removed, folds })
}
