//! The header of a raw recording, as it is read.

use core::mem::offset_of;
use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use heaprace_recorder::escaped;
use heaprace_recorder::raw::{HEADER_BYTES, Header, MAGIC, Parent, VERSION};
use heaprace_recorder::run_time::RunTime;

use crate::error::TraceError;

/// What the header of a raw recording says about its process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NativeHeader {
    /// Records that were claimed, whether they were written or not; the calls so far if they were only counted.
    pub claimed: u64,
    /// The operating system's error code of the last time that the recording could not grow.
    pub errno: Option<i32>,
    /// Whether the calls were only counted, and none recorded.
    pub only_counted: bool,
    /// Whether blocks were filled, so that their extents are known.
    pub extents: bool,
    /// The times of the run, if the program exited and was recorded without extents.
    pub run_time: Option<RunTime>,
    /// Whether the program has exited, and neither by a signal nor by `_exit`.
    pub exited: bool,
    /// Bytes of private memory that were resident at the exit; 0 if that is not known.
    pub private_bytes: u64,
    /// How often the process has forked.
    pub forks: u64,
    /// The recording that this process is a fork of.
    pub parent: Option<Parent>,
    /// The program that the process was about to become.
    pub exec: Option<PathBuf>,
    /// The path by which the program was called.
    pub program: PathBuf,
    /// The path of the program's file.
    pub executable: PathBuf,
    /// The file of the allocator that served, if that is not the C library's.
    pub allocator: Option<PathBuf>,
    /// A function that gave out memory without being recorded, with the file that has it.
    pub bypass: Option<OsString>,
}

impl NativeHeader {
    /// Reads the header. `file` is the recording's name, as messages show it.
    ///
    /// # Errors
    ///
    /// [`TraceError::NotRaw`] if it is something else or of another version.
    pub fn read(mut input: impl Read, file: &str) -> Result<Self, TraceError> {
        let mut header = [0; HEADER_BYTES];
        input.read_exact(&mut header).map_err(|source| match source.kind() {
            io::ErrorKind::UnexpectedEof => TraceError::NotRaw { file: file.to_owned() },
            _ => TraceError::Open { file: file.to_owned(), source },
        })?;
        let number = |offset: usize| {
            u64::from_ne_bytes(header[offset..offset + 8].try_into().expect("the slice has 8 bytes by its bounds"))
        };
        let text = |offset: usize, bytes: usize| {
            let text = header[offset..offset + bytes].split(|&byte| byte == 0).next().unwrap_or_default();
            (!text.is_empty()).then(|| os_string(text))
        };
        macro_rules! number {
            ($($field:tt)+) => { number(offset_of!(Header, $($field)+)) };
        }
        macro_rules! text {
            ($field:ident, $bytes:expr) => {
                text(offset_of!(Header, $field), $bytes)
            };
        }
        if !header.starts_with(&MAGIC) || number!(version) != VERSION {
            return Err(TraceError::NotRaw { file: file.to_owned() });
        }
        let [wall_ns, cpu_ns, recorder_ns] = [0, 8, 16].map(|place| number(offset_of!(Header, run_ns) + place));
        let parent = Parent {
            process: number!(parent.process),
            number: number!(parent.number),
            claimed: number!(parent.claimed),
        };
        Ok(NativeHeader {
            claimed: number!(claimed),
            errno: Some(number!(errno) as i32).filter(|&errno| errno != 0),
            only_counted: number!(only_counted) != 0,
            extents: number!(extents) != 0,
            run_time: (wall_ns > 0).then_some(RunTime { wall_ns, cpu_ns, recorder_ns }),
            exited: number!(exited) != 0,
            private_bytes: number!(private_bytes),
            forks: number!(forks),
            parent: (parent.process != 0).then_some(parent),
            exec: text!(exec, PATH_BYTES).map(PathBuf::from),
            program: text!(program, PATH_BYTES).unwrap_or_default().into(),
            executable: text!(executable, PATH_BYTES).unwrap_or_default().into(),
            allocator: text!(allocator, NAME_BYTES).map(PathBuf::from),
            bypass: text!(bypass, NAME_BYTES),
        })
    }

    /// The name of the program: the last component of the path by which it was called, [`escaped`].
    pub fn name(&self) -> String {
        name_of(&self.program)
    }
}

/// Bytes of the header's paths, and of its shorter texts.
const PATH_BYTES: usize = offset_of!(Header, program) - offset_of!(Header, exec);
const NAME_BYTES: usize = offset_of!(Header, bypass) - offset_of!(Header, allocator);

/// The last component of a path, escaped; of a path without one, all of it.
pub(super) fn name_of(path: &Path) -> String {
    escaped(path.file_name().unwrap_or(path.as_os_str()).as_encoded_bytes())
}

#[cfg(unix)]
fn os_string(bytes: &[u8]) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}

#[cfg(not(unix))]
fn os_string(bytes: &[u8]) -> OsString {
    String::from_utf8_lossy(bytes).into_owned().into()
}
