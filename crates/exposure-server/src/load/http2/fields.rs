use http::{HeaderMap, HeaderName, HeaderValue};

use super::huffman;

/// What a block of headers says: RFC 7541, for a reader that announced a table of no size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// HTTP's own.
    pub(super) status: Option<u16>,
    /// Those whose name is written out: all that gRPC adds are among them.
    pub(super) named: HeaderMap,
}

/// The statuses that have an index of their own, from [`STATUS`] on.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];
const STATUS: usize = 8;
/// Indexes behind this one are of the table that is empty.
const LAST_INDEX: usize = 61;

impl Fields {
    /// Reads a whole block; `None` where it is not what may be sent.
    pub(super) fn read(mut block: &[u8]) -> Option<Self> {
        let mut fields = Self::default();
        while let Some(&first) = block.first() {
            match first {
                0x80.. => {
                    let index = integer(&mut block, 7)?;
                    if index == 0 || LAST_INDEX < index {
                        return None;
                    }
                    if let Some(&status) = index.checked_sub(STATUS).and_then(|at| STATUSES.get(at))
                    {
                        fields.status = Some(status);
                    }
                }
                // A table's new size: it has none.
                0x20..0x40 => drop(integer(&mut block, 5)?),
                // Literals, of which none is kept for later.
                0x40.. => fields.literal(&mut block, 6)?,
                _ => fields.literal(&mut block, 4)?,
            }
        }
        Some(fields)
    }

    fn literal(&mut self, block: &mut &[u8], n_bits: u32) -> Option<()> {
        let index = integer(block, n_bits)?;
        let name = if index == 0 { text(block)? } else { Vec::new() };
        let value = text(block)?;
        match index {
            0 if name == b":status" => self.status = Some(number(&value)?),
            0 => {
                let name = HeaderName::from_bytes(&name).ok()?;
                self.named.append(name, HeaderValue::from_bytes(&value).ok()?);
            }
            _ if (STATUS..STATUS + STATUSES.len()).contains(&index) => {
                self.status = Some(number(&value)?);
            }
            _ if LAST_INDEX < index => return None,
            _ => {}
        }
        Some(())
    }
}

fn number(text: &[u8]) -> Option<u16> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// A number whose first byte has other bits too, before the last `n_bits`.
fn integer(block: &mut &[u8], n_bits: u32) -> Option<usize> {
    let (&first, mut rest) = block.split_first()?;
    let most = (1 << n_bits) - 1;
    let mut number = usize::from(first) & most;
    if number == most {
        // Four bytes more: nothing that may be sent is as long.
        for shift in [0, 7, 14, 21] {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            number += usize::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                *block = rest;
                return Some(number);
            }
        }
        return None;
    }
    *block = rest;
    Some(number)
}

fn text(block: &mut &[u8]) -> Option<Vec<u8>> {
    let is_coded = block.first()? & 0x80 != 0;
    let length = integer(block, 7)?;
    let (bytes, rest) = block.split_at_checked(length)?;
    *block = rest;
    if !is_coded {
        return Some(bytes.to_vec());
    }
    let mut text = Vec::with_capacity(length * 2);
    huffman::decode(bytes, &mut text)?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(fields: &Fields, name: &str) -> Option<String> {
        Some(fields.named.get(name)?.to_str().ok()?.to_owned())
    }

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 7541, C.2.1, C.4.3 and C.6.1, the latter two without what is in a table.
        let custom = b"\x40\x0acustom-key\x0dcustom-header";
        let fields = Fields::read(custom).unwrap();
        assert_eq!(named(&fields, "custom-key").as_deref(), Some("custom-header"));
        let coded =
            b"\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf";
        let fields = Fields::read(coded).unwrap();
        assert_eq!(named(&fields, "custom-key").as_deref(), Some("custom-value"));
        let answer = b"\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b";
        assert_eq!(
            Fields::read(answer).unwrap(),
            Fields { status: Some(302), ..Fields::default() }
        );
        assert_eq!(Fields::read(b"\x20\x88").unwrap().status, Some(200));
        assert_eq!(Fields::read(b"").unwrap(), Fields::default());
    }

    #[test]
    fn what_is_cut_off_or_of_a_table_is_none() {
        let block = b"\x00\x0bgrpc-status\x010";
        assert_eq!(named(&Fields::read(block).unwrap(), "grpc-status").as_deref(), Some("0"));
        for length in 1..block.len() {
            assert_eq!(Fields::read(&block[..length]), None, "{length}");
        }
        for other in
            [&b"\xbe"[..], b"\x80", b"\x7e\x010", b"\x1f\xff\xff\xff\xff\x7f", b"\x00\x81\xff\x010"]
        {
            assert_eq!(Fields::read(other), None, "{other:?}");
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused() {
        let mut bits = 1_u64;
        for length in 0..2000 {
            let block: Vec<u8> = (0..length % 60)
                .map(|_| {
                    bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (bits >> 56) as u8
                })
                .collect();
            drop(Fields::read(&block));
        }
    }
}
