//! A design as a word: what tables and commands call it.

use std::fmt;
use std::str::FromStr;

use segregated_bump::policies::{GrowthStep, SweepAfter};

use super::{Design, SegregatedDesign, Spacing, SweptDesign};

/// Why a text describes no design.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// It begins with no allocator of the family.
    #[error("{0:?} is no design: it begins with swept-bump or segregated-bump, as swept-bump:bins=32,window=1024")]
    NoAllocator(String),
    /// The allocator does not have this decision.
    #[error("{allocator} has no decision {key:?}; it has {known}")]
    NoDecision {
        /// The allocator.
        allocator: &'static str,
        /// The decision.
        key: String,
        /// All that it has.
        known: &'static str,
    },
    /// A decision has no such value.
    #[error("{key}={value:?} is not possible: {possible}")]
    NoValue {
        /// The decision.
        key: &'static str,
        /// The value.
        value: String,
        /// What is possible.
        possible: &'static str,
    },
    /// A number is too small or too large.
    #[error("{key}={value} is not possible: from {least} to {most}")]
    OutOfRange {
        /// The decision.
        key: &'static str,
        /// Its value.
        value: usize,
        /// The smallest one.
        least: usize,
        /// The largest one.
        most: usize,
    },
    /// A number is no power of two.
    #[error("{key}={value} is not possible: a power of two")]
    NoPowerOfTwo {
        /// The decision.
        key: &'static str,
        /// Its value.
        value: usize,
    },
    /// A window has no whole lines.
    #[error("window={value} is not possible: a multiple of 64")]
    NoLines {
        /// Its bytes.
        value: usize,
    },
}

const SWEPT: &str = "swept-bump";
const SEGREGATED: &str = "segregated-bump";
const SWEPT_KEYS: &str = "bins, window, sweeps";
const SEGREGATED_KEYS: &str = "classes, large, step, refill, growth, aligned, splits, frees, shrinks, moves, in-place";

impl fmt::Display for Design {
    /// The allocator, and the decisions in which the design differs from the flagship or the classic.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut differing = Vec::new();
        let name = match self {
            Design::Swept(design) => {
                let flagship = SweptDesign::FLAGSHIP;
                let mut add = |differs: bool, text: String| differing.extend(differs.then_some(text));
                add(design.bins != flagship.bins, format!("bins={}", design.bins));
                add(design.window_bytes != flagship.window_bytes, format!("window={}", design.window_bytes));
                let sweeps = match design.sweeps {
                    SweepAfter::Growth => "growth".to_owned(),
                    SweepAfter::Part(part) => format!("1/{part}"),
                };
                add(design.sweeps != flagship.sweeps, format!("sweeps={sweeps}"));
                SWEPT
            }
            Design::Segregated(design) => {
                let classic = SegregatedDesign::CLASSIC;
                let mut add = |differs: bool, text: String| differing.extend(differs.then_some(text));
                let classes = match design.classes {
                    Spacing::PowersOfTwo(count) => format!("powers-of-two/{count}"),
                    Spacing::Multiples(count) => format!("multiples/{count}"),
                    Spacing::FourSteps(count) => format!("four-steps/{count}"),
                };
                add(design.classes != classic.classes, format!("classes={classes}"));
                add(design.keeps_large, "large=lists".to_owned());
                add(design.large_step != classic.large_step, format!("step={}", design.large_step));
                add(design.refill_blocks != classic.refill_blocks, format!("refill={}", design.refill_blocks));
                let growth = match design.growth {
                    GrowthStep::Needed => "needed".to_owned(),
                    GrowthStep::MultipleOf(bytes) => bytes.to_string(),
                    GrowthStep::Share(part) => format!("1/{part}"),
                };
                add(design.growth != classic.growth, format!("growth={growth}"));
                for (key, _, value, usual) in design.switches() {
                    add(value != usual, format!("{key}={}", if value { "yes" } else { "no" }));
                }
                SEGREGATED
            }
        };
        f.write_str(name)?;
        if !differing.is_empty() {
            write!(f, ":{}", differing.join(","))?;
        }
        Ok(())
    }
}

impl FromStr for Design {
    type Err = DesignError;

    fn from_str(text: &str) -> Result<Self, DesignError> {
        let (name, decisions) = text.split_once(':').unwrap_or((text, ""));
        let decisions = decisions.split(',').filter(|decision| !decision.is_empty());
        let decisions = decisions.map(|decision| decision.split_once('=').unwrap_or((decision, "")));
        let design = match name {
            SWEPT => {
                let mut design = SweptDesign::FLAGSHIP;
                for (key, value) in decisions {
                    set_swept(&mut design, key, value)?;
                }
                Design::Swept(design)
            }
            SEGREGATED => {
                let mut design = SegregatedDesign::CLASSIC;
                for (key, value) in decisions {
                    set_segregated(&mut design, key, value)?;
                }
                Design::Segregated(design)
            }
            _ => return Err(DesignError::NoAllocator(text.to_owned())),
        };
        design.check().map(|()| design)
    }
}

