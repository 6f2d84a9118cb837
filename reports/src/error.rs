//! What can go wrong between results and what is made of them.
//!
//! A message has all of it, the cause included: there is no further chain of sources to print.

use std::io;
use std::path::PathBuf;

use crate::results::{OLDEST_SCHEMA_VERSION, SCHEMA_VERSION};
use crate::wasm::WASM_SCHEMA_VERSION;

/// Why results could not be read, drawn or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The text is not a results document, or was cut short; the cause says where.
    #[error(
        "these are not results of Heaprace (or the file was cut short): {cause}; restore the file, or measure again"
    )]
    NotResults {
        /// Line and column, and what stood there.
        cause: serde_json::Error,
    },

    /// A field that the results cannot do without is missing, damaged or unknown.
    #[error("these results are damaged: {fault}; restore the file, or measure again")]
    Field {
        /// Its place in the document, and what is wrong there: `contenders[2]: missing field ...`.
        fault: String,
    },

    /// The document follows a newer version of the schema, whose fields may mean something else.
    #[error(
        "the results follow schema version {found}, and this Heaprace reads versions {oldest} to {newest}: \
         read them with the Heaprace that wrote them, or measure again",
        oldest = OLDEST_SCHEMA_VERSION,
        newest = SCHEMA_VERSION
    )]
    SchemaVersion {
        /// The version that the document names.
        found: u64,
    },

    /// The document of the WebAssembly lane follows another version of its schema.
    #[error(
        "it follows schema version {found} of replay wasm, and this Heaprace reads version {WASM_SCHEMA_VERSION}: measure again by 'replay wasm'"
    )]
    WasmSchemaVersion {
        /// The version that the document names.
        found: u64,
    },

    /// A file could not be written. What stood at the path before still stands there.
    #[error("cannot write {}: {cause}; {remedy}", path.display())]
    Write {
        /// The file that was to be written.
        path: PathBuf,
        /// What the user can do about it.
        remedy: &'static str,
        /// What the system said.
        cause: io::Error,
    },

    /// A file or folder could not be read.
    #[error("{}: {cause}", path.display())]
    Read {
        /// What was to be read.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },

    /// A folder holds no results.
    #[error("{}: has no results.json, and neither has any folder in it: 'replay --trace ... --out DIR' writes them", path.display())]
    NoResults {
        /// The folder.
        path: PathBuf,
    },

    /// Something is wrong with a file.
    #[error("{}: {error}", path.display())]
    In {
        /// The file.
        path: PathBuf,
        /// What is wrong with what is in it.
        error: Box<ReportError>,
    },

    /// A chart, or a table, could not be brought into another format.
    #[error("cannot convert it: {message}")]
    Convert {
        /// What the library for the format said.
        message: String,
    },

    /// A chart could not be drawn.
    #[error("cannot draw the chart \"{chart}\": {message}")]
    Draw {
        /// Title of the chart.
        chart: String,
        /// What the drawing library said.
        message: String,
    },
}
