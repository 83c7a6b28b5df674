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

/// The number of a text, and [`text_hash`] of it: of the empty text too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub id: TextId,
    pub hash: u64,
}

impl Known {
    /// Of the empty text.
    pub(crate) const NONE: Self = Self { id: TextId::NONE, hash: 0x2D06_8005_38D3_94C2 };
}

/// Numbers that were looked up of late: to find one here takes a comparison of its text, and
/// neither a hash nor a look into the table.
#[derive(Debug)]
pub(crate) struct Recent([TextId; Self::PLACES]);

impl Default for Recent {
    fn default() -> Self {
        Self([TextId::NONE; Self::PLACES])
    }
}

impl Recent {
    const PLACES: usize = 64;

    #[inline]
    pub(crate) fn find(&self, texts: &Texts, text: &str) -> Option<Known> {
        texts.known(self.0[Self::place(text.as_bytes())], text.as_bytes())
    }

    /// As [`find`](Self::find), by bytes that need not be a text.
    #[inline]
    fn find_bytes(&self, texts: &Texts, bytes: &[u8]) -> Option<TextId> {
        texts.known(self.0[Self::place(bytes)], bytes).map(|known| known.id)
    }

    pub(crate) fn keep(&mut self, text: &str, id: TextId) {
        self.0[Self::place(text.as_bytes())] = id;
    }

    /// Keys mostly differ at their end or in their length.
    #[inline]
    fn place(bytes: &[u8]) -> usize {
        let end = match bytes.last_chunk::<8>() {
            Some(end) => u64::from_le_bytes(*end),
            None => bytes.iter().fold(0, |end, &byte| end << 8 | u64::from(byte)),
        };
        // The last bytes differ first, and they are the highest: so are the bits that count.
        let spread = (end ^ bytes.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (spread >> 58) as usize % Self::PLACES
    }
}

/// Numbers for the texts of what is read: much of it one behind the other, and of few texts.
#[derive(Debug)]
pub(crate) struct Numbering<'i> {
    interner: &'i Interner,
    /// Held from text to text: most have a number already.
    texts: Option<RwLockReadGuard<'i, Texts>>,
    recent: Recent,
}

impl<'i> Numbering<'i> {
    pub(crate) fn new(interner: &'i Interner) -> Self {
        Self { interner, texts: None, recent: Recent::default() }
    }

    /// The number of a text by its bytes, if it was looked up of late.
    #[inline]
    pub(crate) fn recent(&mut self, bytes: &[u8]) -> Option<TextId> {
        let texts = self.texts.get_or_insert_with(|| self.interner.read());
        self.recent.find_bytes(texts, bytes)
    }

    /// The number of a text, a new one if need be.
    pub(crate) fn number(&mut self, text: &str) -> Result<TextId, Full> {
        let texts = self.texts.get_or_insert_with(|| self.interner.read());
        let id = if let Some(id) = texts.find(text) {
            id
        } else {
            // Adding one waits for every reader, this one too.
            self.texts = None;
            self.interner.intern(text)?
        };
        self.recent.keep(text, id);
        Ok(id)
    }

    /// Lets those go ahead who wait to add a text.
    pub(crate) fn give_way(&mut self) {
        if let Some(texts) = &mut self.texts {
            RwLockReadGuard::bump(texts);
        }
    }
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

    /// The number and the hash of a text, if this is its number.
    #[inline]
    fn known(&self, id: TextId, text: &[u8]) -> Option<Known> {
        let (held, hash) = self.by_id.get(id.0 as usize)?;
        (held.as_bytes() == text).then_some(Known { id, hash: *hash })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recent_text_is_found_with_its_number_and_hash() {
        let interner = Interner::new();
        let mut recent = Recent::default();
        let texts: Vec<String> = (0..500).map(|n| format!("flag-{n}")).collect();
        for text in &texts {
            let id = interner.intern(text).expect("there is room");
            recent.keep(text, id);
            let known = recent.find(&interner.read(), text).expect("it was kept");
            assert_eq!((known.id, known.hash), (id, text_hash(text)), "{text}");
        }
        // Each place has one of them, and the others are not taken for it.
        let found = texts.iter().filter(|text| recent.find(&interner.read(), text).is_some());
        assert!((1..=Recent::PLACES).contains(&found.count()));
        assert!(recent.find(&interner.read(), "another").is_none());
        assert_eq!(Known::NONE.hash, text_hash(""));
    }
}
