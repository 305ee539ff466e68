//! The names and sizes of segment files, and the first bytes of a new one.

use super::frame::{self, FRAME_HEADER_BYTES, FrameKind, SegmentHeader};
use super::ledger::Ledger;
use super::{LogOwner, SegmentSizes, record};

/// A prepared file full of zeros, or a released segment, waiting to become the next segment.
pub(super) fn spare_name(core: u16) -> String {
    format!("log-{core}-spare.seg")
}

/// The spare while its zeros are being written.
pub(super) fn preparing_name(core: u16) -> String {
    format!("log-{core}-spare.tmp")
}

pub(super) fn segment_name(core: u16, number: u64) -> String {
    format!("log-{core}-{number:020}.seg")
}

/// The number in a segment's name; `None` if the name is not that of a segment of this core.
pub(super) fn segment_number(core: u16, name: &str) -> Option<u64> {
    let number = name
        .strip_prefix("log-")?
        .strip_prefix(&core.to_string())?
        .strip_prefix('-')?
        .strip_suffix(".seg")?;
    number.parse().ok().filter(|&number| number > 0 && segment_name(core, number) == name)
}

impl SegmentSizes {
    /// The size of segment `number`, counted from 1.
    pub(super) fn of(&self, number: u64) -> u64 {
        let doublings = u32::try_from(number - 1).unwrap_or(u32::MAX).min(32);
        (self.first_bytes << doublings).min(self.largest_bytes)
    }
}

/// What is written first into a segment, in one write: its header and the checkpoint.
pub(super) struct Preamble {
    pub(super) bytes: Vec<u8>,
    /// The checksum of the checkpoint frame's header.
    pub(super) checksum: u32,
}

/// The checkpoint's frame without its checksums; the segment that it begins need not be known yet.
pub(super) fn checkpoint_frame(ledger: &Ledger) -> Vec<u8> {
    let mut frame = vec![0; FRAME_HEADER_BYTES];
    for group in ledger.checkpoints() {
        record::encode_group(&mut frame, &group);
    }
    frame
}

pub(super) fn preamble(
    owner: &LogOwner,
    number: u64,
    len_bytes: u64,
    first_sequence: u64,
    previous: u32,
    mut checkpoint: Vec<u8>,
) -> Preamble {
    let header = SegmentHeader {
        core: owner.core,
        cluster: owner.cluster,
        node: owner.node,
        incarnation: owner.incarnation,
        number,
        first_sequence,
        previous,
        len_bytes,
    };
    let mut bytes = frame::encode_segment_header(&header);
    let salt = frame::salt(owner, number);
    let checksum =
        frame::finish_frame(&mut checkpoint, salt, FrameKind::Checkpoint, first_sequence, previous);
    bytes.extend_from_slice(&checkpoint);
    Preamble { bytes, checksum }
}
