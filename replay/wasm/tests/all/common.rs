//! What tests need to run a guest.

use std::path::PathBuf;
use std::time::Duration;

use heaprace_engine::Program;
use heaprace_traces::CsvReader;
use heaprace_wasm::host::{Host, HostError, Job};
use heaprace_wasm::node::Node;
use heaprace_wasm::recording::Recording;
use heaprace_wasm::target::Target;
use heaprace_wasm::workshop::{OptLevel, Workshop, WorkshopError};

/// The workshop for WebAssembly, or a line that says why the test is skipped.
pub(crate) fn workshop() -> Option<Workshop> {
    workshop_for(Target::Wasm32)
}

/// The same for any target.
pub(crate) fn workshop_for(target: Target) -> Option<Workshop> {
    match Workshop::open(target) {
        Ok(workshop) => Some(workshop),
        Err(
            error @ (WorkshopError::NoTarget(_) | WorkshopError::NoCompiler { .. } | WorkshopError::NoLinker { .. }),
        ) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Modules and an engine.
pub(crate) struct Bench {
    pub(crate) workshop: Workshop,
    pub(crate) driver: PathBuf,
    pub(crate) node: Node,
}

impl Bench {
    /// `None` after a line that says what is missing.
    pub(crate) fn set_up() -> Option<Bench> {
        let workshop = workshop()?;
        let node = Node::find().inspect_err(|error| eprintln!("skipped: {error}")).ok()?;
        let driver = workshop.driver().unwrap();
        Some(Bench { workshop, driver, node })
    }

    /// The module of a guest.
    pub(crate) fn module(&self, guest: &str) -> PathBuf {
        self.workshop.feature(guest, OptLevel::Three).unwrap()
    }

    /// A replay of a guest's module, with every new byte written.
    pub(crate) fn job<'a>(&'a self, allocator: &'a PathBuf, recording: &'a Recording) -> Job<'a> {
        Job { allocator, driver: &self.driver, recording, touch: true, budget: Duration::from_secs(60) }
    }

    /// Pages, requests that failed, and addresses of a replay in Node.
    pub(crate) fn observe(&self, module: &PathBuf, recording: &Recording) -> Result<Observed, HostError> {
        let mut addresses = Vec::new();
        let observation =
            self.node.observe(self.job(module, recording), true, &mut |_, address| addresses.push(address))?;
        Ok(Observed { pages: observation.grown_pages, failed: observation.failed_requests, addresses })
    }
}

/// What a replay shows.
pub(crate) struct Observed {
    pub(crate) pages: u64,
    pub(crate) failed: u64,
    /// After each event, of its object's block.
    pub(crate) addresses: Vec<u32>,
}

/// The program of these events.
pub(crate) fn program(events: &str) -> Program {
    let text = format!("op,id,size,align\n{events}");
    Program::compile(CsvReader::new(text.as_bytes(), "test.csv").unwrap()).unwrap()
}

/// The recording of these events.
pub(crate) fn recording(events: &str) -> Recording {
    Recording::of(&program(events)).unwrap()
}
