//! What `replay run` tells the process that it starts: the environment variable [`VARIABLE`].

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// The environment variable, as `PARENT:ALLOCATOR:PAGES:LOG`.
pub const VARIABLE: &str = "HEAPRACE_RUN";

/// The settings of a real run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSettings {
    /// The process whose child is served. The child's own children are not.
    pub parent: u32,
    /// The contender, by the name in the registry.
    pub allocator: String,
    /// Maximum pages of the heap.
    pub limit_pages: usize,
    /// The file of the [`log`](super::log).
    pub log: PathBuf,
}

impl RunSettings {
    /// The value of [`VARIABLE`].
    pub fn to_value(&self) -> OsString {
        let mut value = OsString::from(format!("{}:{}:{}:", self.parent, self.allocator, self.limit_pages));
        value.push(&self.log);
        value
    }

    /// The settings in such a value.
    pub fn parse(value: &OsStr) -> Option<Self> {
        let mut parts = value.as_bytes().splitn(4, |&byte| byte == b':');
        let mut text = || std::str::from_utf8(parts.next()?).ok();
        let (parent, allocator, pages) = (text()?, text()?, text()?);
        Some(RunSettings {
            parent: parent.parse().ok()?,
            allocator: allocator.to_owned(),
            limit_pages: pages.parse().ok()?,
            log: PathBuf::from(OsString::from_vec(parts.next()?.to_vec())),
        })
    }

    /// The settings of this process, if `replay run` has started it.
    ///
    /// They are read from `/proc`, because the first allocation of a process can be older than its environment in the C
    /// library.
    pub fn of_this_process() -> Option<Self> {
        let environment = fs::read("/proc/self/environ").ok()?;
        let mut variables = environment.split(|&byte| byte == 0);
        let value = variables.find_map(|it| it.strip_prefix(VARIABLE.as_bytes())?.strip_prefix(b"="))?;
        // SAFETY: asks for a number.
        let parent = unsafe { libc::getppid() };
        Self::parse(OsStr::from_bytes(value)).filter(|settings| i64::from(settings.parent) == i64::from(parent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_their_value() {
        let settings = RunSettings {
            parent: 4711,
            allocator: "swept-bump".to_owned(),
            limit_pages: 65_536,
            log: PathBuf::from("/folder/a:b"),
        };
        assert_eq!(RunSettings::parse(&settings.to_value()), Some(settings));
        for value in ["", "1:talc:3", "x:talc:3:/log", "1:talc:x:/log"] {
            assert_eq!(RunSettings::parse(OsStr::new(value)), None, "{value}");
        }
    }
}
