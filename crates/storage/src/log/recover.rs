//! Opening a log: reading all that is durable, cutting a torn tail, refusing damage.
//!
//! Exactly one frame is ever in flight, and a segment's preamble (header and checkpoint, one write) is synced before the frame behind it is written. So whatever is not
//! valid although a later frame exists was durable once: that is damage, and the node must not vote on what is left. What is not valid and has nothing behind it was never
//! acknowledged and is cut. A later frame is recognised by its header alone: that it was begun is the proof.
//!
//! The last frame is written once more and synced: after a failed sync of an earlier start, the page cache may show what the disk does not have.
//!
//! Invariant: what is returned is a prefix of what was sealed, and contains everything that was completed.

use super::frame::{self, BLOCK_BYTES, FrameHeader, FrameKind, SegmentHeader, SegmentStart};
use super::ledger::{Effect, Ledger, SegmentBook};
use super::record::{self, GroupCheckpoint, Item};
use super::{LogError, LogOwner, Record, Recovered, RecoveredGroup, SegmentSizes, TruncatedTail, segments};
use crate::disk::Disk;
use bytes::Bytes;
use proto::ids::{GroupId, LogIndex, Term};
use proto::peer::ConsensusEntry;
use std::collections::{BTreeMap, VecDeque};

/// Where the next frame goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) number: u64,
    pub(super) len_bytes: u64,
    pub(super) offset: u64,
    pub(super) next_sequence: u64,
    /// The checksum of the newest frame's header.
    pub(super) checksum: u32,
}

pub(super) struct Opened {
    pub(super) ledger: Ledger,
    pub(super) tail: Tail,
    pub(super) spare_bytes: Option<u64>,
    pub(super) recovered: Recovered,
}

/// A segment that was begun, read as far as its frames go.
struct Begun {
    file: String,
    bytes: Bytes,
    salt: u32,
    /// Where its newest frame begins.
    newest_offset: u64,
    tail: Tail,
}

pub(super) fn open(disk: &mut dyn Disk, owner: &LogOwner, sizes: &SegmentSizes) -> Result<Opened, LogError> {
    let mut replay = Replay::default();
    let mut newest: Option<Begun> = None;
    let numbers: Vec<u64> =
        disk.list()?.iter().filter_map(|name| segments::segment_number(owner.core, name)).collect();
    for (at, &number) in numbers.iter().enumerate() {
        let file = segments::segment_name(owner.core, number);
        if at > 0 && numbers[at - 1] + 1 != number {
            return Err(damage(&file, 0, format!("segment {} before it is missing", number - 1)));
        }
        let len_bytes = disk.len_bytes(&file)?.unwrap_or(0);
        let bytes = disk.read(&file, 0, len_bytes)?;
        match begin(&file, &bytes, owner, number, newest.as_ref())? {
            Some((header, checkpoint)) => {
                let groups = decode(&file, BLOCK_BYTES, payload(&bytes, owner, number, &checkpoint))?;
                replay.begin_segment(number, header.len_bytes);
                replay.checkpoint(&file, groups, newest.is_none())?;
                newest = Some(read_frames(file, bytes, owner, &header, &checkpoint, &mut replay)?);
            }
            None if at + 1 < numbers.len() => {
                return Err(damage(
                    &file,
                    0,
                    "its beginning is unreadable, and a segment follows it".to_owned(),
                ));
            }
            None if newest.is_none() && number > 1 => {
                return Err(damage(
                    &file,
                    0,
                    "its beginning is unreadable, and the segments before it are gone".to_owned(),
                ));
            }
            None => disk.remove(&file)?,
        }
    }
    let spare_bytes = keep_spare(disk, owner)?;
    let Some(newest) = newest else { return create(disk, owner, sizes, spare_bytes) };
    let truncated_tail = settle(disk, &newest)?;
    let groups = replay.finish(owner.core)?;
    let recovered = Recovered { groups, truncated_tail };
    Ok(Opened { ledger: replay.ledger, tail: newest.tail, spare_bytes, recovered })
}

