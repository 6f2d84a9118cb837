//! The sections of a WebAssembly module: enough of the binary format for sizes, and for a memory's limit.

use std::ops::Range;

use thiserror::Error;

/// The section with the memories.
const MEMORY: u8 = 5;
/// The section with the bodies of functions.
const CODE: u8 = 10;
/// The section with the initial contents of memory.
const DATA: u8 = 11;

/// Magic number and version.
const HEADER: &[u8] = b"\0asm\x01\0\0\0";

/// What is wrong with a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ModuleFault {
    /// Not a module of version 1.
    #[error("not a WebAssembly module")]
    NoModule,
    /// It ends within a section.
    #[error("the module ends within the section at byte {at}")]
    CutOff {
        /// Where the section begins.
        at: usize,
    },
    /// It does not have exactly one memory of 32-bit addresses.
    #[error("the module does not define exactly one memory of 32-bit addresses")]
    Memory,
}

/// A section of a module.
pub(crate) struct Section<'m> {
    pub(crate) id: u8,
    /// With the section's own header.
    whole: Range<usize>,
    pub(crate) content: &'m [u8],
}

/// Reads an unsigned number in LEB128, and moves `bytes` past it.
pub(crate) fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// Writes an unsigned number in LEB128.
pub(crate) fn push_number(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// All sections, in order.
pub(crate) fn sections(module: &[u8]) -> Result<Vec<Section<'_>>, ModuleFault> {
    let mut rest = module.strip_prefix(HEADER).ok_or(ModuleFault::NoModule)?;
    let mut sections = Vec::new();
    while let Some((&id, after)) = rest.split_first() {
        let at = module.len() - rest.len();
        rest = after;
        let bytes = number(&mut rest).ok_or(ModuleFault::CutOff { at })?;
        let length = usize::try_from(bytes).ok().filter(|&length| length <= rest.len());
        let (content, after) = rest.split_at(length.ok_or(ModuleFault::CutOff { at })?);
        rest = after;
        sections.push(Section { id, whole: at..module.len() - rest.len(), content });
    }
    Ok(sections)
}

/// Bytes of the code section and of the data section, without the sections' own headers.
///
/// # Errors
///
/// If the bytes are no module.
pub fn code_and_data_bytes(module: &[u8]) -> Result<(u64, u64), ModuleFault> {
    let sections = sections(module)?;
    let bytes =
        |id| sections.iter().filter(|section| section.id == id).map(|section| section.content.len() as u64).sum();
    Ok((bytes(CODE), bytes(DATA)))
}

/// The same module, with a maximum of `pages` more than its memory has at the start: growth beyond fails.
///
/// # Errors
///
/// If the bytes are no module, or it does not define exactly one memory.
pub fn with_most_grown_pages(module: &[u8], pages: u64) -> Result<Vec<u8>, ModuleFault> {
    /// All pages that 32-bit addresses reach.
    const MOST: u64 = 1 << 16;
    let sections = sections(module)?;
    let memory = sections.iter().find(|section| section.id == MEMORY).ok_or(ModuleFault::Memory)?;
    let mut content = memory.content;
    // A count of 1, and limits with or without a maximum.
    let start = match (number(&mut content), number(&mut content), number(&mut content)) {
        (Some(1), Some(0 | 1), Some(start)) => start,
        _ => return Err(ModuleFault::Memory),
    };
    let mut limits = vec![1, 1];
    push_number(&mut limits, start);
    push_number(&mut limits, (start + pages).min(MOST));
    let mut limited = module[..memory.whole.start].to_vec();
    limited.push(MEMORY);
    push_number(&mut limited, limits.len() as u64);
    limited.extend(limits);
    limited.extend(&module[memory.whole.end..]);
    Ok(limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with a memory of 2 pages, 3 bytes of code and 200 of data.
    fn module() -> Vec<u8> {
        let mut module = HEADER.to_vec();
        module.extend([MEMORY, 3, 1, 0, 2]);
        module.extend([CODE, 3, 1, 2, 3]);
        module.extend([DATA, 0xc8, 0x01]);
        module.extend([9; 200]);
        module
    }

    #[test]
    fn sections_are_counted_without_their_headers() {
        assert_eq!(code_and_data_bytes(&module()), Ok((3, 200)));
        assert_eq!(code_and_data_bytes(HEADER), Ok((0, 0)));
    }

    #[test]
    fn a_limit_changes_the_memory_and_nothing_else() {
        let limited = with_most_grown_pages(&module(), 300).unwrap();
        assert_eq!(limited[HEADER.len()..][..7], [MEMORY, 5, 1, 1, 2, 0xae, 0x02]);
        assert_eq!(limited[HEADER.len() + 7..], module()[HEADER.len() + 5..]);
        assert_eq!(code_and_data_bytes(&limited), Ok((3, 200)));
        // A second limit replaces the first.
        assert_eq!(with_most_grown_pages(&limited, 300).unwrap(), limited);
        let most = with_most_grown_pages(&module(), 1 << 20).unwrap();
        assert_eq!(most[HEADER.len()..][..8], [MEMORY, 6, 1, 1, 2, 0x80, 0x80, 0x04]);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(code_and_data_bytes(b"\0asm\x02\0\0\0"), Err(ModuleFault::NoModule));
        let whole = module();
        let cut = &whole[..whole.len() - 1];
        assert_eq!(code_and_data_bytes(cut), Err(ModuleFault::CutOff { at: 18 }));
        assert_eq!(code_and_data_bytes(&[HEADER, &[DATA, 0x80]].concat()), Err(ModuleFault::CutOff { at: 8 }));
        assert_eq!(with_most_grown_pages(HEADER, 1), Err(ModuleFault::Memory));
        let two = [HEADER, &[MEMORY, 5, 2, 0, 2, 0, 2]].concat();
        assert_eq!(with_most_grown_pages(&two, 1), Err(ModuleFault::Memory));
    }
}
