//! The sizes of allocators on one target, side by side: no trace is needed, and nothing is run.

use std::borrow::Cow;

use heaprace_reports::numbers::signed;
use heaprace_reports::results::{Figure, Role};
use heaprace_reports::table::{UNKNOWN, aligned, reasons, wrap};
use heaprace_reports::wasm::{AddedBytes, ModuleSizes};
use serde::Serialize;

use crate::flash::{AddedFlash, FlashSizes};
use crate::guests::Guest;
use crate::size::sizes_of;
use crate::target::Target;
use crate::workshop::{Workshop, WorkshopError};

/// The sizes on one target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeTable {
    /// The target's name.
    pub target: &'static str,
    /// The compiler.
    pub compiler: String,
    /// A row for each allocator.
    pub rows: Vec<SizeRow>,
}

/// An allocator and what it adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SizeRow {
    /// Its name.
    pub name: Cow<'static, str>,
    /// The version of its crate.
    pub version: Cow<'static, str>,
    /// Whether you could ship it.
    pub role: Role,
    /// What it adds.
    pub sizes: TargetSizes,
}

/// What an allocator adds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum TargetSizes {
    /// To a module of WebAssembly.
    Wasm(Figure<ModuleSizes>),
    /// To firmware.
    Firmware(Figure<FlashSizes>),
}

impl SizeTable {
    /// Measures these guests; compiles what is not compiled yet. `progress` is called with what is being done.
    ///
    /// # Errors
    ///
    /// If one does not compile.
    pub fn of(workshop: &Workshop, guests: &[Guest], progress: &mut dyn FnMut(&str)) -> Result<Self, WorkshopError> {
        let mut rows = Vec::new();
        for guest in guests {
            progress(&format!("compiling {}", guest.name));
            rows.push(SizeRow {
                name: guest.name.clone(),
                version: guest.version.clone(),
                role: guest.role,
                sizes: match workshop.target() {
                    Target::Wasm32 => TargetSizes::Wasm(sizes_of(workshop, guest)?),
                    Target::Thumbv7em => TargetSizes::Firmware(FlashSizes::of(workshop, guest)?),
                },
            });
        }
        Ok(SizeTable { target: workshop.target().triple(), compiler: workshop.compiler().to_owned(), rows })
    }

    /// The table, and why figures are missing, for a terminal of this width.
    pub fn text(&self, width: usize) -> String {
        let what = match self.rows.first().map(|row| &row.sizes) {
            Some(TargetSizes::Firmware(_)) => "firmware (flash; RAM without the heap)",
            _ => "a WebAssembly module",
        };
        let heading = format!("Bytes that an allocator adds to {what}, for {}, by {}", self.target, self.compiler);
        let mut lines: Vec<Vec<String>> = vec![self.header().map(str::to_owned).to_vec()];
        let mut missing = Vec::new();
        for row in &self.rows {
            let (cells, reason) = row.sizes.cells();
            lines.push([vec![row.name.clone().into_owned()], cells].concat());
            missing.extend(reason.map(|reason| (&*row.name, reason)));
        }
        wrap(&heading, width, 0).join("\n") + "\n\n" + &aligned(&lines) + &reasons(missing, self.rows.len(), width)
    }

    fn header(&self) -> [&'static str; 7] {
        match self.rows.first().map(|row| &row.sizes) {
            Some(TargetSizes::Firmware(_)) => ["", "flash at z", "code", "s", "3", "RAM at z", "RAM at 3"],
            _ => ["", "bytes at z", "code", "data", "-Oz", "s", "3"],
        }
    }
}

impl TargetSizes {
    /// A cell for each column, and why some are empty.
    fn cells(&self) -> (Vec<String>, Option<String>) {
        match self {
            TargetSizes::Wasm(Figure::Known(ModuleSizes { z, z_wasm_opt, s, three })) => {
                let whole = |added: &AddedBytes| signed(added.whole_bytes);
                let (optimised, reason) = match z_wasm_opt {
                    Figure::Known(added) => (whole(added), None),
                    Figure::Unknown { unknown } => (UNKNOWN.to_owned(), Some(unknown.to_string())),
                };
                let cells =
                    vec![whole(z), signed(z.code_bytes), signed(z.data_bytes), optimised, whole(s), whole(three)];
                (cells, reason)
            }
            TargetSizes::Firmware(Figure::Known(FlashSizes { z, s, three })) => {
                let flash = |added: &AddedFlash| signed(added.flash_bytes);
                let ram = |added: &AddedFlash| signed(added.ram_bytes);
                (vec![flash(z), signed(z.code_bytes), flash(s), flash(three), ram(z), ram(three)], None)
            }
            TargetSizes::Wasm(Figure::Unknown { unknown: reason })
            | TargetSizes::Firmware(Figure::Unknown { unknown: reason }) => {
                ([UNKNOWN; 6].map(str::to_owned).to_vec(), Some(reason.to_string()))
            }
        }
    }
}
