//! Disks that lose or change what was synced, and the operator who does what the node's sentence says.
//!
//! A machine is *hurt* from the damage until all its replicas are whole again. At most a minority of every group's replicas may be hurt at a time: more would lose data, whatever the program does. For the same reason nothing is taken from
//! a node that holds tentative operations which the log has not decided: what only it held would rightly be gone.
//!
//! Bits flip anywhere but in the small files that say who the node is, and in the newest batch of the log: with nothing behind it, a batch that was damaged and one that a crash tore look alike (`docs/disks.md`).

use crate::coverage::Mishap;
use crate::faults::Kind;
use crate::random::Random;
use crate::schedule::{MILLISECOND, SECOND};
use crate::sim_disk::SimDisk;
use crate::verdict::Failure;
use crate::world::{Ending, Event, World};
use storage::disk::Disk;
use storage::folder::{self, Folder, Phase};

impl World {
    /// A machine loses power, and its disk what was on it or some bits of that. Nothing happens where too many are hurt already.
    pub(crate) fn hurt_disk(&mut self, node: usize, kind: Kind, length_ns: u64) {
        self.look_for_the_healed();
        let hurt = self.machines.iter().filter(|machine| machine.is_hurt).count();
        let machine = &self.machines[node];
        let may = hurt < (self.params.replicas - 1) / 2
            && !machine.is_hurt
            && machine.core().is_some_and(|core| core.unborn().next().is_none() && core.undecided() == 0);
        if !may {
            return;
        }
        self.crash_for(node, true, length_ns);
        let machine = &mut self.machines[node];
        let what = if kind == Kind::LostDisk {
            machine.is_hurt = true;
            self.coverage.mishap(Mishap::DiskLost);
            lose(&mut machine.disk).map(|()| "everything".to_owned())
        } else {
            let flipped = flip(&mut machine.disk, &mut machine.random);
            machine.is_hurt = !flipped.is_empty();
            self.coverage.mishap(Mishap::BitsFlipped);
            Ok(flipped.join(", "))
        };
        match what {
            Ok(what) => self.note(node, "loses", || what),
            Err(error) => self.fail(Failure::crash(error.to_string())),
        }
    }

    /// The next batch of a machine's log goes to another place, which shows after its next start: half a second later at the earliest it loses power. Only where nothing is weak: what the node takes until then would
    /// be lost with its memory.
    pub(crate) fn misdirect(&mut self, node: usize, length_ns: u64) {
        self.look_for_the_healed();
        let hurt = self.machines.iter().filter(|machine| machine.is_hurt).count();
        let machine = &mut self.machines[node];
        let may = hurt < (self.params.replicas - 1) / 2
            && !machine.is_hurt
            && !self.params.workload.weak.is_on()
            && machine.core().is_some_and(|core| core.unborn().next().is_none());
        if may {
            (machine.is_hurt, machine.is_misdirected) = (true, true);
            machine.disk.misdirects_next = true;
            self.coverage.mishap(Mishap::WriteMisdirected);
            self.schedule.after(length_ns + SECOND / 2, Event::FaultEnds(Ending::PowerFails(node)));
        }
    }

    /// Whoever has come back whole is hurt no more.
    pub(crate) fn look_for_the_healed(&mut self) {
        for machine in &mut self.machines {
            machine.is_hurt &=
                machine.is_misdirected || machine.core().is_none_or(|core| core.unborn().next().is_some());
        }
    }

    /// A node refused to start on its damaged folder: its operator runs `quartet rebuild` and starts it again. Now and then the machine loses power meanwhile.
    pub(crate) fn rebuild(&mut self, node: usize) {
        let machine = &mut self.machines[node];
        machine.is_misdirected = false;
        let is_cut_short = machine.random.chance(1, 4);
        let drawn = machine.random.bits();
        let emptied = empty(&mut machine.disk, drawn, is_cut_short);
        if is_cut_short {
            machine.disk.crash(&mut machine.random);
        }
        self.coverage.mishap(Mishap::FolderEmptied);
        self.note(node, "emptied", || if is_cut_short { "in part" } else { "" }.to_owned());
        if let Err(why) = emptied {
            self.fail(Failure::safety("a folder can be emptied", why));
        }
        self.start_after(node, 50 * MILLISECOND);
    }
}

