//! How fast batches become bytes, and how fast they become durable: `cargo run --release -p storage --example log_throughput [FOLDER]`.
//!
//! Without a folder only the encoding is measured. With one, each batch is written and synced there, one after the other, as a node does it on its log thread.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    reason = "a measurement needs a clock, files and a voice"
)]

use bytes::Bytes;
use proto::ids::{ClusterId, GroupId, Incarnation, LogIndex, NodeId, Term};
use proto::peer::{ConsensusEntry, EntryKind};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use storage::disk::{self, Disk, DiskError, DiskOp};
use storage::log::{Log, LogOwner, Record};

const RUN: Duration = Duration::from_secs(3);

/// Files of a folder, without the care of the real one in `server`.
struct Folder {
    path: PathBuf,
    open: BTreeMap<String, File>,
    /// Nothing is written behind the first block, to measure encoding alone.
    discard: bool,
}

fn told(error: std::io::Error) -> DiskError {
    DiskError { place: String::new(), message: error.to_string(), full: false, sync: false }
}

impl Folder {
    fn file(&mut self, name: &str) -> Result<&File, DiskError> {
        if !self.open.contains_key(name) {
            let file = File::options().read(true).write(true).open(self.path.join(name)).map_err(told)?;
            self.open.insert(name.to_owned(), file);
        }
        Ok(&self.open[name])
    }
}

impl Disk for Folder {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        let entries = std::fs::read_dir(&self.path).map_err(told)?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        Ok(names)
    }

    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError> {
        Ok(std::fs::metadata(self.path.join(file)).ok().map(|found| found.len()))
    }

    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError> {
        let mut bytes = vec![0; len_bytes as usize];
        self.file(file)?.read_exact_at(&mut bytes, offset).map_err(told)?;
        Ok(Bytes::from(bytes))
    }

    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError> {
        self.open.insert(file.to_owned(), File::create(self.path.join(file)).map_err(told)?);
        self.write(file, 0, &vec![0; len_bytes as usize])
    }

    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        if self.discard && offset > 0 {
            return Ok(());
        }
        self.file(file)?.write_all_at(data, offset).map_err(told)
    }

    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        if self.discard { Ok(()) } else { self.file(file)?.sync_data().map_err(told) }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.open.remove(to);
        if let Some(file) = self.open.remove(from) {
            self.open.insert(to.to_owned(), file);
        }
        std::fs::rename(self.path.join(from), self.path.join(to)).map_err(told)?;
        self.sync_folder()
    }

    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.open.remove(file);
        let _ = std::fs::remove_file(self.path.join(file));
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<(), DiskError> {
        File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(told)
    }
}

fn measure(folder: &Path, discard: bool, batch_entries: u64, entry_bytes: usize) {
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).expect("a folder to measure in");
    let mut disk = Folder { path: folder.to_owned(), open: BTreeMap::new(), discard };
    let owner =
        LogOwner { cluster: ClusterId([1; 16]), node: NodeId(1), incarnation: Incarnation(1), core: 0 };
    let (mut log, _) = Log::open(&mut disk, &owner).expect("an empty folder");
    let data = Bytes::from(vec![7; entry_bytes]);
    let (groups, mut next, mut entries) = (8, [1; 8], 0u64);
    let mut encoding = Duration::ZERO;
    let start = Instant::now();
    while start.elapsed() < RUN {
        let encode = Instant::now();
        for (group, next) in (0..).zip(&mut next) {
            let batch: Vec<ConsensusEntry> = (*next..*next + batch_entries / groups)
                .map(|index| ConsensusEntry {
                    index: LogIndex(index),
                    term: Term(1),
                    kind: EntryKind::Normal,
                    data: data.clone(),
                    context: Bytes::new(),
                })
                .collect();
            *next += batch_entries / groups;
            entries += batch_entries / groups;
            log.push_entries(GroupId(group), &batch);
            if *next % 100_000 < batch_entries / groups {
                log.push(Record::SnapshotMark {
                    group: GroupId(group),
                    index: LogIndex(*next - 1),
                    term: Term(1),
                    reset: false,
                });
            }
        }
        let (number, ops) = log.seal().expect("a batch");
        encoding += encode.elapsed();
        disk::run(&mut disk, &ops).expect("written");
        log.completed(number);
        while let Some(ops) = log.maintenance() {
            let ops: Vec<DiskOp> = ops;
            log.maintenance_done(disk::run(&mut disk, &ops).is_ok());
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "{}{batch_entries:>5} entries of {entry_bytes} bytes a batch: {:>9.0} entries/s, {:>6.0} ns of CPU an entry for encoding, {:.0} syncs/s, {} segments",
        if discard { "encoding only, " } else { "durable,       " },
        entries as f64 / seconds,
        encoding.as_nanos() as f64 / entries as f64,
        log.statistics().syncs as f64 / seconds,
        log.statistics().segments,
    );
    std::fs::remove_dir_all(folder).expect("removed");
}

fn main() {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let scratch = std::env::temp_dir().join("quartet-log-throughput");
    for (batch_entries, entry_bytes) in [(8, 200), (64, 200), (256, 200), (1024, 200), (64, 4096)] {
        measure(&scratch, true, batch_entries, entry_bytes);
        if let Some(folder) = &folder {
            measure(&folder.join("log-throughput"), false, batch_entries, entry_bytes);
        }
    }
}
