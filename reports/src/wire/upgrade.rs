//! Documents of older schemas in today's: fields get the names and places that they have now, and what was not kept is unknown, with a reason
//! that names the schema.

use serde_json::{Map, Value, json};

use crate::results::{Reason, SCHEMA_VERSION, reason_in};

type Fields = Map<String, Value>;

/// Brings a document of this version up to today's.
pub(super) fn upgrade(document: &mut Value, version: u64) {
    let Some(results) = document.as_object_mut() else { return };
    // The file of a sweep's cell has the cell beside the results.
    results.remove("cell");
    if version < 4 {
        to_4(results, version);
    }
    results.insert("schema_version".to_owned(), SCHEMA_VERSION.into());
}

/// From schemas 1 to 3. They grew while they were current, too, so that each field is looked for.
fn to_4(results: &mut Fields, version: u64) {
    let not_kept = || unknown(Reason::NotInSchema { version });
    add(results, [("bounds", not_kept()), ("warnings", json!([]))]);
    let choices = [
        // Nobody could ask for any of these, and what was done is what today's defaults are called.
        ("min_heap", json!(false)),
        ("latency", json!(false)),
        ("instructions", json!(false)),
        ("rigor", json!("default")),
        ("baseline", json!("dlmalloc")),
        ("budget_ns", Value::Null),
        ("streamed", json!(false)),
    ];
    within(results, "settings", |settings| add(settings, choices));
    within(results, "trace", |trace| {
        let no_marks = [("marks", json!([])), ("mark_count", json!(0)), ("repairs", json!([]))];
        add(trace, [("distributions", not_kept())].into_iter().chain(no_marks));
    });
    for row in each(results, "contenders") {
        // Their replays ran on a heap whose pages an earlier one had paid for.
        for figure in ["latency", "instructions"] {
            if row.get(figure).is_some_and(|figure| reason_in(figure).is_none()) {
                row.insert(figure.to_owned(), unknown(Reason::RewoundInSchema { version }));
            }
        }
        add(row, ["min_heap", "latency", "instructions"].map(|figure| (figure, not_kept())));
        add(row, [("partial", Value::Null)]);
        if version == 1 && row.get("memory").is_some_and(|memory| reason_in(memory).is_none()) {
            row.insert("memory".to_owned(), unknown(Reason::PartInSchema { version }));
        }
        figure(row, "memory", |memory| add(memory, [("growth", not_kept()), ("strips", json!([]))]));
        figure(row, "time", |time| {
            rename_samples(time);
            let reason = Reason::NoSteadyInSchema { version }.to_string();
            add(time, [("no_steady", json!(reason)), ("companions", json!([]))]);
            add(time, ["fresh_processor_ns", "steady_processor_ns"].map(|samples| (samples, json!([]))));
            each(time, "companions").for_each(rename_samples);
        });
    }
}

/// Schemas 1 to 3 had times of fresh heaps as `cold_ns`, and of rewound ones as `warm_ns`.
fn rename_samples(time: &mut Fields) {
    for (old, new) in [("cold_ns", "fresh_ns"), ("warm_ns", "rewound_ns")] {
        if let Some(samples) = time.remove(old) {
            time.insert(new.to_owned(), samples);
        }
    }
    add(time, [("steady_ns", json!([]))]);
}

fn unknown(reason: Reason) -> Value {
    json!({ "unknown": reason })
}

/// Adds the fields that are not there.
fn add(fields: &mut Fields, added: impl IntoIterator<Item = (&'static str, Value)>) {
    for (name, value) in added {
        fields.entry(name).or_insert(value);
    }
}

/// Changes an object's object, where it has one.
fn within(fields: &mut Fields, name: &str, change: impl FnOnce(&mut Fields)) {
    if let Some(inner) = fields.get_mut(name).and_then(Value::as_object_mut) {
        change(inner);
    }
}

/// Changes a figure that is known.
fn figure(fields: &mut Fields, name: &str, change: impl FnOnce(&mut Fields)) {
    if fields.get(name).is_some_and(|figure| reason_in(figure).is_none()) {
        within(fields, name, change);
    }
}

/// The objects of a list.
fn each<'f>(fields: &'f mut Fields, name: &str) -> impl Iterator<Item = &'f mut Fields> {
    fields.get_mut(name).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}
