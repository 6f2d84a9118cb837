//! `gzip-responses`: a server that compresses what it sends and decompresses what it gets, with flate2 on miniz_oxide.
//!
//! A compressor is a few tables of tens of kibibytes that live as long as one response; some responses are streamed, so that several
//! compressors are alive at once and end in another order than they began. Uploads are decompressed into buffers whose size is not
//! known before. Between the tables lie the small things of a service: names, headers, log lines.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use workloads::{Sequence, sources};

workloads::allocator!("gzip-responses.htrace");

const REQUESTS: u32 = 1_500;
const STREAMS: usize = 4;
const LOG_LINES: usize = 200;

/// A response that is made piece by piece.
struct Stream {
    lines: std::iter::Take<std::str::Lines<'static>>,
    encoder: GzEncoder<Vec<u8>>,
    headers: Vec<(String, String)>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let files: Vec<(&'static str, &'static str)> = sources().collect();
    let mut world = Sequence::new(37);
    let mut streams: Vec<Stream> = Vec::new();
    let mut uploads: VecDeque<Vec<u8>> = VecDeque::new();
    let mut log = VecDeque::new();
    let (mut sent_bytes, mut got_bytes) = (0, 0);
    for request in 0..REQUESTS {
        let (path, text) = files[world.below(files.len())];
        if world.below(3) == 0 {
            let upload = uploads.get(world.below(uploads.len().max(1)));
            let got = upload.map_or(Ok(String::new()), |upload| decompress(upload))?;
            got_bytes += got.len();
            log.push_back(format!("{request}: POST {} lines in {} bytes", got.lines().count(), got.len()));
        } else if streams.len() < STREAMS {
            let lines = text.lines().take(5 + world.mostly_low(150));
            let level = Compression::new([1, 6, 6, 9][world.below(4)]);
            let headers = [("content-encoding", "gzip"), ("vary", "accept-encoding"), ("content-location", path)];
            streams.push(Stream {
                lines,
                encoder: GzEncoder::new(Vec::new(), level),
                headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            });
            log.push_back(format!("{request}: GET {path}"));
        }
        // Each stream goes on as far as its client reads.
        let mut at = 0;
        while at < streams.len() {
            match streams[at].go_on(20 + world.below(60))? {
                true => {
                    let Stream { encoder, headers, .. } = streams.remove(at);
                    let body = encoder.finish()?;
                    let head: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
                    sent_bytes += head + body.len();
                    // Clients send back what they got.
                    uploads.push_back(body);
                    if uploads.len() > 30 {
                        uploads.pop_front();
                    }
                }
                false => at += 1,
            }
        }
        while log.len() > LOG_LINES {
            log.pop_front();
        }
    }
    println!("{REQUESTS} requests, {sent_bytes} bytes sent, {got_bytes} bytes got");
    Ok(())
}

impl Stream {
    /// Compresses the next lines; true where none is left.
    fn go_on(&mut self, lines: usize) -> std::io::Result<bool> {
        for _ in 0..lines {
            let Some(line) = self.lines.next() else { return Ok(true) };
            // As a templating layer hands it over: a line as a text of its own.
            let line = format!("<li>{}</li>\n", line.replace('<', "&lt;"));
            self.encoder.write_all(line.as_bytes())?;
        }
        Ok(false)
    }
}

fn decompress(body: &[u8]) -> std::io::Result<String> {
    let mut text = String::new();
    GzDecoder::new(body).read_to_string(&mut text)?;
    Ok(text)
}
