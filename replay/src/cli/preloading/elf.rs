//! What matters of an ELF file of this machine's word size and byte order. A file may claim anything: whatever is not
//! within it is not there.

use std::fs::File;
use std::os::unix::fs::FileExt;

const CLASS_64: u8 = 2;
const DATA: u8 = if cfg!(target_endian = "little") { 1 } else { 2 };
const PT_INTERP: u32 = 3;
const SHT_SYMTAB: u32 = 2;
const SHT_DYNSYM: u32 = 11;
const STT_FUNC: u8 = 2;
const HEADER_BYTES: usize = 64;
const SECTION_BYTES: usize = 64;
const SYMBOL_BYTES: usize = 24;
/// Larger tables are not read: so large a program takes its time, and a file may claim any size.
const MOST_TABLE_BYTES: usize = 1 << 28;

/// The beginning of a program's file.
pub(super) struct Elf<'a> {
    pub(super) machine: u16,
    /// The dynamic linker, where the program has one.
    pub(super) interpreter: Option<&'a [u8]>,
}

impl<'a> Elf<'a> {
    /// `None` where the bytes do not begin an ELF file. One of another word size or byte order has machine 0.
    pub(super) fn parse(head: &'a [u8]) -> Option<Self> {
        if !head.starts_with(b"\x7fELF") {
            return None;
        }
        if head.get(4..6)? != [CLASS_64, DATA] {
            return Some(Elf { machine: 0, interpreter: None });
        }
        let machine = half(head, 18)?;
        let table = word(head, 32)?;
        let (entry_bytes, entries) = (usize::from(half(head, 54)?), usize::from(half(head, 56)?));
        let mut interpreter = None;
        for entry in 0..entries {
            let start = table.checked_add(entry * entry_bytes)?;
            if number(head, start)? == PT_INTERP {
                let (offset, bytes) = (word(head, start.checked_add(8)?)?, word(head, start.checked_add(32)?)?);
                interpreter = Some(head.get(offset..offset.checked_add(bytes)?).unwrap_or_default());
            }
        }
        Some(Elf { machine, interpreter })
    }
}

/// The first function of `names` that an ELF file defines; `None` if it has none, or no table of its symbols.
pub(super) fn first_function(file: &File, names: &[&'static str]) -> Option<&'static str> {
    let header = read(file, 0, HEADER_BYTES)?;
    if !header.starts_with(b"\x7fELF") || header.get(4..6)? != [CLASS_64, DATA] {
        return None;
    }
    let entries = usize::from(half(&header, 60)?);
    let sections = read(file, word(&header, 40)?, entries.checked_mul(SECTION_BYTES)?)?;
    let contents = |index: usize| {
        let section = sections.get(index.checked_mul(SECTION_BYTES)?..)?;
        read(file, word(section, 24)?, word(section, 32)?)
    };
    let mut found: Option<usize> = None;
    for (index, section) in sections.chunks_exact(SECTION_BYTES).enumerate() {
        if ![SHT_SYMTAB, SHT_DYNSYM].contains(&number(section, 4)?) {
            continue;
        }
        let strings = number(section, 40).and_then(|index| contents(index as usize));
        let (Some(symbols), Some(strings)) = (contents(index), strings) else { continue };
        for symbol in symbols.chunks_exact(SYMBOL_BYTES) {
            let is_defined = half(symbol, 6)? != 0;
            if symbol[4] & 0xf != STT_FUNC || !is_defined {
                continue;
            }
            let rest = strings.get(number(symbol, 0)? as usize..).unwrap_or_default();
            let is = |name: &&str| rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0));
            let place = names.iter().position(is);
            found = place.map_or(found, |place| Some(found.map_or(place, |found| found.min(place))));
        }
    }
    found.and_then(|place| names.get(place)).copied()
}

/// These bytes of the file, if it has them and they are not too many.
fn read(file: &File, offset: usize, bytes: usize) -> Option<Vec<u8>> {
    let length = usize::try_from(file.metadata().ok()?.len()).ok()?;
    if bytes > MOST_TABLE_BYTES || offset.checked_add(bytes)? > length {
        return None;
    }
    let mut buffer = vec![0; bytes];
    file.read_exact_at(&mut buffer, offset as u64).ok()?;
    Some(buffer)
}

fn half(bytes: &[u8], start: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(start..start.checked_add(2)?)?.try_into().ok()?))
}

fn number(bytes: &[u8], start: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(start..start.checked_add(4)?)?.try_into().ok()?))
}

/// The 8-byte word at this place.
pub(super) fn word(bytes: &[u8], start: usize) -> Option<usize> {
    let bytes = bytes.get(start..start.checked_add(8)?)?;
    usize::try_from(u64::from_ne_bytes(bytes.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    /// This test, which has the tables of its symbols.
    fn this_test() -> Vec<u8> {
        fs::read("/proc/self/exe").unwrap()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// A header that lies must not make the reader panic.
    #[test]
    fn a_header_cut_off_or_full_of_ones_is_no_program() {
        let head = this_test();
        for length in 0..HEADER_BYTES {
            assert!(Elf::parse(&head[..length]).is_none_or(|elf| elf.interpreter.is_none()));
        }
        let mut wild = head[..HEADER_BYTES].to_vec();
        wild[32..HEADER_BYTES].fill(0xff);
        assert!(Elf::parse(&wild).is_none());
    }

    #[test]
    fn a_function_is_found_only_where_it_is_defined() {
        let file = File::open("/proc/self/exe").unwrap();
        assert_eq!(first_function(&file, &["no_such_function", "main"]), Some("main"));
        assert_eq!(first_function(&file, &["malloc", "mai", "main2"]), None, "malloc is the C library's");
    }

    #[test]
    fn tables_that_lie_have_no_functions() {
        let good = this_test();
        let sections = word(&good, 40).unwrap();
        for place in [40, 58, 60, sections + SECTION_BYTES + 24, sections + SECTION_BYTES + 32] {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[place..place + 2].fill(value);
                bad[place + 5] = value;
                let _ = first_function(&file(&bad), &["main"]);
            }
        }
        // Each field of the sections' headers, and of the symbols within them.
        let mut bad = good.clone();
        bad[sections..].fill(0xff);
        assert_eq!(first_function(&file(&bad), &["main"]), None);
        for length in [0, 10, HEADER_BYTES, sections, sections + 100] {
            assert_eq!(first_function(&file(&good[..length]), &["main"]), None, "{length} bytes");
        }
    }
}
