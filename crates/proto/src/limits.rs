//! Every bound on what comes from outside or piles up inside, in one place.
//!
//! A limit that is reached has a defined answer: a clear error to whoever asked, never a crash and never silence. Bytes
//! unless the name says otherwise.

/// Hash slots of a cluster. Fixed by the Redis cluster protocol.
pub const SLOT_COUNT: u16 = 16_384;

/// The longest key.
pub const MAX_KEY_BYTES: usize = 64 * 1024;
/// The longest value of one key (string), and the longest element, member, field or field's value of a collection.
pub const MAX_VALUE_BYTES: usize = 8 * 1024 * 1024;
/// The longest single argument that a front accepts: a value, with room for nothing else.
pub const MAX_ARGUMENT_BYTES: usize = MAX_VALUE_BYTES;
/// The longest inline command line.
pub const MAX_INLINE_BYTES: usize = 64 * 1024;
/// Arguments of one command.
pub const MAX_ARGUMENTS: usize = 1024 * 1024;
/// All bytes of one command.
pub const MAX_COMMAND_BYTES: usize = 32 * 1024 * 1024;
/// Keys of one multi-key command.
pub const MAX_KEYS_PER_COMMAND: usize = 65_536;
/// Keys that one SCAN call looks at, whatever its COUNT asks for.
pub const MAX_SCAN_COUNT: u32 = 16_384;
/// The longest glob pattern of KEYS and SCAN. Matching may take as many steps as pattern and name multiplied.
pub const MAX_PATTERN_BYTES: usize = 1024;
/// Cells of the table that LCS fills: the product of the two lengths, about. Its memory is four bytes a cell, its time some nanoseconds.
pub const MAX_LCS_CELLS: usize = 16 * 1024 * 1024;
/// How deep arrays may nest in a reply.
pub const MAX_NESTING: usize = 16;
/// Elements of one reply, all levels together.
pub const MAX_REPLY_ELEMENTS: usize = 16 * 1024 * 1024;

/// All bytes of one answer from a collection; whoever wants more takes it in parts (a range, a scan, a count).
pub const MAX_COLLECTION_REPLY_BYTES: usize = 64 * 1024 * 1024;
/// All bytes of what one command takes out of a collection: writers' answers are replicated state. The largest element fits.
pub const MAX_POPPED_BYTES: usize = MAX_VALUE_BYTES + 1024 * 1024;
/// Elements that one command looks at to combine several collections (SUNIONSTORE, ZINTER …): every replica does it at the same moment, and nothing else meanwhile.
pub const MAX_COMBINED_ELEMENTS: usize = 1_000_000;

/// Client connections of one node, all fronts together.
pub const MAX_CONNECTIONS: usize = 10_000;
/// Ports of one node that stand for a level.
pub const MAX_LEVEL_PORTS: usize = 16;
/// Commands of all connections of a node that are under way at once, beyond one of each; further ones wait for a place, and are refused when they have waited for half of their deadline.
pub const MAX_COMMANDS_UNDER_WAY: usize = 16_384;
/// Commands of one connection that are under way at once; further ones wait in its socket.
pub const MAX_PIPELINE_DEPTH: usize = 1_024;
/// Request bytes of one connection that are parsed and not yet answered; further ones wait in its socket.
pub const MAX_CONNECTION_REQUEST_BYTES: usize = MAX_COMMAND_BYTES;
/// Request bytes of one connection that are read before their turn has come; what one read brings may pass it.
pub const MAX_CONNECTION_READ_AHEAD_BYTES: usize = 256 * 1024;
/// Request bytes of all connections of a node that are read before their turn has come, beyond one command each; divided among them.
pub const MAX_READ_AHEAD_BYTES: usize = MAX_NODE_REQUEST_BYTES / 2;
/// Request bytes of all connections of a node that are not yet answered; beyond it connections are not read.
pub const MAX_NODE_REQUEST_BYTES: usize = 256 * 1024 * 1024;
/// Reply bytes that wait in one connection's buffer before its requests are no longer read.
pub const MAX_CONNECTION_REPLY_BYTES: usize = 1024 * 1024;
/// Reply bytes that wait in all connections' buffers of a node before the fattest slow connection is closed.
pub const MAX_NODE_REPLY_BYTES: usize = 256 * 1024 * 1024;

