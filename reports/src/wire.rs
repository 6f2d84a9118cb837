//! Results as JSON text, and back: of this schema, and of every older one.

mod mismatch;
mod upgrade;
mod wasm;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::mismatch::{Mismatch, MismatchKind};
use crate::ReportError;
use crate::recommendation::Recommendation;
use crate::results::{OLDEST_SCHEMA_VERSION, Results, SCHEMA_VERSION, fault};

/// The field of the document that is computed when it is written, and not read: it follows from the others.
const RECOMMENDATION: &str = "recommendation";

/// The results of one trace as they are written, with what they recommend.
#[derive(Serialize)]
pub(crate) struct Document<'r> {
    #[serde(flatten)]
    results: &'r Results,
    recommendation: Recommendation,
}

impl<'r> Document<'r> {
    pub(crate) fn of(results: &'r Results) -> Self {
        Document { results, recommendation: Recommendation::of(results) }
    }
}

impl Results {
    /// The document that is kept: JSON on one line, as most of it is the thousands of numbers of timelines and grids; a line feed at the end.
    /// Its last field is the [`Recommendation`], which follows from the others: it is not read back.
    ///
    /// ```
    /// use heaprace_reports::results::Results;
    ///
    /// fn keep(results: &Results) -> Result<(), heaprace_reports::ReportError> {
    ///     heaprace_reports::save("results.json".as_ref(), results.to_json().as_bytes())
    /// }
    /// ```
    pub fn to_json(&self) -> String {
        let mut json =
            serde_json::to_string(&Document::of(self)).expect("plain data with string keys always serialises");
        json.push('\n');
        json
    }

    /// Reads what [`Results::to_json`] wrote, in this version of the schema or an older one, and nothing else: [`load`](crate::load()) reads
    /// documents with gaps and unknown fields, too, and lists these.
    ///
    /// # Errors
    ///
    /// [`ReportError::SchemaVersion`] where the document follows a newer version of the schema: this is looked at before
    /// anything else, so that a newer document is not taken for a broken one. [`ReportError::Field`] where a field is missing, damaged or
    /// unknown. [`ReportError::NotResults`] for all other text.
    ///
    /// ```
    /// use heaprace_reports::results::Results;
    ///
    /// let error = Results::from_json(r#"{ "schema_version": 99 }"#).expect_err("from the future");
    /// assert!(error.to_string().contains("schema version 99"));
    /// ```
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        let (results, mismatches) = read(json)?;
        match mismatches.first() {
            Some(first) => Err(ReportError::Field { fault: first.to_string() }),
            None => Ok(results),
        }
    }
}

/// Results as today's schema has them, and where their document is another.
pub(crate) type Read = (Results, Vec<Mismatch>);

/// Reads a document of one trace's results, or an exported one of several.
pub(crate) fn read_all(json: &str) -> Result<Vec<Read>, ReportError> {
    match head(json)?.results {
        Some(documents) => documents.into_iter().map(|document| read(document.get())).collect(),
        None => Ok(vec![read(json)?]),
    }
}

fn read(json: &str) -> Result<Read, ReportError> {
    let version = head(json)?.schema_version;
    let mut document: Value = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
    if let Some(fields) = document.as_object_mut() {
        fields.remove(RECOMMENDATION);
    }
    upgrade::upgrade(&mut document, version);
    let results: Results =
        serde_path_to_error::deserialize(&document).map_err(|error| ReportError::Field { fault: fault(&error) })?;
    let mismatches = mismatch::between(&document, &results);
    Ok((results, mismatches))
}

/// What tells documents apart.
#[derive(Deserialize)]
struct Head<'j> {
    schema_version: u64,
    #[serde(borrow)]
    results: Option<Vec<&'j RawValue>>,
}

