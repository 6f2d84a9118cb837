//! Wasmtime, within this process: times, every call of `memory.grow`, and what each call costs in fuel.
//!
//! Fuel counts the operators that a module executes. It does not depend on the machine, and repeats exactly. By
//! default a byte that `memory.copy` or `memory.fill` moves costs as much as an operator, which hides the allocator's
//! own work; here bulk bytes are counted apart.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use heaprace_engine::program::OpKind;
use heaprace_engine::time::processor::thread_time;
use heaprace_reports::results::Figure;
use heaprace_reports::wasm::{CostlyCall, Observation};
use wasmtime::{
    Config, Engine, Instance, Linker, Memory, Module, OperatorCost, ResourceLimiter, Store, TypedFunc, WasmParams,
    WasmResults,
};

use crate::fuel::FuelCosts;
use crate::host::{Answered, Ended, Host, HostError, Job, LAPS, Tier, TimedLap, TimedLaps, have_settled};
use crate::recording::{CHUNK_OPS, Operation, PAIR_BYTES, operations_in};
use crate::witness::Witness;

const TIERS: [Tier; 1] = [Tier { name: "cranelift", flags: &[] }];

/// Fuel that no replay uses up.
const PLENTY: u64 = 1 << 60;

/// The engine.
#[derive(Debug)]
pub struct Wasmtime {
    name: String,
}

/// Counts calls of `memory.grow`, also those that fail.
#[derive(Debug, Default)]
struct GrowCalls(u64);

