//! A data folder in memory that knows what a crash would leave of it.
//!
//! Everything exists twice: as the process sees it, and as it would be found after the power failed now. A sync copies a file's written sectors from the first
//! to the second, `sync_folder` and `rename` the names. At a crash each written and unsynced sector of 512 bytes is kept or lost **by itself**, so
//! a write that was under way can be torn anywhere, and later writes can survive earlier ones; likewise each changed name. That is more
//! than real disks do and no more than they are allowed to do.
//!
//! Contents are pages of 4 KiB; a page that is not there reads as zeros, so preallocated segments cost nothing.
//!
//! Invariant: what was synced is never lost. Not here: time (the `world` runs a job when its virtual time has come), and damage to
//! what was synced (`hurt_disk`).

use crate::random::Random;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use storage::disk::{Disk, DiskError, DiskOp};

const PAGE_BYTES: u64 = 4_096;
const SECTOR_BYTES: u64 = 512;

type Page = Box<[u8; PAGE_BYTES as usize]>;
type FileId = u64;

/// One version of a file's content.
#[derive(Clone, Debug, Default)]
struct Content {
    length: u64,
    pages: BTreeMap<u64, Page>,
}

impl Content {
    fn write(&mut self, offset: u64, data: &[u8]) {
        let mut done = 0;
        while done < data.len() {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES) as usize;
            let count = (PAGE_BYTES as usize - within).min(data.len() - done);
            let page =
                self.pages.entry(at / PAGE_BYTES).or_insert_with(|| Box::new([0; PAGE_BYTES as usize]));
            page[within..within + count].copy_from_slice(&data[done..done + count]);
            done += count;
        }
        self.length = self.length.max(offset + data.len() as u64);
    }

    fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let end = self.length.min(offset.saturating_add(length));
        let mut out = vec![0; end.saturating_sub(offset) as usize];
        let mut done = 0;
        while done < out.len() {
            let at = offset + done as u64;
            let within = (at % PAGE_BYTES) as usize;
            let count = (PAGE_BYTES as usize - within).min(out.len() - done);
            if let Some(page) = self.pages.get(&(at / PAGE_BYTES)) {
                out[done..done + count].copy_from_slice(&page[within..within + count]);
            }
            done += count;
        }
        out
    }

    /// Takes some sectors of a page over from another version, a bit for each.
    fn copy_sectors(&mut self, page: u64, sectors: u8, from: &Content) {
        let source = from.pages.get(&page);
        if let (Some(source), u8::MAX) = (source, sectors) {
            self.pages.insert(page, source.clone());
            return;
        }
        let target = self.pages.entry(page).or_insert_with(|| Box::new([0; PAGE_BYTES as usize]));
        for place in (0..8).filter(|place| sectors & (1 << place) != 0) {
            let range = place * SECTOR_BYTES as usize..(place + 1) * SECTOR_BYTES as usize;
            match source {
                Some(source) => target[range.clone()].copy_from_slice(&source[range]),
                None => target[range].fill(0),
            }
        }
    }
}

/// A file, apart from its names.
#[derive(Clone, Debug, Default)]
struct File {
    seen: Content,
    durable: Content,
    /// Pages with unsynced sectors, and a bit for each of these.
    unsynced: BTreeMap<u64, u8>,
}

impl File {
    /// The sectors that were written from here on to there are not durable yet.
    fn written(&mut self, offset: u64, length: u64) {
        let Some(end) = (offset + length).checked_sub(1).filter(|_| length > 0) else { return };
        for page in offset / PAGE_BYTES..=end / PAGE_BYTES {
            let first = offset.saturating_sub(page * PAGE_BYTES) / SECTOR_BYTES;
            let last = (end - page * PAGE_BYTES).min(PAGE_BYTES - 1) / SECTOR_BYTES;
            *self.unsynced.entry(page).or_default() |= (u8::MAX << first) & (u8::MAX >> (7 - last));
        }
    }

    fn sync(&mut self) {
        for (page, sectors) in std::mem::take(&mut self.unsynced) {
            self.durable.copy_sectors(page, sectors, &self.seen);
        }
        self.durable.length = self.seen.length;
    }

    /// A sync fails: each sector of it is durable or not, and from here on all count as written, as the page cache of Linux has it. Reads still show them.
    fn fail_sync(&mut self, mut chance: impl FnMut() -> bool) {
        for (page, sectors) in std::mem::take(&mut self.unsynced) {
            let kept = (0..8).filter(|place| sectors & (1 << place) != 0 && chance());
            let kept = kept.fold(0, |kept, place| kept | 1 << place);
            self.durable.copy_sectors(page, kept, &self.seen);
        }
        self.durable.length = self.seen.length;
    }

