//! The functions in a valgrind log, and their arguments.
//!
//! ```text
//! malloc, operators new, valloc     size | "size " size ", al " align
//! calloc                            count "," size
//! memalign, aligned_alloc,
//! posix_memalign                    ( "al " | "alignment " ) align ", size " size
//! realloc, reallocf                 pointer "," size
//! reallocarray                      pointer "," count "," size
//! free, operators delete            pointer { "," number }
//! ```
//!
//! Pointers are hexadecimal with `0x`, all else is decimal; a blank may follow a comma. Names are those of C and the
//! mangled ones of C++: `_Zn...` allocates, `_Zd...` frees. The zone functions of macOS have a zone before all other
//! arguments.

use crate::fault::shown;
use crate::import::call::{Call, calloc, product, rounded_align};
use crate::import::fault::ImportFault;
use crate::import::words::{decimal, hexadecimal};

/// What stands between a call and its result.
pub(super) const RESULT: &[u8] = b" = ";

/// The alignment of valloc, in bytes.
const PAGE_BYTES: u64 = 4096;

/// No arguments are longer. Without a limit, a long line of opening parentheses would take the square of its length.
const MOST_ARGUMENT_BYTES: usize = 200;

/// A call without its result.
#[derive(Debug)]
pub(super) enum BegunCall {
    Free {
        at: u64,
    },
    Alloc {
        size: u64,
        align: Option<u64>,
    },
    Calloc {
        count: u64,
        size: u64,
    },
    Realloc {
        from: u64,
        size: u64,
        repeats: bool,
    },
    Reallocarray {
        from: u64,
        count: u64,
        size: u64,
    },
    /// It changes no block.
    Query,
    /// It may allocate.
    Unknown,
}

/// The name of the function with whose call a text begins.
pub(super) fn name(text: &[u8]) -> Option<&[u8]> {
    let end = text.iter().position(|&byte| !(byte.is_ascii_alphanumeric() || byte == b'_'))?;
    (end > 0 && text[end] == b'(').then_some(&text[..end])
}

impl BegunCall {
    /// The call that a text begins with, and what follows it.
    pub(super) fn read(text: &[u8]) -> Result<Option<(Self, &[u8])>, Box<ImportFault>> {
        let Some(full_name) = name(text) else { return Ok(None) };
        let after_name = &text[full_name.len() + 1..];
        let end = after_name.iter().take(MOST_ARGUMENT_BYTES).position(|&byte| byte == b')');
        let (arguments, rest) = match end {
            Some(end) => (&after_name[..end], &after_name[end + 1..]),
            None => (after_name, &b""[..]),
        };
        let zone_less = [&b"malloc_zone_"[..], b"zone_"].iter().find_map(|prefix| full_name.strip_prefix(*prefix));
        let mut arguments = CallArguments { left: Some(arguments), call: text };
        let Some(family) = Signature::of(zone_less.unwrap_or(full_name)) else {
            let follows = rest.is_empty() || rest.starts_with(RESULT) || name(rest).is_some();
            let is_call = end.is_some() && follows && arguments.are_numbers();
            return Ok(is_call.then_some((BegunCall::Unknown, rest)));
        };
        if end.is_none() {
            return Err(broken(text));
        }
        if zone_less.is_some() {
            arguments.pointer()?;
        }
        let begun = family.read(&mut arguments)?;
        arguments.end()?;
        Ok(Some((begun, rest)))
    }

    /// Whether this realloc and the call after it are one call.
    pub(super) fn becomes(&self, next: &BegunCall) -> bool {
        match (self, next) {
            (BegunCall::Realloc { from: 0, size, .. }, BegunCall::Alloc { size: same, .. }) => size == same,
            (BegunCall::Realloc { from, size: 0, .. }, BegunCall::Free { at }) => from == at,
            _ => false,
        }
    }

    /// Whether the call fails because its size is too large for the machine.
    pub(super) fn overflows(&self) -> bool {
        match self {
            BegunCall::Calloc { count, size } | BegunCall::Reallocarray { count, size, .. } => {
                count.checked_mul(*size).is_none()
            }
            _ => false,
        }
    }

    pub(super) fn repeats_its_result(&self) -> bool {
        matches!(self, BegunCall::Reallocarray { .. } | BegunCall::Realloc { repeats: true, .. })
    }

    /// The call with its result.
    pub(super) fn returned(self, at: u64) -> Result<Call, Box<ImportFault>> {
        Ok(match self {
            BegunCall::Alloc { size, align } => Call::Alloc { at, size, align, zeroed: false },
            BegunCall::Calloc { count, size } => calloc(at, count, size)?,
            BegunCall::Realloc { from, size, .. } => Call::Realloc { from, to: at, size },
            BegunCall::Reallocarray { from, count, size } => {
                Call::Realloc { from, to: at, size: product(at, count, size)? }
            }
            BegunCall::Free { .. } | BegunCall::Query | BegunCall::Unknown => Call::Free { at: 0 },
        })
    }
}

/// Functions with the same arguments.
enum Signature {
    Malloc,
    Valloc,
    Calloc,
    Memalign,
    Realloc { repeats: bool },
    Reallocarray,
    Free,
    Query,
}

