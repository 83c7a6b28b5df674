//! Copying profiles that are on disk alone, without understanding them.

use exposure_store::Error;

use super::section::{SectionReader, SectionWriter};
use crate::keys::ProfileKey;
use crate::state::{ColdRef, peek_key};
use crate::store::Inner;

/// Copies blocks of a shard to a new section with a number, and says from where to where.
pub(super) fn copy_cold(
    inner: &Inner,
    shard: usize,
    cold: &mut [ColdRef],
    number: u8,
    writer: &mut SectionWriter,
    moved: &mut Vec<(ProfileKey, ColdRef, ColdRef)>,
) -> Result<(), Error> {
    cold.sort_unstable_by_key(|at| (at.section, at.offset));
    moved.reserve(cold.len());
    for part in cold.chunk_by(|a, b| a.section == b.section) {
        let Some(at) = part.first() else { continue };
        let old = inner.sections.numbered(shard, at.section).ok_or_else(|| Error::Corrupt {
            file: "checkpoint/MANIFEST".into(),
            what: format!("there is no section {} of shard {shard}", at.section),
        })?;
        let bytes = old.read()?;
        // The next reads of a profile go to the section that replaces this one.
        old.forget();
        let blocks = SectionReader::new(old.number, &bytes, shard as u32, old.at.position)
            .map_err(|(offset, what)| old.corrupt(offset, what))?;
        let mut wanted = part.iter().peekable();
        for block in blocks {
            let (from, block) = block.map_err(|(offset, what)| old.corrupt(offset, what))?;
            if wanted.next_if(|at| **at == from).is_none() {
                continue;
            }
            let key = peek_key(block).map_err(|what| old.corrupt(from.offset as usize, what))?;
            let to = writer.block(number, |out| out.extend_from_slice(block));
            if !to.is_tellable() {
                return Err(Error::Exhausted {
                    what: format!(
                        "shard {shard} has more than fits into a section; raise memory_limit"
                    ),
                    retry_after: std::time::Duration::from_mins(1),
                });
            }
            moved.push((key, from, to));
        }
    }
    Ok(())
}
