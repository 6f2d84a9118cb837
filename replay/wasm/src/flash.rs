//! What an allocator takes of a microcontroller: its bytes over those of a library that has the same calls and no
//! allocator, both linked as firmware.

use heaprace_reports::results::Figure;
use serde::Serialize;

use crate::elf::{Takes, takes};
use crate::guests::{Guest, ModuleOrigin, NONE};
use crate::size::{not_compiled, read};
use crate::workshop::{OptLevel, Workshop, WorkshopError};

/// Bytes that an allocator adds to firmware. Its heap is not in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AddedFlash {
    /// Of flash: code, constants, and what variables begin with.
    pub flash_bytes: i64,
    /// Of these: code.
    pub code_bytes: i64,
    /// Of RAM: variables.
    pub ram_bytes: i64,
}

/// What one allocator takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FlashSizes {
    /// At optimisation level z.
    pub z: AddedFlash,
    /// At s.
    pub s: AddedFlash,
    /// At 3.
    pub three: AddedFlash,
}

impl AddedFlash {
    fn over(with: Takes, none: Takes) -> Self {
        let flash = |takes: Takes| (takes.code + takes.constants + takes.data) as i64;
        let ram = |takes: Takes| (takes.data + takes.zeroed) as i64;
        AddedFlash {
            flash_bytes: flash(with) - flash(none),
            code_bytes: with.code as i64 - none.code as i64,
            ram_bytes: ram(with) - ram(none),
        }
    }
}

impl FlashSizes {
    /// Measures a guest; compiles what is not compiled yet. Unknown for a module of WebAssembly.
    ///
    /// # Errors
    ///
    /// If it does not compile or link.
    pub fn of(workshop: &Workshop, guest: &Guest) -> Result<Figure<Self>, WorkshopError> {
        if let ModuleOrigin::File(_) = guest.origin {
            return Ok(Figure::unknown("a module of WebAssembly; a package can be compiled for firmware"));
        }
        let at = |level| -> Result<AddedFlash, WorkshopError> {
            let of = |elf: Vec<u8>| takes(&elf).map_err(|fault| not_compiled(guest, fault));
            let (with, none) = (workshop.module(guest, level)?, workshop.feature(NONE, level)?);
            Ok(AddedFlash::over(of(read(&with)?)?, of(read(&none)?)?))
        };
        Ok(Figure::Known(FlashSizes { z: at(OptLevel::Z)?, s: at(OptLevel::S)?, three: at(OptLevel::Three)? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_with_a_beginning_are_in_flash_and_in_ram() {
        let none = Takes { code: 10, constants: 1, data: 0, zeroed: 4 };
        let with = Takes { code: 110, constants: 6, data: 24, zeroed: 12 };
        let added = AddedFlash { flash_bytes: 129, code_bytes: 100, ram_bytes: 32 };
        assert_eq!(AddedFlash::over(with, none), added);
    }
}