impl Signature {
    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"malloc" => Signature::Malloc,
            b"valloc" | b"pvalloc" => Signature::Valloc,
            b"calloc" => Signature::Calloc,
            b"memalign" | b"aligned_alloc" | b"posix_memalign" => Signature::Memalign,
            b"realloc" => Signature::Realloc { repeats: false },
            b"reallocf" => Signature::Realloc { repeats: true },
            b"reallocarray" => Signature::Reallocarray,
            b"free" | b"cfree" | b"free_sized" | b"free_aligned_sized" => Signature::Free,
            b"malloc_usable_size"
            | b"malloc_size"
            | b"dlmalloc_usable_size"
            | b"malloc_trim"
            | b"malloc_stats"
            | b"mallinfo"
            | b"mallinfo2"
            | b"mallopt" => Signature::Query,
            name if [&b"_Zn"[..], b"__builtin_new", b"__builtin_vec_new"]
                .iter()
                .any(|start| name.starts_with(start)) =>
            {
                Signature::Malloc
            }
            name if [&b"_Zd"[..], b"__builtin_delete", b"__builtin_vec_delete"]
                .iter()
                .any(|start| name.starts_with(start)) =>
            {
                Signature::Free
            }
            _ => return None,
        })
    }

    fn read(&self, arguments: &mut CallArguments<'_>) -> Result<BegunCall, Box<ImportFault>> {
        Ok(match self {
            Signature::Malloc if arguments.skip(b"size ") => {
                let size = arguments.decimal("size")?;
                if !arguments.skip(b"al ") {
                    return Err(broken(arguments.call));
                }
                BegunCall::Alloc { size, align: Some(rounded_align(arguments.decimal("alignment")?)) }
            }
            Signature::Malloc => BegunCall::Alloc { size: arguments.decimal("size")?, align: None },
            Signature::Valloc => BegunCall::Alloc { size: arguments.decimal("size")?, align: Some(PAGE_BYTES) },
            Signature::Calloc => {
                BegunCall::Calloc { count: arguments.decimal("count")?, size: arguments.decimal("size")? }
            }
            Signature::Memalign => {
                if !arguments.skip(b"al ") && !arguments.skip(b"alignment ") {
                    return Err(broken(arguments.call));
                }
                let align = rounded_align(arguments.decimal("alignment")?);
                if !arguments.skip(b"size ") {
                    return Err(broken(arguments.call));
                }
                BegunCall::Alloc { size: arguments.decimal("size")?, align: Some(align) }
            }
            Signature::Realloc { repeats } => {
                BegunCall::Realloc { from: arguments.pointer()?, size: arguments.decimal("size")?, repeats: *repeats }
            }
            Signature::Reallocarray => BegunCall::Reallocarray {
                from: arguments.pointer()?,
                count: arguments.decimal("count")?,
                size: arguments.decimal("size")?,
            },
            Signature::Free => {
                let at = arguments.pointer()?;
                while arguments.left.is_some() {
                    arguments.decimal("size")?;
                }
                BegunCall::Free { at }
            }
            Signature::Query => {
                arguments.left = None;
                BegunCall::Query
            }
        })
    }
}

/// The arguments of a call that are not read yet.
struct CallArguments<'a> {
    left: Option<&'a [u8]>,
    call: &'a [u8],
}

impl<'a> CallArguments<'a> {
    fn next(&mut self) -> Result<&'a [u8], Box<ImportFault>> {
        let left = self.left.ok_or_else(|| broken(self.call))?;
        let Some(comma) = left.iter().position(|&byte| byte == b',') else {
            self.left = None;
            return Ok(left);
        };
        let after = &left[comma + 1..];
        self.left = Some(after.strip_prefix(b" ").unwrap_or(after));
        Ok(&left[..comma])
    }

    fn decimal(&mut self, value: &'static str) -> Result<u64, Box<ImportFault>> {
        decimal(value, self.next()?)
    }

    fn pointer(&mut self) -> Result<u64, Box<ImportFault>> {
        hexadecimal("address", self.next()?)
    }

    /// Skips the label of the next argument, if it has this one.
    fn skip(&mut self, label: &[u8]) -> bool {
        let unlabelled = self.left.and_then(|left| left.strip_prefix(label));
        if unlabelled.is_some() {
            self.left = unlabelled;
        }
        unlabelled.is_some()
    }

    fn are_numbers(&self) -> bool {
        self.left.is_some_and(|left| left.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_, ".contains(byte)))
    }

    fn end(&self) -> Result<(), Box<ImportFault>> {
        if self.left.is_some() { Err(broken(self.call)) } else { Ok(()) }
    }
}

/// The fault of a line with a call that is none.
#[cold]
pub(super) fn broken(call: &[u8]) -> Box<ImportFault> {
    ImportFault::UnknownLine {
        found: shown(call),
        format: "a valgrind log",
        remedy: "a call reads \"malloc(size) = 0xaddress\"; the log is damaged: write it to a file of its own with --log-file",
    }
    .into()
}
