//! The address of a cell: everything that its figures depend on.

use std::fmt::Write as _;
use std::fs;

use heaprace_allocators::PageSize;
use heaprace_reports::results::{BuildProfile, Figure, SCHEMA_VERSION};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::SweepError;
use crate::contender::TouchPolicy;
use crate::environment;
use crate::field::Field;

/// Hexadecimal digits of an id: 64 bits, so that two cells of a sweep practically never collide.
const ID_DIGITS: usize = 16;

/// The build that measures. Figures of two builds are not merged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Build {
    /// Version of the results schema.
    pub schema_version: u32,
    /// Version of Heaprace.
    pub heaprace_version: String,
    /// The git revision. If the tree has uncommitted changes, or there is no revision, or a contender comes from elsewhere,
    /// `+` and a hash of the binary follow, because nothing else distinguishes two such builds.
    pub revision: String,
    /// The compiler.
    pub rustc: String,
    /// The profile.
    pub profile: BuildProfile,
    /// The target.
    pub target: String,
    /// Page size of the host, the unit of resident bytes.
    pub host_page_bytes: u64,
}

impl Build {
    /// This build with these contenders, on this host.
    ///
    /// # Errors
    ///
    /// If the binary must be read to identify it, and cannot be read.
    pub fn current(field: &Field) -> Result<Self, SweepError> {
        let from = environment::provenance();
        let revision = match from.git_revision {
            Figure::Known(revision) if !revision.ends_with("-dirty") && !field.has_own() => revision,
            Figure::Known(revision) => format!("{revision}+{}", own_hash()?),
            Figure::Unknown { .. } => format!("unknown+{}", own_hash()?),
        };
        Ok(Build {
            schema_version: SCHEMA_VERSION,
            heaprace_version: from.heaprace_version,
            revision,
            rustc: from.rustc,
            profile: from.profile,
            target: from.target,
            host_page_bytes: from.host_page_bytes,
        })
    }
}

/// A hash of this process's own binary.
fn own_hash() -> Result<String, SweepError> {
    let path = std::env::current_exe().map_err(|source| SweepError::Build { path: "the binary".into(), source })?;
    let bytes = fs::read(&path).map_err(|source| SweepError::Build { path, source })?;
    Ok(short_hash(&bytes))
}

/// Everything that the figures of a cell depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// The build that measures.
    pub build: Build,
    /// The content of the trace; its name does not matter.
    pub trace_sha256: String,
    /// The work to do.
    pub work: Work,
}

impl Key {
    /// The address of the cell.
    pub(super) fn id(&self) -> String {
        let text = serde_json::to_string(self).expect("plain data with string keys always serialises");
        short_hash(text.as_bytes())
    }
}

/// The work of a cell on its trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Computes the bounds of the trace, which do not depend on any contender.
    Bounds,
    /// Measures a contender.
    Contender {
        /// The contender's name.
        name: String,
        /// Version of its crate.
        version: String,
        /// How it is measured.
        settings: CellSettings,
    },
}

/// How a contender is measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSettings {
    /// Page size of the heap.
    #[serde(rename = "page_bytes", with = "page_bytes")]
    pub page: PageSize,
    /// Maximum pages of the heap.
    pub heap_limit_pages: usize,
    /// What is written into new blocks while timing.
    pub touch: TouchPolicy,
    /// Timing rounds; 0 for memory figures only.
    pub rounds: u32,
    /// Seed of the round order.
    pub seed: u64,
    /// Whether every round uses fresh processes.
    pub rigorous: bool,
    /// Whether single calls are timed.
    pub latency: bool,
    /// Whether instructions are counted.
    pub instructions: bool,
    /// Whether the minimum heap is searched for.
    pub min_heap: bool,
    /// Whether every block is checked first.
    pub verify: bool,
    /// Time limit of the contender for each part; `None` for no limit.
    pub budget_ns: Option<u64>,
}

