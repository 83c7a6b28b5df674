//! A column while it is written: the page that fills, and the finished pages of the row group.

use std::ops::Range;

use super::dictionary::{Dictionary, Renumber};
use super::levels::{bit_width, put_bits, put_equal, put_packed};
use super::page::{Compressor, PageKind};
use super::schema::Shape;

/// A column of the row group that is being written.
#[derive(Debug)]
pub(super) struct ColumnWriter {
    shape: Shape,
    values: Vec<u8>,
    numbers: Vec<u32>,
    /// One bit a row, set where there is a value; of a list, one bit an element.
    present: Vec<u8>,
    n_present: u32,
    /// Rows with list elements, and how many.
    lists: Vec<(u32, u32)>,
    n_elements: u32,
    dictionary: Dictionary,
    raw: Vec<u8>,
    chunk: Chunk,
}

/// The finished pages of a column.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    pub(super) bytes: Vec<u8>,
    pub(super) raw_len: u64,
    /// Values and nulls.
    pub(super) n_values: u64,
    pub(super) n_nulls: u64,
    /// Least and greatest of whole numbers.
    pub(super) range: Option<(i64, i64)>,
}

impl ColumnWriter {
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            shape,
            values: Vec::new(),
            numbers: Vec::new(),
            present: Vec::new(),
            n_present: 0,
            lists: Vec::new(),
            n_elements: 0,
            dictionary: Dictionary::default(),
            raw: Vec::new(),
            chunk: Chunk::default(),
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Adds values of a fixed length, little-endian.
    pub(super) fn extend<const N: usize>(
        &mut self,
        values: impl ExactSizeIterator<Item = [u8; N]>,
    ) {
        self.values.reserve(values.len() * N);
        for value in values {
            self.values.extend_from_slice(&value);
        }
    }

    /// Widens the range of the row group by the whole numbers of the page.
    fn widen(&mut self, size: usize) {
        let wide = |range: Option<(i64, i64)>, (min, max): (i64, i64)| match range {
            Some((least, most)) => Some((least.min(min), most.max(max))),
            None => Some((min, max)),
        };
        if self.values.is_empty() {
            return;
        }
        let range = if size == 4 {
            let (values, _) = self.values.as_chunks::<4>();
            let numbers = values.iter().map(|value| u32::from_le_bytes(*value));
            let (min, max) = numbers.fold((u32::MAX, 0), |(a, b), n| (a.min(n), b.max(n)));
            (i64::from(min), i64::from(max))
        } else {
            let (values, _) = self.values.as_chunks::<8>();
            let numbers = values.iter().map(|value| i64::from_le_bytes(*value));
            numbers.fold((i64::MAX, i64::MIN), |(a, b), n| (a.min(n), b.max(n)))
        };
        self.chunk.range = wide(self.chunk.range, range);
    }

    /// Marks rows that follow each other.
    pub(super) fn mark_all(&mut self, rows: Range<u32>) {
        let end = rows.end.div_ceil(8) as usize;
        if self.present.len() < end {
            self.present.resize(end, 0);
        }
        self.n_present += rows.end.saturating_sub(rows.start);
        let mut row = rows.start;
        while row < rows.end {
            let n = (8 - row % 8).min(rows.end - row);
            if let Some(bits) = self.present.get_mut(row as usize / 8) {
                *bits |= (0xFF_u8 >> (8 - n)) << (row % 8);
            }
            row += n;
        }
    }

    /// Marks a row (or list element) as one with a value.
    pub(super) fn mark(&mut self, row: u32) {
        let byte = row as usize / 8;
        if self.present.len() <= byte {
            self.present.resize(byte + 1, 0);
        }
        if let Some(bits) = self.present.get_mut(byte) {
            *bits |= 1 << (row % 8);
        }
        self.n_present += 1;
    }

    /// Adds a UUID, of a row that is marked.
    pub(super) fn put_uuid(&mut self, value: &[u8]) {
        self.values.extend_from_slice(value);
    }

