//! The small file `identity`: whose data folder this is, and how often it was started.
//!
//! It is written before anything else of a start, so that nothing from before a restart is ever taken for new. Written to a temporary file,
//! synced and renamed: it is always the old one or the new one. The bytes are described in `docs/formats/identity.md`.
//!
//! Invariant: what [`load`] returns was checksummed. It does not decide whether the folder belongs here: see [`Identity::check_cluster`].

use crate::disk::{Disk, DiskError};
use bytes::Bytes;
use proto::ids::{ClusterId, Incarnation, NodeId};
use std::fmt;

/// The name of the file.
pub const IDENTITY_FILE: &str = "identity";
const TEMPORARY_FILE: &str = "identity.tmp";
const MAGIC: [u8; 8] = *b"QRTIDENT";
const VERSION: u16 = 1;
const FIXED_BYTES: usize = 52;
/// The longest founding record, in bytes: more than 64 nodes' addresses need.
const MAX_FOUNDING_BYTES: usize = 1024 * 1024;

/// What a data folder says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The cluster that the folder belongs to.
    pub cluster: ClusterId,
    /// The node that it belongs to.
    pub node: NodeId,
    /// How often the node was started, this time included.
    pub incarnation: Incarnation,
    /// Cores, each with a log of its own. Fixed for the folder's life.
    pub cores: u16,
    /// What the founders agreed on (`directory::founding`), as that crate encodes it.
    pub founding: Bytes,
}

impl Identity {
    /// Refuses a folder of another cluster than the one that the node was told to join.
    ///
    /// # Errors
    /// [`IdentityError::OtherCluster`].
    pub fn check_cluster(&self, expected: ClusterId) -> Result<(), IdentityError> {
        if self.cluster == expected {
            return Ok(());
        }
        Err(IdentityError::OtherCluster { found: self.cluster, expected })
    }
}

/// Why a folder's identity cannot be used, with what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityError {
    /// The bytes are not what was written.
    Damaged {
        /// What does not fit.
        why: String,
    },
    /// A later Quartet wrote it.
    TooNew {
        /// The version of its format.
        version: u16,
    },
    /// It belongs to another cluster.
    OtherCluster {
        /// The cluster of the folder.
        found: ClusterId,
        /// The cluster that was asked for.
        expected: ClusterId,
    },
    /// The disk failed.
    Disk(DiskError),
}

impl fmt::Display for IdentityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IdentityError::Damaged { why } => write!(
                f,
                "the file `{IDENTITY_FILE}` in the data folder is damaged ({why}); restore this file from a copy of the folder; without it nothing says which node this is, and the node cannot be rebuilt"
            ),
            IdentityError::TooNew { version } => write!(
                f,
                "the file `{IDENTITY_FILE}` in the data folder has format version {version}, and this Quartet reads up to {VERSION}; start a newer Quartet on it"
            ),
            IdentityError::OtherCluster { found, expected } => write!(
                f,
                "the data folder belongs to cluster {found}, not to {expected}; point --data at another folder, or join the cluster that it belongs to"
            ),
            IdentityError::Disk(error) => {
                write!(f, "the file `{IDENTITY_FILE}` cannot be read or written: {error}")
            }
        }
    }
}

impl std::error::Error for IdentityError {}

impl From<DiskError> for IdentityError {
    fn from(error: DiskError) -> Self {
        IdentityError::Disk(error)
    }
}

/// Reads the folder's identity; `None` if it has none yet.
///
/// # Errors
/// [`IdentityError::Damaged`], [`IdentityError::TooNew`], [`IdentityError::Disk`].
pub fn load(disk: &mut dyn Disk) -> Result<Option<Identity>, IdentityError> {
    let Some(len_bytes) = disk.len_bytes(IDENTITY_FILE)? else { return Ok(None) };
    let longest = (FIXED_BYTES + MAX_FOUNDING_BYTES) as u64;
    if len_bytes > longest {
        return Err(damaged("it is too long"));
    }
    let bytes = disk.read(IDENTITY_FILE, 0, len_bytes)?;
    decode(&bytes).map(Some)
}

/// Writes the identity; it is durable, whole, when this returns.
///
/// # Errors
/// [`IdentityError::Disk`].
///
/// # Panics
/// If the founding record is longer than 1 MiB.
pub fn store(disk: &mut dyn Disk, identity: &Identity) -> Result<(), IdentityError> {
    disk.create(TEMPORARY_FILE, 0)?;
    disk.write(TEMPORARY_FILE, 0, &encode(identity))?;
    disk.sync(TEMPORARY_FILE)?;
    disk.rename(TEMPORARY_FILE, IDENTITY_FILE)?;
    disk.sync_folder()?;
    Ok(())
}

fn encode(identity: &Identity) -> Vec<u8> {
    assert!(
        identity.founding.len() <= MAX_FOUNDING_BYTES,
        "a founding record of {} bytes",
        identity.founding.len()
    );
    let mut out = Vec::with_capacity(FIXED_BYTES + identity.founding.len());
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&identity.cores.to_le_bytes());
    out.extend_from_slice(&identity.cluster.0);
    out.extend_from_slice(&identity.node.0.to_le_bytes());
    out.extend_from_slice(&identity.incarnation.0.to_le_bytes());
    out.extend_from_slice(&(identity.founding.len() as u32).to_le_bytes());
    out.extend_from_slice(&identity.founding);
    let checksum = crc32c::crc32c(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

fn decode(bytes: &Bytes) -> Result<Identity, IdentityError> {
    let Some((body, checksum)) = bytes.split_last_chunk::<4>() else {
        return Err(damaged("it is too short"));
    };
    if bytes.len() < FIXED_BYTES {
        return Err(damaged("it is too short"));
    }
    if body[..8] != MAGIC {
        return Err(damaged("it does not begin like an identity"));
    }
    if crc32c::crc32c(body) != u32::from_le_bytes(*checksum) {
        return Err(damaged("its checksum does not match"));
    }
    let version = u16::from_le_bytes(array(body, 8));
    if version > VERSION {
        return Err(IdentityError::TooNew { version });
    }
    let founding_bytes = u32::from_le_bytes(array(body, 44)) as usize;
    if version == 0 || body.len() != FIXED_BYTES - 4 + founding_bytes {
        return Err(damaged("its lengths do not fit"));
    }
    Ok(Identity {
        cores: u16::from_le_bytes(array(body, 10)),
        cluster: ClusterId(array(body, 12)),
        node: NodeId(u64::from_le_bytes(array(body, 28))),
        incarnation: Incarnation(u64::from_le_bytes(array(body, 36))),
        founding: bytes.slice(FIXED_BYTES - 4..bytes.len() - 4),
    })
}

/// `N` bytes at `at`; the caller has checked the length.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("a slice of N bytes")
}

fn damaged(why: &str) -> IdentityError {
    IdentityError::Damaged { why: why.to_owned() }
}
