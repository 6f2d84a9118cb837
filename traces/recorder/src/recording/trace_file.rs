//! The trace of a recording: a file that no other process records into meanwhile.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use crate::csv::{self, Columns};
use crate::error::WriteError;
use crate::event::Event;
use crate::file::{TraceFormat, WholeFile, numbered};
use crate::htrace;

/// Creates or empties a file, and locks it until it is closed. If another process has locked it, that one is recording
/// into it, so this one takes a file with its process id in its name, which is returned, too.
fn create_locked(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    if !file.metadata()?.is_file() {
        return Ok((file, None));
    }
    if lock(&file) {
        file.set_len(0)?;
        return Ok((file, None));
    }
    let own = numbered(path, &std::process::id().to_string());
    let file = File::create(&own)?;
    lock(&file);
    Ok((file, Some(own)))
}

/// Whether no other process has locked the file. It does not wait. Where files cannot be locked, none is.
fn lock(file: &File) -> bool {
    #[cfg(unix)]
    {
        // SAFETY: the file is open.
        let result = unsafe { libc::flock(std::os::fd::AsRawFd::as_raw_fd(file), libc::LOCK_EX | libc::LOCK_NB) };
        result == 0 || io::Error::last_os_error().kind() != io::ErrorKind::WouldBlock
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        true
    }
}

/// Lets other processes record into the file. Forked children keep it open, and with it the lock.
fn unlock(file: WholeFile) {
    #[cfg(unix)]
    // SAFETY: the file is open.
    unsafe {
        libc::flock(std::os::fd::AsRawFd::as_raw_fd(&file.file), libc::LOCK_UN)
    };
    drop(file);
}

/// The trace of a recording. It has its final name from the start, so what is written can be read whatever happens to
/// the process.
pub(super) enum TraceFile {
    Htrace(Box<htrace::HtraceWriter<WholeFile>>),
    Csv(csv::CsvWriter<WholeFile>),
}

impl TraceFile {
    /// Creates the file. If its ending is that of no format, it is binary. Returns its path, too, if that is another
    /// because a process is recording into the file.
    pub(super) fn create(
        path: &Path,
        columns: Columns,
        provenance: &[impl AsRef<str>],
    ) -> Result<(Self, Option<PathBuf>), WriteError> {
        let format = TraceFormat::of(path).unwrap_or(TraceFormat::Htrace);
        if format == TraceFormat::CsvZst {
            let cause = "the recorder does not compress; let the name end in .htrace or .csv";
            return Err(io::Error::new(io::ErrorKind::Unsupported, cause).into());
        }
        let (file, other) = create_locked(path)?;
        let file = WholeFile::from(file);
        let created = match format {
            TraceFormat::Csv => TraceFile::Csv(csv::CsvWriter::new(file, columns, provenance)?),
            _ => TraceFile::Htrace(Box::new(htrace::HtraceWriter::new(file, columns, provenance)?)),
        };
        Ok((created, other))
    }

    /// Writes one event.
    #[inline]
    pub(super) fn write(&mut self, event: &Event) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.write(event),
            TraceFile::Csv(writer) => writer.write(event),
        }
    }

    /// Writes a comment between the event before and the next one.
    pub(super) fn comment(&mut self, text: &str) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.comment(text),
            TraceFile::Csv(writer) => writer.comment(text),
        }
    }

    /// Writes the rest.
    pub(super) fn finish(self) -> Result<(), WriteError> {
        match self {
            TraceFile::Htrace(writer) => writer.finish().map(unlock),
            TraceFile::Csv(writer) => writer.finish().map(unlock),
        }
    }
}
