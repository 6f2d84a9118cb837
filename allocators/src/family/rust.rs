//! A design as Rust: the configuration that is compiled.

use segregated_bump::policies::{GrowthStep, SweepAfter};

use super::{Design, SegregatedDesign, Spacing};

impl Design {
    /// The policies of this design, as a type called `Tuned`, and its allocator as the alias `Inner`, and as
    /// `Allocator` for a program with one thread: lines of a
    /// program that has the crate segregated-bump.
    ///
    /// ```
    /// use heaprace_allocators::family::Design;
    ///
    /// let design: Design = "swept-bump:bins=32".parse()?;
    /// assert!(design.to_rust().contains("type Small = Multiples<32>;"));
    /// # Ok::<(), heaprace_allocators::family::DesignError>(())
    /// ```
    pub fn to_rust(&self) -> String {
        match self {
            Design::Swept(design) => {
                let sweeps = match design.sweeps {
                    SweepAfter::Growth => "Growth".to_owned(),
                    SweepAfter::Part(part) => format!("Part({part})"),
                };
                format!(
                    "use segregated_bump::policies::{{Multiples, SweepAfter, SweptPolicies}};\n\
                     use segregated_bump::{{SingleThreaded, SweptBump}};\n\n\
                     /// {self}\n\
                     pub struct Tuned;\n\n\
                     impl SweptPolicies for Tuned {{\n    \
                         type Small = Multiples<{}>;\n    \
                         const WINDOW_BYTES: usize = {};\n    \
                         const SWEEPS: SweepAfter = SweepAfter::{sweeps};\n\
                     }}\n\n\
                     pub type Inner<S> = SweptBump<S, Tuned>;\n\
                     pub type Allocator<S> = SingleThreaded<Inner<S>>;\n",
                    design.bins, design.window_bytes
                )
            }
            Design::Segregated(design) => self.segregated_rust(design),
        }
    }

    fn segregated_rust(&self, design: &SegregatedDesign) -> String {
        let classic = SegregatedDesign::CLASSIC;
        let (spacing, classes) = match design.classes {
            Spacing::PowersOfTwo(count) => ("PowersOfTwo", format!("PowersOfTwo<{count}>")),
            Spacing::Multiples(count) => ("Multiples", format!("Multiples<{count}>")),
            Spacing::FourSteps(count) => ("FourSteps", format!("FourSteps<{count}>")),
        };
        let large = if design.keeps_large { "ListsBySize" } else { "Discarded" };
        let mut constants = String::new();
        let mut add = |differs: bool, line: String| {
            if differs {
                constants += &format!("    const {line};\n");
            }
        };
        add(design.large_step != classic.large_step, format!("LARGE_STEP: usize = {}", design.large_step));
        add(design.refill_blocks != classic.refill_blocks, format!("REFILL_BLOCKS: usize = {}", design.refill_blocks));
        for (_, constant, value, usual) in design.switches() {
            add(value != usual, format!("{constant}: bool = {value}"));
        }
        let growth = match design.growth {
            GrowthStep::Needed => "Needed".to_owned(),
            GrowthStep::MultipleOf(bytes) => format!("MultipleOf({bytes})"),
            GrowthStep::Share(part) => format!("Share({part})"),
        };
        let grows = design.growth != classic.growth;
        add(grows, format!("GROWTH: GrowthStep = GrowthStep::{growth}"));
        let mut names = vec![large, "Policies", spacing];
        names.extend(grows.then_some("GrowthStep"));
        names.sort_unstable();
        format!(
            "use segregated_bump::policies::{{{}}};\n\
             use segregated_bump::{{SegregatedBump, SingleThreaded}};\n\n\
             /// {self}\n\
             pub struct Tuned;\n\n\
             impl Policies for Tuned {{\n    \
                 type Classes = {classes};\n    \
                 type LargeFrees = {large};\n\
             {constants}}}\n\n\
             pub type Inner<S> = SegregatedBump<S, Tuned>;\n\
             pub type Allocator<S> = SingleThreaded<Inner<S>>;\n",
            names.join(", ")
        )
    }
}
