//! The standard input of a program that runs many times: each run reads all of it.

use std::fs::File;
use std::io::{self, IsTerminal, Seek};
use std::os::fd::AsFd;
use std::process::Stdio;

/// What the program finds at its standard input.
#[derive(Debug)]
pub enum Input {
    /// That of this process, for a single run.
    Inherited,
    /// Nothing.
    Empty,
    /// This file, from its start.
    File(File),
}

impl Input {
    /// The standard input of this process, for any number of runs. A pipe is read to its end into a temporary file; a
    /// terminal counts as empty.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or the temporary file cannot be written.
    pub fn of_this_process() -> io::Result<Self> {
        let stdin = io::stdin();
        if stdin.is_terminal() {
            return Ok(Input::Empty);
        }
        let mut file = File::from(stdin.as_fd().try_clone_to_owned()?);
        if !file.metadata()?.is_file() {
            let mut copy = unnamed_file()?;
            io::copy(&mut file, &mut copy)?;
            file = copy;
        }
        Ok(Input::File(file))
    }

    /// The input of the next run.
    pub(super) fn next(&self) -> io::Result<Stdio> {
        match self {
            Input::Inherited => Ok(Stdio::inherit()),
            Input::Empty => Ok(Stdio::null()),
            Input::File(file) => {
                let mut file = file.try_clone()?;
                file.rewind()?;
                Ok(file.into())
            }
        }
    }
}

/// A file that is gone when it is closed.
fn unnamed_file() -> io::Result<File> {
    let path = std::env::temp_dir().join(format!(".heaprace-input.{}", std::process::id()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    Ok(file)
}
