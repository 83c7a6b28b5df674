//! The footer that other programs find everything by.

use std::sync::Arc;

use parquet::basic::{Compression, Encoding, Type as Physical};
use parquet::data_type::ByteArray;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, KeyValue, ParquetMetaDataBuilder, ParquetMetaDataWriter,
    RowGroupMetaData,
};
use parquet::file::statistics::{Statistics, ValueStatistics};
use parquet::schema::types::ColumnDescPtr;

use super::column::ColumnWriter;
use super::schema::{Field, Shape, Table};

/// What a Parquet file begins and ends with.
pub(super) const MAGIC: &[u8; 4] = b"PAR1";

/// What the footer says of a row group.
#[derive(Debug)]
pub(super) struct GroupParts {
    n_rows: u64,
    columns: Vec<ColumnParts>,
}

#[derive(Debug)]
struct ColumnParts {
    field: Field,
    start: u64,
    dictionary_len: u32,
    stored_len: u64,
    raw_len: u64,
    n_values: u64,
    n_nulls: u64,
    range: Option<(i64, i64)>,
    text_range: Option<(Vec<u8>, Vec<u8>)>,
}

/// Longest text that is kept as the least or greatest of a row group, in bytes.
const MAX_STATISTIC: usize = 64;

impl GroupParts {
    pub(super) const fn new(n_rows: u64) -> Self {
        Self { n_rows, columns: Vec::new() }
    }

    /// Adds the next column, which begins at `start` in the file.
    pub(super) fn add_column(
        &mut self,
        field: Field,
        start: u64,
        dictionary_len: u32,
        raw_len: u64,
        column: &ColumnWriter,
    ) {
        let chunk = column.chunk();
        let text_range = column.dictionary().range().filter(|(min, max)| {
            field.shape() == Shape::Dictionary
                && min.len() <= MAX_STATISTIC
                && max.len() <= MAX_STATISTIC
        });
        self.columns.push(ColumnParts {
            field,
            start,
            dictionary_len,
            stored_len: u64::from(dictionary_len) + chunk.bytes.len() as u64,
            raw_len,
            n_values: chunk.n_values,
            n_nulls: chunk.n_nulls,
            range: chunk.range,
            text_range: text_range.map(|(min, max)| (min.to_vec(), max.to_vec())),
        });
    }
}

impl ColumnParts {
    fn statistics(&self, descriptor: &ColumnDescPtr) -> Option<Statistics> {
        let nulls = Some(self.n_nulls);
        match (descriptor.physical_type(), self.range) {
            (Physical::INT64, Some((min, max))) => {
                Some(Statistics::int64(Some(min), Some(max), None, nulls, false))
            }
            (Physical::INT32, Some((min, max))) => {
                let (min, max) = (i32::try_from(min).ok()?, i32::try_from(max).ok()?);
                Some(Statistics::int32(Some(min), Some(max), None, nulls, false))
            }
            (Physical::BYTE_ARRAY, _) => {
                let (min, max) = self.text_range.clone().unzip();
                Some(Statistics::ByteArray(ValueStatistics::new(
                    min.map(ByteArray::from),
                    max.map(ByteArray::from),
                    None,
                    nulls,
                    false,
                )))
            }
            _ => None,
        }
    }

    fn describe(&self, descriptor: &ColumnDescPtr) -> Result<ColumnChunkMetaData> {
        let encodings = match self.field.shape() {
            Shape::Dictionary | Shape::List(_) => {
                vec![Encoding::PLAIN, Encoding::RLE, Encoding::RLE_DICTIONARY]
            }
            _ => vec![Encoding::PLAIN, Encoding::RLE],
        };
        let mut builder = ColumnChunkMetaData::builder(Arc::clone(descriptor))
            .set_encodings(encodings)
            .set_compression(Compression::LZ4_RAW)
            .set_num_values(self.n_values as i64)
            .set_total_compressed_size(self.stored_len as i64)
            .set_total_uncompressed_size(self.raw_len as i64)
            .set_data_page_offset((self.start + u64::from(self.dictionary_len)) as i64)
            .set_dictionary_page_offset((self.dictionary_len > 0).then_some(self.start as i64));
        if let Some(statistics) = self.statistics(descriptor) {
            builder = builder.set_statistics(statistics);
        }
        builder.build()
    }
}

/// Appends the footer of a file.
pub(super) fn encode(table: Table, groups: &[GroupParts], to: &mut Vec<u8>) -> Result<()> {
    let schema = table.schema()?;
    let mut metadata = ParquetMetaDataBuilder::new(FileMetaData::new(
        2,
        groups.iter().map(|group| group.n_rows as i64).sum(),
        Some("exposure".to_owned()),
        Some(vec![KeyValue::new("exposure.format".to_owned(), "1".to_owned())]),
        Arc::clone(&schema),
        None,
    ));
    for (ordinal, group) in (0_i16..).zip(groups) {
        let columns = schema.columns().iter().zip(&group.columns);
        let described: Vec<ColumnChunkMetaData> = columns
            .map(|(descriptor, column)| column.describe(descriptor))
            .collect::<Result<_>>()?;
        let raw_len: u64 = group.columns.iter().map(|column| column.raw_len).sum();
        let start = group.columns.first().map_or(0, |column| column.start);
        let built = RowGroupMetaData::builder(Arc::clone(&schema))
            .set_num_rows(group.n_rows as i64)
            .set_total_byte_size(raw_len as i64)
            .set_file_offset(start as i64)
            .set_ordinal(i32::from(ordinal))
            .set_column_metadata(described)
            .build()?;
        metadata = metadata.add_row_group(built);
    }
    let mut footer = Vec::new();
    ParquetMetaDataWriter::new(&mut footer, &metadata.build()).finish()?;
    if !footer.ends_with(MAGIC) {
        return Err(ParquetError::General("the footer has no magic at its end".to_owned()));
    }
    to.extend_from_slice(&footer);
    Ok(())
}
