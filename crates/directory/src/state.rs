//! The directory's replicated state, and the changes that its log carries.
//!
//! `apply` is infallible and deterministic: a refusal is an outcome that every replica reaches alike. The state at birth is computed from the
//! founding set, so every founder starts from the same bytes and nothing has to be sent around first.

use crate::address::Address;
use crate::founding::FoundingSet;
use crate::map::ShardMap;
use bytes::Bytes;
use proto::ids::{ClusterId, Incarnation, NodeId};
use proto::limits::{
    MAX_DIRECTORY_BYTES, MAX_NODES, MAX_REPLICAS, MAX_SETTING_NAME_BYTES, MAX_SETTING_VALUE_BYTES,
    MAX_SETTINGS,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The first byte of an encoded state; a build refuses numbers above its own.
const STATE_VERSION: u8 = 1;
/// The first byte of an encoded change.
const CHANGE_VERSION: u8 = 1;

/// A node of the cluster, as it last started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id, for ever.
    pub node: NodeId,
    /// Its newest start that the directory knows; 0 before the first.
    pub incarnation: Incarnation,
    /// Where its peers reach it.
    pub peer: Address,
    /// Where clients reach it over the Redis protocol.
    pub resp: Address,
    /// Where clients reach it over HTTP.
    pub http: Address,
}

/// What the directory group replicates.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryState {
    /// The cluster's name for ever.
    pub cluster: ClusterId,
    /// The key that signs session tokens. Secret: never printed.
    pub token_key: [u8; 32],
    /// All nodes, by id.
    pub members: BTreeMap<NodeId, Member>,
    /// Where the shards live.
    pub map: ShardMap,
    /// Settings of the whole cluster, by name.
    pub settings: BTreeMap<String, String>,
    /// The id that the next node gets; ids are never reused.
    pub next_node_id: NodeId,
}

/// One change of the directory, as its log carries it. Idempotent: proposing it twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// A node started: its newest incarnation and its addresses.
    MemberStarted {
        /// The node as it is now.
        member: Member,
    },
    /// A setting of the whole cluster; an empty value removes it.
    Setting {
        /// Its name.
        name: String,
        /// Its new value.
        value: String,
    },
}

/// What a change did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The state is now different.
    Applied,
    /// The state was already so.
    Unchanged,
    /// Nothing changed, for this reason.
    Refused(Refusal),
}

/// Why a change was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The cluster has no such node.
    UnknownNode(NodeId),
    /// A newer start of that node is known: this one is a leftover, or an old copy of its data folder.
    OldIncarnation {
        /// The node.
        node: NodeId,
        /// The start that is known.
        known: Incarnation,
    },
    /// The same start of that node was seen at other addresses: its data folder runs twice.
    TwoPlaces(NodeId),
    /// An address that cannot be one.
    BadAddress(NodeId),
    /// A setting's name or value is too long, its name is empty, or there are too many settings.
    SettingTooLarge,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::UnknownNode(node) => write!(f, "the cluster has no node {node}"),
            Refusal::OldIncarnation { node, known } => {
                write!(
                    f,
                    "node {node} has already been seen in a newer start ({known}); is this an old copy of its data folder?"
                )
            }
            Refusal::TwoPlaces(node) => {
                write!(
                    f,
                    "node {node} runs at two addresses in the same start; stop one of the two, its data folder is a copy"
                )
            }
            Refusal::BadAddress(node) => write!(f, "node {node} gave an address that cannot be one"),
            Refusal::SettingTooLarge => write!(
                f,
                "a setting has a name of 1 to {MAX_SETTING_NAME_BYTES} bytes and a value of at most {MAX_SETTING_VALUE_BYTES}; {MAX_SETTINGS} settings are kept"
            ),
        }
    }
}