/// The head of a document of a version of the schema that can be read.
fn head(json: &str) -> Result<Head<'_>, ReportError> {
    let head: Head = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
    match (u64::from(OLDEST_SCHEMA_VERSION)..=u64::from(SCHEMA_VERSION)).contains(&head.schema_version) {
        true => Ok(head),
        false => Err(ReportError::SchemaVersion { found: head.schema_version }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::results::{BuildProfile, Extents, Figure, Reason};
    use crate::{chart, sample, table};

    /// A document of each version of the schema, from the first to today's, as that version wrote it.
    const FIXTURES: [&str; SCHEMA_VERSION as usize] = [
        include_str!("../tests/fixtures/results-v1.json"),
        include_str!("../tests/fixtures/results-v2.json"),
        include_str!("../tests/fixtures/results-v3.json"),
        include_str!("../tests/fixtures/results-v4.json"),
    ];

    const TODAY: &str = FIXTURES[SCHEMA_VERSION as usize - 1];

    /// The fixture of today's schema, changed.
    fn changed(change: impl FnOnce(&mut Value)) -> String {
        let mut document = serde_json::from_str(TODAY).unwrap();
        change(&mut document);
        document.to_string()
    }

    fn notes(json: &str) -> Vec<String> {
        read(json).unwrap().1.iter().map(ToString::to_string).collect()
    }

    fn without(value: &mut Value, field: &str) {
        value.as_object_mut().unwrap().remove(field).unwrap();
    }

    #[test]
    fn a_document_reads_back_as_it_was() {
        let results = sample::results();
        let json = results.to_json();
        assert!(json.starts_with("{\"schema_version\":4,"), "on one line: {}", &json[..40]);
        assert!(json.ends_with("}\n") && !json.ends_with("\n\n"));
        assert_eq!(read(&json).unwrap(), (results, Vec::new()));
        let kept = serde_json::to_string(&read(TODAY).unwrap().0).unwrap();
        assert_eq!(kept + "\n", TODAY, "the same to the bit, without what follows from it");
    }

    #[test]
    fn results_of_every_schema_load_and_are_shown() {
        for (version, json) in (1..).zip(FIXTURES) {
            assert_eq!(head(json).unwrap().schema_version, version);
            let (results, mismatches) = read(json).unwrap();
            assert_eq!(mismatches, [], "{version}: what it does not have is no fault of the file");
            assert_eq!(results.schema_version, SCHEMA_VERSION);
            assert_eq!(
                Results::from_json(&results.to_json()).unwrap(),
                results,
                "{version}: kept as today's, it reads back"
            );
            let timed = results.contenders.iter().filter_map(|row| row.time.known());
            assert!(timed.clone().count() >= 2 && timed.clone().all(|time| time.fresh_ns.len() == 2), "{version}");
            assert!(timed.clone().all(|time| time.rewound_ns.is_empty() == (version == 4)), "{version}");
            let figures = results.contenders.iter().filter(|row| row.memory.known().is_some());
            assert_eq!(figures.count() >= 2, version > 1, "{version}");
            let text = table::text(
                &results,
                table::TextOptions { width: Some(200), details: true, explain: true, ..Default::default() },
            );
            assert_eq!(text.contains(&format!("results of schema {version} ")), version < 4, "{version}: {text}");
            crate::html(std::slice::from_ref(&results)).unwrap();
            for chart in chart::ALL {
                (chart.draw)(&results).unwrap();
            }
        }
    }

    #[test]
    fn what_an_old_schema_has_otherwise_is_named_with_the_schema() {
        let results = Results::from_json(FIXTURES[0]).unwrap();
        assert_eq!(results.bounds, Figure::unknown(Reason::NotInSchema { version: 1 }));
        assert_eq!(results.contenders[0].memory, Figure::unknown(Reason::PartInSchema { version: 1 }));
        let results = Results::from_json(FIXTURES[2]).unwrap();
        let row = &results.contenders[0];
        let growth = &row.memory.known().unwrap().growth;
        assert_eq!(*growth, Figure::unknown(Reason::NotInSchema { version: 3 }));
        assert_eq!(row.latency, Figure::unknown(Reason::RewoundInSchema { version: 3 }));
        assert_eq!(row.time.known().unwrap().no_steady, Some(Reason::NoSteadyInSchema { version: 3 }));
        let text = table::text(
            &results,
            table::TextOptions { width: Some(200), details: true, explain: true, ..Default::default() },
        );
        assert!(text.contains("no steady time (–): results of schema 3 have no steady times\n"), "{text}");
        assert!(!text.contains("grows by"), "{text}");
        let page = crate::html(std::slice::from_ref(&results)).unwrap();
        assert!(page.contains("<p>No time was taken: results of schema 3 have no steady times.</p>"));
        assert!(page.contains(": no steady time (–): results of schema 3 have no steady times</li>"));
        let pareto = chart::pareto_steady(&results).unwrap();
        assert!(pareto.contains("There is nothing to draw.") && pareto.contains("have no steady times"), "{pareto}");
    }

    /// The results of several runs as schema 3 had them: each contender with those that ran in its rounds.
    #[test]
    fn companions_of_schema_3_are_renamed_too() {
        let written = sample::of_several_runs();
        let mut document = serde_json::to_value(&written).unwrap();
        document["schema_version"] = 3.into();
        for row in document["contenders"].as_array_mut().unwrap() {
            let time = row["time"].as_object_mut().unwrap();
            time.retain(|name, _| ["ops", "fresh_ns", "steady_ns", "companions"].contains(&name.as_str()));
            let companions =
                time["companions"].as_array_mut().unwrap().iter_mut().map(|one| one.as_object_mut().unwrap());
            let rename = |time: &mut serde_json::Map<String, Value>| {
                for (today, then) in [("fresh_ns", "cold_ns"), ("steady_ns", "warm_ns")] {
                    let samples = time.remove(today).unwrap();
                    time.insert(then.to_owned(), samples);
                }
            };
            companions.for_each(rename);
            rename(time);
        }
        let (results, mismatches) = read(&document.to_string()).unwrap();
        assert_eq!(mismatches, []);
        for (then, now) in written.contenders.iter().zip(&results.contenders) {
            let (Figure::Known(then), Figure::Known(now)) = (&then.time, &now.time) else { unreachable!() };
            assert_eq!((&now.fresh_ns, &now.rewound_ns), (&then.fresh_ns, &then.steady_ns));
            let (then, now) = (&then.companions[0], &now.companions[0]);
            assert_eq!((&now.fresh_ns, &now.rewound_ns), (&then.fresh_ns, &then.steady_ns));
            assert!(now.steady_ns.is_empty());
        }
    }

    #[test]
    fn the_recommendation_is_written_last_and_computed_anew_when_read() {
        let results = sample::results();
        let mut document: Value = serde_json::from_str(&results.to_json()).unwrap();
        assert!(results.to_json().contains(",\"recommendation\":{"));
        assert_eq!(document["recommendation"], serde_json::to_value(Recommendation::of(&results)).unwrap());
        document["recommendation"] = "talc, whatever the figures".into();
        assert_eq!(read(&document.to_string()).unwrap(), (results, Vec::new()));
    }

    /// The places of all fields in a document, without the places in lists.
    fn places(place: &str, value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let place = format!("{place}.{name}");
                    places(&place, value, found);
                    found.insert(place);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| places(place, element, found)),
            _ => {}
        }
    }

    /// Fields that today's schema has and its fixture has not.
    fn not_in_fixture(written: &Value) -> Vec<String> {
        let [mut known, mut found] = [BTreeSet::new(), BTreeSet::new()];
        places("", &serde_json::from_str(TODAY).unwrap(), &mut known);
        places("", written, &mut found);
        found.difference(&known).cloned().collect()
    }

    /// A field that is added has to come into a fixture, and one that goes away or changes takes a new version of the schema, with a fixture of
    /// its own.
    #[test]
    fn the_schema_does_not_change_without_its_fixture() {
        let written = serde_json::to_value(sample::results()).unwrap();
        assert_eq!(not_in_fixture(&written), [] as [&str; 0]);
        let (results, mismatches) = read(TODAY).unwrap();
        assert_eq!(mismatches, [], "what goes away is an unknown field, and a figure that is added is a gap");
        assert_eq!(not_in_fixture(&serde_json::to_value(results).unwrap()), [] as [&str; 0]);

        let mut more = written;
        more["contenders"][1]["memory"]["weather"] = 1.into();
        assert_eq!(not_in_fixture(&more), [".contenders.memory.weather"]);
        let gone = changed(|document| document["trace"]["gone"] = 1.into());
        assert_eq!(
            notes(&gone),
            ["trace.gone: unknown field, ignored"],
            "as the fixture's would be, were its field gone from here"
        );
    }

    #[test]
    fn a_figure_that_is_missing_or_damaged_is_a_named_gap() {
        let json = changed(|document| without(&mut document["contenders"][0]["memory"], "grow_calls"));
        assert_eq!(notes(&json), ["contenders[0].memory.grow_calls: no figure: not in the file"]);
        let error = Results::from_json(&json).unwrap_err().to_string();
        assert!(
            error.contains("contenders[0].memory.grow_calls: no figure: not in the file; restore the file"),
            "{error}"
        );

        let json = changed(|document| without(&mut document["contenders"][0]["memory"], "peak_span_bytes"));
        let reason = "cannot be read: missing field `peak_span_bytes`";
        assert_eq!(notes(&json), [format!("contenders[0].memory: no figure: {reason}")]);
        let (results, _) = read(&json).unwrap();
        assert_eq!(results.contenders[0].memory.reason().unwrap().to_string(), reason);
        let text = table::text(
            &results,
            table::TextOptions { width: Some(200), details: true, explain: true, ..Default::default() },
        );
        assert!(text.contains(&format!("dlmalloc: no memory figures (–): {reason}\n")), "{text}");
        let mut rest = Results::from_json(TODAY).unwrap();
        rest.contenders[0].memory = results.contenders[0].memory.clone();
        assert_eq!(results, rest, "everything else is there");

        let growth =
            changed(|document| document["contenders"][0]["memory"]["growth"]["per_loop_pages"] = "many".into());
        assert_eq!(
            notes(&growth),
            [
                "contenders[0].memory.growth: no figure: cannot be read: per_loop_pages: invalid type: string \"many\", expected u64"
            ]
        );
        let many = changed(|document| {
            without(&mut document["provenance"], "cpu");
            document["contenders"].as_array_mut().unwrap().iter_mut().for_each(|row| without(row, "time"));
        });
        assert_eq!(
            notes(&many),
            [
                "contenders[0].time: no figure: not in the file (and 2 more like it)",
                "provenance.cpu: no figure: not in the file"
            ]
        );
    }

    #[test]
    fn a_field_that_nobody_knows_is_left_out_and_named() {
        let json = changed(|document| {
            document["weather"] = "fine".into();
            document["contenders"][0]["memory"]["reallocs"]["moved"] = 3.into();
            document["contenders"].as_array_mut().unwrap().iter_mut().for_each(|row| row["color"] = "red".into());
        });
        let mut found = notes(&json);
        found.sort();
        assert_eq!(
            found,
            [
                "contenders[0].color: unknown field, ignored (and 2 more like it)",
                "contenders[0].memory.reallocs.moved: unknown field, ignored",
                "weather: unknown field, ignored",
            ]
        );
        assert_eq!(read(&json).unwrap().0, Results::from_json(TODAY).unwrap());
        assert!(matches!(Results::from_json(&json), Err(ReportError::Field { .. })));
    }

    #[test]
    fn what_no_table_can_do_without_is_an_error_that_names_it() {
        let message = |change: fn(&mut Value)| Results::from_json(&changed(change)).unwrap_err().to_string();
        let missing = message(|document| without(&mut document["trace"], "name"));
        assert_eq!(
            missing,
            "these results are damaged: trace: missing field `name`; restore the file, or measure again"
        );
        assert!(message(|document| without(document, "settings")).contains(": missing field `settings`;"));
        assert!(
            message(|document| without(&mut document["contenders"][2], "role"))
                .contains("contenders[2]: missing field `role`")
        );
        let touch = message(|document| document["settings"]["touch"] = "second".into());
        assert!(
            touch.contains(
                "settings.touch: unknown variant `second`, expected one of `none`, `first`, `all`, `written`"
            ),
            "{touch}"
        );
        let profile = message(|document| document["provenance"]["profile"] = 5.into());
        assert!(profile.contains("provenance.profile: ") && !profile.contains(BuildProfile::Debug.name()), "{profile}");
    }

    #[test]
    fn extents_come_back_and_a_trace_without_them_has_no_field() {
        let mut results = sample::results();
        assert!(!results.to_json().contains("\"extents\""));
        results.trace.extents = Some(Extents { blocks: 4, known_blocks: 3, written_bytes: 100 });
        assert_eq!(Results::from_json(&results.to_json()).unwrap(), results);
    }

    #[test]
    fn another_schema_is_named_before_its_fields_are_missed() {
        for version in [0, SCHEMA_VERSION + 1, 99] {
            let error =
                Results::from_json(&format!("{{\"schema_version\": {version}, \"weather\": \"fine\"}}")).unwrap_err();
            assert!(matches!(error, ReportError::SchemaVersion { found } if found == u64::from(version)), "{error}");
            let message = error.to_string();
            assert!(
                message.contains(&format!("version {version}")) && message.contains("reads versions 1 to 4"),
                "{message}"
            );
        }
        let several = |other: &str| format!("{{\"schema_version\":4,\"results\":[{TODAY},{other}]}}");
        assert_eq!(read_all(&several(FIXTURES[0])).unwrap().len(), 2);
        let newer = read_all(&several("{\"schema_version\":5}"));
        assert!(matches!(newer, Err(ReportError::SchemaVersion { found: 5 })), "{newer:?}");
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
