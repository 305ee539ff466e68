//! A client's data command, parsed and within the limits, before it is routed.
//!
//! Fronts make these (RESP through `commands::parse`, HTTP directly) and hand them to the node; `node::requests` splits them by shard, sends the parts
//! and gathers the answers. Commands about the connection or the server (PING, CLIENT, INFO, CLUSTER SLOTS…) never come here: the fronts answer them.

use crate::ids::Slot;
use crate::level::{Ladder, Level};
use crate::log_entry::ClientNumber;
use crate::ops::{Read, TypeFilter, Write};
use bytes::Bytes;

/// What the data commands become.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A read whose keys all live in `slot`.
    Read {
        /// The slot of its keys.
        slot: Slot,
        /// The operation.
        read: Read,
    },
    /// A write whose keys all live in `slot`.
    Write {
        /// The slot of its keys.
        slot: Slot,
        /// The operation.
        write: Write,
    },
    /// MGET over any shards.
    MGet {
        /// In the order of the reply.
        keys: Vec<Bytes>,
    },
    /// MSET over any shards; atomic within a shard only.
    MSet {
        /// Keys and values; the last of a repeated key wins.
        pairs: Vec<(Bytes, Bytes)>,
    },
    /// DEL and UNLINK over any shards; atomic within a shard only.
    Del {
        /// The keys.
        keys: Vec<Bytes>,
    },
    /// EXISTS and TOUCH over any shards.
    Exists {
        /// The keys, repeats counted.
        keys: Vec<Bytes>,
    },
    /// DBSIZE: the sum over all shards.
    DbSize,
    /// KEYS.
    Keys {
        /// A glob pattern.
        pattern: Bytes,
    },
    /// SCAN: one shard a call; the cursor names it.
    Scan {
        /// 0 to start.
        cursor: u64,
        /// About how many keys to look at.
        count: u32,
        /// A glob pattern.
        pattern: Option<Bytes>,
        /// Only keys of this type.
        type_filter: Option<TypeFilter>,
    },
    /// RANDOMKEY.
    RandomKey,
    /// FLUSHALL and FLUSHDB; atomic within a shard only.
    FlushAll,
    /// SESSION TOKEN: the connection's session in writing, after everything before it is answered.
    SessionToken,
    /// SESSION RESUME: the connection's session has seen what this token's has, too.
    SessionResume {
        /// As the client gave it.
        token: Bytes,
    },
    /// WAIT: on how many nodes what this connection has written is, after everything before it is answered.
    Wait {
        /// It is answered as soon as they are so many, the one that took each write not counted.
        nodes: usize,
        /// Or after this time, in milliseconds.
        timeout_ms: u64,
    },
}

impl Command {
    /// Whether it has a meaning at this level: a write whose answer is a decision has none below sequential, and what lists or counts the key space sees only what is decided, so it cannot promise a session
    /// that it finds its own tentative writes there.
    pub fn has(&self, level: Level) -> bool {
        match self {
            Command::Write { write, .. } => !level.is_weak() || write.has_meaning_below_sequential(),
            Command::FlushAll => !level.is_weak(),
            Command::Read { read, .. } => level != Level::Causal || !read.is_of_the_key_space(),
            Command::DbSize | Command::Keys { .. } | Command::Scan { .. } | Command::RandomKey => {
                level != Level::Causal
            }
            Command::MGet { .. }
            | Command::MSet { .. }
            | Command::Del { .. }
            | Command::Exists { .. }
            | Command::SessionToken
            | Command::SessionResume { .. }
            | Command::Wait { .. } => true,
        }
    }

    /// The levels that it has a meaning at, the strongest first.
    pub fn levels(&self) -> impl Iterator<Item = Level> + '_ {
        Level::ALL.into_iter().filter(|level| self.has(*level))
    }
}

/// In which session a request is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InSession {
    /// In its connection's.
    #[default]
    Connection,
    /// In the one that this token, or several with dots between them, stands for, as the client gave it; the connection's own is left alone.
    Token(Bytes),
}

/// A command with the options that a client may set for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// At which levels it is tried.
    pub ladder: Ladder,
    /// How old the state that answers may be when the request reaches it, in milliseconds by that node's wall clock; `None` means however old the level allows.
    pub max_staleness_ms: Option<u64>,
    /// Whose program order it belongs to.
    pub session: InSession,
    /// Whether the client wants to know the session's token after it.
    pub wants_token: bool,
    /// How long the client wants to wait, in milliseconds; `None` means `DEFAULT_DEADLINE_MS`.
    pub deadline_ms: Option<u64>,
    /// Whether the client named a level (then a lost quorum answers NOQUORUM, else CLUSTERDOWN, which Redis clients retry).
    pub level_chosen: bool,
    /// On how many nodes a tentative write must be durable before it is answered; `None` means one.
    pub acks: Option<u8>,
    /// The client's own number for a write, if it gave one. Refused for commands over several shards.
    pub client: Option<ClientNumber>,
}

impl Request {
    /// A command without any options: linearizable, in its connection's session.
    pub fn new(command: Command) -> Request {
        Request {
            command,
            ladder: Ladder::default(),
            max_staleness_ms: None,
            session: InSession::Connection,
            wants_token: false,
            deadline_ms: None,
            level_chosen: false,
            acks: None,
            client: None,
        }
    }
}
