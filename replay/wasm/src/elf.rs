//! The sections of linked firmware: enough of ELF, 32 bits and little-endian, for what it takes of flash and of RAM.

use thiserror::Error;

/// Flags of a section: writable, and part of the program's memory.
const WRITABLE: u32 = 1;
const IN_MEMORY: u32 = 2;
const EXECUTABLE: u32 = 4;

/// Types of a section: without bytes in the file, and the Arm's tables for unwinding.
const NO_BYTES: u32 = 8;
const UNWINDING: u32 = 0x7000_0001;

/// The name of another part of these tables, which has no type of its own.
const UNWINDING_NAME: &[u8] = b".ARM.extab";

/// Not linked firmware for 32 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("not an ELF file of 32 bits whose sections can be read")]
pub(crate) struct ElfFault;

/// What a program takes, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Takes {
    /// Code, in flash.
    pub(crate) code: u64,
    /// Constants, in flash.
    pub(crate) constants: u64,
    /// Variables that do not begin as zeroes: in RAM, and what they begin with is in flash.
    pub(crate) data: u64,
    /// Variables that begin as zeroes, in RAM alone.
    pub(crate) zeroed: u64,
}

/// What a program takes, without the tables for unwinding, which firmware that ends at a panic discards.
///
/// # Errors
///
/// If the bytes are no such program.
pub(crate) fn takes(elf: &[u8]) -> Result<Takes, ElfFault> {
    read(elf).ok_or(ElfFault)
}

fn read(elf: &[u8]) -> Option<Takes> {
    // Magic number, 32 bits, little-endian.
    if !elf.starts_with(b"\x7fELF\x01\x01") {
        return None;
    }
    let half = |at: usize| Some(usize::from(u16::from_le_bytes(elf.get(at..)?.get(..2)?.try_into().ok()?)));
    let word = |at: usize| Some(u32::from_le_bytes(elf.get(at..)?.get(..4)?.try_into().ok()?));
    let place = |at: usize| usize::try_from(word(at)?).ok();
    let (headers, bytes, count, names) = (place(0x20)?, half(0x2e)?, half(0x30)?, half(0x32)?);
    let header = |index: usize| headers.checked_add(index.checked_mul(bytes)?);
    let names = place(header(names)?.checked_add(0x10)?)?;
    let mut takes = Takes::default();
    for index in 0..count {
        let at = header(index)?;
        let (name, kind, flags, size) = (place(at)?, word(at + 4)?, word(at + 8)?, u64::from(word(at + 0x14)?));
        let name = elf.get(names.checked_add(name)?..)?;
        if flags & IN_MEMORY == 0 || kind == UNWINDING || name.starts_with(UNWINDING_NAME) {
            continue;
        }
        let part = match () {
            () if kind == NO_BYTES => &mut takes.zeroed,
            () if flags & EXECUTABLE != 0 => &mut takes.code,
            () if flags & WRITABLE != 0 => &mut takes.data,
            () => &mut takes.constants,
        };
        *part += size;
    }
    Some(takes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with these sections: name, type, flags and size.
    fn program(sections: &[(&str, u32, u32, u32)]) -> Vec<u8> {
        let mut elf = b"\x7fELF\x01\x01".to_vec();
        elf.resize(0x34, 0);
        let names_at = elf.len();
        let mut names = Vec::new();
        for (name, ..) in sections {
            elf.extend(name.as_bytes());
            elf.push(0);
            names.push(elf.len() - name.len() - 1 - names_at);
        }
        let headers_at = elf.len() as u32;
        elf[0x20..0x24].copy_from_slice(&headers_at.to_le_bytes());
        elf[0x2e..0x30].copy_from_slice(&40_u16.to_le_bytes());
        elf[0x30..0x32].copy_from_slice(&(sections.len() as u16 + 1).to_le_bytes());
        elf[0x32..0x34].copy_from_slice(&(sections.len() as u16).to_le_bytes());
        let mut header = |name: usize, kind: u32, flags: u32, offset: usize, size: u32| {
            for word in [name as u32, kind, flags, 0, offset as u32, size, 0, 0, 0, 0] {
                elf.extend(word.to_le_bytes());
            }
        };
        for (&name, &(_, kind, flags, size)) in names.iter().zip(sections) {
            header(name, kind, flags, 0, size);
        }
        header(0, 3, 0, names_at, 0);
        elf
    }

    #[test]
    fn sections_count_by_what_they_are_for() {
        let elf = program(&[
            (".text", 1, IN_MEMORY | EXECUTABLE, 100),
            (".rodata", 1, IN_MEMORY, 20),
            (".data", 1, IN_MEMORY | WRITABLE, 8),
            (".bss", NO_BYTES, IN_MEMORY | WRITABLE, 1000),
            (".ARM.exidx", UNWINDING, IN_MEMORY, 16),
            (".ARM.extab", 1, IN_MEMORY, 12),
            (".debug_info", 1, 0, 5000),
            (".rodata.more", 1, IN_MEMORY, 3),
        ]);
        assert_eq!(takes(&elf), Ok(Takes { code: 100, constants: 23, data: 8, zeroed: 1000 }));
    }

    #[test]
    fn what_is_no_program_or_is_cut_off_is_refused() {
        let elf = program(&[(".text", 1, IN_MEMORY | EXECUTABLE, 100)]);
        for length in 0..elf.len() - 16 {
            assert_eq!(takes(&elf[..length]), Err(ElfFault), "{length}");
        }
        assert_eq!(takes(b"\x7fELF\x02\x01 and more bytes than a header of 64 bits has in all"), Err(ElfFault));
    }
}
