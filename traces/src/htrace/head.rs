//! Reads the head of a file: the version, which columns there are, and the provenance.

use std::io::{self, Read};

use heaprace_recorder::comment::MOST_PROVENANCE_BYTES;
use heaprace_recorder::csv::Columns;
use heaprace_recorder::htrace::head::columns_of;
use heaprace_recorder::htrace::{MAGIC, most_block_events};

use crate::comments::ProvenanceLines;
use crate::error::{Place, TraceError};

/// The head of a file.
#[derive(Debug)]
pub(super) struct FileHead {
    /// Maximum number of events in a block.
    pub(super) most_block_events: usize,
    pub(super) columns: Columns,
    pub(super) provenance: Vec<String>,
    /// Bytes of the head, including the magic ones.
    pub(super) length: u64,
}

/// Reads the head, including the magic bytes.
pub(super) fn read(input: &mut impl Read, name: &str) -> Result<FileHead, TraceError> {
    let damaged = |what| TraceError::DamagedFrame { file: name.into(), part: "head", what };
    let mut fill = |bytes: &mut [u8]| {
        input.read_exact(bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("the file ends within it"),
            _ => TraceError::unread(name, source),
        })
    };
    let mut bytes = vec![0; 16];
    fill(&mut bytes)?;
    if !bytes.starts_with(MAGIC) {
        return Err(damaged("it does not begin like a binary trace"));
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    let most_block_events = most_block_events(version)
        .ok_or_else(|| TraceError::UnknownBinaryVersion { file: name.to_owned(), found: version })?;
    let flags = u16::from_le_bytes([bytes[10], bytes[11]]);
    let length = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    if length as usize > MOST_PROVENANCE_BYTES {
        return Err(damaged("its provenance is too long"));
    }
    bytes.resize(16 + length as usize, 0);
    fill(&mut bytes[16..])?;
    let mut checksum = [0; 4];
    fill(&mut checksum)?;
    if crc32fast::hash(&bytes) != u32::from_le_bytes(checksum) {
        return Err(damaged("its checksum does not match"));
    }
    let columns = columns_of(flags).ok_or_else(|| damaged("it names columns that this version does not have"))?;
    let text = core::str::from_utf8(&bytes[16..]).map_err(|_| damaged("its provenance is not UTF-8"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err(damaged("its provenance does not end with a line end"));
    }
    let mut provenance = ProvenanceLines::default();
    for line in text.split_terminator('\n') {
        let place = || Place { file: name.into(), line: 0, event: None };
        provenance.push(line.to_owned()).map_err(|fault| TraceError::Invalid { place: place(), fault })?;
    }
    let length = bytes.len() as u64 + 4;
    Ok(FileHead { most_block_events, columns, provenance: provenance.lines, length })
}
