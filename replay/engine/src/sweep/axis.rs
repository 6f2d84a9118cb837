//! A setting of a plan: a single value or a list of values, written as on the command line.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use heaprace_allocators::PageSize;
use serde::de::value::{BoolDeserializer, I64Deserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::contender::TouchPolicy;
use crate::heap_size::{self, HeapLimit};
use crate::limits;

/// The values of a setting, in plan order: at least one, and none of them twice.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis<T>(Vec<T>);

impl<T> Axis<T> {
    /// A setting that the plan does not mention.
    pub(super) fn of(value: T) -> Self {
        Axis(vec![value])
    }

    pub(super) fn values(&self) -> &[T] {
        &self.0
    }

    /// Whether cells differ in this setting.
    pub(super) fn varies(&self) -> bool {
        self.0.len() > 1
    }
}

/// A value of a setting.
pub(super) trait Value: Sized + PartialEq {
    /// The expected values, for messages.
    const EXPECTED: &str;

    /// Parses a value.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Value for bool {
    const EXPECTED: &str = "true or false";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| expected::<Self>(text))
    }
}

impl Value for u32 {
    const EXPECTED: &str = "a whole number from 0 to 4294967295";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| expected::<Self>(text))
    }
}

impl Value for u64 {
    const EXPECTED: &str = "a whole number from 0";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| expected::<Self>(text))
    }
}

impl Value for PageSize {
    const EXPECTED: &str = "a page size, such as 4096 or \"64KiB\"";

    fn parse(text: &str) -> Result<Self, String> {
        heap_size::parse_page_size(text)
    }
}

impl Value for HeapLimit {
    const EXPECTED: &str = "a heap limit, such as \"2MiB\" or \"100pages\"";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
    }
}

impl Value for TouchPolicy {
    const EXPECTED: &str = "\"none\", \"first\" or \"all\"";

    fn parse(text: &str) -> Result<Self, String> {
        TouchPolicy::named(text).ok_or_else(|| expected::<Self>(text))
    }
}

/// A time limit per contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Budget(Option<Duration>);

impl Budget {
    /// No limit: `"none"` in a plan, and the default.
    pub(super) const UNLIMITED: Budget = Budget(None);

    pub(super) fn ns(self) -> Option<u64> {
        // More than 584 years is no limit.
        self.0.and_then(|budget| budget.as_nanos().try_into().ok())
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => formatter.write_str("none"),
            // Used in a folder name, so it must not contain spaces.
            Some(budget) => write!(formatter, "{}", humantime::format_duration(budget).to_string().replace(' ', "")),
        }
    }
}

impl Value for Budget {
    const EXPECTED: &str = "a time, such as \"60s\" or \"5min\", or \"none\"";

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Budget::UNLIMITED),
            text => limits::parse_budget(text).map(|budget| Budget(Some(budget))),
        }
    }
}

fn expected<T: Value>(text: &str) -> String {
    format!("{text:?} is not {}", T::EXPECTED)
}

impl<'de, T: Value> Deserialize<'de> for Axis<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AxisVisitor(PhantomData))
    }
}

struct AxisVisitor<T>(PhantomData<T>);

impl<'de, T: Value> Visitor<'de> for AxisVisitor<T> {
    type Value = Axis<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, or a list of these", T::EXPECTED)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Axis<T>, A::Error> {
        let mut values = Vec::new();
        while let Some(Single(value)) = list.next_element::<Single<T>>()? {
            if values.contains(&value) {
                return Err(A::Error::custom("the list contains a value twice"));
            }
            values.push(value);
        }
        if values.is_empty() {
            return Err(A::Error::custom("the list is empty, which leaves no cell; omit the key"));
        }
        Ok(Axis(values))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Axis<T>, E> {
        Single::deserialize(BoolDeserializer::new(value)).map(|Single(value)| Axis::of(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Axis<T>, E> {
        Single::deserialize(I64Deserializer::new(value)).map(|Single(value)| Axis::of(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Axis<T>, E> {
        Single::deserialize(StrDeserializer::new(value)).map(|Single(value)| Axis::of(value))
    }
}

/// A single value.
struct Single<T>(T);

impl<'de, T: Value> Deserialize<'de> for Single<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SingleVisitor(PhantomData))
    }
}

struct SingleVisitor<T>(PhantomData<T>);

impl<T: Value> Visitor<'_> for SingleVisitor<T> {
    type Value = Single<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(T::EXPECTED)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Single<T>, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Single<T>, E> {
        self.visit_str(&value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Single<T>, E> {
        T::parse(value).map(Single).map_err(E::custom)
    }
}
