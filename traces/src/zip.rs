//! The one file of a zip, decompressed as it is read.
//!
//! People pass recordings on in zips of one file. The header of that file is enough to decompress it, so a zip streams
//! as gzip does: without seeking, and without the directory at its end. The `zip` crate streams no file whose lengths
//! follow it, as the macOS Finder writes them.

use std::io::{self, BufRead, BufReader, Read};

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

/// Reads the one file of a zip to its end, and checks its length, its checksum, and that no other file follows.
pub(crate) struct ZipFile<R> {
    content: Content<R>,
    crc: Crc,
    /// The checksum, if the header gives it.
    expected: Option<u32>,
    ended: bool,
}

enum Content<R> {
    Stored(io::Take<BufReader<R>>),
    Deflated(DeflateDecoder<BufReader<R>>),
}

impl<R: Read> ZipFile<R> {
    /// Reads the header of the first file, skipping folders before it.
    pub(crate) fn new(input: R) -> io::Result<Self> {
        let mut input = BufReader::new(input);
        loop {
            let header = FileHeader::read(&mut input)?;
            if header.flags & FLAG_ENCRYPTED != 0 {
                return Err(unsupported("the file in it is encrypted"));
            }
            let descriptor = header.flags & FLAG_DESCRIPTOR != 0;
            if header.folder {
                continue;
            }
            let content = match header.method {
                DEFLATED => Content::Deflated(DeflateDecoder::new(input)),
                // All ones: the length of a file above 4 GiB is elsewhere.
                STORED if !descriptor && header.length != u32::MAX => {
                    Content::Stored(input.take(u64::from(header.length)))
                }
                STORED => return Err(unsupported("the file in it is not compressed and gives no length")),
                method => return Err(unsupported(&format!("the file in it is compressed by method {method}"))),
            };
            let expected = (!descriptor).then_some(header.crc);
            return Ok(ZipFile { content, crc: Crc::new(), expected, ended: false });
        }
    }

    /// Checks what follows the file.
    fn finish(&mut self) -> io::Result<()> {
        let input = match &mut self.content {
            Content::Stored(take) if take.limit() > 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            Content::Stored(take) => take.get_mut(),
            Content::Deflated(decoder) => decoder.get_mut(),
        };
        let expected = match self.expected {
            Some(expected) => expected,
            None => {
                let mut word = array(input)?;
                if word == DESCRIPTOR_MAGIC {
                    word = array(input)?;
                }
                // Two lengths follow, of 4 bytes each, or of 8.
                let _: [u8; 8] = array(input)?;
                if !input.fill_buf()?.starts_with(b"PK") {
                    let _: [u8; 8] = array(input)?;
                }
                u32::from_le_bytes(word)
            }
        };
        if expected != self.crc.sum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the checksum is wrong"));
        }
        match array::<4>(input)? == FILE_MAGIC {
            true => Err(unsupported("there is more than one file in it")),
            false => Ok(()),
        }
    }
}

impl<R: Read> Read for ZipFile<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        let read = match &mut self.content {
            Content::Stored(take) => take.read(buffer)?,
            Content::Deflated(decoder) => decoder.read(buffer)?,
        };
        if read == 0 && !buffer.is_empty() {
            self.ended = true;
            self.finish()?;
        }
        self.crc.update(&buffer[..read]);
        Ok(read)
    }
}

/// The parts of a file's header that are needed.
struct FileHeader {
    flags: u16,
    method: u16,
    crc: u32,
    length: u32,
    folder: bool,
}

impl FileHeader {
    fn read(input: &mut impl Read) -> io::Result<Self> {
        if array(input)? != FILE_MAGIC {
            return Err(unsupported("there is no file in it"));
        }
        let bytes: [u8; 26] = array(input)?;
        let short = |at| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        let long = |at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (name_bytes, extra_bytes) = (u64::from(short(22)), u64::from(short(24)));
        let mut name = Vec::new();
        input.take(name_bytes).read_to_end(&mut name)?;
        io::copy(&mut input.take(extra_bytes), &mut io::sink())?;
        Ok(FileHeader {
            flags: short(2),
            method: short(4),
            crc: long(10),
            length: long(14),
            folder: name.ends_with(b"/"),
        })
    }
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