/// Makes the first segment of an empty log.
fn create(
    disk: &mut dyn Disk,
    owner: &LogOwner,
    sizes: &SegmentSizes,
    spare_bytes: Option<u64>,
) -> Result<Opened, LogError> {
    let (number, mut ledger) = (1, Ledger::default());
    let (file, len_bytes) = (segments::segment_name(owner.core, number), sizes.of(number));
    let first = segments::preamble(owner, number, len_bytes, 1, 0, segments::checkpoint_frame(&ledger));
    disk.create(&file, len_bytes)?;
    disk.write(&file, 0, &first.bytes)?;
    disk.sync(&file)?;
    disk.sync_folder()?;
    ledger.segments.push_back(SegmentBook::new(number, len_bytes));
    let offset = first.bytes.len() as u64;
    let tail = Tail { number, len_bytes, offset, next_sequence: 2, checksum: first.checksum };
    Ok(Opened { ledger, tail, spare_bytes, recovered: Recovered::default() })
}

/// Tidies up after maintenance that a crash cut short. A spare's content does not matter, its length does.
fn keep_spare(disk: &mut dyn Disk, owner: &LogOwner) -> Result<Option<u64>, LogError> {
    disk.remove(&segments::preparing_name(owner.core))?;
    Ok(disk.len_bytes(&segments::spare_name(owner.core))?)
}

/// A segment's header and checkpoint, both whole. `None`: it was never begun, or the crash tore its beginning; nothing in it was ever acknowledged.
fn begin(
    file: &str,
    bytes: &Bytes,
    owner: &LogOwner,
    number: u64,
    before: Option<&Begun>,
) -> Result<Option<(SegmentHeader, FrameHeader)>, LogError> {
    let header = match frame::decode_segment_header(bytes) {
        SegmentStart::TooNew(version) => return Err(LogError::TooNew { file: file.to_owned(), version }),
        SegmentStart::Header(header) => {
            check_owner(file, &header, owner)?;
            // Another number: a recycled file whose new header never became durable.
            Some(header).filter(|header| header.number == number)
        }
        SegmentStart::Unreadable => None,
    };
    let salt = frame::salt(owner, number);
    let checkpoint = header.and_then(|header| {
        frame::frame_header_at(bytes, salt, BLOCK_BYTES)
            .filter(|frame| frame.kind == FrameKind::Checkpoint && frame.sequence == header.first_sequence)
            .filter(|frame| frame.previous == header.previous)
            .filter(|frame| frame::payload_at(bytes, salt, BLOCK_BYTES, frame).is_some())
    });
    let (Some(header), Some(checkpoint)) = (header, checkpoint) else {
        // Only a frame behind the checkpoint proves that the beginning was durable; the checkpoint itself may have come through torn.
        let first =
            header.map(|header| header.first_sequence).or(before.map(|before| before.tail.next_sequence));
        if let Some(offset) = successor(bytes, salt, BLOCK_BYTES, first) {
            return Err(damage(
                file,
                0,
                format!("its beginning is unreadable, and a batch follows it at byte {offset}"),
            ));
        }
        return Ok(None);
    };
    if (bytes.len() as u64) < header.len_bytes {
        return Err(damage(
            file,
            bytes.len() as u64,
            format!("the file ends here instead of at byte {}", header.len_bytes),
        ));
    }
    if let Some(before) = before
        && (header.first_sequence != before.tail.next_sequence || header.previous != before.tail.checksum)
    {
        let why = format!(
            "batch {} is expected here and is unreadable; the next segment goes on with batch {}",
            before.tail.next_sequence, header.first_sequence
        );
        return Err(damage(&before.file, before.tail.offset, why));
    }
    Ok(Some((header, checkpoint)))
}

fn check_owner(file: &str, header: &SegmentHeader, owner: &LogOwner) -> Result<(), LogError> {
    let foreign = |why: String| Err(LogError::Foreign { file: file.to_owned(), why });
    if header.cluster != owner.cluster {
        return foreign(format!("it belongs to cluster {}, not to {}", header.cluster, owner.cluster));
    }
    if header.node != owner.node || header.core != owner.core {
        let (node, core) = (header.node, header.core);
        return foreign(format!(
            "it belongs to core {core} of node {node}, not to core {} of node {}",
            owner.core, owner.node
        ));
    }
    Ok(())
}

