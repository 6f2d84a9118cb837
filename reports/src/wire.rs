//! Results as JSON text, and back.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::ReportError;
use crate::results::{Figure, OLDEST_SCHEMA_VERSION, Results, SCHEMA_VERSION};

impl Results {
    /// The document that is kept: JSON on one line, as most of it is the thousands of numbers of timelines and grids; a line feed at the end.
    ///
    /// ```
    /// use heaprace_reports::results::Results;
    ///
    /// fn keep(results: &Results) -> Result<(), heaprace_reports::ReportError> {
    ///     heaprace_reports::save("results.json".as_ref(), results.to_json().as_bytes())
    /// }
    /// ```
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string(self).expect("plain data with string keys always serialises");
        json.push('\n');
        json
    }

    /// Reads what [`Results::to_json`] wrote, in this version of the schema or an older one that is still known.
    ///
    /// # Errors
    ///
    /// [`ReportError::SchemaVersion`] where the document follows another version of the schema: this is looked at before
    /// anything else, so that a newer document is not taken for a broken one. [`ReportError::NotResults`] for all other text.
    ///
    /// ```
    /// use heaprace_reports::results::Results;
    ///
    /// let error = Results::from_json(r#"{ "schema_version": 99 }"#).expect_err("from the future");
    /// assert!(error.to_string().contains("schema version 99"));
    /// ```
    pub fn from_json(json: &str) -> Result<Self, ReportError> {
        head(json)?;
        let results: Results = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
        Ok(results.brought_up_to_date())
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
        Ok(document.results.into_iter().map(Results::brought_up_to_date).collect())
    }

    /// The same in today's schema: what an older version does not have is unknown, with the reason.
    fn brought_up_to_date(mut self) -> Self {
        if self.schema_version < 4 {
            for row in &mut self.contenders {
                if let Figure::Known(time) = &mut row.time {
                    time.no_steady = Some("results of schema 3 have no steady times".to_owned());
                }
                rewound(&mut row.latency);
                rewound(&mut row.instructions);
            }
        }
        self.schema_version = SCHEMA_VERSION;
        self
    }
}

/// Makes unknown what schema 3 has of a rewound heap, and this one of fresh pages.
fn rewound<T>(figure: &mut Figure<T>) {
    if figure.known().is_some() {
        *figure = Figure::unknown("results of schema 3 have it on a rewound heap alone");
    }
}

/// What tells documents apart.
#[derive(Deserialize)]
struct Head {
    schema_version: u64,
    results: Option<IgnoredAny>,
}

