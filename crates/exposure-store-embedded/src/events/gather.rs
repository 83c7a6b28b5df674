//! Rows of pages into a column that is written: values as they lie, texts by their numbers.

use super::column::ColumnWriter;
use super::decode::Content;
use super::dictionary::Renumber;
use super::schema::Shape;

/// A row of one of several pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pick {
    /// Which page.
    pub(super) source: u16,
    /// Which row of it.
    pub(super) row: u16,
}

impl ColumnWriter {
    /// Adds rows of pages as the rows from `at` on of the page that fills.
    ///
    /// `pages` has this column of each source, and `known` its dictionary's numbers.
    pub(super) fn gather(
        &mut self,
        at: u32,
        picks: &[Pick],
        pages: &[&Content],
        known: &mut [Renumber],
    ) {
        if pages.iter().all(|page| page.is_empty()) && !matches!(self.shape(), Shape::Fixed(_)) {
            return;
        }
        // Where all have a value, it need not be asked for each.
        let full = pages.iter().all(|page| page.is_full());
        if full && !matches!(self.shape(), Shape::Fixed(_)) {
            self.mark_all(at..at + picks.len() as u32);
        }
        let rows = || {
            let picks = (at..).zip(picks);
            picks.filter_map(|(at, pick)| {
                let source = usize::from(pick.source);
                Some((at, source, *pages.get(source)?, usize::from(pick.row)))
            })
        };
        match self.shape() {
            Shape::Fixed(4) => self.extend(picks.iter().map(|pick| fixed::<4>(pages, *pick))),
            Shape::Fixed(_) => self.extend(picks.iter().map(|pick| fixed::<8>(pages, *pick))),
            Shape::Bool => {
                for (at, _, page, row) in rows() {
                    if page.bit_at(row) {
                        self.mark(at);
                    }
                }
            }
            Shape::Uuid => {
                for (at, _, page, row) in rows() {
                    if let Some(uuid) = page.uuid_at(row) {
                        if !full {
                            self.mark(at);
                        }
                        self.put_uuid(uuid);
                    }
                }
            }
            Shape::Bytes => {
                for (at, _, page, row) in rows() {
                    if let Some(bytes) = page.bytes_at(row) {
                        if !full {
                            self.mark(at);
                        }
                        self.put_bytes(bytes);
                    }
                }
            }
            Shape::Dictionary => {
                for (at, source, page, row) in rows() {
                    let value = page.number_of(row).zip(known.get_mut(source));
                    if let Some(((number, values), known)) = value {
                        if !full {
                            self.mark(at);
                        }
                        let text = || values.get(number).unwrap_or_default().as_bytes();
                        self.put_word(number, known, text);
                    }
                }
            }
            Shape::List(_) => {
                for (at, _, page, row) in rows() {
                    for element in page.list_at(row) {
                        self.push_element(at, element.as_deref());
                    }
                }
            }
        }
    }
}

fn fixed<const N: usize>(pages: &[&Content], pick: Pick) -> [u8; N] {
    pages.get(usize::from(pick.source)).map_or([0; N], |page| page.fixed_at(usize::from(pick.row)))
}
