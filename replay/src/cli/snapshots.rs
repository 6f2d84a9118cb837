//! Writes snapshots of the contenders' heaps as CSV.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context;
use heaprace_engine::memory::metrics::Snapshot;

/// The file in the folder of a trace's results.
pub(crate) const FILE_NAME: &str = "snapshots.csv";

const HEADER: [&str; 6] = ["contender", "at", "event", "offset_bytes", "size_bytes", "since_event"];

/// A row for each object of each snapshot, contender by contender.
#[derive(Default)]
pub(crate) struct SnapshotFile(Option<csv::Writer<File>>);

impl SnapshotFile {
    /// Removes what an earlier run has left: it is not of these results.
    pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(FILE_NAME);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}, which is of an earlier run", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// Adds the snapshots of one contender; the file is made where there are any.
    pub(crate) fn add(&mut self, folder: &Path, contender: &str, snapshots: &[Snapshot]) -> anyhow::Result<()> {
        if snapshots.is_empty() {
            return Ok(());
        }
        let path = folder.join(FILE_NAME);
        let mut write = || -> anyhow::Result<()> {
            let file = match &mut self.0 {
                Some(file) => file,
                none => {
                    fs::create_dir_all(folder)?;
                    let mut file = csv::Writer::from_path(&path)?;
                    file.write_record(HEADER)?;
                    none.insert(file)
                }
            };
            for snapshot in snapshots {
                let (at, event) = (snapshot.instant.name(), snapshot.event);
                for object in &snapshot.objects {
                    let place = (object.offset_bytes, object.size_bytes, object.since_event);
                    file.serialize((contender, &at, event, place))?;
                }
            }
            file.flush().map_err(Into::into)
        };
        write().with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use heaprace_engine::memory::metrics::{Instant, PlacedObject};
    use heaprace_reports::results::Moment;

    use super::*;

    #[test]
    fn a_row_an_object() {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path();
        let object = |offset_bytes, size_bytes, since_event| PlacedObject { offset_bytes, size_bytes, since_event };
        let snapshot = |instant, objects| Snapshot { instant, event: 7, objects };
        let mut file = SnapshotFile::default();
        file.add(folder, "none", &[]).unwrap();
        assert!(!folder.join(FILE_NAME).exists(), "no file for nothing");
        let first = snapshot(Instant::At(Moment::PeakLive), vec![object(0, 5, 1), object(16, 100, 3)]);
        file.add(folder, "bump", &[first]).unwrap();
        file.add(folder, "talc", &[snapshot(Instant::Event(7), vec![object(8, 5, 1)])]).unwrap();
        let text = fs::read_to_string(folder.join(FILE_NAME)).unwrap();
        let expected = "contender,at,event,offset_bytes,size_bytes,since_event\nbump,peak-live,7,0,5,1\n\
            bump,peak-live,7,16,100,3\ntalc,7,7,8,5,1\n";
        assert_eq!(text, expected);
    }
}
