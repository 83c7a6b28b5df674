//! What the manifest keeps of a file.

use exposure_core::Timestamp;

use super::codec::{Reader, put_u32, put_u64};
use super::schema::Table;

/// A live file, as the manifest knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileMeta {
    pub(super) table: Table,
    /// Its number; a greater one was written later.
    pub(super) id: u64,
    /// How often its rows were merged, at least.
    pub(super) level: u32,
    pub(super) n_rows: u64,
    /// Length in bytes.
    pub(super) len: u64,
    /// Where pages end and index and footer begin, in bytes.
    pub(super) tail_offset: u64,
    pub(super) index_len: u32,
    /// CRC-32 of index and footer.
    pub(super) tail_crc: u32,
    pub(super) received: (Timestamp, Timestamp),
    pub(super) positions: (u64, u64),
}

impl FileMeta {
    pub(super) const fn new(table: Table) -> Self {
        Self {
            table,
            id: 0,
            level: 0,
            n_rows: 0,
            len: 0,
            tail_offset: 0,
            index_len: 0,
            tail_crc: 0,
            received: (Timestamp::MAX, Timestamp::MIN),
            positions: (u64::MAX, 0),
        }
    }

    /// Adds a row group: its rows, and the first and last of their times of receipt and positions.
    pub(super) fn add(&mut self, n_rows: u64, received: (i64, i64), positions: (i64, i64)) {
        self.n_rows += n_rows;
        let (first, last) = self.received;
        let (from, to) = (Timestamp::from_micros(received.0), Timestamp::from_micros(received.1));
        self.received = (first.min(from), last.max(to));
        let (first, last) = self.positions;
        self.positions = (first.min(positions.0 as u64), last.max(positions.1 as u64));
    }

    /// The file's name when other programs may read it.
    pub(super) fn name(&self) -> String {
        format!("{:016}.parquet", self.id)
    }

    /// The file's name while it is written, and until the manifest names it.
    pub(super) fn pending_name(&self) -> String {
        format!("{:016}.pending", self.id)
    }

    /// The file's name when the manifest names it no more.
    pub(super) fn gone_name(&self) -> String {
        format!("{:016}.gone", self.id)
    }

    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        to.push(match self.table {
            Table::Events => 0,
            Table::Links => 1,
        });
        put_u32(to, self.level);
        put_u32(to, self.index_len);
        put_u32(to, self.tail_crc);
        for value in [
            self.id,
            self.n_rows,
            self.len,
            self.tail_offset,
            self.received.0.as_micros() as u64,
            self.received.1.as_micros() as u64,
            self.positions.0,
            self.positions.1,
        ] {
            put_u64(to, value);
        }
    }

    pub(super) fn decode(from: &mut Reader<'_>) -> Option<Self> {
        let table = match from.u8()? {
            0 => Table::Events,
            1 => Table::Links,
            _ => return None,
        };
        let (level, index_len, tail_crc) = (from.u32()?, from.u32()?, from.u32()?);
        let time = |from: &mut Reader<'_>| Some(Timestamp::from_micros(from.u64()? as i64));
        Some(Self {
            table,
            level,
            index_len,
            tail_crc,
            id: from.u64()?,
            n_rows: from.u64()?,
            len: from.u64()?,
            tail_offset: from.u64()?,
            received: (time(from)?, time(from)?),
            positions: (from.u64()?, from.u64()?),
        })
    }
}
