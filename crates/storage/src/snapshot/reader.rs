//! Reading a snapshot file, every byte of it checked.

use super::block::{self, BLOCK_HEADER_BYTES, BlockHeader, BlockKind, FILE_HEADER_BYTES, FileKind, FileSalt};
use super::pieces::SlotBuilder;
use super::writer::Footer;
use super::{SnapshotError, file_name};
use crate::disk::{Disk, DiskError};
use crate::state::SlotState;
use bytes::{Bytes, BytesMut};
use proto::ids::{GroupId, LogIndex, Slot};
use proto::peer::SnapshotPoint;
use std::collections::BTreeMap;

/// A snapshot as it was read.
#[derive(Debug)]
pub struct Snapshot {
    /// What it stands for.
    pub point: SnapshotPoint,
    /// Its slots, in order.
    pub slots: Vec<(Slot, SlotState)>,
    /// Everything that is not in slots.
    pub tables: Bytes,
}

/// Reads and checks a whole snapshot. Blocking.
///
/// # Errors
/// [`SnapshotError`].
pub fn read(disk: &mut dyn Disk, group: GroupId, index: LogIndex) -> Result<Snapshot, SnapshotError> {
    let file = file_name(group, index);
    let damage =
        |offset: u64, why: &str| SnapshotError::Damage { file: file.clone(), offset, why: why.to_owned() };
    let Some(len_bytes) = disk.len_bytes(&file)? else { return Err(SnapshotError::Missing { file }) };
    let header = disk.read(&file, 0, FILE_HEADER_BYTES as u64)?;
    match block::is_file_header(&header, FileKind::Snapshot, group, index) {
        Ok(true) => {}
        Ok(false) => return Err(damage(0, "it does not begin like this snapshot")),
        Err(version) => return Err(SnapshotError::TooNew { file, version }),
    }
    let mut blocks = Blocks {
        file: file.clone(),
        salt: FileSalt::new(group, index),
        offset: header.len() as u64,
        len_bytes,
    };
    let mut slots: BTreeMap<Slot, (u64, SlotState)> = BTreeMap::new();
    let mut builder: Option<(Slot, u64, SlotBuilder)> = None;
    let mut tables = BytesMut::new();
    let mut tables_number = 0;
    let footer: Footer = loop {
        let offset = blocks.offset;
        let Some((header, payload)) = blocks.next(disk)? else {
            return Err(damage(offset, "its bytes are not what was written"));
        };
        match header.kind {
            BlockKind::Slot => {
                let (slot, begun, mut current) =
                    builder.take().unwrap_or_else(|| (header.slot, offset, SlotBuilder::new(header.slot)));
                let taken = if slot == header.slot {
                    current.push(header.number, header.last, &payload).ok()
                } else {
                    None
                };
                match taken {
                    None => return Err(damage(offset, "its pieces do not make a slot")),
                    Some(None) => builder = Some((slot, begun, current)),
                    Some(Some(state)) => {
                        if slots.insert(slot, (begun, state)).is_some() {
                            return Err(damage(offset, "it holds a slot twice"));
                        }
                    }
                }
            }
            BlockKind::Tables if header.number == tables_number => {
                tables_number += 1;
                tables.extend_from_slice(&payload);
            }
            BlockKind::Tables => return Err(damage(offset, "its tables are not in order")),
            BlockKind::Footer => {
                break postcard::from_bytes(&payload)
                    .map_err(|_| damage(offset, "its footer is malformed"))?;
            }
        }
    };
    let end = blocks.offset;
    if end != len_bytes {
        return Err(damage(end, "bytes follow its footer"));
    }
    if builder.is_some() || footer.point.index != index || footer.tables_bytes != tables.len() as u64 {
        return Err(damage(end, "its footer does not fit what is before it"));
    }
    let mut found = Vec::with_capacity(footer.slots.len());
    for (slot, digest) in footer.slots {
        let (offset, state) = slots.remove(&slot).unwrap_or_default();
        if state.digest() != digest {
            return Err(damage(offset, &format!("slot {slot} does not have its digest")));
        }
        found.push((slot, state));
    }
    if let Some((slot, (offset, _))) = slots.pop_first() {
        return Err(damage(offset, &format!("slot {slot} is not in the footer")));
    }
    Ok(Snapshot { point: footer.point, slots: found, tables: tables.freeze() })
}

/// A file's blocks, one after the other.
pub(super) struct Blocks {
    pub(super) file: String,
    pub(super) salt: FileSalt,
    /// Where the next block begins.
    pub(super) offset: u64,
    pub(super) len_bytes: u64,
}

impl Blocks {
    /// The next block; `None` if what is there is not one.
    pub(super) fn next(&mut self, disk: &mut dyn Disk) -> Result<Option<(BlockHeader, Bytes)>, DiskError> {
        let header_bytes = disk.read(&self.file, self.offset, BLOCK_HEADER_BYTES as u64)?;
        let Some(found) = block::decode_block_header(&header_bytes, self.salt, self.offset) else {
            return Ok(None);
        };
        let start = self.offset + BLOCK_HEADER_BYTES as u64;
        let end = start + u64::from(found.payload_bytes);
        if end > self.len_bytes {
            return Ok(None);
        }
        let payload = disk.read(&self.file, start, u64::from(found.payload_bytes))?;
        if !found.is_payload(&payload) {
            return Ok(None);
        }
        self.offset = end;
        Ok(Some((found.header, payload)))
    }
}
