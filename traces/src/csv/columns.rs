//! The header: which columns a trace has, and where they are.

use heaprace_recorder::csv::{Columns, HEADER, THREAD, TIME_NS, WRITTEN};

use super::line::LineFields;
use crate::fault::{Fault, shown};

/// The places of the columns of a file. The four of [`HEADER`] are always the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ColumnPlaces {
    pub(super) count: usize,
    pub(super) thread: Option<usize>,
    pub(super) time_ns: Option<usize>,
    pub(super) written: Option<usize>,
    /// The optional columns from left to right; only the first ones are there.
    extras: [Extra; 3],
}

/// An optional column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extra {
    #[default]
    Thread,
    TimeNs,
    Written,
}

impl ColumnPlaces {
    pub(super) fn columns(self) -> Columns {
        Columns { thread: self.thread.is_some(), time_ns: self.time_ns.is_some(), written: self.written.is_some() }
    }

    /// The optional columns from left to right.
    #[inline]
    pub(super) fn extras(&self) -> &[Extra] {
        &self.extras[..self.count.saturating_sub(HEADER.len())]
    }

    /// Reads the header.
    pub(super) fn parse(header: &[u8]) -> Result<Self, Fault> {
        let fields: Vec<&[u8]> = LineFields::of(header).collect();
        let first = fields.first().copied().unwrap_or_default();
        if !HEADER.iter().any(|name| name.as_bytes() == first) {
            return Err(Fault::MissingHeader { found: shown(first) });
        }
        for (index, expected) in HEADER.into_iter().enumerate() {
            let found = match fields.get(index) {
                Some(&found) if found == expected.as_bytes() => continue,
                Some(found) => format!("\"{}\"", shown(found)),
                None => "missing".to_owned(),
            };
            return Err(Fault::MissingColumn { number: index + 1, found, expected });
        }
        let mut layout = ColumnPlaces { count: fields.len(), ..ColumnPlaces::default() };
        for (index, &name) in fields.iter().enumerate().skip(HEADER.len()) {
            let (column, extra, place) = match name {
                b"thread" => (THREAD, Extra::Thread, &mut layout.thread),
                b"time_ns" => (TIME_NS, Extra::TimeNs, &mut layout.time_ns),
                b"written" => (WRITTEN, Extra::Written, &mut layout.written),
                _ => match HEADER.into_iter().find(|fixed| fixed.as_bytes() == name) {
                    Some(column) => return Err(Fault::DuplicateColumn { column }),
                    None => return Err(Fault::UnknownColumn { found: shown(name) }),
                },
            };
            if place.replace(index).is_some() {
                return Err(Fault::DuplicateColumn { column });
            }
            layout.extras[index - HEADER.len()] = extra;
        }
        Ok(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(header: &str) -> Result<ColumnPlaces, Fault> {
        ColumnPlaces::parse(header.as_bytes())
    }

    #[test]
    fn the_optional_columns_stand_in_any_order() {
        let none = ColumnPlaces { count: 4, ..ColumnPlaces::default() };
        assert_eq!(parse("op,id,size,align"), Ok(none));
        assert_eq!(
            parse("op,id,size,align,time_ns"),
            Ok(ColumnPlaces {
                count: 5,
                time_ns: Some(4),
                extras: [Extra::TimeNs, Extra::default(), Extra::default()],
                ..none
            })
        );
        let both = ColumnPlaces {
            count: 6,
            thread: Some(5),
            time_ns: Some(4),
            written: None,
            extras: [Extra::TimeNs, Extra::Thread, Extra::default()],
        };
        assert_eq!(parse("op,id,size,align,time_ns,thread"), Ok(both));
        let all = ColumnPlaces {
            count: 7,
            thread: Some(5),
            time_ns: Some(6),
            written: Some(4),
            extras: [Extra::Written, Extra::Thread, Extra::TimeNs],
        };
        assert_eq!(parse("op,id,size,align,written,thread,time_ns"), Ok(all));
    }

    #[test]
    fn a_column_is_there_once() {
        assert_eq!(parse("op,id,size,align,size"), Err(Fault::DuplicateColumn { column: "size" }));
        assert_eq!(parse("op,id,size,align,thread,thread"), Err(Fault::DuplicateColumn { column: "thread" }));
        assert_eq!(parse("op,id,size,align,written,written"), Err(Fault::DuplicateColumn { column: "written" }));
    }
}
