//! Flipped bits anywhere in a durable log: refused with file and offset, never read as data and never taken for a torn tail.
//!
//! The one exception is inherent: damage in the very last batch looks like a write that the crash tore, and is cut. So an idle log gets an empty batch behind its last one.

use crate::draw::Draw;
use crate::hostile::HostileDisk;
use crate::log_crashes::{Model, SIZES, append, draw_record, entries, owner};
use std::collections::BTreeMap;
use storage::disk::{Disk, DiskOp};
use storage::log::{Log, LogError};

/// The bytes of a write that mean something: all but padding.
fn meaningful(offset: u64, data: &[u8]) -> Vec<u64> {
    let frame = |at: usize| {
        let payload_bytes = u32::from_le_bytes(data[at + 16..at + 20].try_into().expect("four bytes"));
        (at..at + 32 + payload_bytes as usize).map(|at| offset + at as u64)
    };
    if offset == 0 { (0..76).chain(frame(4096)).collect() } else { frame(0).collect() }
}

#[test]
fn every_flipped_bit_before_the_last_batch_is_damage() {
    let (mut refused, mut cut) = (0, 0);
    for seed in 0..600 {
        let mut draw = Draw::new(seed);
        let mut disk = HostileDisk::default();
        let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
        let (mut model, mut before) = (Model::default(), Model::default());
        let mut term = 1;
        let mut writes: BTreeMap<String, Vec<(u64, Vec<u8>)>> = BTreeMap::new();
        for _ in 0..1 + draw.below(60) {
            before = model.clone();
            let records: Vec<_> = (0..1 + draw.below(4))
                .map(|_| {
                    let record = draw_record(&mut draw, &model, &mut term);
                    model.apply(&record);
                    record
                })
                .collect();
            for op in append(&mut disk, &mut log, &records) {
                if let DiskOp::Write { file, offset, data } = op {
                    let writes = writes.entry(file).or_default();
                    if offset == 0 {
                        writes.clear();
                    }
                    writes.push((offset, data.to_vec()));
                }
            }
        }
        let alive: Vec<String> =
            disk.list().expect("list").into_iter().filter(|file| writes.contains_key(file)).collect();
        for _ in 0..12 {
            let file = &alive[draw.below(alive.len() as u64) as usize];
            let in_file = &writes[file];
            let number = draw.below(in_file.len() as u64) as usize;
            let bytes = meaningful(in_file[number].0, &in_file[number].1);
            let offset = bytes[draw.below(bytes.len() as u64) as usize];
            let bit = draw.below(8) as u8;
            let mut damaged = disk.clone();
            damaged.flip(file, offset, bit);
            let is_last_batch = Some(file) == alive.last() && number == in_file.len() - 1;
            match Log::open_sized(&mut damaged, &owner(2), SIZES) {
                Err(LogError::Damage { file: named, offset: at, .. }) => {
                    refused += 1;
                    assert!(alive.contains(&named), "seed {seed}: it names {named}, which is not there");
                    assert!(*named < **file || at <= offset, "seed {seed}: it names byte {at} of {named}");
                }
                Err(other) => panic!("seed {seed}: {other}"),
                Ok((_, recovered)) => {
                    assert!(
                        is_last_batch,
                        "seed {seed}: bit {bit} of byte {offset} of {file} went unnoticed"
                    );
                    assert_eq!(Model(recovered.groups), before, "seed {seed}");
                    cut += 1;
                }
            }
        }
    }
    assert!(refused > 5000 && cut > 100, "too few: {refused} refused, {cut} cut");
}

#[test]
fn a_missing_segment_is_damage() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    for round in 0..60 {
        append(&mut disk, &mut log, &[entries(1, round * 4 + 1, 4, 1000, 1)]);
    }
    let segments: Vec<String> =
        disk.list().expect("list").into_iter().filter(|file| !file.contains("spare")).collect();
    assert!(segments.len() > 3, "{segments:?}");
    for missing in &segments[..segments.len() - 1] {
        let mut disk = disk.clone();
        disk.remove(missing).expect("removed");
        let opened = Log::open_sized(&mut disk, &owner(2), SIZES);
        assert!(matches!(opened, Err(LogError::Damage { .. })), "without {missing}");
    }
}

#[test]
fn a_value_that_looks_like_a_batch_is_not_taken_for_one() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open(&mut disk, &owner(1)).expect("opened");
    append(&mut disk, &mut log, &[entries(1, 1, 1, 10, 1)]);
    let ops = append(&mut disk, &mut log, &[entries(1, 2, 1, 9000, 1)]);
    let DiskOp::Write { file, offset, data } = &ops[0] else { panic!("a write first") };
    // The torn batch holds, at a block's edge, the image of a batch of this very segment with a later number.
    let forged = append(&mut disk, &mut log, &[entries(1, 3, 1, 10, 1)]);
    let DiskOp::Write { data: image, offset: after, .. } = &forged[0] else { panic!("a write first") };
    disk.write(file, offset + 4096, image).expect("write");
    disk.write(file, *after, &vec![0; image.len()]).expect("write");
    assert_eq!(offset + data.len() as u64, *after);
    let (_, recovered) = Log::open(&mut disk, &owner(2)).expect("a torn tail, not damage");
    assert_eq!(recovered.truncated_tail.map(|tail| tail.offset), Some(*offset));
    assert_eq!(recovered.groups.values().map(|group| group.entries.len()).sum::<usize>(), 1);
    // Nor is what is left of it, when the crash tears the batch that takes its place before it reaches the disk.
    let (mut log, _) = Log::open(&mut disk, &owner(3)).expect("opened");
    append(&mut disk, &mut log, &[entries(1, 2, 1, 10, 2)]);
    disk.write(file, *offset, &[0; 4096]).expect("write");
    let (_, recovered) = Log::open(&mut disk, &owner(4)).expect("a torn tail, not damage");
    assert_eq!(recovered.truncated_tail, None);
}

#[test]
fn a_capped_log_has_no_batch_whose_damage_looks_like_a_torn_write() {
    let mut disk = HostileDisk::default();
    let (mut log, _) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("opened");
    assert!(log.wants_cap());
    let written = append(&mut disk, &mut log, &[entries(1, 1, 3, 40, 1)]);
    assert!(log.wants_cap(), "its newest batch holds something");
    log.cap();
    let (number, ops) = log.seal().expect("an empty batch");
    storage::disk::run(&mut disk, &ops).expect("written");
    log.completed(number);
    assert!(!log.wants_cap() && log.seal().is_none());
    let (file, offset, data) = written
        .iter()
        .find_map(|op| match op {
            DiskOp::Write { file, offset, data } if *offset != 0 => Some((file, *offset, data)),
            _ => None,
        })
        .expect("a batch was written");
    for at in meaningful(offset, data) {
        let mut damaged = disk.clone();
        damaged.flip(file, at, 3);
        let error = Log::open_sized(&mut damaged, &owner(1), SIZES).err();
        assert!(matches!(error, Some(LogError::Damage { .. })), "byte {at}: {error:?}");
    }
    let (_, recovered) = Log::open_sized(&mut disk, &owner(1), SIZES).expect("it is whole");
    assert_eq!(recovered.groups.values().map(|group| group.entries.len()).sum::<usize>(), 3);
}