/// The head of a document of a version of the schema that can be read.
fn head(json: &str) -> Result<Head, ReportError> {
    let head: Head = serde_json::from_str(json).map_err(|cause| ReportError::NotResults { cause })?;
    match (u64::from(OLDEST_SCHEMA_VERSION)..=u64::from(SCHEMA_VERSION)).contains(&head.schema_version) {
        true => Ok(head),
        false => Err(ReportError::SchemaVersion { found: head.schema_version }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::sample;

    #[test]
    fn a_document_reads_back_as_it_was() {
        let results = sample::results();
        let json = results.to_json();
        assert!(json.starts_with("{\"schema_version\":4,"), "on one line: {}", &json[..40]);
        assert!(json.ends_with("}\n") && !json.ends_with("\n\n"));
        assert_eq!(Results::from_json(&json).unwrap(), results);
    }

    #[test]
    fn another_schema_is_named_before_its_fields_are_missed() {
        let error = Results::from_json(r#"{"schema_version": 7, "weather": "fine"}"#).unwrap_err();
        assert!(matches!(error, ReportError::SchemaVersion { found: 7 }));
        let message = error.to_string();
        assert!(message.contains("version 7") && message.contains("reads versions 3 to 4"), "{message}");
        for version in [2, 5] {
            let error = Results::from_json(&format!("{{\"schema_version\": {version}}}")).unwrap_err();
            assert!(matches!(error, ReportError::SchemaVersion { .. }), "{version}: {error}");
        }
    }

    /// The results as schema 3 had them: other names of times, no growth, and no ablations.
    fn of_schema_3(results: &Results) -> String {
        let mut json = serde_json::to_value(results).unwrap();
        json["schema_version"] = 3.into();
        for row in json["contenders"].as_array_mut().unwrap() {
            if row["role"] == "ablation" {
                row["role"] = "contender".into();
            }
            if let Some(memory) = row["memory"].as_object_mut() {
                memory.remove("growth");
            }
            let Some(time) = row["time"].as_object_mut() else { continue };
            time.retain(|key, _| ["ops", "fresh_ns", "steady_ns", "companions"].contains(&key.as_str()));
            renamed(time);
            let companions = time.get_mut("companions").and_then(Value::as_array_mut);
            companions.into_iter().flatten().filter_map(Value::as_object_mut).for_each(renamed);
        }
        json.to_string()
    }

    fn renamed(time: &mut serde_json::Map<String, Value>) {
        for (today, then) in [("fresh_ns", "cold_ns"), ("steady_ns", "warm_ns")] {
            if let Some(samples) = time.remove(today) {
                time.insert(then.to_owned(), samples);
            }
        }
    }

    #[test]
    fn schema_3_has_fresh_times_and_rewound_ones_that_are_not_steady() {
        for written in [sample::results(), sample::of_several_runs()] {
            let json = of_schema_3(&written);
            assert!(json.contains("\"warm_ns\"") && !json.contains("steady_ns") && !json.contains("growth"));
            let read = Results::from_json(&json).unwrap();
            assert_eq!(read.schema_version, SCHEMA_VERSION);
            for (then, now) in written.contenders.iter().zip(&read.contenders) {
                let (Figure::Known(then), Figure::Known(now)) = (&then.time, &now.time) else { unreachable!() };
                assert_eq!((&now.fresh_ns, &now.rewound_ns), (&then.fresh_ns, &then.steady_ns));
                assert!(now.steady_ns.is_empty() && now.no_steady.is_some());
                for (then, now) in then.companions.iter().zip(&now.companions) {
                    assert_eq!((&now.fresh_ns, &now.rewound_ns), (&then.fresh_ns, &then.steady_ns));
                    assert!(now.steady_ns.is_empty());
                }
            }
            assert!(
                read.contenders.iter().all(|row| row.latency.known().is_none() && row.instructions.known().is_none())
            );
            assert!(
                read.contenders
                    .iter()
                    .filter_map(|row| row.memory.known())
                    .all(|memory| memory.growth.known().is_none())
            );
            assert_eq!(Results::from_json(&read.to_json()).unwrap(), read, "kept as today's, it reads back");
        }
    }

    #[test]
    fn schema_3_is_shown_without_steady_times_and_says_so() {
        let read = Results::from_json(&of_schema_3(&sample::results())).unwrap();
        let text = crate::table::text(&read, crate::table::TextOptions { color: false, width: Some(200) });
        let names = "dlmalloc, talc, segregated-bump, segregated-bump-mv, wee_alloc, bump, null";
        let note = format!("{names}: no steady time (–): results of schema 3 have no steady times\n");
        assert!(text.contains(&note), "{text}");
        assert!(!text.contains("grows by"), "{text}");
        let page = crate::html(std::slice::from_ref(&read)).unwrap();
        assert!(page.contains("<p>No time was taken: results of schema 3 have no steady times.</p>"));
        assert!(
            page.contains(&format!("<li>{names}: no steady time (–): results of schema 3 have no steady times</li>"))
        );
        for chart in crate::chart::ALL {
            (chart.draw)(&read).unwrap();
        }
        let pareto = crate::chart::pareto_steady(&read).unwrap();
        assert!(pareto.contains("There is nothing to draw.") && pareto.contains("have no steady times"), "{pareto}");
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
