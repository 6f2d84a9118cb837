//! A figure estimated from samples, with its interval.

/// The least number of samples for which an interval for a median can cover 95 %. All samples lie on one side of the
/// true median with probability 2 × 0.5ⁿ: 6.3 % for five samples, 3.1 % for six. For the same reason no contender is
/// called first over fewer traces: five traces agree by chance in 6.3 % of cases.
pub const ROUNDS_FOR_95: usize = 6;

/// A figure estimated from samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The median of the samples.
    pub value: f64,
    /// The 95 % interval of the median; `None` for a single sample, which says nothing about its spread.
    pub interval: Option<Interval>,
}

/// A closed interval, `low` ≤ `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether the two intervals share a point.
    ///
    /// ```
    /// use heaprace_reports::stats::Interval;
    ///
    /// let steady = Interval { low: 9.1, high: 9.4 };
    /// assert!(steady.overlaps(Interval { low: 9.4, high: 9.9 }));
    /// assert!(!steady.overlaps(Interval { low: 9.5, high: 9.9 }));
    /// ```
    pub fn overlaps(self, other: Interval) -> bool {
        self.low <= other.high && other.low <= self.high
    }

    /// Whether the value is within the interval, including its ends.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_overlap_at_a_single_point() {
        let middle = Interval { low: 2.0, high: 3.0 };
        for (low, high, meet) in [
            (0.0, 1.9, false),
            (0.0, 2.0, true),
            (2.2, 2.4, true),
            (0.0, 9.0, true),
            (3.0, 4.0, true),
            (3.1, 4.0, false),
        ] {
            assert_eq!(middle.overlaps(Interval { low, high }), meet, "{low} to {high}");
            assert_eq!(Interval { low, high }.overlaps(middle), meet, "{low} to {high}, the other way round");
        }
        assert!(middle.contains(2.0) && middle.contains(3.0) && !middle.contains(3.01));
    }
}
