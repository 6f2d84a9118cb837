//! What a module must export so that a replay can call its allocator. An author's module is checked before it is run.

use thiserror::Error;

use crate::module::{ModuleFault, number, sections, with_most_grown_pages};

/// The sections with types, imports, functions, globals and exports.
const TYPES: u8 = 1;
const IMPORTS: u8 = 2;
const FUNCTIONS: u8 = 3;
const GLOBALS: u8 = 6;
const EXPORTS: u8 = 7;

/// Kinds of exports.
const FUNCTION: u8 = 0;
const MEMORY: u8 = 2;
const GLOBAL: u8 = 3;

/// Types of values.
const I32: u8 = 0x7f;
const TYPE_NAMES: [(u8, &str); 4] = [(I32, "i32"), (0x7e, "i64"), (0x7d, "f32"), (0x7c, "f64")];

/// The functions that a replay calls: names, and numbers of parameters and of results, all of them `i32`.
const CALLS: [(&str, usize, usize); 6] =
    [("alloc", 2, 1), ("alloc_zeroed", 2, 1), ("dealloc", 3, 0), ("realloc", 4, 1), ("touch", 3, 0), ("pages", 0, 1)];

/// Where the linker puts the end of the module's own data.
const HEAP_BASE: &str = "__heap_base";

/// Why a module is not one that can be replayed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InterfaceFault {
    /// Its sections cannot be read, or its memory is not one of 32-bit addresses.
    #[error(transparent)]
    Module(#[from] ModuleFault),
    /// A section is not as the specification has it, or has something that came later.
    #[error("its section {0} cannot be read")]
    Section(u8),
    /// It needs something from outside.
    #[error("it imports {0}, and a replay has nothing to give: an allocator gets pages by memory.grow")]
    Import(String),
    /// An export is missing.
    #[error("it exports no {kind} `{name}`; `heaprace_guest::export!` has all that are needed")]
    Missing {
        /// What the export is.
        kind: &'static str,
        /// Its name.
        name: &'static str,
    },
    /// A function has other parameters or results.
    #[error("its function `{name}` is {found}, and must be {wanted}")]
    Signature {
        /// The function's name.
        name: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        wanted: String,
    },
    /// The global is not an address.
    #[error("its global `__heap_base` is no i32")]
    HeapBase,
}

/// A function's parameters and results.
type Signature = [Vec<u8>; 2];

/// Checks that a module exports what a replay calls, and imports nothing.
///
/// # Errors
///
/// What is wrong with it first.
pub fn check(module: &[u8]) -> Result<(), InterfaceFault> {
    let sections = sections(module)?;
    let content = |id| sections.iter().find(|section| section.id == id).map_or(&[][..], |section| section.content);
    let mut imports = content(IMPORTS);
    if number(&mut imports).is_some_and(|count| count > 0) {
        let first = import(&mut imports).ok_or(InterfaceFault::Section(IMPORTS))?;
        return Err(InterfaceFault::Import(first));
    }
    let types = read(TYPES, content(TYPES), signature)?;
    let functions = read(FUNCTIONS, content(FUNCTIONS), number)?;
    let exports = read(EXPORTS, content(EXPORTS), export)?;
    let find = |kind, kind_name, name| {
        let found = exports.iter().find(|export| export.kind == kind && export.name == name);
        found.map(|export| export.index).ok_or(InterfaceFault::Missing { kind: kind_name, name })
    };
    find(MEMORY, "memory", "memory")?;
    with_most_grown_pages(module, 0)?;
    for (name, parameters, results) in CALLS {
        let index = find(FUNCTION, "function", name)?;
        let of = usize::try_from(index).ok().and_then(|index| functions.get(index));
        let found = of.and_then(|&of| types.get(usize::try_from(of).ok()?)).ok_or(InterfaceFault::Section(EXPORTS))?;
        let wanted = [vec![I32; parameters], vec![I32; results]];
        if *found != wanted {
            return Err(InterfaceFault::Signature { name, found: written(found), wanted: written(&wanted) });
        }
    }
    let index = find(GLOBAL, "global", HEAP_BASE)?;
    let globals = read(GLOBALS, content(GLOBALS), global)?;
    match usize::try_from(index).ok().and_then(|index| globals.get(index)) {
        Some(&I32) => Ok(()),
        _ => Err(InterfaceFault::HeapBase),
    }
}