/// The defaults of `replay --trace`.
impl Default for CellSettings {
    fn default() -> Self {
        let page = PageSize::WASM;
        CellSettings {
            page,
            heap_limit_pages: (4 << 30) / page.bytes(),
            touch: TouchPolicy::default(),
            rounds: 15,
            seed: 1,
            rigorous: false,
            latency: false,
            instructions: false,
            min_heap: false,
            verify: true,
            budget_ns: None,
        }
    }
}

/// Serialises a page size as its bytes.
mod page_bytes {
    use heaprace_allocators::PageSize;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(page: &PageSize, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(page.bytes() as u64)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PageSize, D::Error> {
        PageSize::from_bytes(usize::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// The first digits of a SHA-256.
fn short_hash(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(ID_DIGITS / 2).fold(String::with_capacity(ID_DIGITS), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all text");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            build: Build {
                schema_version: 3,
                heaprace_version: "0.1.0".into(),
                revision: "9700486".into(),
                rustc: "rustc 1.95.0".into(),
                profile: BuildProfile::Release,
                target: "x86_64-unknown-linux-gnu".into(),
                host_page_bytes: 4096,
            },
            trace_sha256: "e3b0c442".into(),
            work: contender("talc", "5.1.1", CellSettings::default()),
        }
    }

    fn contender(name: &str, version: &str, settings: CellSettings) -> Work {
        Work::Contender { name: name.into(), version: version.into(), settings }
    }

    /// A changed id is not a bug in itself, but it makes every finished cell run again.
    #[test]
    fn an_id_is_stable() {
        assert_eq!(key().id(), "b53b278937be7364");
    }

    #[test]
    fn an_id_changes_with_everything_that_matters() {
        let build = |change: fn(&mut Build)| {
            let mut key = key();
            change(&mut key.build);
            key
        };
        let settings = |change: fn(&mut CellSettings)| {
            let mut settings = CellSettings::default();
            change(&mut settings);
            Key { work: contender("talc", "5.1.1", settings), ..key() }
        };
        let keys = [
            key(),
            build(|build| build.schema_version = 4),
            build(|build| build.heaprace_version = "0.1.1".into()),
            build(|build| build.revision = "9700487".into()),
            build(|build| build.rustc = "rustc 1.96.0".into()),
            build(|build| build.profile = BuildProfile::Debug),
            build(|build| build.target = "aarch64-unknown-linux-gnu".into()),
            build(|build| build.host_page_bytes = 16_384),
            Key { trace_sha256: "e3b0c443".into(), ..key() },
            Key { work: Work::Bounds, ..key() },
            Key { work: contender("bump", "5.1.1", CellSettings::default()), ..key() },
            Key { work: contender("talc", "5.1.2", CellSettings::default()), ..key() },
            settings(|settings| settings.page = PageSize::MIN),
            settings(|settings| settings.heap_limit_pages -= 1),
            settings(|settings| settings.touch = TouchPolicy::First),
            settings(|settings| settings.rounds = 0),
            settings(|settings| settings.seed = 2),
            settings(|settings| settings.rigorous = true),
            settings(|settings| settings.latency = true),
            settings(|settings| settings.instructions = true),
            settings(|settings| settings.min_heap = true),
            settings(|settings| settings.verify = false),
            settings(|settings| settings.budget_ns = Some(1)),
        ];
        let mut ids: Vec<String> = keys.iter().map(Key::id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), keys.len());
        for key in keys {
            let json = serde_json::to_string(&key).unwrap();
            assert_eq!(serde_json::from_str::<Key>(&json).unwrap(), key, "{json}");
        }
    }

    /// Two builds with uncommitted changes have the same revision, but must not share cells.
    #[test]
    fn a_build_with_changes_is_identified_by_its_binary() {
        let revision = Build::current(&Field::registered()).unwrap().revision;
        assert_eq!(
            revision.contains('+'),
            revision.contains("-dirty") || revision.starts_with("unknown"),
            "{revision}"
        );
        assert_eq!(own_hash().unwrap().len(), ID_DIGITS);
    }
}