/// The offset of a frame header behind `from` that was written after the frame `sequence` was durable (any frame, if it is `None`).
fn successor(bytes: &[u8], salt: u32, from: u64, sequence: Option<u64>) -> Option<u64> {
    let offsets = (from + BLOCK_BYTES..bytes.len() as u64).step_by(BLOCK_BYTES as usize);
    // A frame takes a block at least, so that many sequence numbers fit and no more: what lies in a torn frame's payload hardly ever looks like one.
    offsets.into_iter().find(|&offset| {
        let blocks = (offset - from) / BLOCK_BYTES;
        frame::frame_header_at(bytes, salt, offset).is_some_and(|found| {
            sequence.is_none_or(|sequence| found.sequence > sequence && found.sequence - sequence <= blocks)
        })
    })
}

/// Replays the frames of a segment up to the first that is not valid.
fn read_frames(
    file: String,
    bytes: Bytes,
    owner: &LogOwner,
    header: &SegmentHeader,
    checkpoint: &FrameHeader,
    replay: &mut Replay,
) -> Result<Begun, LogError> {
    let salt = frame::salt(owner, header.number);
    let mut newest_offset = 0; // the preamble was one write
    let mut tail = Tail {
        number: header.number,
        len_bytes: header.len_bytes,
        offset: BLOCK_BYTES + checkpoint.frame_bytes(),
        next_sequence: header.first_sequence + 1,
        checksum: checkpoint.checksum,
    };
    while let Some((found, payload)) = frame::frame_header_at(&bytes, salt, tail.offset)
        .filter(|found| found.kind == FrameKind::Records && found.sequence == tail.next_sequence)
        .filter(|found| found.previous == tail.checksum)
        .and_then(|found| Some((found, frame::payload_at(&bytes, salt, tail.offset, &found)?)))
    {
        for item in decode(&file, tail.offset, payload)? {
            replay.item(&file, tail.offset, item)?;
        }
        newest_offset = tail.offset;
        tail.offset += found.frame_bytes();
        tail.next_sequence += 1;
        tail.checksum = found.checksum;
    }
    Ok(Begun { file, bytes, salt, newest_offset, tail })
}

/// Makes the end of the log what it looks like: refuses it if something follows, wipes a torn frame, writes the newest frame again, and syncs.
fn settle(disk: &mut dyn Disk, newest: &Begun) -> Result<Option<TruncatedTail>, LogError> {
    let (file, cut) = (&newest.file, newest.tail.offset);
    let torn = frame::frame_header_at(&newest.bytes, newest.salt, cut)
        .filter(|torn| torn.sequence == newest.tail.next_sequence && torn.previous == newest.tail.checksum);
    let last_block = torn.map_or(cut, |torn| cut + torn.frame_bytes() - BLOCK_BYTES);
    if let Some(offset) = successor(&newest.bytes, newest.salt, last_block, Some(newest.tail.next_sequence)) {
        let why = format!(
            "batch {} is unreadable, and a batch follows it at byte {offset}",
            newest.tail.next_sequence
        );
        return Err(damage(file, cut, why));
    }
    if let Some(torn) = torn {
        let end = (cut + torn.frame_bytes()).min(newest.tail.len_bytes);
        disk.write(file, cut, &vec![0; (end - cut) as usize])?;
    }
    disk.write(file, newest.newest_offset, &newest.bytes[newest.newest_offset as usize..cut as usize])?;
    disk.sync(file)?;
    disk.sync_folder()?;
    Ok(torn.map(|_| TruncatedTail { file: file.clone(), offset: cut }))
}

fn payload<'a>(bytes: &'a Bytes, owner: &LogOwner, number: u64, checkpoint: &FrameHeader) -> &'a [u8] {
    frame::payload_at(bytes, frame::salt(owner, number), BLOCK_BYTES, checkpoint).expect("checked by begin()")
}

fn decode(file: &str, offset: u64, payload: &[u8]) -> Result<Vec<Item>, LogError> {
    record::decode(payload)
        .ok_or_else(|| damage(file, offset, "its checksum matches, but it does not hold records".to_owned()))
}

fn damage(file: &str, offset: u64, why: String) -> LogError {
    LogError::Damage { file: file.to_owned(), offset, why }
}

/// What the log says, record by record.
#[derive(Default)]
struct Replay {
    ledger: Ledger,
    held: BTreeMap<GroupId, Held>,
}

/// The entries of one group so far.
#[derive(Default)]
struct Held {
    entries: VecDeque<ConsensusEntry>,
    /// Entries up to here lay in segments that were released; a mark that covers them must follow.
    missing_through: LogIndex,
}