    fn crash(&mut self, keeps: &mut dyn FnMut() -> bool) {
        let durable_end = self.durable.length;
        let mut keeps_growth = keeps();
        for (page, sectors) in std::mem::take(&mut self.unsynced) {
            let mut kept = 0;
            for place in (0..8).filter(|place| sectors & (1 << place) != 0) {
                if keeps() {
                    kept |= 1 << place;
                    keeps_growth |= page * PAGE_BYTES + (place + 1) * SECTOR_BYTES > durable_end;
                }
            }
            if kept != 0 {
                self.durable.copy_sectors(page, kept, &self.seen);
            }
        }
        if keeps_growth {
            self.durable.length = self.durable.length.max(self.seen.length);
        }
        self.seen = self.durable.clone();
    }
}

/// What the disk has been through, for coverage.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskStory {
    /// Syncs of files.
    pub syncs: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Crashes that found at least one unsynced sector or name.
    pub crashes_with_loss: u64,
    /// The most bytes that all files together ever had.
    pub most_bytes: u64,
}

/// A batch that was written where it does not belong.
#[derive(Clone, Debug)]
struct Astray {
    file: String,
    offset: u64,
    data: Bytes,
    /// Another one was written behind it; once that is durable it is the proof.
    is_followed: bool,
}

/// One node's folder.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    files: BTreeMap<FileId, File>,
    names: BTreeMap<String, FileId>,
    durable_names: BTreeMap<String, FileId>,
    next_file: FileId,
    /// Bytes of all files, as the process sees them.
    bytes: u64,
    /// Files together may not take more than this.
    pub capacity_bytes: Option<u64>,
    /// The next batch of the log goes elsewhere.
    pub misdirects_next: bool,
    /// The newest batch of the log went elsewhere: where it should be, and its bytes.
    astray: Option<Astray>,
    /// The next sync fails.
    pub fails_next_sync: bool,
    /// What it has been through.
    pub story: DiskStory,
}

impl SimDisk {
    /// The power fails: what was not synced is kept or lost, sector by sector and name by name.
    pub fn crash(&mut self, random: &mut Random) {
        self.crash_with(&mut || random.chance(1, 2));
    }

    /// The power fails: of each changed name, each grown file and each unsynced sector, in their order, this says whether it is kept.
    pub fn crash_with(&mut self, keeps: &mut dyn FnMut() -> bool) {
        let unsynced =
            self.names != self.durable_names || self.files.values().any(|file| !file.unsynced.is_empty());
        self.story.crashes_with_loss += u64::from(unsynced);
        let touched: BTreeSet<String> = self.names.keys().chain(self.durable_names.keys()).cloned().collect();
        for name in touched {
            let (seen, durable) = (self.names.get(&name).copied(), self.durable_names.get(&name).copied());
            if seen != durable && keeps() {
                match seen {
                    Some(file) => self.durable_names.insert(name, file),
                    None => self.durable_names.remove(&name),
                };
            }
        }
        self.names = self.durable_names.clone();
        for file in self.files.values_mut() {
            file.crash(keeps);
        }
        self.forget_nameless();
        self.count_bytes();
    }

    /// Bytes of all files, as the process sees them.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Counts them anew: names have changed.
    fn count_bytes(&mut self) {
        self.bytes = self.names.values().map(|file| self.files[file].seen.length).sum();
        self.story.most_bytes = self.story.most_bytes.max(self.bytes);
    }

    /// Runs the operations of a job that a crash interrupts: a drawn number of them.
    pub fn run_torn(&mut self, ops: &[DiskOp], random: &mut Random) {
        let done = random.index(ops.len() + 1);
        // An error here is one that the process would not have lived to see.
        let _ = storage::disk::run(self, &ops[..done]);
    }

    /// What may still be used; very much where nothing is limited.
    pub fn free_bytes(&self) -> u64 {
        self.capacity_bytes.map_or(u64::MAX / 2, |capacity| capacity.saturating_sub(self.bytes))
    }

    /// A write to the log goes elsewhere in its file, if it is to and there is room, into what was never written. Answers whether it did.
    fn goes_astray(&mut self, file: &str, offset: u64, data: &[u8]) -> bool {
        let is_batch = file.starts_with("log-") && offset > 0 && data.starts_with(b"QLFR");
        if !is_batch {
            return false;
        }
        if let Some(astray) = &mut self.astray {
            astray.is_followed = true;
        }
        let elsewhere = offset + 2 * (data.len() as u64).next_multiple_of(PAGE_BYTES);
        let length = self.len_bytes(file).ok().flatten().unwrap_or(0);
        if !self.misdirects_next || elsewhere + data.len() as u64 > length {
            return false;
        }
        self.misdirects_next = false;
        let (name, data) = (file.to_owned(), Bytes::copy_from_slice(data));
        self.astray = Some(Astray { file: name, offset, data: data.clone(), is_followed: false });
        if let Ok(file) = self.file_mut(file) {
            file.seen.write(elsewhere, &data);
            file.written(elsewhere, data.len() as u64);
        }
        true
    }

