//! The small file `folder`: which of the node's data folders this is, whether its log was begun, and whether it was emptied on purpose.
//!
//! A node that has lost part of what it promised must not go on as if it had promised nothing. So the folder says that a log was begun (a log that is gone later is damage, not a first start), and a folder that is
//! to be filled from the peers says so with a number that was drawn for this (`node::rebuild`). The folder's number makes it another origin of tentative writes than the folders before it. The bytes are described in `docs/formats/folder.md`.
//!
//! How a folder is emptied: [`Folder::emptied`] is stored as *clearing*; everything that [`to_set_aside`] names is moved away; then it is stored as *empty*. A crash in between leaves *clearing*, and then no node starts on it.
//!
//! Invariant: it is always the old one or the new one, whole. Not here: who moves the files, and where to.

use crate::disk::{Disk, DiskError};
use crate::identity::IDENTITY_FILE;
use std::fmt;

/// The name of the file.
pub const FOLDER_FILE: &str = "folder";
const TEMPORARY_FILE: &str = "folder.tmp";
const MAGIC: [u8; 8] = *b"QRTFOLDR";
const VERSION: u16 = 1;
const LEN_BYTES: usize = 28;

/// Small files that say who the node is. They survive when a folder is emptied.
const KEPT: [&str; 4] = [IDENTITY_FILE, FOLDER_FILE, "founder", "founding"];

/// How far a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is being emptied: no node may start on it.
    Clearing,
    /// It may have no log.
    Empty,
    /// A log was begun in it.
    Begun,
}

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Which of the node's data folders this is, from 1.
    pub number: u32,
    /// Drawn when it was emptied to be filled from the peers; 0 if that never happened.
    pub nonce: u64,
    /// How far it is.
    pub phase: Phase,
}

impl Folder {
    /// The first folder of a node.
    pub const FIRST: Folder = Folder { number: 1, nonce: 0, phase: Phase::Empty };

    /// What stands in the place of this one while it is emptied. A number that was drawn for an emptying that a crash cut short stays.
    pub fn emptied(self, drawn: u64) -> Folder {
        match self.phase {
            Phase::Clearing => self,
            _ => Folder { number: self.number + 1, nonce: drawn.max(1), phase: Phase::Clearing },
        }
    }
}

/// Why the file cannot be used, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FolderError {
    /// The bytes are not what was written.
    Damaged,
    /// A later Quartet wrote it.
    TooNew(u16),
    /// The disk failed.
    Disk(DiskError),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderError::Damaged => write!(
                f,
                "the file `{FOLDER_FILE}` in the data folder is damaged: it is not known any more what this node has promised. Restore this file (28 bytes) from a copy of the folder; without it the node cannot be rebuilt"
            ),
            FolderError::TooNew(version) => write!(
                f,
                "the file `{FOLDER_FILE}` in the data folder has format version {version}, and this Quartet reads up to {VERSION}; start a newer Quartet on it"
            ),
            FolderError::Disk(error) => {
                write!(f, "the file `{FOLDER_FILE}` cannot be read or written: {error}")
            }
        }
    }
}

impl std::error::Error for FolderError {}

impl From<DiskError> for FolderError {
    fn from(error: DiskError) -> Self {
        FolderError::Disk(error)
    }
}

/// Reads what the folder says of itself; `None` if it says nothing yet.
///
/// # Errors
/// [`FolderError`].
pub fn load(disk: &mut dyn Disk) -> Result<Option<Folder>, FolderError> {
    let Some(len_bytes) = disk.len_bytes(FOLDER_FILE)? else { return Ok(None) };
    let bytes = disk.read(FOLDER_FILE, 0, len_bytes.min(LEN_BYTES as u64))?;
    let Some((body, checksum)) = bytes.split_last_chunk::<4>() else { return Err(FolderError::Damaged) };
    if bytes.len() != LEN_BYTES
        || len_bytes != LEN_BYTES as u64
        || body[..8] != MAGIC
        || crc32c::crc32c(body) != u32::from_le_bytes(*checksum)
    {
        return Err(FolderError::Damaged);
    }
    let version = u16::from_le_bytes(array(body, 8));
    if version > VERSION {
        return Err(FolderError::TooNew(version));
    }
    let phase = match u16::from_le_bytes(array(body, 10)) {
        0 => Phase::Clearing,
        1 => Phase::Empty,
        2 => Phase::Begun,
        _ => return Err(FolderError::Damaged),
    };
    let (number, nonce) = (u32::from_le_bytes(array(body, 12)), u64::from_le_bytes(array(body, 16)));
    Ok(Some(Folder { number, nonce, phase }))
}

/// Writes it; it is durable, whole, when this returns.
///
/// # Errors
/// The disk's.
pub fn store(disk: &mut dyn Disk, folder: &Folder) -> Result<(), DiskError> {
    let mut bytes = Vec::with_capacity(LEN_BYTES);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let phase: u16 = match folder.phase {
        Phase::Clearing => 0,
        Phase::Empty => 1,
        Phase::Begun => 2,
    };
    bytes.extend_from_slice(&phase.to_le_bytes());
    bytes.extend_from_slice(&folder.number.to_le_bytes());
    bytes.extend_from_slice(&folder.nonce.to_le_bytes());
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    disk.create(TEMPORARY_FILE, 0)?;
    disk.write(TEMPORARY_FILE, 0, &bytes)?;
    disk.sync(TEMPORARY_FILE)?;
    disk.rename(TEMPORARY_FILE, FOLDER_FILE)?;
    disk.sync_folder()
}

/// The files that are set aside when a folder is emptied: all but those that say who the node is.
///
/// # Errors
/// The disk's.
pub fn to_set_aside(disk: &mut dyn Disk) -> Result<Vec<String>, DiskError> {
    let mut files = disk.list()?;
    files.retain(|file| !KEPT.contains(&file.as_str()));
    Ok(files)
}

/// `N` bytes at `at`; the caller has checked the length.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}