impl Replay {
    fn begin_segment(&mut self, number: u64, len_bytes: u64) {
        self.ledger.segments.push_back(SegmentBook::new(number, len_bytes));
    }

    /// The oldest segment's checkpoint is where replay starts; every later one must say what was replayed.
    fn checkpoint(&mut self, file: &str, items: Vec<Item>, oldest: bool) -> Result<(), LogError> {
        let mut groups: Vec<GroupCheckpoint> = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Item::Group(group) => groups.push(group),
                Item::Record(_) => {
                    return Err(damage(file, BLOCK_BYTES, "its checkpoint holds a record".to_owned()));
                }
            }
        }
        if !oldest {
            return match self.ledger.checkpoints().eq(groups) {
                true => Ok(()),
                false => Err(damage(
                    file,
                    BLOCK_BYTES,
                    "its checkpoint is not what the segments before it say".to_owned(),
                )),
            };
        }
        for group in groups {
            self.ledger.begin_with(&group);
            self.held.entry(group.group).or_default().missing_through = group.last;
        }
        Ok(())
    }

    fn item(&mut self, file: &str, offset: u64, item: Item) -> Result<(), LogError> {
        let wrong = |why: String| Err(damage(file, offset, why));
        match item {
            Item::Group(_) => return wrong("a batch holds a checkpoint".to_owned()),
            Item::Record(Record::HardState { group, state }) => {
                self.ledger.apply(Effect::HardState { group, state });
                self.held.entry(group).or_default();
            }
            Item::Record(Record::Entries { group, entries }) => {
                let (mark, last_before) = self.front(group);
                let (first, last) = (entries[0].index, entries[entries.len() - 1].index);
                // A group's log begins where its founding says, above nothing.
                let begins = mark.0 == 0 && last_before.0 == 0;
                if first <= mark || (first.0 > last_before.0 + 1 && !begins) {
                    return wrong(format!(
                        "entries {first} to {last} of group {group} do not follow {last_before}"
                    ));
                }
                let held = self.held.entry(group).or_default();
                while held.entries.back().is_some_and(|entry| entry.index >= first) {
                    held.entries.pop_back();
                }
                held.missing_through = held.missing_through.min(LogIndex(first.0 - 1));
                let bytes = entries.iter().map(|entry| (entry.data.len() + entry.context.len()) as u64).sum();
                held.entries.extend(entries);
                self.ledger.apply(Effect::Entries { group, first, last, bytes });
            }
            Item::Record(Record::SnapshotMark { group, index, term, reset }) => {
                let (mark, last) = self.front(group);
                if index < mark || (!reset && index > last) {
                    return wrong(format!(
                        "a mark at {index} of group {group} does not fit its entries up to {last}"
                    ));
                }
                let held = self.held.entry(group).or_default();
                if reset {
                    held.entries.clear();
                    held.missing_through = LogIndex(0);
                }
                while held.entries.front().is_some_and(|entry| entry.index <= index) {
                    held.entries.pop_front();
                }
                self.ledger.apply(Effect::Mark { group, index, term, reset });
            }
        }
        Ok(())
    }

    /// Where a group stands: its mark and its last index.
    fn front(&self, group: GroupId) -> (LogIndex, LogIndex) {
        self.ledger
            .groups
            .get(&group)
            .map_or((LogIndex(0), LogIndex(0)), |book| (book.mark_index(), book.last))
    }

    /// The groups, once all segments were read.
    fn finish(&mut self, core: u16) -> Result<BTreeMap<GroupId, RecoveredGroup>, LogError> {
        let mut groups = BTreeMap::new();
        for (group, held) in std::mem::take(&mut self.held) {
            let book = &self.ledger.groups[&group];
            let mark: Option<(LogIndex, Term)> = book.mark;
            if held.missing_through > book.mark_index() {
                let oldest = segments::segment_name(core, self.ledger.segments[0].number);
                let why = format!(
                    "entries {} to {} of group {group} lie in no segment, and no snapshot covers them",
                    book.mark_index().0 + 1,
                    held.missing_through
                );
                return Err(damage(&oldest, 0, why));
            }
            let entries = held.entries.into();
            groups.insert(group, RecoveredGroup { hard_state: book.hard_state, mark, entries });
        }
        Ok(groups)
    }
}
