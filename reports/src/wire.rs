//! Results as JSON text, and back.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ReportError;
use crate::results::{Results, SCHEMA_VERSION};

impl Results {
    /// The document that is kept: JSON on one line, as most of it is the thousands of numbers of timelines and grids; a line feed at the end.
    ///
    /// ```
    /// use reports::results::Results;
    ///
    /// fn keep(results: &Results) -> Result<(), reports::ReportError> {
    ///     reports::save("results.json".as_ref(), results.to_json().as_bytes())
    /// }
    /// ```
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string(self).expect("plain data with string keys always serialises");
        json.push('\n');
        json
    }

    /// Reads what [`Results::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// [`ReportError::SchemaVersion`] where the document follows another version of the schema: this is looked at before
    /// anything else, so that a newer document is not taken for a broken one. [`ReportError::NotResults`] for all other text.
    ///
    /// ```
    /// use reports::results::Results;
    ///
    /// let error = Results::from_json(r#"{ "schema_version": 99 }"#).expect_err("from the future");
    /// assert!(error.to_string().contains("schema version 99"));
    /// ```
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        head(json)?;
        serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })
    }

    /// Reads what [`Results::to_json`] wrote, or the several results of one exported document.
    ///
    /// # Errors
    ///
    /// As those of [`Results::from_json`].
    pub fn all_from_json(json: &str) -> Result<Vec<Self>, ReportError> {
        #[derive(Deserialize)]
        struct Document {
            results: Vec<Results>,
        }
        if head(json)?.results.is_none() {
            return Ok(vec![Results::from_json(json)?]);
        }
        let document: Document = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
        Ok(document.results)
    }
}

/// What tells documents apart.
#[derive(Deserialize)]
struct Head {
    schema_version: u64,
    results: Option<IgnoredAny>,
}

/// The head of a document of this version of the schema.
fn head(json: &str) -> Result<Head, ReportError> {
    let head: Head = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
    match head.schema_version == u64::from(SCHEMA_VERSION) {
        true => Ok(head),
        false => Err(ReportError::SchemaVersion { found: head.schema_version }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_document_reads_back_as_it_was() {
        let results = sample::results();
        let json = results.to_json();
        assert!(json.starts_with("{\"schema_version\":3,"), "on one line: {}", &json[..40]);
        assert!(json.ends_with("}\n") && !json.ends_with("\n\n"));
        assert_eq!(Results::from_json(&json).unwrap(), results);
    }

    #[test]
    fn another_schema_is_named_before_its_fields_are_missed() {
        let error = Results::from_json(r#"{"schema_version": 7, "weather": "fine"}"#).unwrap_err();
        assert!(matches!(error, ReportError::SchemaVersion { found: 7 }));
        let message = error.to_string();
        assert!(message.contains("version 7") && message.contains("version 3"), "{message}");
    }

    #[test]
    fn other_text_is_refused_with_its_place() {
        for text in ["", "op,id,size,align\n", "[]", r#"{"trace": "x"}"#, r#"{"schema_version": "1"}"#] {
            assert!(matches!(Results::from_json(text), Err(ReportError::NotResults { .. })), "{text:?}");
        }
        let whole = sample::results().to_json();
        let cut = &whole[..whole.len() / 2];
        let message = Results::from_json(cut).unwrap_err().to_string();
        assert!(message.contains("line") && message.contains("cut short"), "{message}");
    }
}
