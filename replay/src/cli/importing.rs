//! The import options that every command has that opens traces.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use heaprace_engine::memory_budget::{default_bytes, most_live_objects};
use heaprace_traces::Source;
use heaprace_traces::import::{Format, ImportOptions};

const HEADING: &str = "Recordings of other tools";

/// How to read another tool's recording.
#[derive(Debug, Args)]
pub(crate) struct Importing {
    /// Format of the recording [default: detected]
    #[arg(long, value_name = "FORMAT", help_heading = HEADING, value_parser = formats())]
    from: Option<Format>,

    /// Alignment in bytes of blocks whose alignment was not recorded
    #[arg(long, value_name = "BYTES", help_heading = HEADING, value_parser = parse_align, default_value = "16")]
    assume_align: u32,
}

impl Importing {
    /// The source, read with these options, and within a third of the memory that there is.
    pub(crate) fn apply(&self, source: Source) -> Source {
        let options = ImportOptions { format: self.from, assume_align_bytes: self.assume_align };
        source.with_import(options).with_most_live_objects(most_live_objects(default_bytes()))
    }

    /// The same options for another process of this command.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let from = self.from.iter().flat_map(|format| ["--from".to_owned(), format.name().to_owned()]);
        from.chain(["--assume-align".to_owned(), self.assume_align.to_string()]).collect()
    }
}

fn formats() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new(Format::ALL.map(Format::name));
    names.try_map(|name| Format::named(&name).ok_or("no such format"))
}

fn parse_align(text: &str) -> Result<u32, String> {
    match text.parse::<u32>() {
        Ok(align) if align.is_power_of_two() => Ok(align),
        _ => Err("an alignment is a power of two: 1, 2, 4, 8 and so on, to 2147483648".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alignment_is_a_power_of_two() {
        assert_eq!(parse_align("1"), Ok(1));
        assert_eq!(parse_align("2147483648"), Ok(1 << 31));
        for text in ["", "0", "24", "-8", "16B", "4294967296"] {
            parse_align(text).unwrap_err();
        }
    }
}
