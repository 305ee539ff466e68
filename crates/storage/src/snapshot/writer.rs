//! Writing a snapshot file, a piece of work at a time.
//!
//! The slots are pointers to what the state was; the shard goes on meanwhile. Nothing refers to the file before its last job is done: the caller puts the mark into the
//! log then, and not earlier.

use super::block::{self, BLOCK_HEADER_BYTES, BlockHeader, BlockKind, FileKind, FileSalt};
use super::pieces::SlotPieces;
use super::{file_name, temporary_name};
use crate::disk::DiskOp;
use crate::state::SlotState;
use bytes::Bytes;
use proto::hlc::Timestamp;
use proto::ids::{GroupId, Slot};
use proto::limits::SNAPSHOT_CHUNK_BYTES;
use proto::peer::SnapshotPoint;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::vec;

/// Bytes between syncs, so that no single sync makes the log's wait long.
const SYNC_EVERY_BYTES: usize = 4 * 1024 * 1024;

/// The last block's content.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Footer {
    pub(super) point: SnapshotPoint,
    /// Every slot with the digest of its content. A slot that never held anything has no block.
    pub(super) slots: Vec<(Slot, u128)>,
    pub(super) tables_bytes: u64,
}

/// Whether the slot never held anything.
fn is_blank(state: &SlotState) -> bool {
    state.is_empty() && state.newest_deletion() == Timestamp::ZERO
}

/// Writes one snapshot. See the module `snapshot`.
pub struct SnapshotWriter {
    group: GroupId,
    salt: FileSalt,
    footer: Footer,
    slots: vec::IntoIter<(Slot, Arc<SlotState>)>,
    /// The slot that is being written.
    current: Option<(Slot, SlotPieces)>,
    tables: Bytes,
    tables_number: u32,
    offset: u64,
    unsynced_bytes: usize,
    ended: bool,
}

impl SnapshotWriter {
    /// Slots in rising order. Cheap: it holds references.
    ///
    /// # Panics
    /// If the slots are not in rising order.
    pub fn new(
        group: GroupId,
        point: SnapshotPoint,
        slots: Vec<(Slot, Arc<SlotState>)>,
        tables: Bytes,
    ) -> Self {
        assert!(slots.is_sorted_by(|a, b| a.0 < b.0), "the slots of group {group} are not in order");
        let digests = slots.iter().map(|(slot, state)| (*slot, state.digest())).collect();
        SnapshotWriter {
            group,
            salt: FileSalt::new(group, point.index),
            footer: Footer { point, slots: digests, tables_bytes: tables.len() as u64 },
            slots: slots.into_iter(),
            current: None,
            tables,
            tables_number: 0,
            offset: 0,
            unsynced_bytes: 0,
            ended: false,
        }
    }

    /// What it stands for.
    pub fn point(&self) -> &SnapshotPoint {
        &self.footer.point
    }

    /// The next job for `Lane::Bulk`, of about `max_bytes` (more only if one item is larger; never less than one piece). `None` when all is done: once the last
    /// job has succeeded the file is durable under its name.
    #[allow(clippy::should_implement_trait)] // it takes the pace
    pub fn next(&mut self, max_bytes: usize) -> Option<Vec<DiskOp>> {
        if self.ended {
            return None;
        }
        let mut ops = Vec::new();
        let file = temporary_name(self.group, self.footer.point.index);
        if self.offset == 0 {
            let data = block::encode_file_header(FileKind::Snapshot, self.group, self.footer.point.index);
            ops.push(DiskOp::Create { file: file.clone() });
            self.offset = data.len() as u64;
            ops.push(DiskOp::Write { file: file.clone(), offset: 0, data });
        }
        let mut bytes = 0;
        while bytes == 0 || bytes + SNAPSHOT_CHUNK_BYTES <= max_bytes {
            let (header, data) = self.next_block();
            let ended = header.kind == BlockKind::Footer;
            bytes += BLOCK_HEADER_BYTES + data.len();
            self.write_block(&mut ops, &file, &header, data);
            if ended {
                self.ended = true;
                ops.push(DiskOp::Sync { file: file.clone() });
                ops.push(DiskOp::Rename { from: file, to: file_name(self.group, self.footer.point.index) });
                return Some(ops);
            }
        }
        if self.unsynced_bytes >= SYNC_EVERY_BYTES {
            self.unsynced_bytes = 0;
            ops.push(DiskOp::Sync { file });
        }
        Some(ops)
    }

    /// Operations that remove what was written of an unfinished snapshot.
    pub fn abandon(self) -> Vec<DiskOp> {
        vec![DiskOp::Remove { file: temporary_name(self.group, self.footer.point.index) }]
    }

    fn write_block(&mut self, ops: &mut Vec<DiskOp>, file: &str, header: &BlockHeader, data: Bytes) {
        let encoded = block::encode_block_header(header, self.salt, self.offset, &data);
        for data in [encoded, data] {
            self.unsynced_bytes += data.len();
            let offset = self.offset;
            self.offset += data.len() as u64;
            if !data.is_empty() {
                ops.push(DiskOp::Write { file: file.to_owned(), offset, data });
            }
        }
    }

    fn next_block(&mut self) -> (BlockHeader, Bytes) {
        loop {
            if let Some((slot, pieces)) = &mut self.current
                && let Some(piece) = pieces.next()
            {
                let header = BlockHeader {
                    kind: BlockKind::Slot,
                    last: piece.last,
                    slot: *slot,
                    number: piece.number,
                };
                return (header, piece.data);
            }
            let Some((slot, state)) = self.slots.find(|(_, state)| !is_blank(state)) else { break };
            self.current = Some((slot, SlotPieces::new(state)));
        }
        let (kind, number, data) = if self.tables.is_empty() {
            let footer = postcard::to_stdvec(&self.footer).expect("a footer can be encoded");
            (BlockKind::Footer, 0, Bytes::from(footer))
        } else {
            let number = self.tables_number;
            self.tables_number += 1;
            (BlockKind::Tables, number, self.tables.split_to(self.tables.len().min(SNAPSHOT_CHUNK_BYTES)))
        };
        let last = kind == BlockKind::Footer || self.tables.is_empty();
        (BlockHeader { kind, last, slot: Slot(0), number }, data)
    }
}