impl ResourceLimiter for GrowCalls {
    fn memory_growing(&mut self, current: usize, _desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Creating a memory asks too.
        self.0 += u64::from(current > 0);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Default for Wasmtime {
    fn default() -> Self {
        Wasmtime { name: format!("Wasmtime {VERSION}") }
    }
}

/// The version that the manifest pins.
const VERSION: &str = "48.0.8";

fn failed(error: wasmtime::Error) -> HostError {
    HostError::Allocator(format!("the module trapped: {}", error.root_cause()))
}

fn broken(error: wasmtime::Error) -> HostError {
    HostError::Engine(format!("wasmtime: {error}"))
}

/// An allocator's instance, and its calls.
struct Instantiated {
    store: Store<GrowCalls>,
    instance: Instance,
    pages: TypedFunc<(), u32>,
}

impl Instantiated {
    fn start(engine: &Engine, job: Job<'_>, fuel: Option<u64>) -> Result<Self, HostError> {
        let module = Module::new(engine, fs::read(job.allocator)?).map_err(broken)?;
        let mut store = Store::new(engine, GrowCalls::default());
        store.limiter(|calls| calls);
        if let Some(fuel) = fuel {
            store.set_fuel(fuel).map_err(broken)?;
        }
        let instance = Instance::new(&mut store, &module, &[]).map_err(broken)?;
        let pages = function(&mut store, instance, "pages")?;
        Ok(Instantiated { store, instance, pages })
    }

    fn pages(&mut self) -> Result<u32, HostError> {
        self.pages.call(&mut self.store, ()).map_err(failed)
    }
}

fn function<P: WasmParams, R: WasmResults>(
    store: &mut Store<GrowCalls>,
    instance: Instance,
    name: &str,
) -> Result<TypedFunc<P, R>, HostError> {
    instance.get_typed_func(store, name).map_err(broken)
}

/// Sees a chunk's operations and answers.
type OnChunk<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> Result<(), HostError>;

/// The driver beside an allocator.
struct Session {
    guest: Instantiated,
    run: TypedFunc<u32, ()>,
    free: TypedFunc<u32, ()>,
    failed: TypedFunc<(), u32>,
    memory: Memory,
    ops: usize,
    answers: usize,
    start_pages: u32,
    file: File,
    /// `None` if it is too far away for a clock.
    deadline: Option<Instant>,
}

impl Session {
    fn start(job: Job<'_>, observe: bool) -> Result<Self, HostError> {
        let engine = Engine::default();
        let mut guest = Instantiated::start(&engine, job, None)?;
        let start_pages = guest.pages()?;
        let driver = Module::new(&engine, fs::read(job.driver)?).map_err(broken)?;
        let mut linker = Linker::new(&engine);
        linker.instance(&mut guest.store, "allocator", guest.instance).map_err(broken)?;
        let driver = linker.instantiate(&mut guest.store, &driver).map_err(broken)?;
        let store = &mut guest.store;
        let prepare: TypedFunc<u32, u32> = function(store, driver, "prepare")?;
        if prepare.call(&mut *store, job.recording.slots as u32).map_err(failed)? == 0 {
            return Err(HostError::Engine("no memory for the slots of the driver".to_owned()));
        }
        let run = match (observe, job.touch) {
            (true, _) => "replay_observed",
            (false, true) => "replay_touching",
            (false, false) => "replay",
        };
        let address = |store: &mut Store<GrowCalls>, name| -> Result<usize, HostError> {
            let address: TypedFunc<(), u32> = function(store, driver, name)?;
            Ok(address.call(store, ()).map_err(failed)? as usize)
        };
        Ok(Session {
            run: function(store, driver, run)?,
            free: function(store, driver, "replay")?,
            failed: function(store, driver, "failed")?,
            ops: address(store, "ops")?,
            answers: address(store, "answers")?,
            memory: driver
                .get_memory(&mut *store, "memory")
                .ok_or_else(|| HostError::Engine("the driver has no memory".to_owned()))?,
            guest,
            start_pages,
            file: job.recording.file()?,
            deadline: Instant::now().checked_add(job.budget),
        })
    }

    /// Replays pairs of the recording, chunk by chunk; `each` sees the operations and answers of a chunk. `None` if the time ran out.
    fn replay(
        &mut self,
        [from, pairs]: [u64; 2],
        run: TypedFunc<u32, ()>,
        each: OnChunk<'_>,
    ) -> Result<Option<Duration>, HostError> {
        self.file.seek(SeekFrom::Start(from * PAIR_BYTES as u64))?;
        let mut time = Duration::ZERO;
        let mut left = pairs as usize;
        while left > 0 {
            let count = left.min(CHUNK_OPS);
            left -= count;
            let bytes = count * PAIR_BYTES;
            self.file.read_exact(&mut self.memory.data_mut(&mut self.guest.store)[self.ops..][..bytes])?;
            let (used, start) = (thread_time(), Instant::now());
            run.call(&mut self.guest.store, count as u32).map_err(failed)?;
            let wall = start.elapsed();
            time += thread_time().zip(used).map_or(wall, |(now, used)| now - used);
            let memory = self.memory.data(&self.guest.store);
            each(&memory[self.ops..][..bytes], &memory[self.answers..][..bytes])?;
            if self.deadline.is_some_and(|deadline| Instant::now() > deadline) {
                return Ok(None);
            }
        }
        Ok(Some(time))
    }
}

impl Host for Wasmtime {
    fn name(&self) -> &str {
        &self.name
    }

    fn tiers(&self) -> &[Tier] {
        &TIERS
    }

    fn observe(&self, job: Job<'_>, checks: bool, answered: Answered<'_>) -> Result<Observation, HostError> {
        let mut session = Session::start(job, true)?;
        let base = session.guest.instance.get_global(&mut session.guest.store, "__heap_base");
        let base = base.and_then(|base| base.get(&mut session.guest.store).i32()).unwrap_or_default();
        let mut witness = Witness::new(job.recording.slots, base as u32, u64::from(session.start_pages), checks);
        session.guest.store.data_mut().0 = 0;
        let (run, unused) = (session.run.clone(), job.recording.unused_slot());
        session.replay([0, job.recording.pairs], run, &mut |ops, answers| {
            let word = |at: usize| u32::from_le_bytes([answers[at], answers[at + 1], answers[at + 2], answers[at + 3]]);
            for (pair, operation) in operations_in(ops, unused) {
                let at = pair * PAIR_BYTES;
                answered(operation, word(at));
                witness.see(operation, word(at), u64::from(word(at + 4)))?;
            }
            Ok(())
        })?;
        let mut seen = witness.finish();
        seen.grow_calls = Figure::Known(session.guest.store.data().0);
        Ok(seen)
    }

    fn time(&self, job: Job<'_>, _tier: Tier) -> Result<TimedLaps, HostError> {
        let mut session = Session::start(job, false)?;
        let [fewest, most] = LAPS;
        let (mut laps, mut failures) = (Vec::<TimedLap>::new(), 0);
        let (run, free, failed_so_far) = (session.run.clone(), session.free.clone(), session.failed.clone());
        loop {
            let Some(time) = session.replay([0, job.recording.pairs], run.clone(), &mut |_, _| Ok(()))? else {
                return Ok(TimedLaps { laps, ended: Some(Ended::Budget) });
            };
            let total = failed_so_far.call(&mut session.guest.store, ()).map_err(failed)?;
            let lap = TimedLap {
                ns: time.as_nanos() as u64,
                pages: u64::from(session.guest.pages()? - session.start_pages),
                failed: u64::from(total - failures),
            };
            failures = total;
            if laps.first().is_some_and(|first| lap.failed > first.failed) {
                return Ok(TimedLaps { laps, ended: Some(Ended::Full) });
            }
            laps.push(lap);
            if laps.len() >= most || laps.len() >= fewest && have_settled(&laps) {
                return Ok(TimedLaps { laps, ended: None });
            }
            let left = [job.recording.pairs, job.recording.freeing_pairs];
            session.replay(left, free.clone(), &mut |_, _| Ok(()))?;
        }
    }

    fn fuel(&self, job: Job<'_>) -> Option<Result<FuelCosts, HostError>> {
        Some(costs(job))
    }
}

/// The fuel of every call of a replay: in one replay without, and in another with a unit for each bulk byte.
fn costs(job: Job<'_>) -> Result<FuelCosts, HostError> {
    let mut costs = fuel_of_calls(job, 0)?;
    let with_bytes = fuel_of_calls(job, 1)?;
    costs.bulk_bytes = with_bytes.total - costs.total;
    Ok(costs)
}

/// The fuel of every call. `memory.copy` and `memory.fill` cost `per_byte` for each byte.
fn fuel_of_calls(job: Job<'_>, per_byte: u8) -> Result<FuelCosts, HostError> {
    let mut cost = OperatorCost::new();
    cost.variable.memory_copy_per_byte = per_byte;
    cost.variable.memory_fill_per_byte = per_byte;
    let mut config = Config::new();
    config.consume_fuel(true).operator_cost(cost);
    let engine = Engine::new(&config).map_err(broken)?;
    let mut guest = Instantiated::start(&engine, job, Some(PLENTY))?;
    let (store, instance) = (&mut guest.store, guest.instance);
    let alloc: TypedFunc<(u32, u32), u32> = function(store, instance, "alloc")?;
    let alloc_zeroed: TypedFunc<(u32, u32), u32> = function(store, instance, "alloc_zeroed")?;
    let dealloc: TypedFunc<(u32, u32, u32), ()> = function(store, instance, "dealloc")?;
    let realloc: TypedFunc<(u32, u32, u32, u32), u32> = function(store, instance, "realloc")?;
    let memory = instance
        .get_memory(&mut *store, "memory")
        .ok_or_else(|| HostError::Allocator("the module exports no memory".to_owned()))?;
    let deadline = Instant::now().checked_add(job.budget);
    let mut slots = vec![0; job.recording.slots];
    let (mut live_bytes, mut live_objects) = (0, 0);
    let mut costs = FuelCosts::default();
    for (event, operation) in (1..).zip(job.recording.operations()?) {
        let (_, Operation { kind, slot, size, align, old_size }) = operation?;
        let pages = memory.size(&*store);
        let before = fuel(store)?;
        let slot = &mut slots[slot];
        let was_live = *slot != 0;
        match kind {
            OpKind::Alloc => *slot = alloc.call(&mut *store, (size, align)).map_err(failed)?,
            OpKind::AllocZeroed => *slot = alloc_zeroed.call(&mut *store, (size, align)).map_err(failed)?,
            _ if *slot == 0 => continue,
            OpKind::Dealloc => {
                dealloc.call(&mut *store, (*slot, size, align)).map_err(failed)?;
                *slot = 0;
            }
            OpKind::Realloc => {
                let old = *slot;
                *slot = realloc.call(&mut *store, (old, old_size, align, size)).map_err(failed)?;
                if *slot == 0 {
                    dealloc.call(&mut *store, (old, old_size, align)).map_err(failed)?;
                }
            }
        }
        let is_live = *slot != 0;
        costs.add(CostlyCall {
            event,
            kind: kind.into(),
            size_bytes: size,
            fuel: before - fuel(store)?,
            live_bytes,
            live_objects,
            pages,
            grown_pages: memory.size(&*store) - pages,
        });
        if was_live {
            live_bytes -= u64::from(if kind == OpKind::Realloc { old_size } else { size });
            live_objects -= 1;
        }
        if is_live {
            live_bytes += u64::from(size);
            live_objects += 1;
        }
        if event % CHUNK_OPS as u64 == 0 && deadline.is_some_and(|deadline| Instant::now() > deadline) {
            return Err(HostError::Allocator(format!("the time budget ran out at event {event}")));
        }
    }
    Ok(costs)
}

fn fuel(store: &Store<GrowCalls>) -> Result<u64, HostError> {
    store.get_fuel().map_err(broken)
}
