//! Parquet: the measurements of CSV in typed columns. Repeated texts are stored once.

use std::sync::Arc;

use ::parquet::column::writer::ColumnWriter;
use ::parquet::data_type::ByteArray;
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::SerializedFileWriter;
use ::parquet::schema::parser::parse_message_type;

use super::measurements::{Measurement, measurements};
use crate::ReportError;
use crate::results::Results;

/// The columns of [`COLUMNS`](super::measurements::COLUMNS), in their order.
const SCHEMA: &str = "message measurement {
    REQUIRED INT32 schema_version;
    REQUIRED BYTE_ARRAY date (STRING);
    REQUIRED BYTE_ARRAY trace (STRING);
    REQUIRED BYTE_ARRAY trace_sha256 (STRING);
    REQUIRED BYTE_ARRAY origin (STRING);
    REQUIRED INT64 page_bytes;
    REQUIRED INT64 heap_limit_pages;
    REQUIRED BYTE_ARRAY touch (STRING);
    REQUIRED BYTE_ARRAY contender (STRING);
    REQUIRED BYTE_ARRAY contender_version (STRING);
    REQUIRED BYTE_ARRAY role (STRING);
    REQUIRED BYTE_ARRAY metric (STRING);
    REQUIRED BYTE_ARRAY unit (STRING);
    OPTIONAL DOUBLE value;
    OPTIONAL DOUBLE low;
    OPTIONAL DOUBLE high;
    OPTIONAL INT32 round;
    OPTIONAL BYTE_ARRAY reason (STRING);
}";

pub(super) fn parquet(all: &[Results]) -> std::result::Result<Vec<u8>, ReportError> {
    let rows: Vec<Measurement> = all.iter().flat_map(measurements).collect();
    write(&rows).map_err(|error| ReportError::Convert { message: error.to_string() })
}

fn write(rows: &[Measurement]) -> Result<Vec<u8>> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(WriterProperties::builder().build()))?;
    let mut group = file.next_row_group()?;
    let mut place = 0;
    while let Some(mut column) = group.next_column()? {
        match column.untyped() {
            ColumnWriter::Int32ColumnWriter(writer) => put(rows, place, writer, |cell| match cell {
                Cell::Int(value) => i32::try_from(value).ok(),
                _ => None,
            })?,
            ColumnWriter::Int64ColumnWriter(writer) => put(rows, place, writer, |cell| match cell {
                Cell::Int(value) => Some(value),
                _ => None,
            })?,
            ColumnWriter::DoubleColumnWriter(writer) => put(rows, place, writer, |cell| match cell {
                Cell::Real(value) => Some(value),
                _ => None,
            })?,
            ColumnWriter::ByteArrayColumnWriter(writer) => put(rows, place, writer, |cell| match cell {
                Cell::Text(text) => Some(ByteArray::from(text)),
                _ => None,
            })?,
            _ => return Err(ParquetError::General(format!("column {place} has a type that no cell has"))),
        }
        column.close()?;
        place += 1;
    }
    group.close()?;
    file.into_inner()
}

enum Cell<'r> {
    Int(i64),
    Real(f64),
    Text(&'r str),
    None,
}

/// The cell of a row in a column, by its place in the schema.
fn cell<'r>(row: &'r Measurement, place: usize) -> Cell<'r> {
    let whole = |number: u64| Cell::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let real = |value: Option<f64>| value.map_or(Cell::None, Cell::Real);
    match place {
        0 => whole(row.schema_version.into()),
        1 => Cell::Text(row.date),
        2 => Cell::Text(row.trace),
        3 => Cell::Text(row.trace_sha256),
        4 => Cell::Text(row.origin),
        5 => whole(row.page_bytes),
        6 => whole(row.heap_limit_pages),
        7 => Cell::Text(row.touch),
        8 => Cell::Text(row.contender),
        9 => Cell::Text(row.contender_version),
        10 => Cell::Text(row.role),
        11 => Cell::Text(row.metric),
        12 => Cell::Text(row.unit),
        13 => real(row.value),
        14 => real(row.low),
        15 => real(row.high),
        16 => row.round.map_or(Cell::None, |round| whole(round.into())),
        17 => row.reason.as_deref().map_or(Cell::None, Cell::Text),
        _ => Cell::None,
    }
}

/// Writes a column: the values of the rows that have one, and for each row whether it has one.
fn put<T: ::parquet::data_type::DataType>(
    rows: &[Measurement],
    place: usize,
    writer: &mut ::parquet::column::writer::ColumnWriterImpl<'_, T>,
    value: impl Fn(Cell) -> Option<T::T>,
) -> Result<()> {
    let values: Vec<Option<T::T>> = rows.iter().map(|row| value(cell(row, place))).collect();
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let known: Vec<T::T> = values.into_iter().flatten().collect();
    writer.write_batch(&known, Some(&levels), None).map(drop)
}

#[cfg(test)]
mod tests {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};
    use ::parquet::record::RowAccessor;

    use super::*;
    use crate::export::measurements::COLUMNS;
    use crate::sample;

    #[test]
    fn reads_back_as_the_figures() {
        let all = [sample::results(), sample::empty()];
        let path = std::env::temp_dir().join(format!("heaprace-{}.parquet", std::process::id()));
        crate::save(&path, &parquet(&all).unwrap()).unwrap();
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        assert_eq!(columns.iter().map(|column| column.name()).collect::<Vec<_>>(), COLUMNS);
        let expected: Vec<_> = all.iter().flat_map(measurements).collect();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap()).collect();
        assert_eq!(rows.len(), expected.len());
        for (row, expected) in rows.iter().zip(&expected) {
            assert_eq!(row.get_int(0).unwrap() as u32, expected.schema_version);
            for (place, text) in [(2, expected.trace), (8, expected.contender), (11, expected.metric)] {
                assert_eq!(row.get_string(place).unwrap(), text);
            }
            assert_eq!(row.get_long(5).unwrap() as u64, expected.page_bytes);
            assert_eq!(
                [13, 14, 15].map(|place| row.get_double(place).ok()),
                [expected.value, expected.low, expected.high]
            );
            assert_eq!(row.get_int(16).ok().map(|round| round as u32), expected.round);
            assert_eq!(row.get_string(17).ok(), expected.reason.as_ref());
        }
        std::fs::remove_file(path).unwrap();
    }
}
