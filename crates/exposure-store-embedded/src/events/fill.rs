//! Rows of a batch, and of other files' pages, into the pages that are written: a column at a time.

use super::batch::RowBatch;
use super::dictionary::Renumber;
use super::error::Result;
use super::packed::{NO_WORD, Packed, WORDS};
use super::schema::{Field, N_FIELDS, Table};
use super::weave::{Picks, Weave};
use super::writer::{PAGE_BYTES, PAGE_ROWS, TableWriter};
use super::{WritesRef, index, names};

impl TableWriter<'_> {
    /// Adds rows of a batch, in an order that is that of the file.
    pub(super) fn push_batch(&mut self, batch: &RowBatch, order: &[u32]) -> Result<()> {
        let mut known: [Renumber; N_FIELDS] = Default::default();
        let mut rows = Vec::with_capacity(PAGE_ROWS as usize);
        let mut rest = order;
        loop {
            let n = batch.take(rest, self.room(), PAGE_BYTES, &mut rows);
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
            let table = self.table();
            let key = |row: &Packed, key: &mut Vec<u8>| {
                let (is_user, id) = match table {
                    Table::Events => row.profile(batch.bytes()),
                    Table::Links => (false, row.device(batch.bytes()).unwrap_or((&[], true))),
                };
                index::put_key_parts(row.project, is_user, id, key);
            };
            self.put_keys(|to| key(first, to), |to| key(last, to));
            self.fill(batch, &rows, &mut known);
            self.added(n as u32)?;
            rest = rest.get(n..).unwrap_or_default();
        }
    }

    fn fill(&mut self, batch: &RowBatch, rows: &[Packed], known: &mut [Renumber; N_FIELDS]) {
        let bytes = batch.bytes();
        let at = self.n_page_rows();
        let numbered = || (at..).zip(rows);
        self.column(Field::Project).extend(rows.iter().map(|row| row.project.to_le_bytes()));
        self.column(Field::Time).extend(rows.iter().map(|row| row.time.to_le_bytes()));
        self.column(Field::Received).extend(rows.iter().map(|row| row.received.to_le_bytes()));
        self.column(Field::Position).extend(rows.iter().map(|row| row.position.to_le_bytes()));
        self.fill_ids(rows, Packed::user, bytes, Field::UserId, Field::UserUuid);
        self.fill_ids(rows, Packed::device, bytes, Field::DeviceId, Field::DeviceUuid);
        if self.table() == Table::Links {
            return;
        }
        self.column(Field::Sequence).extend(rows.iter().map(|row| row.sequence.to_le_bytes()));
        self.column(Field::Key).extend(rows.iter().map(|row| row.key.to_le_bytes()));
        let column = self.column(Field::InsertUuid);
        for (at, row) in numbered().filter(|(_, row)| row.has_insert_uuid()) {
            column.mark(at);
            column.put_uuid(&row.insert_uuid);
        }
        let column = self.column(Field::InsertId);
        for (at, row) in numbered() {
            if let Some(text) = row.insert_text(bytes) {
                column.mark(at);
                column.put_bytes(text);
            }
        }
        for (word, field) in WORDS.into_iter().enumerate() {
            let Some(words) = batch.words(word) else { continue };
            let column = self.column(field);
            let known = &mut known[field as usize];
            for (at, row) in numbered() {
                let number = row.words[word];
                if number != NO_WORD {
                    column.mark(at);
                    column.put_word(number, known, || words.text(number));
                }
            }
        }
        let column = self.column(Field::Kind);
        let kinds = &mut known[Field::Kind as usize];
        column.mark_all(at..at + rows.len() as u32);
        for row in rows {
            column.put_word(row.kind as u32, kinds, || row.kind.as_str().as_bytes());
        }
        let column = self.column(Field::Notes);
        let notes = &mut known[Field::Notes as usize];
        for (at, row) in numbered() {
            if let Some(text) = names::notes_text(row.notes) {
                column.mark(at);
                column.put_word(u32::from(row.notes.bits()), notes, || text.as_bytes());
            }
        }
        for (at, row) in numbered() {
            if row.writes_exposed() {
                self.column(Field::WritesExposed).mark(at);
            }
            for (flag, variant) in WritesRef::packed(row.writes(bytes)).iter() {
                self.column(Field::WriteFlag).push_element(at, Some(flag));
                self.column(Field::WriteVariant).push_element(at, variant);
            }
            let payload = row.payload(bytes);
            if !payload.is_empty() {
                // Text where it is text: one that is not would make readers refuse the whole column.
                let field = match std::str::from_utf8(payload) {
                    Ok(_) => Field::Properties,
                    Err(_) => Field::PropertiesBytes,
                };
                self.column(field).mark(at);
                self.column(field).put_bytes(payload);
            }
        }
    }

    fn fill_ids<'b>(
        &mut self,
        rows: &[Packed],
        id: impl Fn(&Packed, &'b [u8]) -> Option<super::packed::Id<'b>>,
        bytes: &'b [u8],
        text: Field,
        uuid: Field,
    ) {
        for (at, row) in (self.n_page_rows()..).zip(rows) {
            match id(row, bytes) {
                Some((id, true)) => {
                    self.column(uuid).mark(at);
                    self.column(uuid).put_uuid(id);
                }
                Some((id, false)) => {
                    self.column(text).mark(at);
                    self.column(text).put_bytes(id);
                }
                None => {}
            }
        }
    }

    /// Adds the rows that were picked.
    pub(super) fn push_picks(&mut self, picks: &Picks, weave: &mut Weave) -> Result<()> {
        let (Some(&first), Some(&last)) = (picks.rows.first(), picks.rows.last()) else {
            return Ok(());
        };
        let table = self.table();
        let key = |pick: super::gather::Pick, to: &mut Vec<u8>| {
            if let Some(page) = weave.page(pick) {
                index::put_key_of_row(table, &page.row(usize::from(pick.row)), to);
            }
        };
        self.put_keys(|to| key(first, to), |to| key(last, to));
        let at = self.n_page_rows();
        for &field in table.fields() {
            let (pages, known) = weave.column(field);
            self.column(field).gather(at, &picks.rows, &pages, known);
        }
        self.added(picks.rows.len() as u32)
    }
}
