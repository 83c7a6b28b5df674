//! Numbers for texts that recur: flags, variants, runs, event types, libraries.
//!
//! A number is good for one run of the process; what is stored holds the texts.

use exposure_store::text_hash;
use hashbrown::HashTable;
use parking_lot::{RwLock, RwLockReadGuard};

/// The number of a text. 0 is the empty text: absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TextId(pub u32);

impl TextId {
    /// The empty text.
    pub(crate) const NONE: Self = Self(0);
    /// Numbers have 24 bits, so that eight more fit beside one.
    pub(crate) const LIMIT: usize = 1 << 24;

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }
}

/// Every text that has a number.
#[derive(Debug)]
pub(crate) struct Texts {
    by_hash: HashTable<u32>,
    by_id: Vec<(Box<str>, u64)>,
    bytes: usize,
}

/// There is no number left for a new text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Full;

impl Texts {
    fn new() -> Self {
        Self { by_hash: HashTable::new(), by_id: vec![("".into(), text_hash(""))], bytes: 0 }
    }

    /// The text of a number.
    pub(crate) fn text(&self, id: TextId) -> &str {
        &self.by_id[id.0 as usize].0
    }

    /// The fixed hash of a text, 0 for the absent one.
    pub(crate) fn hash(&self, id: TextId) -> u64 {
        if id.is_none() { 0 } else { self.by_id[id.0 as usize].1 }
    }

    /// The number of a text, if it has one.
    pub(crate) fn find(&self, text: &str) -> Option<TextId> {
        self.find_hashed(text, text_hash(text))
    }

    /// The number of a text of this hash, if it has one.
    pub(crate) fn find_hashed(&self, text: &str, hash: u64) -> Option<TextId> {
        if text.is_empty() {
            return Some(TextId::NONE);
        }
        self.by_hash.find(hash, |&id| *self.by_id[id as usize].0 == *text).map(|&id| TextId(id))
    }

    fn add(&mut self, text: &str) -> Result<TextId, Full> {
        if let Some(id) = self.find(text) {
            return Ok(id);
        }
        if self.by_id.len() >= TextId::LIMIT {
            return Err(Full);
        }
        let (id, hash) = (self.by_id.len() as u32, text_hash(text));
        self.bytes += text.len() + 32;
        self.by_id.push((text.into(), hash));
        let by_id = &self.by_id;
        self.by_hash.insert_unique(hash, id, |&id| by_id[id as usize].1);
        Ok(TextId(id))
    }
}

/// The texts, shared by everybody.
#[derive(Debug)]
pub(crate) struct Interner(RwLock<Texts>);

impl Interner {
    pub(crate) fn new() -> Self {
        Self(RwLock::new(Texts::new()))
    }

    /// Reads numbers and texts.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Texts> {
        self.0.read()
    }

    /// The number of a text, a new one if need be.
    pub(crate) fn intern(&self, text: &str) -> Result<TextId, Full> {
        if let Some(id) = self.0.read().find(text) {
            return Ok(id);
        }
        self.0.write().add(text)
    }

    /// Bytes held.
    pub(crate) fn memory(&self) -> usize {
        self.0.read().bytes
    }
}