/// What `quartet rebuild` does to a folder.
pub(crate) fn empty(disk: &mut SimDisk, drawn: u64, is_cut_short: bool) -> Result<(), String> {
    let known = folder::load(disk).map_err(|error| error.to_string())?.unwrap_or(Folder::FIRST);
    let emptied = known.emptied(drawn);
    let mut steps = || {
        folder::store(disk, &emptied)?;
        let mut files = folder::to_set_aside(disk)?;
        if is_cut_short {
            files.truncate(files.len() / 2);
        }
        files.iter().try_for_each(|file| disk.remove(file))?;
        if is_cut_short {
            return Ok(());
        }
        disk.sync_folder()?;
        folder::store(disk, &Folder { phase: Phase::Empty, ..emptied })
    };
    steps().map_err(|error: storage::disk::DiskError| error.to_string())
}

/// Everything is gone but the small files.
pub(crate) fn lose(disk: &mut SimDisk) -> Result<(), storage::disk::DiskError> {
    for file in folder::to_set_aside(disk)? {
        disk.remove(&file)?;
    }
    disk.sync_folder()
}

/// Flips one to three bits. Answers where.
fn flip(disk: &mut SimDisk, random: &mut Random) -> Vec<String> {
    let mut files = folder::to_set_aside(disk).unwrap_or_default();
    files.retain(|file| !disk.pages(file).is_empty());
    let mut segments: Vec<String> =
        files.iter().filter(|file| file.starts_with("log-") && file.len() == 30).cloned().collect();
    // The newest two: a crash may have torn the beginning of the last.
    segments.reverse();
    segments.truncate(2);
    let mut flipped = Vec::new();
    for _ in 0..random.between(1, 3) {
        if files.is_empty() {
            break;
        }
        let file = random.pick(&files).clone();
        let pages = disk.pages(&file);
        let offset = random.pick(&pages) + random.below(4_096);
        let newest = segments.contains(&file).then(|| newest_frame(disk, &file, &pages));
        if newest.is_none_or(|newest| offset < newest) {
            disk.damage(&file, offset, 1 << random.below(8));
            flipped.push(format!("{file} at {offset}"));
        }
    }
    flipped
}

/// Where the newest frame of a segment begins: frames begin with these letters, and then with their number (`docs/formats/log.md`).
fn newest_frame(disk: &mut SimDisk, file: &str, pages: &[u64]) -> u64 {
    let numbered = pages.iter().filter_map(|page| {
        let bytes = disk.read(file, *page, 16).ok()?;
        let number: [u8; 8] = bytes.get(8..16)?.try_into().ok()?;
        (bytes[..4] == *b"QLFR").then_some((u64::from_le_bytes(number), *page))
    });
    numbered.max().map_or(0, |(_, page)| page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_frame_is_found_among_those_of_an_earlier_life() {
        let mut disk = SimDisk::default();
        disk.create("log", 20_000).unwrap();
        for (page, number) in [(4_096_u64, 7_u64), (8_192, 8), (12_288, 3)] {
            let frame = [&b"QLFR\x01\0\x02\0"[..], &number.to_le_bytes()].concat();
            disk.write("log", page, &frame).unwrap();
        }
        let pages = disk.pages("log");
        assert_eq!(newest_frame(&mut disk, "log", &pages), 8_192);
    }

    #[test]
    fn a_flipped_bit_survives_a_crash_and_is_one_bit() {
        let mut disk = SimDisk::default();
        disk.create("snapshot-1-9.qs", 0).unwrap();
        disk.write("snapshot-1-9.qs", 0, &[7; 4_096]).unwrap();
        disk.sync("snapshot-1-9.qs").unwrap();
        disk.sync_folder().unwrap();
        let mut random = Random::new(4);
        let flipped = flip(&mut disk, &mut random).len() as u32;
        disk.crash(&mut random);
        let bytes = disk.read("snapshot-1-9.qs", 0, 9_999).unwrap();
        let changed: u32 = bytes.iter().map(|byte| (byte ^ 7).count_ones()).sum();
        assert!(changed == flipped && changed > 0);
    }
}
