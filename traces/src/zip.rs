//! The one file of a zip, decompressed as it is read.
//!
//! People pass recordings on in zips of one file. The header of that file is enough to decompress it, so a zip streams
//! as gzip does: without seeking, and without the directory at its end. The `zip` crate streams no file whose lengths
//! follow it, as the macOS Finder writes them.

use std::io::{self, BufReader, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

/// The first bytes of a zip: the header of its first file.
pub(crate) const FILE_MAGIC: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR_MAGIC: [u8; 4] = *b"PK\x07\x08";

const FLAG_ENCRYPTED: u16 = 1;
/// The lengths and the checksum follow the file instead of preceding it.
const FLAG_DESCRIPTOR: u16 = 1 << 3;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The zip64 extra field, which has lengths that do not fit 32 bits.
const ZIP64_FIELD: u16 = 1;

/// Reads the one file of a zip to its end, and checks its length, its checksum, and that no other file follows.
///
/// Files of the macOS Finder about other files are no recordings and are skipped.
pub(crate) struct ZipFile<R> {
    /// The entry that is read; `None` after the end.
    entry: Option<ZipEntry<R>>,
}

/// An entry of a zip, from after its header on.
struct ZipEntry<R> {
    content: Content<R>,
    header: FileHeader,
    crc: Crc,
    /// Bytes read so far, decompressed.
    length: u64,
}

enum Content<R> {
    Stored(io::Take<BufReader<R>>),
    Deflated(DeflateDecoder<BufReader<R>>),
}

impl<R: Read> ZipFile<R> {
    /// Goes to the first file, skipping folders before it.
    pub(crate) fn new(input: R) -> io::Result<Self> {
        let mut input = BufReader::new(input);
        loop {
            match ZipEntry::open(input)? {
                Some(entry) if entry.header.is_recording => return Ok(ZipFile { entry: Some(entry) }),
                Some(entry) => input = entry.skip()?,
                None => return Err(unsupported("there is no file in it")),
            }
        }
    }

    /// Checks what follows the file.
    fn finish(&mut self) -> io::Result<()> {
        let Some(entry) = self.entry.take() else { return Ok(()) };
        let mut input = entry.finish()?;
        while let Some(entry) = ZipEntry::open(input)? {
            if entry.header.is_recording {
                return Err(unsupported("there is more than one file in it"));
            }
            input = entry.skip()?;
        }
        Ok(())
    }
}

impl<R: Read> Read for ZipFile<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(entry) = &mut self.entry else { return Ok(0) };
        let read = entry.read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            self.finish()?;
        }
        Ok(read)
    }
}

impl<R: Read> ZipEntry<R> {
    /// Reads the header of an entry; `None` if the directory is next.
    fn open(mut input: BufReader<R>) -> io::Result<Option<Self>> {
        let Some(header) = FileHeader::read(&mut input)? else { return Ok(None) };
        let content = match header.method {
            _ if header.flags & FLAG_ENCRYPTED != 0 => return Err(unsupported("the file in it is encrypted")),
            DEFLATED => Content::Deflated(DeflateDecoder::new(input)),
            STORED if !header.has_descriptor() => Content::Stored(input.take(header.length)),
            STORED => return Err(unsupported("the file in it is not compressed and gives no length")),
            method => return Err(unsupported(&format!("the file in it is compressed by method {method}"))),
        };
        Ok(Some(ZipEntry { content, header, crc: Crc::new(), length: 0 }))
    }

    /// Reads the rest, checks it, and returns the input after it.
    fn skip(mut self) -> io::Result<BufReader<R>> {
        io::copy(&mut self, &mut io::sink())?;
        self.finish()
    }