    /// What went astray last, with nothing behind it, lies where it belongs after all. Answers whether anything did.
    pub fn put_right(&mut self) -> bool {
        self.misdirects_next = false;
        let Some(Astray { file, offset, data, .. }) = self.astray.take() else { return false };
        if let Ok(file) = self.file_mut(&file) {
            file.seen.write(offset, &data);
            file.durable.write(offset, &data);
        }
        true
    }

    fn take_space(&self, file: &str, bytes: u64) -> Result<(), DiskError> {
        if bytes <= self.free_bytes() {
            return Ok(());
        }
        let (place, message) = (file.to_owned(), "no space left".to_owned());
        Err(DiskError { place, message, full: true, sync: false })
    }

    /// A file's content, to be damaged: both as it is seen and as it is durable.
    pub(crate) fn damage(&mut self, name: &str, offset: u64, flip: u8) {
        let Some(file) = self.names.get(name).and_then(|id| self.files.get_mut(id)) else { return };
        for content in [&mut file.seen, &mut file.durable] {
            let byte = content.read(offset, 1).first().copied();
            if let Some(byte) = byte {
                content.write(offset, &[byte ^ flip]);
            }
        }
    }

    /// The offsets of the pages of a file that hold anything.
    pub(crate) fn pages(&self, name: &str) -> Vec<u64> {
        let pages = self.names.get(name).map(|id| self.files[id].seen.pages.keys());
        pages.into_iter().flatten().map(|page| page * PAGE_BYTES).collect()
    }

    fn forget_nameless(&mut self) {
        let named: BTreeSet<FileId> =
            self.names.values().chain(self.durable_names.values()).copied().collect();
        self.files.retain(|id, _| named.contains(id));
    }

    fn find(&self, name: &str) -> Result<FileId, DiskError> {
        self.names.get(name).copied().ok_or_else(|| DiskError {
            place: name.to_owned(),
            message: "no such file".to_owned(),
            full: false,
            sync: false,
        })
    }

    fn file_mut(&mut self, name: &str) -> Result<&mut File, DiskError> {
        let id = self.find(name)?;
        Ok(self.files.get_mut(&id).expect("a name leads to a file"))
    }

    fn persist_names(&mut self) {
        self.durable_names = self.names.clone();
        self.forget_nameless();
    }
}

impl Disk for SimDisk {
    fn list(&mut self) -> Result<Vec<String>, DiskError> {
        Ok(self.names.keys().cloned().collect())
    }

    fn len_bytes(&mut self, file: &str) -> Result<Option<u64>, DiskError> {
        Ok(self.names.get(file).map(|id| self.files[id].seen.length))
    }

    fn read(&mut self, file: &str, offset: u64, len_bytes: u64) -> Result<Bytes, DiskError> {
        let id = self.find(file)?;
        Ok(Bytes::from(self.files[&id].seen.read(offset, len_bytes)))
    }

    fn create(&mut self, file: &str, len_bytes: u64) -> Result<(), DiskError> {
        self.take_space(file, len_bytes)?;
        self.next_file += 1;
        let seen = Content { length: len_bytes, pages: BTreeMap::new() };
        self.files.insert(self.next_file, File { seen, ..File::default() });
        self.names.insert(file.to_owned(), self.next_file);
        self.forget_nameless();
        self.count_bytes();
        Ok(())
    }

    fn write(&mut self, file: &str, offset: u64, data: &[u8]) -> Result<(), DiskError> {
        if self.capacity_bytes.is_some() {
            let length = self.len_bytes(file)?.unwrap_or(0);
            self.take_space(file, (offset + data.len() as u64).saturating_sub(length))?;
        }
        self.story.written_bytes += data.len() as u64;
        if self.goes_astray(file, offset, data) {
            return Ok(());
        }
        let file = self.file_mut(file)?;
        let length = file.seen.length;
        file.seen.write(offset, data);
        let grown = file.seen.length - length;
        file.written(offset, data.len() as u64);
        self.bytes += grown;
        Ok(())
    }

    fn sync(&mut self, file: &str) -> Result<(), DiskError> {
        self.story.syncs += 1;
        if std::mem::take(&mut self.fails_next_sync) {
            let mut draws = Random::new(self.story.syncs);
            self.file_mut(file)?.fail_sync(|| draws.chance(1, 2));
            let (place, message) = (file.to_owned(), "the disk says that it could not".to_owned());
            return Err(DiskError { place, message, full: false, sync: true });
        }
        self.file_mut(file)?.sync();
        self.astray.take_if(|astray| astray.is_followed);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        let id = self.find(from)?;
        self.names.remove(from);
        self.names.insert(to.to_owned(), id);
        self.persist_names();
        self.count_bytes();
        Ok(())
    }