/// Why bytes are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// Longer than the limit for this kind.
    TooLong,
    /// Made by a newer build.
    Version(u8),
    /// The bytes do not decode.
    Damaged,
    /// They decode into something that breaks an invariant.
    Broken(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::TooLong => f.write_str("longer than the limit"),
            DecodeError::Version(version) => {
                write!(f, "format version {version} is newer than this build; upgrade this node")
            }
            DecodeError::Damaged => f.write_str("the bytes are damaged"),
            DecodeError::Broken(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for DecodeError {}

impl Member {
    fn addresses(&self) -> [&Address; 3] {
        [&self.peer, &self.resp, &self.http]
    }
}

impl DirectoryState {
    /// The state that every founder computes alike: node ids from 1 in the order of peer addresses, shards dealt out round robin, epoch 1.
    ///
    /// # Panics
    /// If the set breaks its invariants ([`FoundingSet::check`]).
    pub fn genesis(set: &FoundingSet) -> DirectoryState {
        set.check().unwrap_or_else(|why| panic!("a cluster is founded by a broken set: {why}"));
        let members: BTreeMap<NodeId, Member> = set
            .members
            .iter()
            .zip(1..)
            .map(|(founder, number)| {
                let node = NodeId(number);
                let member = Member {
                    node,
                    incarnation: Incarnation(0),
                    peer: founder.peer.clone(),
                    resp: founder.resp.clone(),
                    http: founder.http.clone(),
                };
                (node, member)
            })
            .collect();
        let nodes: Vec<NodeId> = members.keys().copied().collect();
        DirectoryState {
            cluster: set.cluster,
            token_key: set.token_key,
            map: ShardMap::even(&nodes, set.replicas, set.shards),
            settings: BTreeMap::new(),
            next_node_id: NodeId(nodes.len() as u64 + 1),
            members,
        }
    }

    /// The nodes that replicate the directory itself: the first seven at most. More would slow its elections and make nothing safer.
    pub fn directory_replicas(&self) -> Vec<NodeId> {
        self.members.keys().copied().take(MAX_REPLICAS).collect()
    }

    /// Applies one change of the log.
    pub fn apply(&mut self, change: &Change) -> ChangeOutcome {
        match change {
            Change::MemberStarted { member } => self.member_started(member),
            Change::Setting { name, value } => self.set(name, value),
        }
    }

    fn member_started(&mut self, member: &Member) -> ChangeOutcome {
        let node = member.node;
        if member.addresses().iter().any(|address| address.check().is_err()) {
            return ChangeOutcome::Refused(Refusal::BadAddress(node));
        }
        let Some(known) = self.members.get_mut(&node) else {
            return ChangeOutcome::Refused(Refusal::UnknownNode(node));
        };
        if member.incarnation < known.incarnation {
            return ChangeOutcome::Refused(Refusal::OldIncarnation { node, known: known.incarnation });
        }
        if known == member {
            return ChangeOutcome::Unchanged;
        }
        if member.incarnation == known.incarnation {
            return ChangeOutcome::Refused(Refusal::TwoPlaces(node));
        }
        *known = member.clone();
        ChangeOutcome::Applied
    }

    fn set(&mut self, name: &str, value: &str) -> ChangeOutcome {
        if value.is_empty() {
            return match self.settings.remove(name) {
                Some(_) => ChangeOutcome::Applied,
                None => ChangeOutcome::Unchanged,
            };
        }
        let is_new = !self.settings.contains_key(name);
        if name.is_empty()
            || name.len() > MAX_SETTING_NAME_BYTES
            || value.len() > MAX_SETTING_VALUE_BYTES
            || (is_new && self.settings.len() >= MAX_SETTINGS)
        {
            return ChangeOutcome::Refused(Refusal::SettingTooLarge);
        }
        let former = self.settings.insert(name.to_owned(), value.to_owned());
        if former.as_deref() == Some(value) { ChangeOutcome::Unchanged } else { ChangeOutcome::Applied }
    }

    /// The state's bytes: a version, then `postcard`. Equal states give equal bytes.
    pub fn encode(&self) -> Bytes {
        encode(STATE_VERSION, self)
    }

    /// The state from its bytes, with its invariants checked. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<DirectoryState, DecodeError> {
        let state: DirectoryState = decode(STATE_VERSION, bytes)?;
        state.check().map_err(DecodeError::Broken)?;
        Ok(state)
    }

    fn check(&self) -> Result<(), String> {
        self.map.check()?;
        if self.members.is_empty() || self.members.len() > MAX_NODES {
            return Err(format!("{} members; 1 to {MAX_NODES} are possible", self.members.len()));
        }
        for (&node, member) in &self.members {
            if member.node != node || node.0 == 0 || node >= self.next_node_id {
                return Err(format!("member {} stands under id {node}", member.node));
            }
            for address in member.addresses() {
                address.check().map_err(|why| format!("node {node}: {why}"))?;
            }
        }
        if let Some(stranger) =
            self.map.shards.iter().flat_map(|s| &s.replicas).find(|n| !self.members.contains_key(n))
        {
            return Err(format!("the shard map names node {stranger}, which is no member"));
        }
        let long = |(name, value): (&String, &String)| {
            name.is_empty()
                || value.is_empty()
                || name.len() > MAX_SETTING_NAME_BYTES
                || value.len() > MAX_SETTING_VALUE_BYTES
        };
        if self.settings.len() > MAX_SETTINGS || self.settings.iter().any(long) {
            return Err(Refusal::SettingTooLarge.to_string());
        }
        Ok(())
    }
}

impl fmt::Debug for DirectoryState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectoryState")
            .field("cluster", &self.cluster)
            .field("members", &self.members)
            .field("map", &self.map)
            .field("settings", &self.settings)
            .field("next_node_id", &self.next_node_id)
            .finish_non_exhaustive()
    }
}

