use std::cmp::Ordering;

use exposure_core::Timestamp;

use super::insert_text::{InsertText, LongTexts};
use crate::intern::{TextId, Texts};

/// What a profile holds of one flag: its register, and what it saw most lately for the first time.
///
/// 72 bytes; the common profile saw one variant of a flag and needs no more.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub time: Timestamp,
    pub sequence: i64,
    insert_bytes: [u8; 16],
    pub first: Timestamp,
    pub last: Timestamp,
    pub flag: TextId,
    /// The register's variant; none is a tombstone.
    pub variant: TextId,
    /// The register's run, and in the upper eight bits how to read the insert id.
    run_and_tag: u32,
    pub seen_variant: TextId,
    pub seen_run: TextId,
    /// Exposures; 0 where none is counted here.
    pub count: u32,
}

/// First, last and count of exposures of one variant in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenCell {
    pub flag: TextId,
    pub run: TextId,
    pub variant: TextId,
    pub count: u32,
    pub first: Timestamp,
    pub last: Timestamp,
}

/// What a write brings, its texts as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewVersion {
    pub time: Timestamp,
    pub sequence: i64,
    pub variant: TextId,
    pub run: TextId,
}

impl Cell {
    /// A flag of which nothing is known yet.
    pub(crate) const fn new(flag: TextId) -> Self {
        Self {
            // No event is as early: the register is empty.
            time: Timestamp::MIN,
            sequence: 0,
            insert_bytes: [0; 16],
            first: Timestamp::MAX,
            last: Timestamp::MIN,
            flag,
            variant: TextId::NONE,
            run_and_tag: 0,
            seen_variant: TextId::NONE,
            seen_run: TextId::NONE,
            count: 0,
        }
    }

    /// Whether a write ever landed here.
    pub(crate) fn has_register(&self) -> bool {
        self.time != Timestamp::MIN
    }

    pub(crate) const fn run(&self) -> TextId {
        TextId(self.run_and_tag & 0x00FF_FFFF)
    }

    pub(crate) const fn insert(&self) -> InsertText {
        InsertText { bytes: self.insert_bytes, tag: (self.run_and_tag >> 24) as u8 }
    }

    /// Puts a version into the register; the insert id it held must have been released.
    pub(crate) fn put(&mut self, new: &NewVersion, insert: InsertText) {
        self.time = new.time;
        self.sequence = new.sequence;
        self.variant = new.variant;
        self.insert_bytes = insert.bytes;
        self.run_and_tag = new.run.0 | (u32::from(insert.tag) << 24);
    }

    /// Puts the same insert id, kept elsewhere.
    pub(crate) fn replace_insert(&mut self, insert: InsertText) {
        self.insert_bytes = insert.bytes;
        self.run_and_tag = (self.run_and_tag & 0x00FF_FFFF) | (u32::from(insert.tag) << 24);
    }

    /// Compares a new version with the one held: time and sequence first, texts when they tie.
    pub(crate) fn compare(
        &self,
        new: &NewVersion,
        insert_id: &str,
        texts: &Texts,
        long: &LongTexts,
    ) -> Ordering {
        new.time
            .cmp(&self.time)
            .then_with(|| new.sequence.cmp(&self.sequence))
            .then_with(|| match (new.variant.is_none(), self.variant.is_none()) {
                (true, true) => Ordering::Equal,
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                (false, false) if new.variant == self.variant => Ordering::Equal,
                (false, false) => texts.text(new.variant).cmp(texts.text(self.variant)),
            })
            .then_with(|| {
                if new.run == self.run() {
                    Ordering::Equal
                } else {
                    texts.text(new.run).cmp(texts.text(self.run()))
                }
            })
            .then_with(|| insert_id.cmp(self.insert().text(long, &mut [0; 36])))
    }

    /// What was seen most lately for the first time, if anything was.
    pub(crate) fn seen(&self) -> Option<SeenCell> {
        (self.count > 0).then_some(SeenCell {
            flag: self.flag,
            run: self.seen_run,
            variant: self.seen_variant,
            count: self.count,
            first: self.first,
            last: self.last,
        })
    }

    pub(crate) const fn put_seen(&mut self, seen: SeenCell) {
        self.seen_run = seen.run;
        self.seen_variant = seen.variant;
        self.count = seen.count;
        self.first = seen.first;
        self.last = seen.last;
    }
}

impl SeenCell {
    pub(crate) fn add(&mut self, time: Timestamp) {
        self.first = self.first.min(time);
        self.last = self.last.max(time);
        self.count = self.count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_72_bytes() {
        assert_eq!(size_of::<Cell>(), 72);
    }
}
