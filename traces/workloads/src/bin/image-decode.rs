//! `image-decode`: a thumbnail service that reads PNG pictures, makes them smaller, and keeps what it made.
//!
//! Few objects, and large ones: a whole picture at a time, rows for its filters, the window and the tables of the decompressor. All
//! of them go when the picture is done, and the next one has another size. Between them lie the thumbnails, which stay for a while.
//! The pictures are drawn by the program itself, in four colour types, once, before requests come.

use std::collections::VecDeque;
use std::error::Error;

use workloads::Sequence;

workloads::allocator!("image-decode.htrace");

const PICTURES: usize = 24;
const REQUESTS: u32 = 500;
const KEPT_THUMBNAILS: usize = 150;

struct Picture {
    width: usize,
    height: usize,
    colour: png::ColorType,
    pixels: Vec<u8>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut world = Sequence::new(3);
    let mut uploads = Vec::new();
    for number in 0..PICTURES {
        let colours =
            [png::ColorType::Rgb, png::ColorType::Rgba, png::ColorType::Grayscale, png::ColorType::GrayscaleAlpha];
        let (width, height) = (64 + world.below(480), 48 + world.below(320));
        uploads.push(encode(&draw(width, height, colours[number % colours.len()], &mut world), number)?);
    }
    let mut kept = VecDeque::new();
    let mut bytes = 0;
    for request in 0..REQUESTS {
        let picture = decode(&uploads[world.mostly_low(PICTURES)])?;
        let thumbnail = shrink(&picture, 16 + world.below(80));
        let encoded = encode(&thumbnail, request as usize)?;
        bytes += encoded.len();
        kept.push_back(encoded);
        if kept.len() > KEPT_THUMBNAILS {
            kept.pop_front();
        }
    }
    println!("{REQUESTS} thumbnails of {PICTURES} pictures, {bytes} bytes");
    Ok(())
}

/// A picture with surfaces, edges and noise, so that it compresses as photographs and drawings do.
fn draw(width: usize, height: usize, colour: png::ColorType, noise: &mut Sequence) -> Picture {
    let mut pixels = Vec::with_capacity(width * height * colour.samples());
    for y in 0..height {
        for x in 0..width {
            let inside = (x * 2).abs_diff(width).pow(2) + (y * 2).abs_diff(height).pow(2) < (height * height) / 2;
            for channel in 0..colour.samples() {
                let slope = x * (40 + 60 * channel) / width + y * 90 / height;
                let value = if inside { slope + noise.below(6) } else { (y / 16 * 13) % 200 };
                pixels.push(value as u8);
            }
        }
    }
    Picture { width, height, colour, pixels }
}

fn encode(picture: &Picture, number: usize) -> Result<Vec<u8>, png::EncodingError> {
    let mut encoded = Vec::new();
    let mut encoder = png::Encoder::new(&mut encoded, picture.width as u32, picture.height as u32);
    encoder.set_color(picture.colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder.add_text_chunk("Title".to_owned(), format!("picture {number}"))?;
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.pixels)?;
    writer.finish()?;
    Ok(encoded)
}

fn decode(encoded: &[u8]) -> Result<Picture, png::DecodingError> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(encoded)).read_info()?;
    let (width, height, colour) = {
        let info = reader.info();
        (info.width as usize, info.height as usize, info.color_type)
    };
    // Row by row, as a program that does not trust the size in the header reads a picture.
    let mut pixels = Vec::new();
    while let Some(row) = reader.next_row()? {
        pixels.extend_from_slice(row.data());
    }
    Ok(Picture { width, height, colour, pixels })
}

/// The picture at a width of `width` pixels: each the average of those that it stands for.
fn shrink(picture: &Picture, width: usize) -> Picture {
    let width = width.min(picture.width);
    let height = (picture.height * width / picture.width).max(1);
    let samples = picture.colour.samples();
    // First along the rows, then along the columns.
    let mut narrow = Vec::with_capacity(width * picture.height * samples);
    for row in picture.pixels.chunks_exact(picture.width * samples) {
        for x in 0..width {
            let (from, to) = (x * picture.width / width, (x + 1) * picture.width / width);
            for channel in 0..samples {
                let sum: u32 = (from..to).map(|x| u32::from(row[x * samples + channel])).sum();
                narrow.push((sum / (to - from) as u32) as u8);
            }
        }
    }
    let mut pixels = Vec::with_capacity(width * height * samples);
    for y in 0..height {
        let (from, to) = (y * picture.height / height, (y + 1) * picture.height / height);
        for at in 0..width * samples {
            let sum: u32 = (from..to).map(|y| u32::from(narrow[y * width * samples + at])).sum();
            pixels.push((sum / (to - from) as u32) as u8);
        }
    }
    Picture { width, height, colour: picture.colour, pixels }
}
