//! The document of the WebAssembly lane as JSON text, and back.

use serde::Deserialize;
use serde_json::Value;

use crate::ReportError;
use crate::results::fault;
use crate::wasm::{WASM_SCHEMA_VERSION, WasmResults};

/// What tells documents apart.
#[derive(Deserialize)]
struct WasmHead {
    schema_version: u64,
}

impl WasmResults {
    /// The document that is kept, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("plain data with string keys always serialises") + "\n"
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError::WasmSchemaVersion`] if another version wrote it, [`ReportError::Field`] if a field is missing or
    /// damaged, and [`ReportError::NotResults`] for all other text.
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        let not_results = |cause| ReportError::NotResults { cause };
        let head: WasmHead = serde_json::from_str(json).map_err(not_results)?;
        if head.schema_version != u64::from(WASM_SCHEMA_VERSION) {
            return Err(ReportError::WasmSchemaVersion { found: head.schema_version });
        }
        let document: Value = serde_json::from_str(json).map_err(not_results)?;
        serde_path_to_error::deserialize(&document).map_err(|error| ReportError::Field { fault: fault(&error) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_document_reads_back_as_it_was() {
        let results = sample::wasm();
        assert_eq!(WasmResults::from_json(&results.to_json()).unwrap(), results);
    }

    #[test]
    fn other_versions_and_other_text_are_refused() {
        let mut results = sample::wasm();
        results.schema_version = 99;
        let error = WasmResults::from_json(&results.to_json()).unwrap_err().to_string();
        assert!(error.contains("schema version 99") && error.contains("replay wasm"), "{error}");
        assert!(matches!(WasmResults::from_json("op,id\n"), Err(ReportError::NotResults { .. })));
        let error = WasmResults::from_json("{\"schema_version\":1,\"trace\":3}").unwrap_err().to_string();
        assert!(error.contains("trace: "), "{error}");
    }
}
