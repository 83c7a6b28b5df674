/// The segment's header: what it is, and its format.
pub(super) const SEGMENT_MAGIC: &[u8; 12] = b"exposure-obx";
pub(super) const FORMAT: u32 = 1;
pub(super) const SEGMENT_HEADER: usize = 16;

const GROUP_MAGIC: [u8; 4] = *b"XGrp";
const GROUP_HEADER: usize = 20;

/// A group that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) payload: &'a [u8],
    /// What was known to be synced when it was written.
    pub(super) synced: u64,
    /// Where it ends.
    pub(super) end: usize,
}

pub(super) fn segment_header() -> [u8; SEGMENT_HEADER] {
    let mut header = [0; SEGMENT_HEADER];
    header[..12].copy_from_slice(SEGMENT_MAGIC);
    header[12..].copy_from_slice(&FORMAT.to_le_bytes());
    header
}

/// Puts a header before the payload that was written behind [`begin`].
pub(super) fn finish(group: &mut [u8], synced: u64) {
    let n_payload = (group.len() - GROUP_HEADER) as u32;
    group[..4].copy_from_slice(&GROUP_MAGIC);
    group[4..8].copy_from_slice(&n_payload.to_le_bytes());
    group[8..16].copy_from_slice(&synced.to_le_bytes());
    let checksum = checksum(&group[4..16], &group[GROUP_HEADER..]);
    group[16..GROUP_HEADER].copy_from_slice(&checksum.to_le_bytes());
}

/// Makes room for a header.
pub(super) fn begin(group: &mut Vec<u8>) {
    group.clear();
    group.resize(GROUP_HEADER, 0);
}

/// The group at an offset, if one reads there.
pub(super) fn read(segment: &[u8], offset: usize) -> Option<Group<'_>> {
    let header = segment.get(offset..offset.checked_add(GROUP_HEADER)?)?;
    if header[..4] != GROUP_MAGIC {
        return None;
    }
    let n_payload = u32::from_le_bytes(header[4..8].try_into().ok()?) as usize;
    let synced = u64::from_le_bytes(header[8..16].try_into().ok()?);
    let expected = u32::from_le_bytes(header[16..].try_into().ok()?);
    let start = offset + GROUP_HEADER;
    let end = start.checked_add(n_payload)?;
    let payload = segment.get(start..end)?;
    (checksum(&header[4..16], payload) == expected).then_some(Group { payload, synced, end })
}

/// The groups that read anywhere behind an offset.
pub(super) fn search(segment: &[u8], offset: usize) -> impl Iterator<Item = Group<'_>> {
    (offset..segment.len()).filter_map(|at| read(segment, at))
}

fn checksum(header: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header);
    hasher.update(payload);
    hasher.finalize()
}
