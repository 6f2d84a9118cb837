//! The sizes of allocators on one target, side by side: no trace is needed, and nothing is run.

use std::borrow::Cow;

use heaprace_reports::numbers::signed;
use heaprace_reports::results::{Figure, Role};
use heaprace_reports::table::{UNKNOWN, aligned, wrap};
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
        let mut notes = Vec::new();
        for row in &self.rows {
            let (cells, reasons) = row.sizes.cells();
            lines.push([vec![row.name.clone().into_owned()], cells].concat());
            for reason in reasons {
                match notes.iter_mut().find(|(known, _): &&mut (String, Vec<&str>)| *known == reason) {
                    Some((_, names)) => names.push(&row.name),
                    None => notes.push((reason, vec![&*row.name])),
                }
            }
        }
        let mut text = wrap(&heading, width, 0).join("\n") + "\n\n" + &aligned(&lines);
        let notes = notes.into_iter().flat_map(|(reason, names)| {
            let names = if names.len() == self.rows.len() { "all".to_owned() } else { names.join(", ") };
            wrap(&format!("{UNKNOWN} {names}: {reason}"), width, 2)
        });
        for (at, line) in notes.enumerate() {
            text += &format!("{}{line}\n", if at == 0 { "\n" } else { "" });
        }
        text
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
    fn cells(&self) -> (Vec<String>, Vec<String>) {
        let unknown = |reason: String| ([UNKNOWN; 6].map(str::to_owned).to_vec(), vec![reason]);
        match self {
            TargetSizes::Wasm(Figure::Known(ModuleSizes { z, z_wasm_opt, s, three })) => {
                let whole = |added: &AddedBytes| signed(added.whole_bytes);
                let (optimised, reason) = match z_wasm_opt {
                    Figure::Known(added) => (whole(added), None),
                    Figure::Unknown { unknown } => (UNKNOWN.to_owned(), Some(unknown.to_string())),
                };
                let cells =
                    vec![whole(z), signed(z.code_bytes), signed(z.data_bytes), optimised, whole(s), whole(three)];
                (cells, reason.into_iter().collect())
            }
            TargetSizes::Firmware(Figure::Known(FlashSizes { z, s, three })) => {
                let flash = |added: &AddedFlash| signed(added.flash_bytes);
                let ram = |added: &AddedFlash| signed(added.ram_bytes);
                (vec![flash(z), signed(z.code_bytes), flash(s), flash(three), ram(z), ram(three)], Vec::new())
            }
            TargetSizes::Wasm(Figure::Unknown { unknown: reason })
            | TargetSizes::Firmware(Figure::Unknown { unknown: reason }) => unknown(reason.to_string()),
        }
    }
}
