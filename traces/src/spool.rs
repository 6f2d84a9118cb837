//! Copies of inputs that can be read only once: pipes, terminals and sockets.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::TraceError;
use crate::events::Events;
use crate::import::ImportOptions;
use crate::input;

/// The largest copy. More is an error, so that an endless input does not fill the disk.
const MOST_COPIED_BYTES: u64 = 16 << 30;

/// A copy without a name in the folder for temporary files. The system removes it when the last handle is closed, however
/// the program ends.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    file: Arc<File>,
}

impl Spool {
    /// Copies an input, which is checked on the way: what is no trace ends it early.
    pub(crate) fn copy(
        input: File,
        name: &str,
        options: ImportOptions,
        most_live_objects: usize,
    ) -> Result<Self, TraceError> {
        let failed = |source| TraceError::Open { file: name.to_owned(), source };
        if !cfg!(target_os = "linux") {
            return Err(TraceError::ReadOnce { file: name.to_owned() });
        }
        let file = nameless_file().map_err(|error| failed(not_kept(&error)))?;
        let copying = Copying { input, copy: file.try_clone().map_err(failed)?, copied_bytes: 0 };
        let mut events = Events::open(input::unpacked(copying, name)?, name, options)?;
        events.limit_live_objects(most_live_objects);
        events.try_for_each(|event| event.map(drop))?;
        Ok(Spool { file: Arc::new(file) })
    }

    /// A path that opens the copy from its beginning, in this process and in its children.
    pub(crate) fn path(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&*self.file);
        #[cfg(not(target_os = "linux"))]
        let descriptor = {
            let _ = &self.file;
            0
        };
        PathBuf::from(format!("/proc/{}/fd/{descriptor}", std::process::id()))
    }
}

/// A file that has no name any more.
fn nameless_file() -> io::Result<File> {
    let folder = std::env::temp_dir();
    loop {
        let path = folder.join(format!(".heaprace-{}-{:016x}", std::process::id(), fastrand::u64(..)));
        match File::options().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => return std::fs::remove_file(&path).map(|()| file),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

/// An input that is copied as it is read.
struct Copying {
    input: File,
    copy: File,
    copied_bytes: u64,
}

impl Read for Copying {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.copied_bytes += read as u64;
        if self.copied_bytes > MOST_COPIED_BYTES {
            return Err(io::Error::other("it has more than 16 GiB, and must be read several times: save it to a file"));
        }
        self.copy.write_all(&buffer[..read]).map_err(|error| not_kept(&error))?;
        Ok(read)
    }
}

fn not_kept(error: &io::Error) -> io::Error {
    let folder = std::env::temp_dir();
    io::Error::other(format!(
        "it must be read several times, and no copy can be kept in {}: {error}; set TMPDIR, or save it to a file",
        folder.display()
    ))
}
