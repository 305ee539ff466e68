//! What every implementation of [`Disk`] must do, real or simulated: one suite for all of them.
//!
//! It cannot cut the power; that a sync really reaches the disk is shown by the simulator's faults and by the power-cut tests of real nodes.

use crate::disk::{self, Disk, DiskOp};
use bytes::Bytes;

/// Runs the suite in an empty folder and leaves it empty.
///
/// # Panics
/// At the first thing that is not as the trait says.
pub fn check(disk: &mut dyn Disk) {
    assert_eq!(disk.list().expect("list"), Vec::<String>::new(), "the folder is not empty");
    a_missing_file_is_none_and_can_be_removed(disk);
    files_are_created_written_grown_and_read(disk);
    creating_replaces_what_was_there(disk);
    renaming_replaces_the_target(disk);
    jobs_run_in_order_and_stop_at_the_first_failure(disk);
    assert_eq!(disk.list().expect("list"), Vec::<String>::new(), "the suite left files behind");
}

fn a_missing_file_is_none_and_can_be_removed(disk: &mut dyn Disk) {
    assert_eq!(disk.len_bytes("missing").expect("len"), None);
    disk.remove("missing").expect("removing a missing file is no error");
    assert!(disk.read("missing", 0, 1).is_err(), "reading a missing file");
    assert!(disk.sync("missing").is_err(), "syncing a missing file");
    assert!(disk.rename("missing", "other").is_err(), "renaming a missing file");
    assert_eq!(disk.len_bytes("other").expect("len"), None);
}

fn files_are_created_written_grown_and_read(disk: &mut dyn Disk) {
    disk.create("zeros", 10_000).expect("create");
    assert_eq!(disk.len_bytes("zeros").expect("len"), Some(10_000));
    assert_eq!(disk.read("zeros", 0, 20_000).expect("read"), Bytes::from(vec![0; 10_000]));
    disk.write("zeros", 4_090, b"over a block's edge").expect("write");
    assert_eq!(disk.read("zeros", 4_090, 19).expect("read"), Bytes::from_static(b"over a block's edge"));
    assert_eq!(disk.read("zeros", 4_089, 1).expect("read"), Bytes::from_static(&[0]));
    assert_eq!(disk.len_bytes("zeros").expect("len"), Some(10_000));
    disk.sync("zeros").expect("sync");
    disk.create("empty", 0).expect("create");
    assert_eq!(disk.read("empty", 0, 5).expect("read"), Bytes::new());
    disk.write("empty", 3, b"abc").expect("write");
    assert_eq!(disk.read("empty", 0, 100).expect("read"), Bytes::from_static(b"\0\0\0abc"));
    assert_eq!(disk.read("empty", 5, 100).expect("read"), Bytes::from_static(b"c"));
    assert_eq!(disk.read("empty", 6, 100).expect("read"), Bytes::new());
    assert_eq!(disk.read("empty", 1_000, 100).expect("read beyond the end"), Bytes::new());
    assert_eq!(disk.list().expect("list"), ["empty", "zeros"]);
    disk.remove("empty").expect("remove");
    disk.remove("zeros").expect("remove");
    disk.sync_folder().expect("sync the folder");
}

fn creating_replaces_what_was_there(disk: &mut dyn Disk) {
    disk.create("file", 0).expect("create");
    disk.write("file", 0, &[7; 5_000]).expect("write");
    disk.create("file", 100).expect("create again");
    assert_eq!(disk.read("file", 0, 5_000).expect("read"), Bytes::from(vec![0; 100]));
    disk.create("file", 0).expect("create a third time");
    assert_eq!(disk.len_bytes("file").expect("len"), Some(0));
    disk.remove("file").expect("remove");
}

fn renaming_replaces_the_target(disk: &mut dyn Disk) {
    disk.create("from", 0).expect("create");
    disk.write("from", 0, b"new").expect("write");
    disk.create("to", 4).expect("create");
    disk.sync("from").expect("sync");
    disk.rename("from", "to").expect("rename");
    assert_eq!(disk.list().expect("list"), ["to"]);
    assert_eq!(disk.read("to", 0, 10).expect("read"), Bytes::from_static(b"new"));
    disk.write("to", 3, b"er").expect("write under the new name");
    disk.create("from", 1).expect("the old name is free");
    assert_eq!(disk.read("to", 0, 10).expect("read"), Bytes::from_static(b"newer"));
    disk.remove("from").expect("remove");
    disk.remove("to").expect("remove");
}

fn jobs_run_in_order_and_stop_at_the_first_failure(disk: &mut dyn Disk) {
    let file = || "job".to_owned();
    let write = |offset: u64, data: &'static [u8]| DiskOp::Write {
        file: file(),
        offset,
        data: Bytes::from_static(data),
    };
    let read = |offset: u64, len_bytes: u64| DiskOp::Read { file: file(), offset, len_bytes };
    let ops = [
        DiskOp::CreateZeroed { file: file(), len_bytes: 8 },
        write(0, b"abcd"),
        read(2, 4),
        write(2, b"xy"),
        read(0, 100),
        DiskOp::Sync { file: file() },
    ];
    let reads = disk::run(disk, &ops).expect("the job");
    assert_eq!(reads, [Bytes::from_static(b"cd\0\0"), Bytes::from_static(b"abxy\0\0\0\0")]);
    let ops = [write(0, b"1"), DiskOp::Sync { file: "missing".to_owned() }, write(1, b"2")];
    let error = disk::run(disk, &ops).expect_err("a missing file");
    assert!(error.sync && !error.full, "{error}");
    assert!(error.place.contains("missing"), "{error}");
    assert_eq!(disk.read("job", 0, 2).expect("read"), Bytes::from_static(b"1b"));
    disk::run(disk, &[DiskOp::Remove { file: file() }, DiskOp::SyncFolder]).expect("remove");
}
