//! Pages: a header, and levels and values compressed together, as Parquet's first data page version has them.
//!
//! Written here and not by the library, for three reasons: every page carries a checksum, the
//! pages of all columns hold the same rows, and levels and dictionary numbers are one run of a
//! kind known beforehand, so that one row is found without decoding those before it.

use super::levels::{put_varint, zigzag};

/// What a page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Values themselves.
    Plain,
    /// Numbers into the dictionary.
    Numbered,
    /// The dictionary.
    Dictionary,
}

/// What a page's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PageHeader {
    pub(super) kind: PageKind,
    /// Length of the content as it was, in bytes.
    pub(super) raw_len: u32,
    /// Length of the content as it is stored, in bytes.
    pub(super) stored_len: u32,
    /// CRC-32 of the content as it is stored.
    pub(super) crc: u32,
    /// Values and nulls in the page.
    pub(super) n_values: u32,
}

const PLAIN: u32 = 0;
const RLE: u32 = 3;
const RLE_DICTIONARY: u32 = 8;

const I32: u8 = 5;
const STRUCT: u8 = 12;

impl PageHeader {
    /// Appends the header in Thrift's compact protocol.
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        let is_dictionary = self.kind == PageKind::Dictionary;
        field(to, 1, I32);
        number(to, if is_dictionary { 2 } else { 0 });
        field(to, 1, I32);
        number(to, self.raw_len);
        field(to, 1, I32);
        number(to, self.stored_len);
        field(to, 1, I32);
        number(to, self.crc);
        field(to, if is_dictionary { 3 } else { 1 }, STRUCT);
        field(to, 1, I32);
        number(to, self.n_values);
        field(to, 1, I32);
        number(to, if self.kind == PageKind::Numbered { RLE_DICTIONARY } else { PLAIN });
        if !is_dictionary {
            field(to, 1, I32);
            number(to, RLE);
            field(to, 1, I32);
            number(to, RLE);
        }
        to.extend_from_slice(&[0, 0]);
    }

    /// Reads a header that [`Self::encode`] wrote, and says where the content begins.
    ///
    /// `None` if so much as a bit differs from what would be written for the same page.
    pub(super) fn decode(bytes: &[u8], kinds: &[PageKind]) -> Option<(Self, usize)> {
        for &kind in kinds {
            let mut at = 0;
            let mut next = |skip: usize| -> Option<u32> {
                at += skip;
                let mut value = 0_u64;
                for shift in (0..35).step_by(7) {
                    let byte = *bytes.get(at)?;
                    at += 1;
                    value |= u64::from(byte & 0x7F) << shift;
                    if byte < 0x80 {
                        let value = u32::try_from(value).ok()?;
                        return Some(((value >> 1) as i32 ^ -((value & 1) as i32)) as u32);
                    }
                }
                None
            };
            let parsed = (|| {
                next(1)?;
                let (raw_len, stored_len, crc) = (next(1)?, next(1)?, next(1)?);
                Some(Self { kind, raw_len, stored_len, crc, n_values: next(2)? })
            })();
            let Some(header) = parsed else { continue };
            let mut expected = Vec::with_capacity(40);
            header.encode(&mut expected);
            if bytes.starts_with(&expected) {
                return Some((header, expected.len()));
            }
        }
        None
    }
}

/// A field's head: how much its number is above the one before, and its type.
fn field(to: &mut Vec<u8>, step: u8, kind: u8) {
    to.push(step << 4 | kind);
}

fn number(to: &mut Vec<u8>, value: u32) {
    put_varint(to, zigzag(value));
}

/// Compresses pages; keeps what can be used again.
pub(super) struct Compressor {
    table: lz4_flex::block::CompressTable,
    stored: Vec<u8>,
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compressor").finish_non_exhaustive()
    }
}

impl Compressor {
    pub(super) fn new() -> Self {
        Self { table: lz4_flex::block::CompressTable::large(), stored: Vec::new() }
    }

    /// Appends a page; returns how many bytes it would have without compression.
    pub(super) fn append(
        &mut self,
        kind: PageKind,
        n_values: u32,
        raw: &[u8],
        to: &mut Vec<u8>,
    ) -> u64 {
        let most = lz4_flex::block::get_maximum_output_size(raw.len());
        if self.stored.len() < most {
            self.stored.resize(most, 0);
        }
        let len = lz4_flex::block::compress_into_with_table(raw, &mut self.stored, &mut self.table)
            .unwrap_or_default();
        let stored = self.stored.get(..len).unwrap_or_default();
        let header = PageHeader {
            kind,
            raw_len: raw.len() as u32,
            stored_len: stored.len() as u32,
            crc: crc32fast::hash(stored),
            n_values,
        };
        let before = to.len();
        header.encode(to);
        let header_len = to.len() - before;
        to.extend_from_slice(stored);
        (header_len + raw.len()) as u64
    }
}

/// Reads a page whole: its header, and its content as it was. `Err` says what is wrong.
pub(super) fn open_page(
    bytes: &[u8],
    kinds: &[PageKind],
) -> Result<(PageHeader, Vec<u8>), &'static str> {
    let (header, start) =
        PageHeader::decode(bytes, kinds).ok_or("the header of a page is not one")?;
    let stored = bytes.get(start..).unwrap_or_default();
    if stored.len() != header.stored_len as usize {
        return Err("a page's length is not that of its place");
    }
    if crc32fast::hash(stored) != header.crc {
        return Err("the checksum of a page does not match");
    }
    // Only now is the length worth believing.
    let mut raw = vec![0; header.raw_len as usize];
    match lz4_flex::block::decompress_into(stored, &mut raw) {
        Ok(len) if len == raw.len() => Ok((header, raw)),
        _ => Err("a page does not decompress to its length"),
    }
}
