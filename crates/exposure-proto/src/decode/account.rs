//! A client's account, read in place: once for each request, so that it may allocate.

use super::error::Fault;
use super::reader::{Reader, delimited, integer};

/// What became of everything that one client tracked. Its fields are those of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientAccountRef<'a> {
    /// Names one run of the client.
    pub client_id: &'a str,
    /// What was tracked.
    pub tracked_count: i64,
    /// What was delivered.
    pub delivered_count: i64,
    /// Repeats of what was delivered.
    pub deduplicated_count: i64,
    /// What was dropped, by reason.
    pub dropped_counts: Vec<DroppedCountRef>,
    /// What is under way.
    pub pending_count: i64,
    /// What an earlier run left on disk.
    pub recovered_count: i64,
    /// Each provider's part.
    pub providers: Vec<ProviderAccountRef<'a>>,
    /// Whether its lists were longer than an account's can be, all together longer than
    /// [`MAX_ENTRIES`](Self::MAX_ENTRIES): they were read as any other field, and are empty.
    pub is_cut: bool,
    n_entries: usize,
}

/// One provider's part of an account. Its fields are those of the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProviderAccountRef<'a> {
    /// The provider's name.
    pub name: &'a str,
    /// Whether delivery needs it.
    pub required: bool,
    /// What it was to have.
    pub offered_count: i64,
    /// What it acknowledged.
    pub delivered_count: i64,
    /// What it will never have, by reason.
    pub dropped_counts: Vec<DroppedCountRef>,
    /// What it has not answered for yet.
    pub pending_count: i64,
}

/// What was dropped for one reason. Its fields are those of the message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DroppedCountRef {
    /// The number of a `DropReason`.
    pub reason: i32,
    /// How many.
    pub count: i64,
}

impl<'a> ClientAccountRef<'a> {
    /// The most providers and counts by reason, all together, that are kept of an account:
    /// more than an honest one has, and little memory for one that is not.
    pub const MAX_ENTRIES: usize = 1024;

    #[cold]
    pub(super) fn merge(&mut self, message: &'a [u8], depth: u32) -> Result<(), Fault> {
        const CLIENT_ID: u64 = delimited(1);
        const TRACKED_COUNT: u64 = integer(2);
        const DELIVERED_COUNT: u64 = integer(3);
        const DEDUPLICATED_COUNT: u64 = integer(4);
        const DROPPED_COUNTS: u64 = delimited(5);
        const PENDING_COUNT: u64 = integer(6);
        const RECOVERED_COUNT: u64 = integer(7);
        const PROVIDERS: u64 = delimited(8);
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                CLIENT_ID => self.client_id = reader.text()?,
                TRACKED_COUNT => self.tracked_count = reader.varint()? as i64,
                DELIVERED_COUNT => self.delivered_count = reader.varint()? as i64,
                DEDUPLICATED_COUNT => self.deduplicated_count = reader.varint()? as i64,
                DROPPED_COUNTS => {
                    let dropped = DroppedCountRef::read(reader.bytes()?, depth - 1)?;
                    if self.has_room() {
                        self.dropped_counts.push(dropped);
                    }
                }
                PENDING_COUNT => self.pending_count = reader.varint()? as i64,
                RECOVERED_COUNT => self.recovered_count = reader.varint()? as i64,
                PROVIDERS => {
                    let message = reader.bytes()?;
                    let has_room = self.has_room();
                    let provider = self.provider(message, depth - 1)?;
                    if has_room {
                        self.providers.push(provider);
                    }
                }
                key => reader.skip_unknown(key, 8, depth)?,
            }
        }
        if self.is_cut {
            (self.dropped_counts, self.providers) = (Vec::new(), Vec::new());
        }
        Ok(())
    }

    fn provider(&mut self, message: &'a [u8], depth: u32) -> Result<ProviderAccountRef<'a>, Fault> {
        const NAME: u64 = delimited(1);
        const REQUIRED: u64 = integer(2);
        const OFFERED_COUNT: u64 = integer(3);
        const DELIVERED_COUNT: u64 = integer(4);
        const DROPPED_COUNTS: u64 = delimited(5);
        const PENDING_COUNT: u64 = integer(6);
        let mut provider = ProviderAccountRef::default();
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                NAME => provider.name = reader.text()?,
                REQUIRED => provider.required = reader.varint()? != 0,
                OFFERED_COUNT => provider.offered_count = reader.varint()? as i64,
                DELIVERED_COUNT => provider.delivered_count = reader.varint()? as i64,
                DROPPED_COUNTS => {
                    let dropped = DroppedCountRef::read(reader.bytes()?, depth - 1)?;
                    if self.has_room() {
                        provider.dropped_counts.push(dropped);
                    }
                }
                PENDING_COUNT => provider.pending_count = reader.varint()? as i64,
                key => reader.skip_unknown(key, 6, depth)?,
            }
        }
        Ok(provider)
    }

    /// Counts an entry; says whether it is kept.
    fn has_room(&mut self) -> bool {
        self.n_entries += 1;
        self.is_cut |= Self::MAX_ENTRIES < self.n_entries;
        !self.is_cut
    }
}

impl DroppedCountRef {
    fn read(message: &[u8], depth: u32) -> Result<Self, Fault> {
        const REASON: u64 = integer(1);
        const COUNT: u64 = integer(2);
        let mut dropped = Self::default();
        let mut reader = Reader::new(message);
        while !reader.is_empty() {
            match reader.varint()? {
                REASON => dropped.reason = reader.varint()? as i32,
                COUNT => dropped.count = reader.varint()? as i64,
                key => reader.skip_unknown(key, 2, depth)?,
            }
        }
        Ok(dropped)
    }
}
