//! What an allocator adds to a module: its bytes over those of a module that has the same exports and no allocator.

use std::io;
use std::path::Path;
use std::process::Command;

use heaprace_reports::results::Figure;
use heaprace_reports::wasm::{AddedBytes, ModuleSizes};

use crate::guests::NONE;
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

/// Measures a guest; compiles what is not compiled yet.
///
/// # Errors
///
/// If a module does not compile.
pub fn sizes_of(workshop: &Workshop, guest: &str) -> Result<ModuleSizes, WorkshopError> {
    let at = |level| -> Result<AddedBytes, WorkshopError> {
        let (module, none) = (workshop.module(guest, level)?, workshop.module(NONE, level)?);
        let added = added_bytes(&read(&module)?, &read(&none)?);
        added.map_err(|fault| not_compiled(guest, fault))
    };
    Ok(ModuleSizes {
        z: at(OptLevel::Z)?,
        z_wasm_opt: optimised(workshop, guest)?,
        s: at(OptLevel::S)?,
        three: at(OptLevel::Three)?,
    })
}

fn optimised(workshop: &Workshop, guest: &str) -> Result<Figure<AddedBytes>, WorkshopError> {
    let [module, none] = [guest, NONE].map(|name| workshop.module(name, OptLevel::Z));
    let [module, none] = [wasm_opt(&module?), wasm_opt(&none?)];
    Ok(match (module, none) {
        (Ok(module), Ok(none)) => match added_bytes(&module, &none) {
            Ok(added) => Figure::Known(added),
            Err(fault) => Figure::unknown(format!("wasm-opt: {fault}")),
        },
        (Err(reason), _) | (_, Err(reason)) => Figure::unknown(reason),
    })
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

fn read(file: &Path) -> Result<Vec<u8>, WorkshopError> {
    std::fs::read(file).map_err(|cause| crate::workshop::file_error(file, cause))
}

fn not_compiled(guest: &str, fault: ModuleFault) -> WorkshopError {
    WorkshopError::Compile { module: guest.to_owned(), message: fault.to_string() }
}
