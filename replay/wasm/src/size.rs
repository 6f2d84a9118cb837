//! What an allocator adds to a module: its bytes over those of a module that has the same exports and no allocator.

use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::Command;

use heaprace_reports::numbers::grouped;
use heaprace_reports::results::Figure;
use heaprace_reports::wasm::{AddedBytes, ModuleSizes};

use crate::guests::{Guest, ModuleOrigin, NONE};
use crate::module::{ModuleFault, code_and_data_bytes};
use crate::workshop::{OptLevel, Workshop, WorkshopError};

/// What `module` has more than `none`.
///
/// # Errors
///
/// If either is no module.
pub fn added_bytes(module: &[u8], none: &[u8]) -> Result<AddedBytes, ModuleFault> {
    let ((code, data), (none_code, none_data)) = (code_and_data_bytes(module)?, code_and_data_bytes(none)?);
    Ok(AddedBytes {
        whole_bytes: module.len() as i64 - none.len() as i64,
        code_bytes: code as i64 - none_code as i64,
        data_bytes: data as i64 - none_data as i64,
    })
}

/// Measures a guest; compiles what is not compiled yet. Unknown for a module that its author has compiled.
///
/// # Errors
///
/// If a module does not compile.
pub fn sizes_of(workshop: &Workshop, guest: &Guest) -> Result<Figure<ModuleSizes>, WorkshopError> {
    let failed = |fault: ModuleFault| not_compiled(guest, fault);
    if let ModuleOrigin::File(_) = guest.origin {
        let (code, data) = code_and_data_bytes(&read(&workshop.module(guest, OptLevel::Z)?)?).map_err(failed)?;
        return Ok(Figure::unknown(format!(
            "compiled by its author, with {} bytes of code and {} of data; a package would be compiled at each level",
            grouped(code),
            grouped(data)
        )));
    }
    let at = |level| -> Result<AddedBytes, WorkshopError> {
        let (module, none) = (workshop.module(guest, level)?, workshop.feature(NONE, level)?);
        added_bytes(&read(&module)?, &read(&none)?).map_err(failed)
    };
    Ok(Figure::Known(ModuleSizes {
        z: at(OptLevel::Z)?,
        z_wasm_opt: optimised(&workshop.module(guest, OptLevel::Z)?, &workshop.feature(NONE, OptLevel::Z)?),
        s: at(OptLevel::S)?,
        three: at(OptLevel::Three)?,
    }))
}

fn optimised(module: &Path, none: &Path) -> Figure<AddedBytes> {
    match (wasm_opt(module), wasm_opt(none)) {
        (Ok(module), Ok(none)) => match added_bytes(&module, &none) {
            Ok(added) => Figure::Known(added),
            Err(fault) => Figure::unknown(format!("wasm-opt: {fault}")),
        },
        (Err(reason), _) | (_, Err(reason)) => Figure::unknown(reason),
    }
}

/// The module as `wasm-opt -Oz` writes it, or the reason why there is none.
fn wasm_opt(module: &Path) -> Result<Vec<u8>, String> {
    let output = tempfile::NamedTempFile::new().map_err(|cause| format!("no temporary file: {cause}"))?;
    let run = Command::new("wasm-opt").args(["-Oz", "--all-features", "-o"]).arg(output.path()).arg(module).output();
    match run {
        Ok(run) if run.status.success() => {
            std::fs::read(output.path()).map_err(|cause| format!("wasm-opt's output: {cause}"))
        }
        Ok(run) => {
            let message = String::from_utf8_lossy(&run.stderr);
            Err(format!("wasm-opt failed: {}", message.lines().next().unwrap_or("without a message")))
        }
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Err("wasm-opt is not installed".to_owned()),
        Err(cause) => Err(format!("wasm-opt cannot be run: {cause}")),
    }
}

/// The file of a module.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>, WorkshopError> {
    std::fs::read(file).map_err(|cause| crate::workshop::file_error(file, cause))
}

/// What came of a compilation is not what it must be.
pub(crate) fn not_compiled(guest: &Guest, fault: impl Display) -> WorkshopError {
    WorkshopError::Compile { module: guest.name.clone().into_owned(), message: fault.to_string() }
}
