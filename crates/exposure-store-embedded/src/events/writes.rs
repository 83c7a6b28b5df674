//! Writes of an event beside its exposure, in one piece of memory.

use std::fmt;

/// Flags and variants that an event writes beside its exposure: packed, so that a row needs no list of its own.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct WritesRef<'a>(&'a [u8]);

const UNSET: u32 = u32::MAX;

impl<'a> WritesRef<'a> {
    /// No writes.
    pub const NONE: Self = Self(&[]);

    /// Appends a write; `None` unsets.
    pub fn pack(flag: &str, variant: Option<&str>, to: &mut Vec<u8>) {
        to.extend_from_slice(&(flag.len() as u32).to_le_bytes());
        to.extend_from_slice(&variant.map_or(UNSET, |text| text.len() as u32).to_le_bytes());
        to.extend_from_slice(flag.as_bytes());
        to.extend_from_slice(variant.unwrap_or("").as_bytes());
    }

    /// What [`Self::pack`] appended.
    pub const fn packed(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Flags and variants, in order.
    pub fn iter(self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (flag_len, after) = rest.split_first_chunk::<4>()?;
            let (variant_len, after) = after.split_first_chunk::<4>()?;
            let (flag, after) = after.split_at_checked(u32::from_le_bytes(*flag_len) as usize)?;
            let variant_len = u32::from_le_bytes(*variant_len);
            let len = if variant_len == UNSET { 0 } else { variant_len as usize };
            let (variant, after) = after.split_at_checked(len)?;
            rest = after;
            let variant = if variant_len == UNSET { None } else { Some(text(variant)) };
            Some((text(flag), variant))
        })
    }
}

/// Packed from `str`s, so it is valid; a check costs less than a wrong answer.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

impl fmt::Debug for WritesRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
