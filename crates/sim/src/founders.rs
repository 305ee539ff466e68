//! How simulated nodes become a cluster, and how one of them starts again.
//!
//! Either the founding set is there on every disk, or the nodes agree on it by messages, with whatever the network does to them. In both cases a
//! start is what the real body does: read the folder's identity, count the start, write it back, begin the core.
//!
//! Invariant: node number `n` (from 0) has the address `node-n`, so founding gives it the id `n + 1`.

use crate::params::Params;
use crate::random::Random;
use directory::Address;
use directory::founding::{Drawn, Founder, FoundingSet, StoredFounding, Wanted};
use directory::state::Member;
use proto::ids::{ClusterId, Incarnation, NodeId};
use storage::disk::{Disk, DiskError};
use storage::identity::Identity;

/// Where a founder keeps what it confirmed.
const FOUNDING_FILE: &str = "founding";
const FOUNDING_TEMPORARY_FILE: &str = "founding.tmp";

/// The peer address of a node.
pub fn peer_address(node: usize) -> Address {
    Address::new(format!("node-{node}"), 7_201)
}

/// The node that an address leads to.
pub fn node_at(address: &Address) -> Option<usize> {
    address.host.strip_prefix("node-")?.parse().ok()
}

/// A node as a founder.
pub fn founder(node: usize) -> Founder {
    Founder {
        id: 1_000 + node as u128,
        peer: peer_address(node),
        resp: Address::new(format!("node-{node}"), 7_001),
        http: Address::new(format!("node-{node}"), 7_101),
    }
}

/// The set that stands ready when founding is not part of the run.
pub fn ready_set(params: &Params) -> FoundingSet {
    FoundingSet {
        cluster: ClusterId(u128::from(params.seed).to_le_bytes()),
        token_key: [7; 32],
        members: (0..params.nodes).map(founder).collect(),
        replicas: params.replicas as u32,
        shards: params.shards,
    }
}

/// What a founder is told: everybody's address, or only that of the first node.
pub fn wanted(params: &Params, random: &mut Random) -> Wanted {
    let known = if random.chance(1, 2) { params.nodes } else { 1 };
    Wanted {
        expect: params.nodes,
        join: (0..known).map(peer_address).collect(),
        replicas: params.replicas as u32,
        shards: params.shards,
    }
}

/// What a founder draws at its start.
pub fn drawn(random: &mut Random) -> Drawn {
    let mut cluster = [0; 16];
    cluster[..8].copy_from_slice(&random.bits().to_le_bytes());
    Drawn { cluster: ClusterId(cluster), token_key: [9; 32] }
}

/// What a founder stored before.
pub fn load_stored(disk: &mut dyn Disk) -> Option<StoredFounding> {
    let length = disk.len_bytes(FOUNDING_FILE).expect("a simulated disk reads")?;
    let bytes = disk.read(FOUNDING_FILE, 0, length).expect("a simulated disk reads");
    Some(StoredFounding::decode(&bytes).expect("a renamed file is whole"))
}

/// Keeps what a founder confirmed, durably.
///
/// # Errors
/// The disk's.
pub fn store(disk: &mut dyn Disk, stored: &StoredFounding) -> Result<(), DiskError> {
    disk.create(FOUNDING_TEMPORARY_FILE, 0)?;
    disk.write(FOUNDING_TEMPORARY_FILE, 0, &stored.encode())?;
    disk.sync(FOUNDING_TEMPORARY_FILE)?;
    disk.rename(FOUNDING_TEMPORARY_FILE, FOUNDING_FILE)
}

/// The identity for one more start of a founded node, already written back.
///
/// # Errors
/// A sentence about an identity that cannot be read: a safety failure, since only crashes have hurt the disk.
pub fn next_start(
    disk: &mut dyn Disk,
    node: usize,
    founded: Option<&FoundingSet>,
) -> Result<Option<(Identity, FoundingSet)>, String> {
    let found = storage::identity::load(disk).map_err(|error| error.to_string())?;
    let (mut identity, set) = match (found, founded) {
        (Some(identity), _) => {
            let stored = StoredFounding::decode(&identity.founding).map_err(|error| error.to_string())?;
            (identity, stored.set)
        }
        (None, Some(set)) => {
            let node = set.node_id_of(founder(node).id).ok_or("a founder is not in its own set")?;
            let founding = StoredFounding { set: set.clone(), founded: true }.encode();
            let fresh =
                Identity { cluster: set.cluster, node, incarnation: Incarnation(0), cores: 1, founding };
            (fresh, set.clone())
        }
        (None, None) => return Ok(None),
    };
    identity.incarnation.0 += 1;
    storage::identity::store(disk, &identity).map_err(|error| error.to_string())?;
    Ok(Some((identity, set)))
}

/// A node as a member, in one start.
pub fn member(node: usize, id: NodeId, incarnation: Incarnation) -> Member {
    let Founder { peer, resp, http, .. } = founder(node);
    Member { node: id, incarnation, peer, resp, http }
}