/// The entries of a section: their number, and then each. A section that is not there has none.
fn read<T>(
    id: u8,
    mut content: &[u8],
    mut entry: impl FnMut(&mut &[u8]) -> Option<T>,
) -> Result<Vec<T>, InterfaceFault> {
    if content.is_empty() {
        return Ok(Vec::new());
    }
    let bytes = &mut content;
    let entries = number(bytes).and_then(|count| (0..count).map(|_| entry(bytes)).collect());
    entries.ok_or(InterfaceFault::Section(id))
}

fn byte(bytes: &mut &[u8]) -> Option<u8> {
    let (&first, rest) = bytes.split_first()?;
    *bytes = rest;
    Some(first)
}

/// As many bytes as their length says.
fn counted<'m>(bytes: &mut &'m [u8]) -> Option<&'m [u8]> {
    let length = usize::try_from(number(bytes)?).ok()?;
    let (first, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(first)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    counted(bytes).map(|text| String::from_utf8_lossy(text).into_owned())
}

fn signature(bytes: &mut &[u8]) -> Option<Signature> {
    const FUNCTION_TYPE: u8 = 0x60;
    if byte(bytes)? != FUNCTION_TYPE {
        return None;
    }
    Some([counted(bytes)?.to_vec(), counted(bytes)?.to_vec()])
}

/// The name of an import. What kind of thing it is follows, and is not read: one import is one too many.
fn import(bytes: &mut &[u8]) -> Option<String> {
    Some(format!("{}.{}", text(bytes)?, text(bytes)?))
}

struct Export {
    name: String,
    kind: u8,
    index: u64,
}

fn export(bytes: &mut &[u8]) -> Option<Export> {
    Some(Export { name: text(bytes)?, kind: byte(bytes)?, index: number(bytes)? })
}

/// The type of a global.
fn global(bytes: &mut &[u8]) -> Option<u8> {
    const END: u8 = 0x0b;
    let of = byte(bytes)?;
    let _mutable = byte(bytes)?;
    // Its initial value: instructions up to the end.
    loop {
        match byte(bytes)? {
            END => return Some(of),
            // i32.const, i64.const, global.get, ref.func: a number; it has no sign bit beyond its bytes.
            0x41 | 0x42 | 0x23 | 0xd2 => while byte(bytes)? >= 0x80 {},
            // f32.const and f64.const.
            0x43 => *bytes = bytes.get(4..)?,
            0x44 => *bytes = bytes.get(8..)?,
            // Sums and products of two.
            0x6a..=0x6c | 0x7c..=0x7e => {}
            _ => return None,
        }
    }
}

