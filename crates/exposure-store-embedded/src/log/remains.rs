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
            let n = disk::read_up_to(file, &mut buffer, at - start)?;
            let chunk = buffer.get(..n).unwrap_or_default();
            let Some(offset) = magic.find(chunk) else {
                // The last bytes may hold the beginning of a magic number.
                at += n.saturating_sub(GROUP_MAGIC.len() - 1).max(1) as u64;
                continue;
            };
            at += offset as u64;
            at += match validate(file, store_id, start, at, file_end)? {
                Some(header) => {
                    remains.n_groups += 1;
                    remains.durable = remains.durable.max(header.durable);
                    header.end() - at
                }
                None => 1,
            };
        }
        Ok(remains)
    }
}

/// The group at `position`, if it is one of this place.
fn validate(
    file: &dyn File,
    store_id: u128,
    start: u64,
    position: u64,
    file_end: u64,
) -> std::io::Result<Option<GroupHeader>> {
    let mut encoded = [0; GROUP_HEADER as usize];
    if disk::read_up_to(file, &mut encoded, position - start)? < encoded.len() {
        return Ok(None);
    }
    let header = GroupHeader::decode(&encoded)
        .filter(|header| header.position == position && header.end() <= file_end);
    let Some(header) = header else { return Ok(None) };
    let mut payload = vec![0; header.len as usize];
    disk::read_exact_at(file, &mut payload, position - start + GROUP_HEADER)?;
    Ok(header.matches(store_id, &encoded, &payload).then_some(header))
}
