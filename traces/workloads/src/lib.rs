//! What the workloads share: their global allocator, and numbers that look random and are the same in every run.

/// The global allocator of a workload: the recorder, which writes this file, or in WebAssembly tells the host; or, with
/// the feature `real`, the contender that `replay run --global` names.
#[macro_export]
macro_rules! allocator {
    ($file:literal) => {
        $crate::allocator!($file, {
            // SAFETY: the workload has one thread.
            unsafe { $crate::Global::by_name().for_one_thread() }
        });
    };
    ($file:literal, with threads) => {
        $crate::allocator!($file, { $crate::Global::by_name() });
    };
    ($file:literal, $global:block) => {
        #[cfg(not(any(feature = "real", target_family = "wasm")))]
        #[global_allocator]
        static ALLOCATOR: $crate::Recorder = $crate::Recorder::new($file).with_extents();

        #[cfg(target_family = "wasm")]
        #[global_allocator]
        static ALLOCATOR: $crate::WasmRecorder = $crate::WasmRecorder::new();

        #[cfg(feature = "real")]
        #[global_allocator]
        static ALLOCATOR: $crate::Global<$crate::ByName> = $global;
    };
}

#[cfg(feature = "real")]
pub use heaprace_allocators::{Global, global::ByName};
#[cfg(not(target_family = "wasm"))]
pub use heaprace_recorder::Recorder;
#[cfg(target_family = "wasm")]
pub use heaprace_recorder::WasmRecorder;

/// A fixed sequence of pseudo-random numbers (xorshift): the same in every run and on every platform.
#[derive(Clone, Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence of that number, which must not be 0.
    pub const fn new(seed: u64) -> Self {
        assert!(seed != 0, "a xorshift of 0 stays 0");
        Sequence(seed)
    }

    /// The next number, below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }

    /// The next number, below `limit`, where small ones come far more often: what is popular with users is distributed
    /// so.
    pub fn mostly_low(&mut self, limit: usize) -> usize {
        let most = 1 + self.below(limit);
        self.below(most)
    }
}

/// The files of `input/sources.txt.gz`, each with its path: a part of Heaprace's own sources, from a day in its early
/// life.
pub fn sources() -> impl Iterator<Item = (&'static str, &'static str)> {
    static SOURCES: &str = include_str!(concat!(env!("OUT_DIR"), "/sources.txt"));
    SOURCES.split("//// ").filter_map(|file| file.split_once('\n'))
}
