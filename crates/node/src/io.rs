//! The one contract between the mind and its bodies.
//!
//! 1. `Core::step(now, input)` is the only mutation. It never blocks and runs to completion.
//! 2. After a batch of inputs the body calls `Core::drain(now)` and carries out the outputs in order. The drain is where the core closes the batch: it proposes,
//!    makes **one** log batch for all groups, and sends one frame a link.
//! 3. Whatever must be durable first is held back inside the core until `DiskDone` says so: every output may leave as soon as it is drained.
//! 4. An answer comes only from an applied entry or a proven read. Leases, and what others promise to whoever has one, rest on `now` of a drain: the body reads it from the clock when the batch has been stepped and the drain
//!    before has ended, because a process may sleep anywhere, and what a sleeper finds in its sockets is younger than the moment at which it fell asleep. What was read under a lease is held until the drain after.
//!    While `Core::awaits_a_look()` the body drains again at once.
//! 5. `Core::next_deadline()` names the next moment at which the core wants an `Input::Tick`, whatever else happens.
//! 6. A failed sync is not an error value: the core answers `Output::Fatal` and the body stops the process.

use bytes::Bytes;
use proto::command::Request;
use proto::ids::{ConnectionId, NodeId, RequestId};
use proto::outcome::{Achieved, Outcome};
use storage::disk::{DiskJob, JobId, JobResult};

use crate::event::Event;

/// What the world tells the core.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // nearly all are of the large kind
pub enum Input {
    /// Nothing but time.
    Tick,
    /// A client's data command. Request ids of one connection rise; answers may come in any order (the front puts them in order).
    Request {
        /// The client's connection.
        connection: ConnectionId,
        /// Echoed with the answer.
        request: RequestId,
        /// What to do.
        body: Request,
    },
    /// The client is gone: nobody waits for its answers, though its writes may go on.
    ConnectionClosed {
        /// The connection.
        connection: ConnectionId,
    },
    /// A whole frame from an authenticated peer link (`proto::frame`), made by that peer or passed on by it.
    Frame {
        /// The peer at the other end of the link.
        from: NodeId,
        /// Header and payload.
        bytes: Bytes,
    },
    /// The link to this peer is up: frames for it will be sent.
    LinkUp {
        /// The peer.
        node: NodeId,
    },
    /// The link to this peer broke: frames for it are dropped.
    LinkDown {
        /// The peer.
        node: NodeId,
    },
    /// A disk job ended.
    DiskDone {
        /// Which.
        job: JobId,
        /// The bytes of its reads, or why it failed.
        result: JobResult,
    },
    /// So much is free on the file system of the data folder, in bytes. Said now and then.
    DiskSpace {
        /// What this process may still use.
        free_bytes: u64,
    },
    /// Stop in good order: hand leadership over, finish what is under way, then say `Output::Stopped`.
    Stop,
}

/// What the core wants done.
#[derive(Debug)]
pub enum Output {
    /// Answer a client.
    Answer {
        /// The client's connection.
        connection: ConnectionId,
        /// The request that this answers.
        request: RequestId,
        /// How it ended.
        outcome: Outcome,
        /// What it achieved.
        achieved: Achieved,
    },
    /// Send a frame to a peer; drop it if there is no link.
    Send {
        /// The peer.
        to: NodeId,
        /// Header and payload.
        frame: Bytes,
    },
    /// Pass another node's frame on; drop it if there is no link, or if the link is busy with this node's own.
    Relay {
        /// The next node on its way.
        to: NodeId,
        /// Header and payload.
        frame: Bytes,
    },
    /// Run a job and hand back its result.
    Disk(DiskJob),
    /// Something that people may want to see.
    Event(Event),
    /// The members or their addresses changed: `Core::directory()` has them. Keep a link to each.
    MembersChanged,
    /// After `Input::Stop`: leadership is handed over and the log is synced; the process may end.
    Stopped,
    /// The node cannot go on without risking a promise. Print the sentence and end the process.
    Fatal {
        /// What happened and what to do.
        message: String,
    },
}
