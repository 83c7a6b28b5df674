//! Looking for groups beyond the place where the walk stopped.
//!
//! A torn tail has nothing durable after it. Damage in the middle has: some later group says so.

use memchr::memmem::Finder;

use super::format::{GROUP_HEADER, GROUP_MAGIC, GroupHeader};
use crate::disk::{self, File};

const CHUNK: usize = 1 << 20;

/// What validates beyond the place where the walk stopped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) n_groups: u64,
    /// The highest durable position that one of them names.
    pub(super) durable: u64,
}

impl Remains {
    /// Searches the file of the segment that starts at `start`, from `position`, at every byte.
    pub(super) fn search(
        file: &dyn File,
        store_id: u128,
        start: u64,
        position: u64,
    ) -> std::io::Result<Self> {
        let mut remains = Self::default();
        let file_end = start + file.len()?;
        let mut buffer = vec![0; CHUNK];
        let magic = Finder::new(&GROUP_MAGIC);
        let mut at = position;
        while at + GROUP_HEADER <= file_end {
            // Room that was never written holds no group, and reading it makes memory of it.
            let Some(data) = file.next_data(at - start) else { break };
            at = at.max(start + data);
            let n = disk::read_up_to(file, &mut buffer, at - start)?;
            let chunk = buffer.get(..n).unwrap_or_default();
            // A file that is reused is full of groups of its earlier life: each is one look at its header.
            let mut from = 0;
            while let Some(offset) = chunk.get(from..).and_then(|rest| magic.find(rest)) {
                let found = from + offset;
                let header = chunk.get(found..).and_then(|rest| rest.first_chunk());
                let Some(header) = header else { break };
                from = found + 1;
                if let Some(group) = validate(file, store_id, start, at + found as u64, header)? {
                    remains.n_groups += 1;
                    remains.durable = remains.durable.max(group.durable);
                    from = (group.end() - at) as usize;
                }
            }
            // The last bytes may hold the beginning of a header.
            let seen = n.saturating_sub(GROUP_HEADER as usize - 1);
            if seen == 0 {
                break;
            }
            at += seen.max(from) as u64;
        }
        Ok(remains)
    }
}

/// The group at `position`, if it is one of this place. `encoded` are its first bytes.
fn validate(
    file: &dyn File,
    store_id: u128,
    start: u64,
    position: u64,
    encoded: &[u8; GROUP_HEADER as usize],
) -> std::io::Result<Option<GroupHeader>> {
    let header = GroupHeader::decode(encoded).filter(|header| header.position == position);
    let Some(header) = header else { return Ok(None) };
    if start + file.len()? < header.end() {
        return Ok(None);
    }
    let mut payload = vec![0; header.len as usize];
    disk::read_exact_at(file, &mut payload, position - start + GROUP_HEADER)?;
    Ok(header.matches(store_id, encoded, &payload).then_some(header))
}