impl Change {
    /// The bytes that `LogEntry::Directory` carries.
    pub fn encode(&self) -> Bytes {
        encode(CHANGE_VERSION, self)
    }

    /// The change from its bytes. Never panics, whatever the bytes.
    pub fn decode(bytes: &[u8]) -> Result<Change, DecodeError> {
        decode(CHANGE_VERSION, bytes)
    }
}

fn encode<T: Serialize>(version: u8, value: &T) -> Bytes {
    postcard::to_extend(value, vec![version]).expect("writing to memory cannot fail").into()
}

fn decode<'a, T: Deserialize<'a>>(version: u8, bytes: &'a [u8]) -> Result<T, DecodeError> {
    if bytes.len() > MAX_DIRECTORY_BYTES {
        return Err(DecodeError::TooLong);
    }
    let (&found, payload) = bytes.split_first().ok_or(DecodeError::Damaged)?;
    if found > version {
        return Err(DecodeError::Version(found));
    }
    match postcard::take_from_bytes(payload) {
        Ok((value, [])) if found == version => Ok(value),
        _ => Err(DecodeError::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::founding::Founder;

    fn set(ports: &[u16], replicas: u32) -> FoundingSet {
        let founder = |port: &u16| Founder {
            id: u128::from(*port) << 70 | 5,
            peer: Address::new("127.0.0.1", *port),
            resp: Address::new("127.0.0.1", port + 1_000),
            http: Address::new("127.0.0.1", port + 2_000),
        };
        FoundingSet {
            cluster: ClusterId([7; 16]),
            token_key: [9; 32],
            members: ports.iter().map(founder).collect(),
            replicas,
            shards: 32,
        }
    }

    fn state() -> DirectoryState {
        DirectoryState::genesis(&set(&[999, 7_201, 7_202], 3))
    }

    fn started(state: &DirectoryState, node: u64, incarnation: u64) -> Member {
        Member { incarnation: Incarnation(incarnation), ..state.members[&NodeId(node)].clone() }
    }

    #[test]
    fn ids_follow_ports_and_the_first_map_is_even() {
        let state = state();
        assert_eq!(state.members[&NodeId(1)].peer, Address::new("127.0.0.1", 999));
        assert_eq!(state.members[&NodeId(3)].peer, Address::new("127.0.0.1", 7_202));
        assert_eq!((state.next_node_id, state.map.epoch, state.map.shards.len()), (NodeId(4), 1, 32));
        assert_eq!(state.directory_replicas(), [NodeId(1), NodeId(2), NodeId(3)]);
        let alone = DirectoryState::genesis(&set(&[1], 3));
        assert_eq!((alone.map.replication_factor, alone.map.shards[0].replicas.len()), (3, 1));
        let nine = DirectoryState::genesis(&set(&[1, 2, 3, 4, 5, 6, 7, 8, 9], 3));
        assert_eq!(nine.directory_replicas().len(), MAX_REPLICAS);
    }

    #[test]
    fn a_start_is_registered_once_and_an_older_one_refused() {
        let mut state = state();
        let mut member = started(&state, 2, 5);
        member.resp = Address::new("elsewhere", 7);
        let change = Change::MemberStarted { member: member.clone() };
        assert_eq!(state.apply(&change), ChangeOutcome::Applied);
        assert_eq!(state.apply(&change), ChangeOutcome::Unchanged);
        assert_eq!(state.members[&NodeId(2)], member);
        let before = state.clone();
        let mut older = member.clone();
        older.incarnation = Incarnation(4);
        let refusal = Refusal::OldIncarnation { node: NodeId(2), known: Incarnation(5) };
        assert_eq!(state.apply(&Change::MemberStarted { member: older }), ChangeOutcome::Refused(refusal));
        let mut twin = member.clone();
        twin.http.port += 1;
        assert_eq!(
            state.apply(&Change::MemberStarted { member: twin }),
            ChangeOutcome::Refused(Refusal::TwoPlaces(NodeId(2)))
        );
        let stranger = Member { node: NodeId(4), ..member.clone() };
        assert_eq!(
            state.apply(&Change::MemberStarted { member: stranger }),
            ChangeOutcome::Refused(Refusal::UnknownNode(NodeId(4)))
        );
        let nowhere = Member { incarnation: Incarnation(9), peer: Address::new("", 1), ..member };
        assert_eq!(
            state.apply(&Change::MemberStarted { member: nowhere }),
            ChangeOutcome::Refused(Refusal::BadAddress(NodeId(2)))
        );
        assert_eq!(state, before);
    }

    #[test]
    fn settings_are_kept_replaced_removed_and_bounded() {
        let mut state = state();
        let set =
            |name: &str, value: &str| Change::Setting { name: name.to_owned(), value: value.to_owned() };
        assert_eq!(state.apply(&set("a", "1")), ChangeOutcome::Applied);
        assert_eq!(state.apply(&set("a", "1")), ChangeOutcome::Unchanged);
        assert_eq!(state.apply(&set("a", "2")), ChangeOutcome::Applied);
        assert_eq!(state.apply(&set("a", "")), ChangeOutcome::Applied);
        assert_eq!(state.apply(&set("a", "")), ChangeOutcome::Unchanged);
        let refused = ChangeOutcome::Refused(Refusal::SettingTooLarge);
        assert_eq!(state.apply(&set("", "1")), refused);
        assert_eq!(state.apply(&set("a", &"v".repeat(MAX_SETTING_VALUE_BYTES + 1))), refused);
        for number in 0..MAX_SETTINGS {
            assert_eq!(state.apply(&set(&format!("s{number}"), "1")), ChangeOutcome::Applied);
        }
        assert_eq!(state.apply(&set("one too many", "1")), refused);
        assert_eq!(state.apply(&set("s0", "2")), ChangeOutcome::Applied);
        assert_eq!(DirectoryState::decode(&state.encode()).unwrap(), state);
    }

    #[test]
    fn bytes_come_back_and_bad_ones_are_refused() {
        let mut state = state();
        state.apply(&Change::Setting { name: "x".to_owned(), value: "y".to_owned() });
        let bytes = state.encode();
        assert_eq!(DirectoryState::decode(&bytes), Ok(state.clone()));
        assert_eq!(DirectoryState::decode(&[]), Err(DecodeError::Damaged));
        assert_eq!(DirectoryState::decode(&[9]), Err(DecodeError::Version(9)));
        assert_eq!(DirectoryState::decode(&vec![1; MAX_DIRECTORY_BYTES + 1]), Err(DecodeError::TooLong));
        for cut in 1..bytes.len() {
            assert!(DirectoryState::decode(&bytes[..cut]).is_err());
        }
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = bytes.to_vec();
                bytes[at] ^= flip;
                if let Ok(state) = DirectoryState::decode(&bytes) {
                    state.check().unwrap();
                }
            }
        }
        state.map.shards[0].replicas[0] = NodeId(8);
        assert!(matches!(DirectoryState::decode(&state.encode()), Err(DecodeError::Broken(_))));
        let change = Change::MemberStarted { member: started(&state, 1, 3) };
        assert_eq!(Change::decode(&change.encode()), Ok(change));
        assert_eq!(Change::decode(&[1, 7]), Err(DecodeError::Damaged));
    }

    #[test]
    fn the_token_key_is_never_printed() {
        let printed = format!("{:?} {:?}", state(), set(&[1], 1));
        assert!(!printed.contains("9, 9, 9") && !printed.contains("token_key"), "{printed}");
    }
}
