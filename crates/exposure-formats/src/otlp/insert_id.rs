use std::fmt::Write as _;

use xxhash_rust::xxh3::xxh3_128;

use crate::Arena;

/// Makes the id that tells an evaluation from another one: OTLP has none of its own.
///
/// It is made from what a retry repeats. The hash is fixed, for ids outlive the process.
#[derive(Debug, Default)]
pub(super) struct InsertIds {
    parts: Vec<u8>,
    text: String,
}

/// What makes an evaluation the one it is; empty where it has no such part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity<'b> {
    pub(super) user_id: &'b str,
    pub(super) device_id: &'b str,
    pub(super) flag_key: &'b str,
    pub(super) variant: &'b str,
    pub(super) nanos: u64,
    pub(super) span_id: &'b [u8],
}

impl InsertIds {
    /// `derived:` and 24 hexadecimal digits.
    pub(super) fn derive<'a>(&mut self, identity: &Identity<'_>, arena: &'a Arena) -> &'a str {
        let Identity { user_id, device_id, flag_key, variant, nanos, span_id } = *identity;
        self.parts.clear();
        for text in [user_id, device_id, flag_key, variant] {
            self.part(text.as_bytes());
        }
        self.part(&nanos.to_le_bytes());
        self.part(span_id);
        let digest = xxh3_128(&self.parts) >> 32;
        self.text.clear();
        // Writing to memory can not fail.
        let _written = write!(self.text, "derived:{digest:024x}");
        arena.text(&self.text)
    }

    /// Its length first, so that no two identities are one text.
    fn part(&mut self, bytes: &[u8]) {
        self.parts.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.parts.extend_from_slice(bytes);
    }
}
