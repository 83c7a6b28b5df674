//! The content of a page: any row of it, without decoding the others.

use std::ops::Range;
use std::sync::Arc;

use super::levels::Run;
use super::page::{PageHeader, PageKind};
use super::schema::Shape;
use super::writes::WritesRef;

/// The distinct values of a column within a row group.
#[derive(Debug, Default)]
pub(super) struct Values {
    text: String,
    ends: Vec<u32>,
}

impl Values {
    /// Reads a dictionary of `n` texts.
    pub(super) fn decode(raw: &[u8], n: u32) -> Option<Self> {
        let mut values = Self::default();
        let mut rest = raw;
        for _ in 0..n {
            let (len, after) = rest.split_first_chunk::<4>()?;
            let (text, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            values.text.push_str(std::str::from_utf8(text).ok()?);
            values.ends.push(values.text.len() as u32);
            rest = after;
        }
        rest.is_empty().then_some(values)
    }

    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let end = *self.ends.get(number as usize)?;
        let start = match (number as usize).checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start as usize..end as usize)
    }
}

/// A page of one column.
#[derive(Debug)]
pub(super) enum Content {
    /// No row has a value; or the column is not read.
    Empty,
    /// Values of a fixed length.
    Fixed(Vec<u8>),
    /// One bit each.
    Bits(Vec<u8>),
    /// UUIDs.
    Uuids { raw: Vec<u8>, start: usize, present: Present },
    /// Texts or bytes, each where it lies.
    Bytes { raw: Vec<u8>, spans: Vec<(u32, u32)>, present: Present },
    /// Numbers into a dictionary.
    Numbered { raw: Vec<u8>, numbers: Run, present: Present, values: Arc<Values> },
    /// Lists of texts: of each row, where its elements begin; the last entry ends the last row's.
    Lists { elements: Vec<Option<Arc<str>>>, starts: Vec<u32> },
}

/// Which rows have a value.
#[derive(Debug)]
pub(super) enum Present {
    All,
    None,
    /// The bits, and how many are set before each eight bytes.
    Some {
        bits: Range<usize>,
        before: Vec<u16>,
    },
}

impl Present {
    /// The place of a row's value among the values.
    fn rank(&self, raw: &[u8], row: usize) -> Option<usize> {
        match self {
            Self::All => Some(row),
            Self::None => None,
            Self::Some { bits, before } => {
                let bits = raw.get(bits.clone())?;
                if bits.get(row / 8)? >> (row % 8) & 1 == 0 {
                    return None;
                }
                let word = word(bits, row / 64);
                let below = word & !(u64::MAX << (row % 64));
                Some(usize::from(*before.get(row / 64)?) + below.count_ones() as usize)
            }
        }
    }

    /// Reads the levels before the values; also how many values there are, and where they begin.
    fn decode(raw: &[u8], n_rows: u32) -> Option<(Self, u32, usize)> {
        let (run, end) = levels(raw, 0, n_rows, 1)?;
        match run {
            Run::Equal(0) => Some((Self::None, 0, end)),
            Run::Equal(_) => Some((Self::All, n_rows, end)),
            Run::Packed { start, .. } => {
                let bits = raw.get(start..end)?;
                let (mut before, mut n) = (Vec::new(), 0_u32);
                for i in 0..bits.len().div_ceil(8) {
                    before.push(n as u16);
                    n += word(bits, i).count_ones();
                }
                Some((Self::Some { bits: start..end, before }, n, end))
            }
        }
    }
}

/// The levels at a place, and where what follows begins.
fn levels(raw: &[u8], at: usize, n: u32, width: u32) -> Option<(Run, usize)> {
    let (len, _) = raw.get(at..)?.split_first_chunk::<4>()?;
    let end = at + 4 + u32::from_le_bytes(*len) as usize;
    Some((Run::find(raw, at + 4, end, n, width)?, end))
}

fn word(bits: &[u8], i: usize) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bits.get(i * 8..).unwrap_or_default()) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

impl Content {
    /// Reads a page of `n_rows` rows; `None` if it is not one.
    pub(super) fn decode(
        shape: Shape,
        header: &PageHeader,
        raw: Vec<u8>,
        n_rows: u32,
        values: impl FnOnce() -> Option<Arc<Values>>,
    ) -> Option<Self> {
        if !matches!(shape, Shape::List(_)) && header.n_values != n_rows {
            return None;
        }
        match shape {
            Shape::Fixed(size) => (raw.len() == size * n_rows as usize).then_some(Self::Fixed(raw)),
            Shape::Bool => (raw.len() == n_rows.div_ceil(8) as usize).then_some(Self::Bits(raw)),
            Shape::Uuid => {
                let (present, n, start) = Present::decode(&raw, n_rows)?;
                (raw.len() == start + 16 * n as usize).then_some(Self::Uuids {
                    raw,
                    start,
                    present,
                })
            }
            Shape::Bytes => {
                let (present, n, start) = Present::decode(&raw, n_rows)?;
                let mut spans = Vec::with_capacity(n as usize);
                let mut at = start;
                for _ in 0..n {
                    let (len, _) = raw.get(at..)?.split_first_chunk::<4>()?;
                    let len = u32::from_le_bytes(*len);
                    spans.push((at as u32 + 4, len));
                    at += 4 + len as usize;
                }
                (raw.len() == at).then_some(Self::Bytes { raw, spans, present })
            }
            Shape::Dictionary => {
                let (present, n, start) = Present::decode(&raw, n_rows)?;
                if header.kind == PageKind::Plain {
                    return (n == 0 && raw.len() == start).then_some(Self::Empty);
                }
                let numbers = numbers(&raw, start, n)?;
                Some(Self::Numbered { raw, numbers, present, values: values()? })
            }
            Shape::List(nullable) => decode_lists(&raw, header, n_rows, nullable, &*values()?),
        }
    }