/// As in the text format.
fn written([parameters, results]: &Signature) -> String {
    let list = |values: &[u8]| {
        let name = |value: &u8| TYPE_NAMES.iter().find(|(of, _)| of == value).map_or("another type", |(_, name)| name);
        values.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    format!("({}) -> ({})", list(parameters), list(results))
}

#[cfg(test)]
mod tests {
    use crate::module::push_number;

    use super::*;

    /// A module of sections, each of them a list of entries.
    fn module(sections: &[(u8, &[Vec<u8>])]) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        for (id, entries) in sections {
            let mut content = Vec::new();
            push_number(&mut content, entries.len() as u64);
            content.extend(entries.concat());
            module.push(*id);
            push_number(&mut module, content.len() as u64);
            module.extend(content);
        }
        module
    }

    fn named(name: &str, kind: u8, index: u8) -> Vec<u8> {
        [&[name.len() as u8], name.as_bytes(), &[kind, index]].concat()
    }

    /// What each section of a sound module has.
    struct Parts {
        types: Vec<Vec<u8>>,
        imports: Vec<Vec<u8>>,
        global: Vec<u8>,
        exports: Vec<Vec<u8>>,
    }

    fn parts() -> Parts {
        let types = CALLS.iter().map(|&(_, parameters, results)| {
            let (parameters, results) = (vec![I32; parameters], vec![I32; results]);
            [&[0x60, parameters.len() as u8], &*parameters, &[results.len() as u8], &*results].concat()
        });
        let mut exports: Vec<_> = (0..).zip(CALLS).map(|(at, (name, ..))| named(name, FUNCTION, at)).collect();
        exports.extend([named("memory", MEMORY, 0), named(HEAP_BASE, GLOBAL, 0)]);
        Parts { types: types.collect(), imports: Vec::new(), global: vec![I32, 0, 0x41, 0x80, 0x80, 4, 0x0b], exports }
    }

    fn checked(parts: &Parts) -> Result<(), InterfaceFault> {
        let functions: Vec<Vec<u8>> = (0..6).map(|at| vec![at]).collect();
        let mut sections = vec![(TYPES, &*parts.types)];
        if !parts.imports.is_empty() {
            sections.push((IMPORTS, &parts.imports));
        }
        let (memory, global) = ([vec![0, 17]], [parts.global.clone()]);
        sections.extend([(FUNCTIONS, &*functions), (5, &memory), (GLOBALS, &global), (EXPORTS, &parts.exports)]);
        let module = module(&sections);
        let whole = check(&module);
        // Whatever it is cut to, it is no panic.
        for length in 0..module.len() {
            assert!(check(&module[..length]).is_err(), "{length}");
        }
        whole
    }

    #[test]
    fn a_module_with_all_exports_is_taken() {
        assert_eq!(checked(&parts()), Ok(()));
    }

    #[test]
    fn each_missing_export_is_named() {
        let names = CALLS.map(|(name, ..)| ("function", name)).into_iter();
        for (at, (kind, name)) in names.chain([("memory", "memory"), ("global", HEAP_BASE)]).enumerate() {
            let mut parts = parts();
            parts.exports.remove(at);
            assert_eq!(checked(&parts), Err(InterfaceFault::Missing { kind, name }));
        }
    }

    #[test]
    fn another_signature_is_shown_beside_the_right_one() {
        let mut wrong = parts();
        wrong.types[2] = vec![0x60, 2, I32, 0x7e, 1, I32];
        let fault = checked(&wrong).unwrap_err().to_string();
        assert_eq!(fault, "its function `dealloc` is (i32, i64) -> (i32), and must be (i32, i32, i32) -> ()");
        let mut wrong = parts();
        wrong.exports[1] = named("alloc_zeroed", FUNCTION, 9);
        assert_eq!(checked(&wrong), Err(InterfaceFault::Section(EXPORTS)));
    }

    #[test]
    fn an_import_is_refused_by_its_name() {
        let mut wrong = parts();
        wrong.imports.push([&[3], &b"env"[..], &[5], b"abort", &[FUNCTION, 0]].concat());
        let fault = checked(&wrong).unwrap_err().to_string();
        assert!(fault.starts_with("it imports env.abort, "), "{fault}");
    }

    #[test]
    fn a_heap_base_of_another_type_is_refused() {
        let mut wrong = parts();
        wrong.global = vec![0x7e, 0, 0x42, 0, 0x0b];
        assert_eq!(checked(&wrong), Err(InterfaceFault::HeapBase));
        wrong.global = vec![I32, 0, 0xff];
        assert_eq!(checked(&wrong), Err(InterfaceFault::Section(GLOBALS)));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(check(b"#!/bin/sh\n"), Err(InterfaceFault::Module(ModuleFault::NoModule)));
    }
}