    /// Adds a text of a row that is marked, by the number that it has in another dictionary.
    pub(super) fn put_word<'t>(
        &mut self,
        number: u32,
        known: &mut Renumber,
        text: impl FnOnce() -> &'t [u8],
    ) {
        self.numbers.push(known.number(number, &mut self.dictionary, text));
    }

    /// Adds bytes, of a row that is marked.
    pub(super) fn put_bytes(&mut self, value: &[u8]) {
        self.values.extend_from_slice(&(value.len() as u32).to_le_bytes());
        self.values.extend_from_slice(value);
    }

    /// Adds an element to the list of a row; `None` is a null element.
    pub(super) fn push_element(&mut self, row: u32, value: Option<&str>) {
        match self.lists.last_mut() {
            Some((last, n)) if *last == row => *n += 1,
            _ => self.lists.push((row, 1)),
        }
        if let Some(value) = value {
            self.mark(self.n_elements);
            self.numbers.push(self.dictionary.number(value.as_bytes()));
        }
        self.n_elements += 1;
    }

    /// Bytes of values in the page that fills.
    pub(super) fn page_len(&self) -> usize {
        self.values.len()
    }

    /// Bytes and entries in the dictionary.
    pub(super) fn dictionary_size(&self) -> (usize, usize) {
        (self.dictionary.plain().len(), self.dictionary.len())
    }

    pub(super) const fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    pub(super) const fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Closes the page of `n_rows` rows. True if it holds no value at all.
    pub(super) fn finish_page(&mut self, n_rows: u32, compressor: &mut Compressor) -> bool {
        let mut raw = std::mem::take(&mut self.raw);
        raw.clear();
        let mut n_values = n_rows;
        let mut is_empty = false;
        let kind = match self.shape {
            Shape::Fixed(size) => {
                self.widen(size);
                PageKind::Plain
            }
            Shape::Bool => {
                let bytes = (n_rows as usize).div_ceil(8);
                self.present.resize(bytes, 0);
                raw.extend_from_slice(&self.present);
                PageKind::Plain
            }
            Shape::Uuid | Shape::Bytes => {
                is_empty = self.n_present == 0;
                self.put_present(n_rows, 1, &mut raw);
                PageKind::Plain
            }
            Shape::Dictionary => {
                is_empty = self.n_present == 0;
                self.put_present(n_rows, 1, &mut raw);
                self.put_numbers(&mut raw)
            }
            Shape::List(nullable) => {
                is_empty = self.lists.is_empty();
                n_values = self.put_lists(n_rows, nullable, &mut raw);
                self.put_numbers(&mut raw)
            }
        };
        let content = if matches!(self.shape, Shape::Fixed(_)) {
            &self.values
        } else {
            raw.extend_from_slice(&self.values);
            &raw
        };
        self.chunk.raw_len += compressor.append(kind, n_values, content, &mut self.chunk.bytes);
        self.chunk.n_values += u64::from(n_values);
        if !matches!(self.shape, Shape::Fixed(_) | Shape::Bool) {
            self.chunk.n_nulls += u64::from(n_values - self.n_present);
        }
        self.values.clear();
        self.numbers.clear();
        self.present.clear();
        self.lists.clear();
        self.n_present = 0;
        self.n_elements = 0;
        self.raw = raw;
        is_empty
    }

    /// Definition levels of rows or elements that are there or not.
    fn put_present(&self, n: u32, width: u32, raw: &mut Vec<u8>) {
        with_length(raw, |raw| match self.n_present {
            0 => put_equal(raw, n, 0, width),
            all if all == n => put_equal(raw, n, 1, width),
            _ => put_bits(raw, &self.present, n as usize),
        });
    }

    /// Repetition and definition levels of lists; how many there are.
    fn put_lists(&self, n_rows: u32, nullable: bool, raw: &mut Vec<u8>) -> u32 {
        let width = if nullable { 2 } else { 1 };
        if self.lists.is_empty() {
            with_length(raw, |raw| put_equal(raw, n_rows, 0, 1));
            with_length(raw, |raw| put_equal(raw, n_rows, 0, width));
            return n_rows;
        }
        let (mut repeated, mut defined) = (Vec::new(), Vec::new());
        let mut lists = self.lists.iter().peekable();
        let mut element = 0_usize;
        for row in 0..n_rows {
            let Some((_, n)) = lists.next_if(|(list, _)| *list == row) else {
                repeated.push(0);
                defined.push(0);
                continue;
            };
            for i in 0..*n {
                repeated.push(u32::from(i > 0));
                let bits = self.present.get(element / 8).copied().unwrap_or(0);
                let is_present = bits >> (element % 8) & 1 == 1;
                defined.push(if nullable && is_present { 2 } else { 1 });
                element += 1;
            }
        }
        with_length(raw, |raw| put_packed(raw, &repeated, 1));
        with_length(raw, |raw| put_packed(raw, &defined, width));
        repeated.len() as u32
    }

    fn put_numbers(&self, raw: &mut Vec<u8>) -> PageKind {
        let Some((&first, rest)) = self.numbers.split_first() else {
            // A dictionary without a value in it may not exist.
            return PageKind::Plain;
        };
        let max = rest.iter().copied().fold(first, u32::max);
        let width = bit_width(max);
        raw.push(width as u8);
        if rest.iter().all(|&number| number == first) {
            put_equal(raw, self.numbers.len() as u32, first, width);
        } else {
            put_packed(raw, &self.numbers, width);
        }
        PageKind::Numbered
    }

    /// The finished pages, to be written and given back with [`Self::reset`].
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.chunk.bytes)
    }

    /// Forgets the row group; `memory` is used again.
    pub(super) fn reset(&mut self, mut memory: Vec<u8>) {
        memory.clear();
        self.dictionary.clear();
        self.chunk = Chunk { bytes: memory, ..Chunk::default() };
    }
}

/// Appends what `put` appends, with its length before it.
fn with_length(raw: &mut Vec<u8>, put: impl FnOnce(&mut Vec<u8>)) {
    let start = raw.len();
    raw.extend_from_slice(&[0; 4]);
    put(raw);
    let len = (raw.len() - start - 4) as u32;
    if let Some(place) = raw.get_mut(start..start + 4) {
        place.copy_from_slice(&len.to_le_bytes());
    }
}
