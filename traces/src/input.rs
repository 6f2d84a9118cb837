//! The bytes of a trace: opened, recognised by their content, and decompressed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

use crate::error::{Place, TraceError};
use crate::gzip::Gzip;
use crate::interrupt::is_interrupted;
use crate::zip::{self, ZipFile};

/// The input of an open trace: plain text, however the file is packed.
pub(crate) type Input = Box<dyn Read + Send>;

/// An unpacked input.
pub(crate) struct Unpacked {
    pub(crate) input: Input,
    pub(crate) packing: Packing,
}

/// How an input is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    None,
    Zstd,
    Gzip,
    Zip,
}

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Compressions that are recognised and not read: the first bytes, the name, and the command that decompresses.
const UNREAD: [(&[u8], &str, &str); 6] = [
    (b"\xfd7zXZ\0", "xz", "xz -d"),
    (b"BZh", "bzip2", "bzip2 -d"),
    (b"LZIP", "lzip", "lzip -d"),
    (b"\x04\x22\x4d\x18", "lz4", "lz4 -d"),
    (b"\x1f\x9d", "compress", "gzip -d"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip", "7z x"),
];

/// Opens a file as plain text. `name` is the file as the user gave it, for the messages.
pub(crate) fn open_file(path: &Path, name: &str) -> Result<Unpacked, TraceError> {
    let failed = |source| TraceError::Open { file: name.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(TraceError::Folder { file: name.to_owned() });
    }
    unpacked(file, name)
}

/// Recognises how the bytes are packed, and decompresses them.
pub(crate) fn unpacked(mut bytes: impl Read + Send + 'static, name: &str) -> Result<Unpacked, TraceError> {
    let failed = |source| TraceError::Open { file: name.to_owned(), source };
    let mut head = Vec::with_capacity(ZSTD_MAGIC.len());
    bytes.by_ref().take(ZSTD_MAGIC.len() as u64).read_to_end(&mut head).map_err(failed)?;
    let packing = match &head[..] {
        head if head.starts_with(&GZIP_MAGIC) => Packing::Gzip,
        head if head.starts_with(&zip::FILE_MAGIC) => Packing::Zip,
        head if is_zstd(head) => Packing::Zstd,
        _ => Packing::None,
    };
    let whole = BufReader::with_capacity(BLOCK_BYTES, Cursor::new(head).chain(bytes));
    let input: Input = match packing {
        Packing::None => Box::new(whole),
        Packing::Zstd if name.to_ascii_lowercase().ends_with(".csv") => {
            return Err(TraceError::ZstdNamedCsv { file: name.to_owned() });
        }
        // Frame follows frame until the bytes end: what parallel compressors write, and `cat a.zst b.zst`.
        Packing::Zstd => Box::new(Marked(zstd::Decoder::with_buffer(whole).map_err(failed)?, packing)),
        Packing::Gzip => Box::new(Marked(Gzip::new(whole), packing)),
        Packing::Zip => {
            let place = Place { file: name.into(), line: 1, event: None };
            let file =
                ZipFile::new(whole).map_err(|source| TraceError::CannotUnpack { place, packing: "zip", source })?;
            Box::new(Marked(file, packing))
        }
    };
    Ok(Unpacked { input, packing })
}

/// An input whose first bytes were inspected. Reading it returns them again, and then the rest.
pub(crate) struct Peeked {
    head: Cursor<Vec<u8>>,
    /// An error instead of more bytes: the reader that meets it knows the place.
    failure: Option<io::Error>,
    rest: Input,
}

impl Peeked {
    /// Reads the first `most_bytes` bytes, unless the input ends or fails before.
    pub(crate) fn new(mut input: Input, most_bytes: u64) -> Self {
        let mut head = Vec::new();
        let failure = input.by_ref().take(most_bytes).read_to_end(&mut head).err();
        Peeked { head: Cursor::new(head), failure, rest: input }
    }
}

impl Peeked {
    /// Reads the beginning of what should be a trace or a recording. `name` is the file in messages.
    pub(crate) fn trace(input: Input, name: &str) -> Result<Self, TraceError> {
        let peeked = Peeked::new(input, HEAD_BYTES);
        let file = || name.to_owned();
        if let Some((_, packing, remedy)) = UNREAD.iter().find(|(magic, ..)| peeked.head().starts_with(magic)) {
            return Err(TraceError::UnreadPacking { file: file(), packing, remedy });
        }
        if is_utf16(peeked.head()) { Err(TraceError::Utf16 { file: file() }) } else { Ok(peeked) }
    }

    /// The first bytes.
    pub(crate) fn head(&self) -> &[u8] {
        self.head.get_ref()
    }
}

impl Read for Peeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buffer)? {
            0 if !buffer.is_empty() => match self.failure.take() {
                Some(failure) => Err(failure),
                None => self.rest.read(buffer),
            },
            read => Ok(read),
        }
    }
}

/// Decompresses, and marks its own errors to distinguish them from those of the disk.
struct Marked<R>(R, Packing);

impl<R: Read> Read for Marked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| match error.raw_os_error() {
            Some(_) => error,
            None => io::Error::new(error.kind(), Corrupt { packing: self.1, message: error.to_string() }),
        })
    }
}

/// The mark: the error of the decompressor.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Corrupt {
    packing: Packing,
    message: String,
}

/// The error for [`unpacked`] input that cannot be read further than this place.
pub(crate) fn read_failed(place: Place, source: io::Error) -> TraceError {
    if is_interrupted(&source) {
        return TraceError::Interrupted { file: place.file.to_string() };
    }
    let corrupt = source.get_ref().and_then(|source| source.downcast_ref::<Corrupt>());
    match corrupt.map(|corrupt| corrupt.packing) {
        Some(Packing::Zstd) => TraceError::CorruptZstd { place, source },
        Some(packing) => {
            TraceError::CannotUnpack { place, packing: if packing == Packing::Zip { "zip" } else { "gzip" }, source }
        }
        None => TraceError::Read { place, source },
    }
}

/// Whether a file that begins with these bytes is zstd: a frame, or a skippable frame, which some tools put first.
fn is_zstd(head: &[u8]) -> bool {
    head == ZSTD_MAGIC || matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18])
}

/// Whether text begins like this in UTF-16: with its byte order mark, or with characters of ASCII.
fn is_utf16(head: &[u8]) -> bool {
    match head {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => true,
        [first, 0, second, 0, ..] | [0, first, 0, second, ..] => first.is_ascii_graphic() && second.is_ascii_graphic(),
        _ => false,
    }
}

/// How much of the content is inspected to detect its format: the output of a program before its first allocation may
/// be long.
pub(crate) const HEAD_BYTES: u64 = 64 * 1024;

/// How much is read at once.
pub(crate) const BLOCK_BYTES: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf_16_is_known_with_its_mark_and_without() {
        for text in [&b"\xff\xfe1\0"[..], b"\xfe\xff\x001", b"o\0p\0", b"\0o\0p"] {
            assert!(is_utf16(text), "{text:?}");
        }
        assert!(![&b""[..], b"op,i", b"\0\0\0\0", b"o\0\0\0"].into_iter().any(is_utf16));
    }

    #[test]
    fn zstd_is_known_by_its_first_bytes() {
        assert!(is_zstd(&ZSTD_MAGIC) && is_zstd(&[0x5a, 0x2a, 0x4d, 0x18]));
        assert!(!is_zstd(&ZSTD_MAGIC[..3]) && !is_zstd(b"op,i"));
    }
}
