//! The head of a file: the version, which columns there are, and the provenance.

use std::io::{self, Read};

use super::{MAGIC, VERSION};
use crate::csv::{Columns, canonical_comments};
use crate::error::TraceError;

/// The longest provenance that is read, in bytes.
const MOST_PROVENANCE_BYTES: u32 = 1 << 24;

const THREAD: u16 = 1;
const TIME_NS: u16 = 2;

/// What the head says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) columns: Columns,
    pub(super) provenance: Vec<String>,
    /// Bytes of the head, the magic ones included.
    pub(super) length: u64,
}

pub(super) fn to_bytes(columns: Columns, provenance: &[impl AsRef<str>]) -> io::Result<Vec<u8>> {
    let mut text = String::new();
    canonical_comments(provenance).for_each(|line| text.extend([line, "\n"]));
    let flags = if columns.thread { THREAD } else { 0 } | if columns.time_ns { TIME_NS } else { 0 };
    let length = u32::try_from(text.len()).ok().filter(|&length| length <= MOST_PROVENANCE_BYTES);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the provenance is above 16 MiB"))?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&flags.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    Ok(bytes)
}

/// Reads the head, the magic bytes included.
pub(super) fn read(input: &mut impl Read, name: &str) -> Result<Head, TraceError> {
    let damaged = |what| TraceError::DamagedFrame { file: name.into(), part: "head", what };
    let mut fill = |bytes: &mut [u8]| {
        input.read_exact(bytes).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => damaged("the file ends within it"),
            _ => TraceError::Open { file: name.to_owned(), source },
        })
    };
    let mut bytes = vec![0; 16];
    fill(&mut bytes)?;
    if !bytes.starts_with(MAGIC) {
        return Err(damaged("it does not begin as a binary trace does"));
    }
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    if version != VERSION {
        return Err(TraceError::UnknownBinaryVersion { file: name.to_owned(), found: version });
    }
    let flags = u16::from_le_bytes([bytes[10], bytes[11]]);
    let length = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    if length > MOST_PROVENANCE_BYTES {
        return Err(damaged("its provenance is too long"));
    }
    bytes.resize(16 + length as usize, 0);
    fill(&mut bytes[16..])?;
    let mut checksum = [0; 4];
    fill(&mut checksum)?;
    if crc32fast::hash(&bytes) != u32::from_le_bytes(checksum) {
        return Err(damaged("its checksum does not match"));
    }
    if flags & !(THREAD | TIME_NS) != 0 {
        return Err(damaged("it names columns that this version does not have"));
    }
    let text = core::str::from_utf8(&bytes[16..]).map_err(|_| damaged("its provenance is not UTF-8"))?;
    Ok(Head {
        columns: Columns { thread: flags & THREAD != 0, time_ns: flags & TIME_NS != 0 },
        provenance: text.split_terminator('\n').map(str::to_owned).collect(),
        length: bytes.len() as u64 + 4,
    })
}
