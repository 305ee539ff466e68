//! A disk in memory that keeps what was promised and nothing else.
//!
//! What was not synced may be lost or kept at a power cut, sector by sector; a creation or removal without a folder sync may be undone.
//! A sector is written whole or not at all. A failed sync marks everything clean that it did not write, as page caches do.

use crate::draw::Draw;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use storage::disk::{Disk, DiskError};

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Default)]
struct File {
    /// What a reader sees.
    seen: Vec<u8>,
    /// What the disk has.
    durable: Vec<u8>,
    /// Sectors of `seen` that a sync has to write.
    dirty: BTreeSet<usize>,
}

/// The folder. A kill of the process changes nothing in it; see [`HostileDisk::cut_power`].
#[derive(Clone, Default)]
pub(crate) struct HostileDisk {
    files: Vec<File>,
    seen_names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names since the folder was synced, in order.
    pending: Vec<(String, Option<usize>)>,
    /// The next sync fails.
    pub(crate) fail_sync: bool,
    /// Creations fail for want of space.
    pub(crate) full: bool,
}

/// How a power cut treats what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Lost,
    Kept,
    Torn,
}

impl HostileDisk {
    fn error(file: &str, message: &str) -> DiskError {
        DiskError {
            place: file.to_owned(),
            message: message.to_owned(),
            full: message == "no space",
            sync: false,
        }
    }

    fn number(&self, file: &str) -> Result<usize, DiskError> {
        self.seen_names.get(file).copied().ok_or_else(|| Self::error(file, "no such file"))
    }

    fn point(&mut self, name: &str, to: Option<usize>) {
        self.pending.push((name.to_owned(), to));
        set(&mut self.seen_names, name, to);
    }

    /// The power goes: what was not synced is lost, kept, or torn.
    pub(crate) fn cut_power(&mut self, draw: &mut Draw, cut: Cut) {
        // Changes of one name keep their order; those of different names need not.
        let mut lost: BTreeSet<String> = BTreeSet::new();
        for (name, to) in std::mem::take(&mut self.pending) {
            let kept = match cut {
                Cut::Lost => false,
                Cut::Kept => true,
                Cut::Torn => !lost.contains(&name) && draw.once_in(2),
            };
            if kept {
                set(&mut self.durable_names, &name, to);
            } else {
                lost.insert(name);
            }
        }
        self.seen_names = self.durable_names.clone();
        for file in &mut self.files {
            for sector in std::mem::take(&mut file.dirty) {
                let kept = match cut {
                    Cut::Lost => false,
                    Cut::Kept => true,
                    Cut::Torn => draw.once_in(2),
                };
                if kept {
                    file.write_back(sector);
                }
            }
            file.seen = file.durable.clone();
        }
    }

    /// A bit of the medium turns over.
    pub(crate) fn flip(&mut self, file: &str, offset: u64, bit: u8) {
        let number = self.number(file).expect("a file to damage");
        let file = &mut self.files[number];
        file.seen[offset as usize] ^= 1 << bit;
        file.durable[offset as usize] ^= 1 << bit;
    }

    /// The file as a reader sees it.
    pub(crate) fn content(&self, file: &str) -> &[u8] {
        &self.files[self.number(file).expect("a file to look at")].seen
    }

    /// All bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.seen_names.values().map(|&number| self.files[number].seen.len() as u64).sum()
    }
}

fn set(names: &mut BTreeMap<String, usize>, name: &str, to: Option<usize>) {
    match to {
        Some(number) => names.insert(name.to_owned(), number),
        None => names.remove(name),
    };
}

impl File {
    fn write_back(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.seen.len());
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
        self.durable[start..end].copy_from_slice(&self.seen[start..end]);
    }
}

impl Disk for HostileDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.seen_names.keys().cloned().collect())
    }

    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError> {
        Ok(self.seen_names.get(file).map(|&number| self.files[number].seen.len() as u64))
    }

    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError> {
        let content = &self.files[self.number(file)?].seen;
        let start = (offset as usize).min(content.len());
        let end = start.saturating_add(len_bytes as usize).min(content.len());
        Ok(Bytes::copy_from_slice(&content[start..end]))
    }

    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError> {
        if self.full {
            return Err(Self::error(file, "no space"));
        }
        self.files.push(File::default());
        self.point(file, Some(self.files.len() - 1));
        self.write(file, 0, &vec![0; len_bytes as usize])
    }

    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        let number = self.number(file)?;
        let content = &mut self.files[number];
        let (start, end) = (offset as usize, offset as usize + data.len());
        let from = start.min(content.seen.len());
        if content.seen.len() < end {
            content.seen.resize(end, 0);
        }
        content.seen[start..end].copy_from_slice(data);
        content.dirty.extend(from / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
        Ok(())
    }

    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        let number = self.number(file).map_err(|error| DiskError { sync: true, ..error })?;
        let dirty = std::mem::take(&mut self.files[number].dirty);
        if std::mem::take(&mut self.fail_sync) {
            return Err(DiskError { sync: true, ..Self::error(file, "input/output error") });
        }
        dirty.into_iter().for_each(|sector| self.files[number].write_back(sector));
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let number = self.number(from)?;
        self.point(from, None);
        self.point(to, Some(number));
        // One change of the journal.
        self.sync_folder()
    }

    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        if self.seen_names.contains_key(file) {
            self.point(file, None);
        }
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<(), DiskError> {
        self.pending.clear();
        self.durable_names = self.seen_names.clone();
        Ok(())
    }
}

#[test]
fn the_hostile_disk_conforms() {
    storage::disk_conformance::check(&mut HostileDisk::default());
}
