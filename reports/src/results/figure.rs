//! A figure, or the reason why there is none.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::reason::Reason;

/// A figure, or the reason why there is none.
///
/// As JSON it is the figure itself, or `{"unknown": "the reason"}`. Reading it never fails: a figure that is not in the document, or that has
/// a field missing or of another type, is unknown, and the reason names the field. So a fault costs the smallest figure around it and nothing
/// else.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Figure<T> {
    /// There is no figure; `unknown` says why.
    Unknown {
        /// The reason.
        unknown: Reason,
    },
    /// The figure.
    Known(T),
}

impl<T> Figure<T> {
    /// A figure that is not there, for this reason.
    pub fn unknown(reason: impl Into<Reason>) -> Self {
        Figure::Unknown { unknown: reason.into() }
    }

    /// The figure where there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Figure::Known(value) => Some(value),
            Figure::Unknown { .. } => None,
        }
    }

    /// Why there is no figure, where there is none.
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Figure::Known(_) => None,
            Figure::Unknown { unknown } => Some(unknown),
        }
    }
}

/// The reason that stands in place of a figure, where it does.
pub(crate) fn reason_in(value: &Value) -> Option<&str> {
    value.as_object().filter(|fields| fields.len() == 1)?.get("unknown")?.as_str()
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Figure<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As an option, so that serde asks here, too, where there is no such field.
        deserializer.deserialize_option(FigureVisitor(PhantomData))
    }
}

struct FigureVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for FigureVisitor<T> {
    type Value = Figure<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a figure, or the reason why there is none")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Figure::unknown(Reason::NotInFile))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        self.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        let value = Value::deserialize(deserializer)?;
        if let Some(reason) = reason_in(&value) {
            return Ok(Figure::unknown(reason));
        }
        Ok(match serde_path_to_error::deserialize(value) {
            Ok(known) => Figure::Known(known),
            Err(error) => Figure::unknown(Reason::NotReadable { fault: fault(&error) }),
        })
    }
}

/// What is wrong with a value, after the field that it is wrong with: `occupancy.at_peak_live: missing field ...`.
pub(crate) fn fault(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    match error.path().iter().next() {
        Some(_) => format!("{}: {}", error.path(), error.inner()),
        None => error.inner().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        count: u64,
        share: Option<f64>,
    }

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        list: Vec<Inner>,
        peak: Figure<u64>,
        part: Figure<Inner>,
    }

    fn read(json: &str) -> Figure<Outer> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn known_and_unknown_figures_read_back() {
        let part = Inner { count: 7, share: Some(0.1) };
        let known =
            Figure::Known(Outer { list: vec![part.clone()], peak: Figure::unknown("lost"), part: Figure::Known(part) });
        for figure in [known, Figure::unknown("it died")] {
            assert_eq!(read(&serde_json::to_string(&figure).unwrap()), figure);
        }
    }

    #[test]
    fn a_fault_costs_the_smallest_figure_around_it_and_is_named() {
        let found = read(r#"{"list":[],"part":{"share":null}}"#);
        let Figure::Known(Outer { peak, part, .. }) = found else { panic!("{found:?}") };
        assert_eq!(peak, Figure::unknown(Reason::NotInFile));
        assert_eq!(part.reason().unwrap().to_string(), "cannot be read: missing field `count`");

        let fault = |json| read(json).reason().expect("it is faulty").to_string();
        assert_eq!(fault(r#"{"peak":1}"#), "cannot be read: missing field `list`");
        let nested = fault(r#"{"list":[{"count":1},{"count":"many"}],"peak":1,"part":{"unknown":"lost"}}"#);
        assert_eq!(nested, "cannot be read: list[1].count: invalid type: string \"many\", expected u64");
        assert_eq!(fault("null"), "not in the file");
        assert!(fault("5").contains("invalid type"));
    }
}
