//! JSON: complete results, with raw samples and timelines. A reader of `results.json` can read it, too.

use serde::Serialize;

use crate::ReportError;
use crate::recommendation::Recommendation;
use crate::results::{Results, SCHEMA_VERSION};
use crate::wire::Document;

/// Several results in one document.
#[derive(Serialize)]
struct Documents<'r> {
    schema_version: u32,
    results: Vec<Document<'r>>,
    /// What they recommend together: one for each origin of traces.
    recommendations: Vec<Recommendation>,
}

pub(super) fn json(all: &[Results]) -> Result<Vec<u8>, ReportError> {
    let documents = Documents {
        schema_version: SCHEMA_VERSION,
        results: all.iter().map(Document::of).collect(),
        recommendations: Recommendation::over(all),
    };
    let mut text = serde_json::to_vec(&documents).expect("plain data with string keys always serialises");
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn reads_back_as_it_was() {
        let all = [sample::results(), sample::empty()];
        let text = String::from_utf8(json(&all).unwrap()).unwrap();
        assert_eq!(
            crate::wire::read_all(&text).unwrap().into_iter().map(|(results, _)| results).collect::<Vec<_>>(),
            all
        );
    }
}