    pub(super) fn u32_at(&self, row: usize) -> u32 {
        u32::from_le_bytes(self.fixed_at(row))
    }

    pub(super) fn i64_at(&self, row: usize) -> i64 {
        i64::from_le_bytes(self.fixed_at(row))
    }

    pub(super) fn bit_at(&self, row: usize) -> bool {
        match self {
            Self::Bits(bits) => bits.get(row / 8).is_some_and(|byte| byte >> (row % 8) & 1 == 1),
            _ => false,
        }
    }

    pub(super) fn uuid_at(&self, row: usize) -> Option<&[u8; 16]> {
        let Self::Uuids { raw, start, present } = self else { return None };
        let at = start + 16 * present.rank(raw, row)?;
        raw.get(at..)?.first_chunk()
    }

    /// The number of a row's value in the dictionary of its row group, and that.
    pub(super) fn number_of(&self, row: usize) -> Option<(u32, &Values)> {
        let Self::Numbered { raw, numbers, present, values } = self else { return None };
        Some((numbers.get(raw, present.rank(raw, row)?), values))
    }

    /// The bytes of a row's value of a fixed length.
    pub(super) fn fixed_at<const N: usize>(&self, row: usize) -> [u8; N] {
        let Self::Fixed(raw) = self else { return [0; N] };
        raw.get(row * N..).and_then(|value| value.first_chunk()).copied().unwrap_or([0; N])
    }

    /// Bytes of the values, of those whose values can be long.
    pub(super) const fn n_bytes(&self) -> usize {
        if let Self::Bytes { raw, .. } = self { raw.len() } else { 0 }
    }

    /// Whether no row has a value.
    pub(super) const fn is_empty(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether every row has a value; false where that takes a look at each.
    pub(super) const fn is_full(&self) -> bool {
        match self {
            Self::Fixed(_) => true,
            Self::Uuids { present, .. }
            | Self::Bytes { present, .. }
            | Self::Numbered { present, .. } => matches!(present, Present::All),
            _ => false,
        }
    }

    pub(super) fn bytes_at(&self, row: usize) -> Option<&[u8]> {
        let Self::Bytes { raw, spans, present } = self else { return None };
        let (start, len) = *spans.get(present.rank(raw, row)?)?;
        raw.get(start as usize..(start + len) as usize)
    }

    /// The text of a row; checked for being one when the page was written.
    pub(super) fn text_at(&self, row: usize) -> Option<&str> {
        match self {
            Self::Numbered { raw, numbers, present, values } => {
                values.get(numbers.get(raw, present.rank(raw, row)?))
            }
            _ => std::str::from_utf8(self.bytes_at(row)?).ok(),
        }
    }

    pub(super) fn list_at(&self, row: usize) -> &[Option<Arc<str>>] {
        let Self::Lists { elements, starts } = self else { return &[] };
        let place = starts.get(row).zip(starts.get(row + 1));
        place
            .and_then(|(start, end)| elements.get(*start as usize..*end as usize))
            .unwrap_or_default()
    }
}

fn numbers(raw: &[u8], start: usize, n: u32) -> Option<Run> {
    let width = u32::from(*raw.get(start)?);
    if !(1..=32).contains(&width) {
        return None;
    }
    Run::find(raw, start + 1, raw.len(), n, width)
}

fn decode_lists(
    raw: &[u8],
    header: &PageHeader,
    n_rows: u32,
    nullable: bool,
    values: &Values,
) -> Option<Content> {
    let width = if nullable { 2 } else { 1 };
    let n = header.n_values;
    let (repeated, end) = levels(raw, 0, n, 1)?;
    let (defined, end) = levels(raw, end, n, width)?;
    let has_value = |i: usize| defined.get(raw, i) == width;
    let n_present = (0..n as usize).filter(|&i| has_value(i)).count() as u32;
    let run = match header.kind {
        PageKind::Numbered => numbers(raw, end, n_present)?,
        _ if n_present == 0 => Run::Equal(0),
        _ => return None,
    };
    let (mut elements, mut starts, mut rank) = (Vec::new(), Vec::new(), 0);
    for i in 0..n as usize {
        if repeated.get(raw, i) == 0 {
            starts.push(elements.len() as u32);
        }
        if has_value(i) {
            elements.push(Some(values.get(run.get(raw, rank))?.into()));
            rank += 1;
        } else if defined.get(raw, i) == 1 {
            elements.push(None);
        }
    }
    (starts.len() == n_rows as usize).then(|| {
        starts.push(elements.len() as u32);
        Content::Lists { elements, starts }
    })
}

/// Writes of every row of a page, packed.
#[derive(Debug, Default)]
pub(super) struct PackedWrites {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl PackedWrites {
    pub(super) fn new(flags: &Content, variants: &Content, n_rows: usize) -> Self {
        let mut packed = Self::default();
        if !matches!(flags, Content::Lists { .. }) {
            return packed;
        }
        for row in 0..n_rows {
            for (flag, variant) in flags.list_at(row).iter().zip(variants.list_at(row)) {
                let flag = flag.as_deref().unwrap_or("");
                WritesRef::pack(flag, variant.as_deref(), &mut packed.bytes);
            }
            packed.ends.push(packed.bytes.len() as u32);
        }
        packed
    }

    pub(super) fn get(&self, row: usize) -> WritesRef<'_> {
        let Some(end) = self.ends.get(row) else { return WritesRef::NONE };
        let start = row.checked_sub(1).and_then(|before| self.ends.get(before)).unwrap_or(&0);
        WritesRef::packed(self.bytes.get(*start as usize..*end as usize).unwrap_or_default())
    }
}
