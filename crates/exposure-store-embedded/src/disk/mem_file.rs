//! The content of a file in memory: what is written, and what of it would outlive the power.

use std::collections::BTreeMap;
use std::ops::Range;

use super::SplitMix;

/// Smallest unit a disk writes as a whole, in bytes.
const SECTOR: usize = 512;

/// The content of a file: as seen by readers, as synced, and the changes between the two.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    pub(super) current: Vec<u8>,
    synced: Vec<u8>,
    unsynced: Vec<Change>,
    pub(super) advice: Advice,
}

/// What was advised about a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Advice {
    /// What was to be forgotten, in the order of the calls, within the file's length.
    pub(super) forgotten: Vec<Range<u64>>,
    /// Some of it was not durable.
    pub(super) too_soon: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

impl Content {
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        overwrite(&mut self.current, offset, bytes);
        self.unsynced.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn resize(&mut self, len: usize) {
        self.current.resize(len, 0);
        self.unsynced.push(Change::Resize(len));
    }

    pub(super) fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            match change {
                Change::Write { offset, bytes } => overwrite(&mut self.synced, offset, &bytes),
                Change::Resize(len) => self.synced.resize(len, 0),
            }
        }
    }

    /// A sync failed: what was written is still read, and no later sync makes it durable.
    pub(super) fn fail_sync(&mut self) {
        self.unsynced.retain(|change| matches!(change, Change::Resize(_)));
    }

    pub(super) fn forget(&mut self, offset: u64, len: u64) {
        let end = offset.saturating_add(len).min(self.current.len() as u64);
        let range = offset.min(end)..end;
        self.advice.too_soon |= self.unsynced.iter().any(|change| match change {
            Change::Write { offset, bytes } => {
                let at = *offset as u64;
                at < range.end && range.start < at + bytes.len() as u64
            }
            Change::Resize(_) => false,
        });
        self.advice.forgotten.push(range);
    }

    /// What is found after the power came back.
    ///
    /// A sector holds its synced bytes and a prefix of the unsynced writes to it, for each sector another prefix:
    /// a disk may write sectors in any order, but a sector never holds a later write without an earlier one.
    pub(super) fn after_power_loss(&self, random: &mut SplitMix) -> Self {
        let n = self.unsynced.len() as u64;
        // Half of the losses are all or nothing: those are the ones that random prefixes rarely give.
        let fixed = match random.up_to(3) {
            0 => Some(0),
            1 => Some(n),
            _ => None,
        };
        let mut kept = self.synced.clone();
        let mut prefixes: BTreeMap<usize, u64> = BTreeMap::new();
        let n_resizes = fixed.unwrap_or_else(|| random.up_to(n));
        for (i, change) in (0_u64..).zip(&self.unsynced) {
            match change {
                Change::Resize(len) if i < n_resizes => kept.resize(*len, 0),
                Change::Resize(_) => {}
                Change::Write { offset, bytes } => {
                    let mut at = *offset;
                    let mut rest = bytes.as_slice();
                    while !rest.is_empty() {
                        let in_sector = (SECTOR - at % SECTOR).min(rest.len());
                        let (piece, after) = rest.split_at(in_sector);
                        let prefix = *prefixes
                            .entry(at / SECTOR)
                            .or_insert_with(|| fixed.unwrap_or_else(|| random.up_to(n)));
                        if i < prefix {
                            overwrite(&mut kept, at, piece);
                        }
                        at += in_sector;
                        rest = after;
                    }
                }
            }
        }
        let advice = Advice::default();
        Self { current: kept.clone(), synced: kept, unsynced: Vec::new(), advice }
    }

    /// What is found after the process died: everything that was written.
    pub(super) fn after_process_death(&self) -> Self {
        Self { advice: Advice::default(), ..self.clone() }
    }
}

fn overwrite(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    if let Some(place) = content.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}