    /// Checks an entry that is read, and returns the input after it.
    fn finish(self) -> io::Result<BufReader<R>> {
        let mut input = match self.content {
            Content::Stored(take) if take.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Content::Stored(take) => take.into_inner(),
            Content::Deflated(decoder) => decoder.into_inner(),
        };
        let expected = if self.header.has_descriptor() {
            let mut crc = array(&mut input)?;
            if crc == DESCRIPTOR_MAGIC {
                crc = array(&mut input)?;
            }
            // Two lengths follow, of 4 bytes each, or of 8. The second one is known.
            let [_, length]: [[u8; 4]; 2] = [array(&mut input)?, array(&mut input)?];
            let short =
                if self.length > 0 { u32::from_le_bytes(length) == self.length as u32 } else { !self.header.zip64 };
            if !short {
                let _: [u8; 8] = array(&mut input)?;
            }
            u32::from_le_bytes(crc)
        } else {
            self.header.crc
        };
        if expected == self.crc.sum() {
            Ok(input)
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"))
        }
    }
}

impl<R: Read> Read for ZipEntry<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Stored(take) => take.read(buffer)?,
            Content::Deflated(decoder) => decoder.read(buffer)?,
        };
        self.crc.update(&buffer[..read]);
        self.length += read as u64;
        Ok(read)
    }
}

/// The parts of a file's header that are needed.
struct FileHeader {
    flags: u16,
    method: u16,
    crc: u32,
    /// Stored bytes.
    length: u64,
    zip64: bool,
    /// Whether it is a file, and not a folder or what the Finder writes about another file.
    is_recording: bool,
}

impl FileHeader {
    /// Reads a header; `None` if what is next is no file.
    fn read(input: &mut impl Read) -> io::Result<Option<Self>> {
        if array(input)? != FILE_MAGIC {
            return Ok(None);
        }
        let bytes: [u8; 26] = array(input)?;
        let short = |at| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let mut text = vec![0; usize::from(short(22)) + usize::from(short(24))];
        input.read_exact(&mut text)?;
        let (name, extra) = text.split_at(short(22).into());
        let zip64 = zip64_length(extra);
        let of_finder = name.starts_with(b"__MACOSX/") || name == b".DS_Store" || name.ends_with(b"/.DS_Store");
        Ok(Some(FileHeader {
            flags: short(2),
            method: short(4),
            crc: long(10),
            length: if long(14) == u32::MAX { zip64.unwrap_or(u32::MAX.into()) } else { long(14).into() },
            zip64: zip64.is_some(),
            is_recording: !name.ends_with(b"/") && !of_finder,
        }))
    }

    /// Whether the lengths and the checksum follow the file.
    fn has_descriptor(&self) -> bool {
        self.flags & FLAG_DESCRIPTOR != 0
    }
}

/// The stored length in a zip64 extra field, which has the decompressed one first.
fn zip64_length(mut extra: &[u8]) -> Option<u64> {
    while let Some(([a, b, c, d], rest)) = extra.split_first_chunk::<4>() {
        let (field, rest) = rest.split_at_checked(u16::from_le_bytes([*c, *d]).into())?;
        if u16::from_le_bytes([*a, *b]) == ZIP64_FIELD {
            return field.get(8..)?.first_chunk().map(|length| u64::from_le_bytes(*length));
        }
        extra = rest;
    }
    None
}