fn set_swept(design: &mut SweptDesign, key: &str, value: &str) -> Result<(), DesignError> {
    match key {
        "bins" => design.bins = number("bins", value)?,
        "window" => design.window_bytes = number("window", value)?,
        "sweeps" if value == "growth" => design.sweeps = SweepAfter::Growth,
        "sweeps" => design.sweeps = SweepAfter::Part(part("sweeps", value, "growth, or a part as 1/2")?),
        _ => return Err(DesignError::NoDecision { allocator: SWEPT, key: key.to_owned(), known: SWEPT_KEYS }),
    }
    Ok(())
}

fn set_segregated(design: &mut SegregatedDesign, key: &str, value: &str) -> Result<(), DesignError> {
    const CLASSES: &str = "powers-of-two/N, multiples/N or four-steps/N";
    match key {
        "classes" => {
            let none = || DesignError::NoValue { key: "classes", value: value.to_owned(), possible: CLASSES };
            let (spacing, count) = value.split_once('/').ok_or_else(none)?;
            let count = count.parse().map_err(|_| none())?;
            design.classes = match spacing {
                "powers-of-two" => Spacing::PowersOfTwo(count),
                "multiples" => Spacing::Multiples(count),
                "four-steps" => Spacing::FourSteps(count),
                _ => return Err(none()),
            };
        }
        "large" => {
            design.keeps_large = match value {
                "lists" => true,
                "discarded" => false,
                _ => {
                    let possible = "lists or discarded";
                    return Err(DesignError::NoValue { key: "large", value: value.to_owned(), possible });
                }
            }
        }
        "step" => design.large_step = number("step", value)?,
        "refill" => design.refill_blocks = number("refill", value)?,
        "growth" if value == "needed" => design.growth = GrowthStep::Needed,
        "growth" if value.starts_with("1/") => {
            design.growth = GrowthStep::Share(part("growth", value, "needed, bytes, or a part as 1/8")?);
        }
        "growth" => design.growth = GrowthStep::MultipleOf(number("growth", value)?),
        "aligned" => design.bins_take_aligned = switch("aligned", value)?,
        "splits" => design.splits = switch("splits", value)?,
        "frees" => design.top_takes_frees = switch("frees", value)?,
        "shrinks" => design.top_takes_shrinks = switch("shrinks", value)?,
        "moves" => design.small_shrinks_move = switch("moves", value)?,
        "in-place" => design.realloc_in_place = switch("in-place", value)?,
        _ => {
            let (allocator, key) = (SEGREGATED, key.to_owned());
            return Err(DesignError::NoDecision { allocator, key, known: SEGREGATED_KEYS });
        }
    }
    Ok(())
}

fn number(key: &'static str, value: &str) -> Result<usize, DesignError> {
    value.parse().map_err(|_| DesignError::NoValue { key, value: value.to_owned(), possible: "a number" })
}

fn part(key: &'static str, value: &str, possible: &'static str) -> Result<usize, DesignError> {
    let part = value.strip_prefix("1/").and_then(|part| part.parse().ok());
    part.ok_or_else(|| DesignError::NoValue { key, value: value.to_owned(), possible })
}

fn switch(key: &'static str, value: &str) -> Result<bool, DesignError> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(DesignError::NoValue { key, value: value.to_owned(), possible: "yes or no" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_design_is_read_as_it_is_written() {
        for text in [
            "swept-bump",
            "swept-bump:bins=8,window=512,sweeps=1/8",
            "segregated-bump",
            "segregated-bump:classes=four-steps/40,large=lists,step=64,refill=16,growth=1/8,aligned=yes,splits=yes,frees=yes,shrinks=no,moves=no,in-place=no",
            "segregated-bump:classes=multiples/128,growth=65536",
        ] {
            assert_eq!(text.parse::<Design>().map(|design| design.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_would_not_compile_is_no_design() {
        for text in [
            "talc",
            "",
            "swept-bump:bins=6",
            "swept-bump:bins=129,window=8192",
            "swept-bump:window=1000",
            "swept-bump:window=512",
            "swept-bump:window=1048640",
            "swept-bump:sweeps=1/0",
            "swept-bump:sweeps=2",
            "swept-bump:lists",
            "segregated-bump:classes=powers-of-two/28",
            "segregated-bump:classes=four-steps/0",
            "segregated-bump:classes=five",
            "segregated-bump:large=lists,step=8",
            "segregated-bump:step=24",
            "segregated-bump:refill=0",
            "segregated-bump:growth=1/0",
            "segregated-bump:splits=perhaps",
        ] {
            let error = text.parse::<Design>().unwrap_err().to_string();
            assert!(
                error.contains("no design") || error.contains("not possible") || error.contains("has no"),
                "{error}"
            );
        }
    }
}
