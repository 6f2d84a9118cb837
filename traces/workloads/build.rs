//! Decompresses `input/sources.txt.gz`, so that the workloads embed the text and decompress nothing while they are
//! recorded.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;

fn main() -> Result<(), Box<dyn Error>> {
    const INPUT: &str = "input/sources.txt.gz";
    println!("cargo::rerun-if-changed={INPUT}");
    let mut text = String::new();
    GzDecoder::new(File::open(INPUT)?).read_to_string(&mut text)?;
    fs::write(PathBuf::from(std::env::var("OUT_DIR")?).join("sources.txt"), text)?;
    Ok(())
}
