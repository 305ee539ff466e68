//! What has arrived of a snapshot on its way here: whole slots, in a file that survives a crash of the receiver.
//!
//! The file is an aid and not a promise: it is read as far as it is valid, and a slot counts only where its digest is the one that the sender offers. So it needs no
//! sync for correctness; it gets one now and then so that a power cut costs little. A slot that arrives again is appended again, and the newer one counts.

use super::block::{self, BlockHeader, BlockKind, FILE_HEADER_BYTES, FileKind, FileSalt};
use super::pieces::{SlotBuilder, SlotPieces};
use super::reader::Blocks;
use crate::disk::{Disk, DiskError, DiskOp};
use crate::state::SlotState;
use proto::ids::{GroupId, LogIndex, Slot};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes between syncs.
const SYNC_EVERY_BYTES: u64 = 8 * 1024 * 1024;

/// See the module's description.
#[derive(Debug)]
pub struct Partial {
    group: GroupId,
    offset: u64,
    synced: u64,
}

impl Partial {
    /// Begins anew: run the operations first.
    pub fn begin(group: GroupId) -> (Partial, Vec<DiskOp>) {
        let file = file_name(group);
        let data = block::encode_file_header(FileKind::Partial, group, LogIndex(0));
        let offset = data.len() as u64;
        let ops = vec![DiskOp::Create { file: file.clone() }, DiskOp::Write { file, offset: 0, data }];
        (Partial { group, offset, synced: 0 }, ops)
    }

    /// Operations that append a whole slot.
    pub fn append(&mut self, slot: Slot, state: &Arc<SlotState>) -> Vec<DiskOp> {
        let (file, salt) = (file_name(self.group), FileSalt::new(self.group, LogIndex(0)));
        let mut ops = Vec::new();
        for piece in SlotPieces::new(state.clone()) {
            let header = BlockHeader { kind: BlockKind::Slot, last: piece.last, slot, number: piece.number };
            let header = block::encode_block_header(&header, salt, self.offset, &piece.data);
            for data in [header, piece.data] {
                let offset = self.offset;
                self.offset += data.len() as u64;
                ops.push(DiskOp::Write { file: file.clone(), offset, data });
            }
        }
        if self.offset - self.synced >= SYNC_EVERY_BYTES {
            self.synced = self.offset;
            ops.push(DiskOp::Sync { file });
        }
        ops
    }

    /// Bytes of the file: begin anew when slots that came again have made it much larger than the shard.
    pub fn bytes(&self) -> u64 {
        self.offset
    }

    /// Operations that remove the file, once the snapshot is installed or is of no use.
    pub fn remove(group: GroupId) -> Vec<DiskOp> {
        vec![DiskOp::Remove { file: file_name(group) }, DiskOp::SyncFolder]
    }

    /// Reads what an earlier start received, as far as it is valid, to go on from there. `None` if there is nothing. Blocking.
    ///
    /// # Errors
    /// [`DiskError`].
    #[allow(clippy::type_complexity)] // a pair, and only here
    pub fn recover(
        disk: &mut dyn Disk,
        group: GroupId,
    ) -> Result<Option<(Partial, BTreeMap<Slot, Arc<SlotState>>)>, DiskError> {
        let file = file_name(group);
        let Some(len_bytes) = disk.len_bytes(&file)? else { return Ok(None) };
        let header = disk.read(&file, 0, FILE_HEADER_BYTES as u64)?;
        if block::is_file_header(&header, FileKind::Partial, group, LogIndex(0)) != Ok(true) {
            return Ok(None);
        }
        let salt = FileSalt::new(group, LogIndex(0));
        let mut blocks = Blocks { file, salt, offset: header.len() as u64, len_bytes };
        let mut whole_through = blocks.offset;
        let mut slots = BTreeMap::new();
        let mut builder: Option<(Slot, SlotBuilder)> = None;
        while let Some((header, payload)) = blocks.next(disk)? {
            let (slot, mut current) =
                builder.take().unwrap_or_else(|| (header.slot, SlotBuilder::new(header.slot)));
            if header.kind != BlockKind::Slot || header.slot != slot {
                break;
            }
            match current.push(header.number, header.last, &payload) {
                Err(_) => break,
                Ok(None) => builder = Some((slot, current)),
                Ok(Some(state)) => {
                    slots.insert(slot, Arc::new(state));
                    whole_through = blocks.offset;
                }
            }
        }
        Ok(Some((Partial { group, offset: whole_through, synced: whole_through }, slots)))
    }
}

fn file_name(group: GroupId) -> String {
    format!("incoming-{group}.part")
}
