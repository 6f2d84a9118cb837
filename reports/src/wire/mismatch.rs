//! Where a document and the results that were read from it are not the same: what it lacks, and what nobody knows.

use std::fmt;

use serde_json::Value;

use crate::results::{Results, reason_in};

/// A field that a document has too much, or a figure that could not be taken from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Its place in the document: `contenders[2].memory`.
    pub field: String,
    /// What is the matter with it.
    pub kind: MismatchKind,
    /// How many further elements of the same lists have the same.
    pub more: usize,
}

/// What is the matter with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MismatchKind {
    /// This version of Heaprace does not know it: it was left out.
    UnknownField,
    /// The figure is unknown, for this reason.
    Gap(String),
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mismatch { field, kind, more } = self;
        match kind {
            MismatchKind::UnknownField => write!(f, "{field}: unknown field, ignored")?,
            MismatchKind::Gap(reason) => write!(f, "{field}: no figure: {reason}")?,
        }
        if *more > 0 { write!(f, " (and {more} more like it)") } else { Ok(()) }
    }
}

/// All of them, by the names of their fields, those that differ in nothing but their places in lists put together.
pub(super) fn between(document: &Value, results: &Results) -> Vec<Mismatch> {
    let read = serde_json::to_value(results).expect("plain data with string keys always serialises");
    let mut found = Found { path: Vec::new(), mismatches: Vec::new() };
    found.compare(document, &read);
    found.mismatches.into_iter().map(|(_, mismatch)| mismatch).collect()
}

struct Found<'v> {
    path: Vec<Step<'v>>,
    /// Each with its field's place without the places in lists.
    mismatches: Vec<(String, Mismatch)>,
}

#[derive(Clone, Copy)]
enum Step<'v> {
    Field(&'v str),
    Element(usize),
}

impl<'v> Found<'v> {
    fn compare(&mut self, document: &'v Value, read: &'v Value) {
        match (document, read) {
            (Value::Object(written), Value::Object(fields)) if reason_in(read) == reason_in(document) => {
                for (name, value) in written {
                    self.at(Step::Field(name), |found| match fields.get(name) {
                        Some(read) => found.compare(value, read),
                        // Left out where they have nothing to say.
                        None if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
                        None => found.add(MismatchKind::UnknownField),
                    });
                }
                for (name, value) in fields.iter().filter(|(name, _)| !written.contains_key(*name)) {
                    if let Some(reason) = reason_in(value) {
                        self.at(Step::Field(name), |found| found.add(MismatchKind::Gap(reason.to_owned())));
                    }
                }
            }
            (Value::Array(written), Value::Array(elements)) => {
                for (index, (document, read)) in written.iter().zip(elements).enumerate() {
                    self.at(Step::Element(index), |found| found.compare(document, read));
                }
            }
            _ => {
                if let Some(reason) = reason_in(read) {
                    self.add(MismatchKind::Gap(reason.to_owned()));
                }
            }
        }
    }

    fn at(&mut self, step: Step<'v>, compare: impl FnOnce(&mut Self)) {
        self.path.push(step);
        compare(self);
        self.path.pop();
    }

    fn add(&mut self, kind: MismatchKind) {
        let (mut field, mut place) = (String::new(), String::new());
        for step in &self.path {
            match step {
                Step::Field(name) => {
                    let dot = if field.is_empty() { "" } else { "." };
                    field += &format!("{dot}{name}");
                    place += &format!("{dot}{name}");
                }
                Step::Element(index) => field += &format!("[{index}]"),
            }
        }
        let alike = self.mismatches.iter_mut().find(|(known, mismatch)| *known == place && mismatch.kind == kind);
        match alike {
            Some((_, mismatch)) => mismatch.more += 1,
            None => self.mismatches.push((place, Mismatch { field, kind, more: 0 })),
        }
    }
}
