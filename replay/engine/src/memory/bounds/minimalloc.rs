//! Writes an instance as the CSV that MiniMalloc and most other solvers of this problem read, so that their placements
//! can be compared with ours.
//!
//! Moffitt, "MiniMalloc: A Lightweight Memory Allocator for Hardware-Accelerated Machine Learning", ASPLOS 2023; the
//! format is that of its [repository](https://github.com/google/minimalloc), with columns `id,lower,upper,size` and the
//! optional column `alignment`. Lifetimes are half-open there too.

use std::fmt::Write;

use super::instance::Instance;

impl Instance {
    /// The instance as MiniMalloc's CSV: a line for each rectangle, in birth order. The id is the rectangle's number,
    /// counted from 1.
    ///
    /// ```
    /// use heaprace_engine::{Program, memory::bounds::Instance};
    ///
    /// let text = "op,id,size,align\nalloc,7,100,8\nalloc,9,3,1\nrealloc,7,300\n";
    /// let program = Program::compile(heaprace_traces::CsvReader::new(text.as_bytes(), "example.csv")?)?;
    /// let csv = Instance::of(&program)?.to_minimalloc_csv();
    /// assert_eq!(csv, "id,lower,upper,size,alignment\n1,1,3,100,8\n2,2,4,3,1\n3,3,4,300,8\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_minimalloc_csv(&self) -> String {
        let mut csv = "id,lower,upper,size,alignment\n".to_owned();
        for (number, object) in (1..).zip(self.rectangles()) {
            let (birth, death) = (object.birth, object.death);
            writeln!(csv, "{number},{birth},{death},{},{}", object.size_bytes, object.align_bytes())
                .expect("a string takes all text");
        }
        csv
    }
}