    fn remove(&mut self, file: &str) -> Result<(), DiskError> {
        self.names.remove(file);
        self.forget_nameless();
        self.count_bytes();
        Ok(())
    }

    fn sync_folder(&mut self) -> Result<(), DiskError> {
        self.persist_names();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(disk: &mut SimDisk, file: &str) -> Vec<u8> {
        disk.read(file, 0, 1 << 20).unwrap().to_vec()
    }

    #[test]
    fn what_was_synced_survives_every_crash() {
        for seed in 0..200 {
            let mut disk = SimDisk::default();
            disk.create("log", 8_192).unwrap();
            disk.write("log", 1_000, &[7; 3_000]).unwrap();
            disk.sync("log").unwrap();
            disk.sync_folder().unwrap();
            let durable = content(&mut disk, "log");
            disk.write("log", 5_120, &[9; 1_024]).unwrap();
            disk.crash(&mut Random::new(seed));
            assert_eq!(content(&mut disk, "log")[..5_120], durable[..5_120]);
        }
    }

    #[test]
    fn an_unsynced_write_is_kept_lost_or_torn_by_sectors() {
        let mut outcomes = BTreeSet::new();
        for seed in 0..64 {
            let mut disk = SimDisk::default();
            disk.create("log", 1_024).unwrap();
            disk.sync("log").unwrap();
            disk.sync_folder().unwrap();
            disk.write("log", 0, &[1; 1_024]).unwrap();
            disk.crash(&mut Random::new(seed));
            let after = content(&mut disk, "log");
            outcomes.insert((after[0], after[511], after[512], after[1_023]));
        }
        assert_eq!(outcomes, BTreeSet::from([(0, 0, 0, 0), (1, 1, 0, 0), (0, 0, 1, 1), (1, 1, 1, 1)]));
    }

    #[test]
    fn a_name_is_durable_only_after_the_folder_was_synced() {
        let survived = |synced: bool| {
            (0..64).filter(move |seed| {
                let mut disk = SimDisk::default();
                disk.create("a", 0).unwrap();
                disk.sync("a").unwrap();
                if synced {
                    disk.sync_folder().unwrap();
                }
                disk.crash(&mut Random::new(*seed));
                disk.len_bytes("a").unwrap().is_some()
            })
        };
        assert_eq!(survived(true).count(), 64);
        assert!((10..54).contains(&survived(false).count()));
    }

    #[test]
    fn a_renamed_file_brings_only_its_synced_content() {
        let mut lost = 0;
        for seed in 0..64 {
            let mut disk = SimDisk::default();
            disk.create("new", 0).unwrap();
            disk.write("new", 0, &[5; 600]).unwrap();
            disk.rename("new", "current").unwrap();
            disk.crash(&mut Random::new(seed));
            assert_eq!(disk.list().unwrap(), ["current"]);
            lost += usize::from(content(&mut disk, "current") != [5; 600]);
        }
        assert!(lost > 20, "a rename is no sync of the content");
    }

    #[test]
    fn a_replaced_file_is_the_old_or_the_new_one_after_a_crash() {
        let mut seen = BTreeSet::new();
        for seed in 0..64 {
            let mut disk = SimDisk::default();
            disk.create("a", 0).unwrap();
            disk.write("a", 0, b"old").unwrap();
            disk.sync("a").unwrap();
            disk.sync_folder().unwrap();
            disk.create("a", 0).unwrap();
            disk.write("a", 0, b"new").unwrap();
            disk.sync("a").unwrap();
            disk.crash(&mut Random::new(seed));
            seen.insert(content(&mut disk, "a"));
        }
        assert_eq!(seen, BTreeSet::from([b"old".to_vec(), b"new".to_vec()]));
    }

    #[test]
    fn what_went_astray_is_damage_only_once_something_behind_it_is_durable() {
        let batch = |byte: u8| [&b"QLFR"[..], &[byte; 60]].concat();
        for is_followed in [false, true] {
            let mut disk = SimDisk { misdirects_next: true, ..SimDisk::default() };
            disk.create("log-0", 40_960).unwrap();
            disk.write("log-0", 4_096, &batch(1)).unwrap();
            disk.sync("log-0").unwrap();
            assert_eq!(content(&mut disk, "log-0")[4_096..4_100], [0; 4], "it is not where it belongs");
            disk.write("log-0", 8_192, &batch(2)).unwrap();
            if is_followed {
                disk.sync("log-0").unwrap();
            }
            assert_eq!(disk.put_right(), !is_followed);
            let found = content(&mut disk, "log-0")[4_096..4_160] == batch(1);
            assert_eq!(found, !is_followed);
        }
    }
}
