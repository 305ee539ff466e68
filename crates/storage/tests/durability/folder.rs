//! The folder file: round trip, damage of every bit, crashes while it is replaced, and emptying that is cut short.

use crate::draw::Draw;
use crate::hostile::{Cut, HostileDisk};
use storage::disk::Disk;
use storage::folder::{FOLDER_FILE, Folder, FolderError, Phase, load, store, to_set_aside};

const BEGUN: Folder = Folder { number: 3, nonce: 77, phase: Phase::Begun };

#[test]
fn a_folder_comes_back_as_it_was_stored_or_as_it_was_before() {
    for seed in 0..40 {
        let mut disk = HostileDisk::default();
        assert_eq!(load(&mut disk), Ok(None));
        store(&mut disk, &BEGUN).expect("stored");
        disk.fail_sync = true;
        let next = BEGUN.emptied(5);
        assert!(store(&mut disk, &next).is_err());
        disk.cut_power(&mut Draw::new(seed), Cut::Torn);
        assert_eq!(load(&mut disk), Ok(Some(BEGUN)));
    }
}

#[test]
fn any_flipped_bit_is_damage() {
    let mut disk = HostileDisk::default();
    store(&mut disk, &BEGUN).expect("stored");
    let whole = disk.read(FOLDER_FILE, 0, 100).expect("read");
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        disk.write(FOLDER_FILE, 0, &bytes).expect("written");
        assert_eq!(load(&mut disk), Err(FolderError::Damaged), "bit {bit}");
    }
    disk.write(FOLDER_FILE, 0, &[&whole[..], b"x"].concat()).expect("written");
    assert_eq!(load(&mut disk), Err(FolderError::Damaged), "a longer file");
}

#[test]
fn emptying_counts_once_however_often_it_is_begun_and_leaves_the_small_files() {
    let emptied = BEGUN.emptied(5);
    assert_eq!(emptied, Folder { number: 4, nonce: 5, phase: Phase::Clearing });
    assert_eq!(emptied.emptied(6), emptied);
    assert_eq!(BEGUN.emptied(0).nonce, 1, "0 says that there was no rebuild");
    let mut disk = HostileDisk::default();
    for file in ["founder", "founding", "identity", "log-0-00000000000000000001.seg", "snapshot-1-9.qs"] {
        disk.create(file, 0).expect("created");
    }
    store(&mut disk, &BEGUN).expect("stored");
    let aside = to_set_aside(&mut disk).expect("listed");
    assert_eq!(aside, ["log-0-00000000000000000001.seg", "snapshot-1-9.qs"]);
}
