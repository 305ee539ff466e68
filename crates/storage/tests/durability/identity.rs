//! The identity file: round trip, damage of every bit, crashes while it is replaced.

use crate::draw::Draw;
use crate::hostile::{Cut, HostileDisk};
use bytes::Bytes;
use proto::ids::{ClusterId, Incarnation, NodeId};
use storage::disk::Disk;
use storage::identity::{IDENTITY_FILE, Identity, IdentityError, load, store};

pub(crate) fn sample() -> Identity {
    Identity {
        cluster: ClusterId([7; 16]),
        node: NodeId(3),
        incarnation: Incarnation(9),
        cores: 1,
        founding: Bytes::from_static(b"agreed"),
    }
}

#[test]
fn an_identity_comes_back_as_it_was_stored() {
    let mut disk = HostileDisk::default();
    assert_eq!(load(&mut disk), Ok(None));
    store(&mut disk, &sample()).expect("stored");
    disk.cut_power(&mut Draw::new(1), Cut::Lost);
    assert_eq!(load(&mut disk), Ok(Some(sample())));
    assert_eq!(disk.list().expect("list"), [IDENTITY_FILE]);
}

#[test]
fn a_failed_replacement_leaves_the_old_identity() {
    let mut disk = HostileDisk::default();
    store(&mut disk, &sample()).expect("stored");
    disk.fail_sync = true;
    let next = Identity { incarnation: Incarnation(10), ..sample() };
    assert!(matches!(store(&mut disk, &next), Err(IdentityError::Disk(error)) if error.sync));
    assert_eq!(load(&mut disk), Ok(Some(sample())));
    disk.cut_power(&mut Draw::new(1), Cut::Torn);
    assert_eq!(load(&mut disk), Ok(Some(sample())));
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let mut disk = HostileDisk::default();
    store(&mut disk, &sample()).expect("stored");
    let whole = disk.content(IDENTITY_FILE).to_vec();
    for at in 0..whole.len() as u64 {
        for bit in 0..8 {
            disk.flip(IDENTITY_FILE, at, bit);
            assert!(matches!(load(&mut disk), Err(IdentityError::Damaged { .. })), "byte {at} bit {bit}");
            disk.flip(IDENTITY_FILE, at, bit);
        }
        disk.create("cut", 0).expect("create");
        disk.write("cut", 0, &whole[..at as usize]).expect("write");
        disk.rename("cut", IDENTITY_FILE).expect("rename");
        assert!(matches!(load(&mut disk), Err(IdentityError::Damaged { .. })), "cut at {at}");
        store(&mut disk, &sample()).expect("stored");
    }
}

#[test]
fn a_later_version_and_another_cluster_are_refused_with_what_to_do() {
    let mut disk = HostileDisk::default();
    store(&mut disk, &sample()).expect("stored");
    let mut bytes = disk.content(IDENTITY_FILE).to_vec();
    bytes[8] = 2;
    let end = bytes.len() - 4;
    let checksum = crc32c::crc32c(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum.to_le_bytes());
    disk.write(IDENTITY_FILE, 0, &bytes).expect("write");
    let error = load(&mut disk).expect_err("too new");
    assert_eq!(error, IdentityError::TooNew { version: 2 });
    assert!(error.to_string().contains("newer Quartet"));
    assert_eq!(sample().check_cluster(ClusterId([7; 16])), Ok(()));
    let error = sample().check_cluster(ClusterId([8; 16])).expect_err("another cluster");
    assert!(error.to_string().contains("--data"), "{error}");
}
