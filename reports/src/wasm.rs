//! The WebAssembly lane's results: what `replay wasm` finds on a trace, beside [`Results`] of the native lane.
//!
//! They are a document of their own, [`WASM_FILE`], in the same folder: both can be measured again without the other.
//! [`load`](crate::load()) puts those of the same trace into [`Results::wasm`].
//!
//! `docs/wasm.md` says what each figure is, and how it is measured.
//!
//! [`Results`]: crate::results::Results
//! [`Results::wasm`]: crate::results::Results::wasm

use serde::{Deserialize, Serialize};

use crate::results::figure::Figure;
use crate::results::latency::CallKind;
use crate::results::role::Role;

/// The name under which they are saved.
pub const WASM_FILE: &str = "wasm.json";

/// The version of the document. It grows when a field changes its meaning or goes away.
pub const WASM_SCHEMA_VERSION: u32 = 1;

/// Why an allocator has no time if no round was asked for.
pub const NOT_TIMED: &str = "no round was timed";

/// What the allocators of a trace gave as modules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WasmResults {
    /// [`WASM_SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// Name of the trace.
    pub trace: String,
    /// SHA-256 of the trace's uncompressed text, in hexadecimal.
    pub sha256: String,
    /// Events of the trace.
    pub events: u64,
    /// The engines with their versions, or why one is not there.
    pub engines: Vec<Figure<String>>,
    /// The compiler of the modules.
    pub compiler: String,
    /// Optimisation level of the modules that were replayed.
    pub opt_level: String,
    /// Whether every new byte was written.
    pub touch: bool,
    /// Pages that an allocator may add to its memory.
    pub limit_pages: u64,
    /// Timing rounds.
    pub rounds: u32,
    /// The allocator that ratios are relative to.
    pub reference: String,
    /// A row for each allocator, the floor last.
    pub rows: Vec<WasmRow>,
}

/// What was found about an allocator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WasmRow {
    /// Its name. If the native lane has the same allocator, its name there.
    pub name: String,
    /// The version of its crate.
    pub version: String,
    /// Whether you could ship it.
    pub role: Role,
    /// What it adds to a module; the floor adds none.
    pub sizes: Figure<ModuleSizes>,
    /// Its pages, once every block was checked.
    pub memory: Figure<Observation>,
    /// What its calls cost in fuel; `None` if no engine counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fuel: Option<Figure<FuelSummary>>,
    /// Its times, one entry for each tier of each engine, in the same order for all rows.
    pub times: Vec<TierTimes>,
}

/// Bytes that an allocator adds to a module.
///
/// `whole_bytes` is more than the sum of the two sections by what the allocator needs of other sections: types,
/// globals, names of exports. A module that grows past a power of 128 also has a longer length somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedBytes {
    /// Of the whole file.
    pub whole_bytes: i64,
    /// Of the code section.
    pub code_bytes: i64,
    /// Of the data section. A static that begins as zeroes has none.
    pub data_bytes: i64,
}

/// The sizes of one allocator.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModuleSizes {
    /// At optimisation level z.
    pub z: AddedBytes,
    /// At z, and then through `wasm-opt -Oz`.
    pub z_wasm_opt: Figure<AddedBytes>,
    /// At s.
    pub s: AddedBytes,
    /// At 3.
    pub three: AddedBytes,
}

/// An event after which the memory was larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrownAt {
    /// The event, from 1.
    pub event: u64,
    /// Pages that the allocator has added so far.
    pub pages: u64,
}

/// What a watched replay has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Events that were replayed: fewer than the trace has if the time ran out.
    pub events: u64,
    /// Pages that the allocator has added to the memory. A memory of WebAssembly never shrinks, so this is both the peak
    /// and the end.
    pub grown_pages: u64,
    /// Events in which the memory grew.
    pub growing_events: u64,
    /// Calls of `memory.grow`, with those that failed.
    pub grow_calls: Figure<u64>,
    /// The course of the memory: every event in which it grew.
    pub growth: Vec<GrownAt>,
    /// Requests that failed.
    pub failed_requests: u64,
}

/// A call and its fuel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostlyCall {
    /// The event, from 1.
    pub event: u64,
    /// What was asked.
    pub kind: CallKind,
    /// For how many bytes.
    pub size_bytes: u32,
    /// What it cost.
    pub fuel: u64,
    /// Bytes live before it.
    pub live_bytes: u64,
    /// Objects live before it.
    pub live_objects: u64,
    /// Pages of the memory before it, with those of the module's own data and stack.
    pub pages: u64,
    /// Pages by which the memory grew in it.
    pub grown_pages: u64,
}

/// Fuel of calls of one kind and size class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFuel {
    /// What was asked.
    pub kind: CallKind,
    /// The sizes of the class go up to here; the class before it ends where this one begins. `None` for all that are
    /// larger, and the size of a realloc is the new one.
    pub up_to_bytes: Option<u64>,
    /// Calls.
    pub calls: u64,
    /// As for all calls.
    pub percentiles: [(f64, u64); 4],
    /// The most that one of them cost.
    pub most: u64,
}

/// Fuel of an allocator's calls: the operators that each executes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FuelSummary {
    /// The mean of an event, less that of the floor.
    pub net_per_op: f64,
    /// Bytes that `memory.copy` and `memory.fill` write for an event, which are not in the fuel.
    pub bulk_bytes_per_op: f64,
    /// Pairs of a share in per cent, and the fuel that this share of the calls does not exceed. The floor's is included.
    pub percentiles: [(f64, u64); 4],
    /// The call that cost the most, the first of them.
    pub worst: CostlyCall,
    /// Calls by what they ask for, and by size class; those without any calls are left out.
    pub by_class: Vec<ClassFuel>,
}

/// Times of an allocator in code of one tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierTimes {
    /// The engine's name, without its version.
    pub engine: String,
    /// The tier's name.
    pub tier: String,
    /// The first replay, on fresh pages.
    pub fresh: Figure<WasmTime>,
    /// A replay after others in the same memory.
    pub steady: Figure<WasmTime>,
}

/// A time over rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WasmTime {
    /// Time of each round's replay.
    pub gross_ns: Vec<u64>,
    /// Nanoseconds per event less the floor's, formed within rounds: median, and 95 % interval.
    pub net_ns_per_op: Figure<Spread>,
    /// Gross time over the reference's, formed within rounds: median, and 95 % interval.
    pub ratio: Figure<Spread>,
}

/// A median with its 95 % interval, which a single round does not have.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// Lower and upper end.
    pub interval: Option<[f64; 2]>,
}

impl WasmResults {
    /// The rows of allocators, without the floor.
    pub fn allocators(&self) -> impl Iterator<Item = &WasmRow> {
        self.rows.iter().filter(|row| row.role != Role::Floor)
    }
}

impl WasmRow {
    /// Calls of `memory.grow`; if the engine does not show them, events in which the memory grew.
    pub fn grows(&self) -> Option<u64> {
        self.memory.known().map(|memory| *memory.grow_calls.known().unwrap_or(&memory.growing_events))
    }

    /// Whether every request of the trace was served.
    pub fn served_all(&self) -> bool {
        self.memory.known().is_some_and(|memory| memory.failed_requests == 0)
    }
}

impl TierTimes {
    /// `Node, optimised`.
    pub fn name(&self) -> String {
        format!("{}, {}", self.engine, self.tier)
    }

    /// Whether there is a time at all.
    pub fn is_timed(&self) -> bool {
        self.fresh.known().is_some() || self.steady.known().is_some()
    }
}