fn array<const N: usize>(input: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    input.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, what)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// One entry of a zip.
    fn entry(name: &str, text: &[u8], deflate: bool, descriptor: bool) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(text);
        let mut body = text.to_vec();
        if deflate {
            let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            body = encoder.finish().unwrap();
        }
        let lengths = [(body.len() as u32).to_le_bytes(), (text.len() as u32).to_le_bytes()].concat();
        let mut zip = FILE_MAGIC.to_vec();
        zip.extend([20, 0, if descriptor { 8 } else { 0 }, 0, if deflate { 8 } else { 0 }, 0, 0, 0, 0, 0]);
        let known = [&crc.sum().to_le_bytes()[..], &lengths].concat();
        zip.extend(if descriptor { vec![0; 12] } else { known.clone() });
        zip.extend([name.len() as u8, 0, 2, 0]);
        zip.extend(name.bytes());
        zip.extend(*b"xx");
        zip.extend(body);
        if descriptor {
            zip.extend(DESCRIPTOR_MAGIC);
            zip.extend(known);
        }
        zip
    }

    /// One entry that is stored and has its length in an extra field.
    fn zip64_entry(name: &str, text: &[u8]) -> Vec<u8> {
        let mut crc = Crc::new();
        crc.update(text);
        let length = (text.len() as u64).to_le_bytes();
        let fields = [&b"xx\x01\0x\x01\0\x10\0"[..], &length, &length].concat();
        let mut zip = FILE_MAGIC.to_vec();
        zip.extend([45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        zip.extend(crc.sum().to_le_bytes());
        zip.extend([0xff; 8]);
        zip.extend([name.len() as u8, 0, fields.len() as u8, 0]);
        [&zip, name.as_bytes(), &fields, text].concat()
    }

    fn read(zip: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        ZipFile::new(zip)?.read_to_end(&mut text)?;
        Ok(text)
    }

    fn zip(entries: &[Vec<u8>]) -> Vec<u8> {
        [&entries.concat()[..], b"PK\x01\x02 and the directory"].concat()
    }

    #[test]
    fn the_file_is_read_however_it_is_stored() {
        for (deflate, descriptor) in [(true, false), (true, true), (false, false)] {
            let folder = entry("folder/", b"", false, false);
            for zip in [
                zip(&[entry("a", b"some text", deflate, descriptor)]),
                zip(&[folder, entry("f/a", b"some text", deflate, descriptor)]),
            ] {
                assert_eq!(read(&zip).unwrap(), b"some text");
                for end in 0..zip.len() - 18 {
                    read(&zip[..end]).unwrap_err();
                }
            }
        }
    }

    #[test]
    fn a_stored_file_may_have_its_length_in_an_extra_field() {
        assert_eq!(read(&zip(&[zip64_entry("a", b"some text")])).unwrap(), b"some text");
        let cut = zip64_entry("a", b"some text");
        read(&cut[..cut.len() - 1]).unwrap_err();
    }

    #[test]
    fn files_of_the_finder_are_no_second_recording() {
        let file = || entry("a", b"some text", true, true);
        let about = |descriptor| entry("__MACOSX/._a", b"attributes", true, descriptor);
        let store = || entry("f/.DS_Store", b"", false, false);
        for entries in [[file(), about(true)], [about(false), file()], [store(), file()], [file(), store()]] {
            assert_eq!(read(&zip(&entries)).unwrap(), b"some text");
        }
        assert_eq!(read(&zip(&[about(true)])).unwrap_err().to_string(), "there is no file in it");
        let two = zip(&[file(), about(true), file()]);
        assert_eq!(read(&two).unwrap_err().to_string(), "there is more than one file in it");
        let mut damaged = zip(&[file(), about(false)]);
        let last = damaged.len() - 25;
        damaged[last] ^= 1;
        read(&damaged).unwrap_err();
    }

    #[test]
    fn what_is_not_one_sound_file_is_refused() {
        let good = entry("a", b"some text", true, false);
        let message = |zip: &[u8]| read(zip).unwrap_err().to_string();
        assert_eq!(message(&zip(&[good.clone(), good.clone()])), "there is more than one file in it");
        assert_eq!(message(&zip(&[entry("f/", b"", false, false)])), "there is no file in it");
        assert_eq!(
            message(&zip(&[entry("a", b"some text", false, true)])),
            "the file in it is not compressed and gives no length"
        );
        let damaged = |place: usize, byte| {
            let mut zip = zip(std::slice::from_ref(&good));
            zip[place] = byte;
            message(&zip)
        };
        assert_eq!(damaged(14, good[14] ^ 1), "the checksum is wrong");
        assert_eq!(damaged(6, 1), "the file in it is encrypted");
        assert_eq!(damaged(8, 12), "the file in it is compressed by method 12");
    }
}