/// One frame between peers: header and payload.
pub const MAX_FRAME_BYTES: usize = 128 * 1024 * 1024;
/// Messages of one frame.
pub const MAX_FRAME_MESSAGES: usize = 65_536;
/// Bytes that may wait for one peer link; beyond it consensus messages are dropped (the protocol repeats them).
pub const MAX_LINK_QUEUE_BYTES: usize = 128 * 1024 * 1024;
/// Bytes that may wait for one peer link when another node's frame comes to be passed on; beyond it that frame is dropped, so that relaying never crowds out a node's own traffic.
pub const MAX_RELAY_QUEUE_BYTES: usize = 16 * 1024 * 1024;
/// Forwarded requests of one node to one shard that are not yet answered; further ones are refused with `OVERLOADED`.
pub const MAX_STREAM_WINDOW: usize = 16_384;
/// Bytes of forwarded requests of one node to one shard that are not yet answered.
pub const MAX_STREAM_BYTES: usize = 128 * 1024 * 1024;
/// Sequential reads that wait at one replica of a shard; further ones are sent elsewhere or wait at their front.
pub const MAX_WAITING_READS: usize = 16_384;
/// Reply bytes that one front's row of a shard's dedup table keeps; older replies are then forgotten (their writers hear UNKNOWN).
pub const MAX_DEDUP_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Numbered clients that one shard remembers.
pub const MAX_NUMBERED_CLIENTS: usize = 65_536;
/// Replies kept for one numbered client.
pub const MAX_REPLIES_PER_CLIENT: usize = 64;
/// Bytes of replies kept for one numbered client.
pub const MAX_REPLY_BYTES_PER_CLIENT: usize = 1024 * 1024;
/// Bytes of replies kept for all numbered clients of one shard; beyond it numbered writes are refused until old ones are forgotten.
pub const MAX_NUMBERED_REPLY_BYTES: usize = 16 * 1024 * 1024;
/// How long a numbered client's replies are kept, in milliseconds of commit time.
pub const NUMBERED_CLIENT_KEPT_MS: u64 = 10 * 60 * 1000;
/// The longest name of a numbered client.
pub const MAX_CLIENT_NAME_BYTES: usize = 64;

/// Entries of one group that its leader keeps in memory for followers; below it they get a snapshot.
pub const MAX_TAIL_BYTES_PER_GROUP: usize = 2 * 1024 * 1024;
/// Proposals of one group that are not yet decided.
pub const MAX_UNDECIDED_BYTES_PER_GROUP: usize = 64 * 1024 * 1024;
/// A piece of a snapshot on its way to another node, or to disk.
pub const SNAPSHOT_CHUNK_BYTES: usize = 256 * 1024;

/// Nodes of one cluster.
pub const MAX_NODES: usize = 64;
/// Shards of one cluster.
pub const MAX_SHARDS: u32 = 1_024;
/// Replicas of one shard.
pub const MAX_REPLICAS: usize = 7;
/// The longest host name of an address.
pub const MAX_HOST_BYTES: usize = 255;

