//! The set of nodes that found a cluster, and what a founder keeps of it on its disk.
//!
//! A set is named by its cluster id: its proposer draws one anew at each start and confirms at most one set, so no two sets share an id.

use crate::address::Address;
use crate::state::DecodeError;
use bytes::Bytes;
use proto::ids::{ClusterId, NodeId};
use proto::limits::{MAX_FOUNDING_MESSAGE_BYTES, MAX_NODES, MAX_REPLICAS, MAX_SHARDS};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of what [`StoredFounding::encode`] writes.
const STORED_VERSION: u8 = 1;

/// A node that wants to found a cluster with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founder {
    /// Drawn once per data folder and kept in it.
    pub id: u128,
    /// Where its peers reach it.
    pub peer: Address,
    /// Where clients reach it over the Redis protocol.
    pub resp: Address,
    /// Where clients reach it over HTTP.
    pub http: Address,
}

/// The nodes that found a cluster, and what they agree on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundingSet {
    /// The cluster's name for ever.
    pub cluster: ClusterId,
    /// The key that signs session tokens. Secret: never printed, never told to a node outside the set.
    pub token_key: [u8; 32],
    /// In the order of their peer addresses; the first proposed the set.
    pub members: Vec<Founder>,
    /// How many replicas each shard is wanted to have.
    pub replicas: u32,
    /// Number of shards.
    pub shards: u32,
}

/// What a founder has on its disk: the one set that it confirmed, and whether it knows that all have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFounding {
    /// The set that this node confirmed.
    pub set: FoundingSet,
    /// All of its members confirmed it: the cluster exists.
    pub founded: bool,
}

impl Founder {
    pub(super) fn check(&self) -> Result<(), String> {
        for address in [&self.peer, &self.resp, &self.http] {
            address.check().map_err(|why| why.to_string())?;
        }
        Ok(())
    }
}

impl FoundingSet {
    /// Whether members are in order, named once and within limits; says what is not.
    pub fn check(&self) -> Result<(), String> {
        if self.members.is_empty() || self.members.len() > MAX_NODES {
            return Err(format!("{} members; 1 to {MAX_NODES} are possible", self.members.len()));
        }
        for (at, member) in self.members.iter().enumerate() {
            member.check()?;
            let earlier = &self.members[..at];
            if earlier.last().is_some_and(|last| last.peer >= member.peer) {
                return Err(format!("{} is out of order", member.peer));
            }
            if earlier.iter().any(|other| other.id == member.id) {
                return Err(format!("{} carries another member's id", member.peer));
            }
        }
        if !(1..=MAX_REPLICAS).contains(&(self.replicas as usize)) {
            return Err(format!("{} replicas; 1 to {MAX_REPLICAS} are possible", self.replicas));
        }
        if !(1..=MAX_SHARDS).contains(&self.shards) {
            return Err(format!("{} shards; 1 to {MAX_SHARDS} are possible", self.shards));
        }
        Ok(())
    }

    /// The node id that a founder has in the cluster; `None` if it is no member.
    pub fn node_id_of(&self, founder: u128) -> Option<NodeId> {
        self.members.iter().position(|member| member.id == founder).map(|at| NodeId(at as u64 + 1))
    }

    /// The member with this id.
    pub fn member(&self, founder: u128) -> Option<&Founder> {
        self.members.iter().find(|member| member.id == founder)
    }
}

impl fmt::Debug for FoundingSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FoundingSet")
            .field("cluster", &self.cluster)
            .field("members", &self.members)
            .field("replicas", &self.replicas)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

impl StoredFounding {
    /// Version, CRC-32C of what follows (little endian), `postcard`. The body writes it to a file of its own, durably.
    pub fn encode(&self) -> Bytes {
        let mut out = postcard::to_extend(self, vec![STORED_VERSION, 0, 0, 0, 0])
            .expect("writing to memory cannot fail");
        let checksum = crc32c::crc32c(&out[5..]);
        out[1..5].copy_from_slice(&checksum.to_le_bytes());
        out.into()
    }

    /// What [`StoredFounding::encode`] wrote. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<StoredFounding, DecodeError> {
        if bytes.len() > MAX_FOUNDING_MESSAGE_BYTES {
            return Err(DecodeError::TooLong);
        }
        match bytes.first() {
            None => return Err(DecodeError::Damaged),
            Some(&version) if version > STORED_VERSION => return Err(DecodeError::Version(version)),
            Some(_) => {}
        }
        let (head, payload) = bytes.split_at_checked(5).ok_or(DecodeError::Damaged)?;
        let checksum = u32::from_le_bytes(head[1..5].try_into().expect("four bytes"));
        if head[0] != STORED_VERSION || crc32c::crc32c(payload) != checksum {
            return Err(DecodeError::Damaged);
        }
        let Ok((stored, [])) = postcard::take_from_bytes::<StoredFounding>(payload) else {
            return Err(DecodeError::Damaged);
        };
        stored.set.check().map_err(DecodeError::Broken)?;
        Ok(stored)
    }
}