/// The longest text of a session token.
pub const MAX_TOKEN_BYTES: usize = 256;
/// Tokens that one request may name together, with dots between them.
pub const MAX_JOINED_TOKENS: usize = 256;
/// Origins of which a session may depend on undecided operations; before a thirteenth it waits until some are decided.
pub const MAX_SESSION_DOTS: usize = 12;
/// Shards of which one connection's front knows what it wrote there, for `WAIT`; beyond it the answer is at most the majority that decided them.
pub const MAX_WRITTEN_SHARDS: usize = 64;
/// Tentative operations of one shard that one node holds undecided; further ones are refused until some are decided.
pub const MAX_HELD_OPERATIONS: usize = 65_536;
/// Tentative operations of one key that one node holds undecided: each reader of the key looks at all of them.
pub const MAX_HELD_OF_KEY: usize = 1_024;
/// Words of one origin about what is decided of it that a node remembers; beyond that every other one is forgotten, and what it covered counts as decided as late as the next one says.
pub const MAX_FOLDS_OF_ORIGIN: usize = 64;
/// Bytes of tentative operations of one shard that one node holds undecided.
pub const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;
/// Hints that one node holds undecided, of all shards together: eventual writes of shards of which it reached no replica. Further ones are refused.
pub const MAX_HINTS: usize = 16_384;
/// Bytes of them.
pub const MAX_HINT_BYTES: usize = 64 * 1024 * 1024;
/// Writes and reads below sequential that wait at one replica of a shard for what their session depends on.
pub const MAX_WAITING_TENTATIVE: usize = 16_384;
/// Keys of one shard of which deletions and tentative winners are remembered; beyond it the oldest are forgotten, and what had not seen them is superseded.
pub const MAX_MARKS: usize = 262_144;
/// Superseded operations that one shard remembers; beyond it the oldest are forgotten.
pub const MAX_CONFLICTS: usize = 1_024;
/// Bytes of superseded operations that one shard remembers.
pub const MAX_CONFLICT_BYTES: usize = 1024 * 1024;
/// The deadline of a request that names none, in milliseconds.
pub const DEFAULT_DEADLINE_MS: u64 = 2_000;
/// The longest deadline that a request may name, in milliseconds.
pub const MAX_DEADLINE_MS: u64 = 600_000;
/// How far ahead of the local wall clock a received timestamp may be, in milliseconds.
pub const MAX_CLOCK_OFFSET_MS: u64 = 500;

/// What a node keeps free on the file system of its data folder, in bytes: below it writes that grow the data are refused. Room for four log segments.
pub const DISK_RESERVE_BYTES: u64 = 256 * 1024 * 1024;

/// One message of the founding round.
pub const MAX_FOUNDING_MESSAGE_BYTES: usize = 256 * 1024;
/// Addresses that a founder keeps: its own list, and what others told it.
pub const MAX_FOUNDING_ADDRESSES: usize = 128;
/// The directory's whole state, encoded.
pub const MAX_DIRECTORY_BYTES: usize = 4 * 1024 * 1024;
/// Settings that the directory keeps.
pub const MAX_SETTINGS: usize = 256;
/// The longest name of a setting.
pub const MAX_SETTING_NAME_BYTES: usize = 64;
/// The longest value of a setting.
pub const MAX_SETTING_VALUE_BYTES: usize = 4 * 1024;

/// Directions between nodes that can be cut for testing: every pair, both ways.
pub const MAX_FAULT_CUTS: usize = MAX_NODES * (MAX_NODES - 1);
/// Links between nodes that can be delayed for testing: every pair.
pub const MAX_FAULT_DELAYS: usize = MAX_FAULT_CUTS / 2;
/// The longest time for which such a link holds a frame, in milliseconds.
pub const MAX_FAULT_DELAY_MS: u64 = 1_000;
/// One message between nodes about cuts and delays: the fullest tables fit.
pub const MAX_FAULT_MESSAGE_BYTES: usize = 128 * 1024;
/// Commands about faults that one node has under way; further ones are refused.
pub const MAX_FAULT_COMMANDS: usize = 64;
/// How long a node that is paused for testing stands still unless said otherwise, in milliseconds.
pub const DEFAULT_FAULT_PAUSE_MS: u64 = 10_000;
/// The longest such pause, in milliseconds.
pub const MAX_FAULT_PAUSE_MS: u64 = 60_000;
