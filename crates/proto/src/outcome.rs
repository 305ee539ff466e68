//! What a request came to, with the certificate that says what was achieved.

use crate::error::Failure;
use crate::hlc::Timestamp;
use crate::ids::NodeId;
use crate::level::Level;
use crate::reply::Reply;
use crate::tentative::{Dot, Dots};
use serde::{Deserialize, Serialize};

/// What is known about the moment and the value that a reply stands for (`docs/consistency.md`, certificates).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The commit timestamp of the value read or written; of an absent key, its slot's newest deletion; zero for
    /// commands of no single key.
    pub version: Timestamp,
    /// Linearizable: the commit timestamp of the last entry that the answering leader had applied. Sequential: where the read stands in the one order of the cluster, which is the
    /// time up to which its session has seen. Below: the replica's safe time.
    pub as_of: Timestamp,
    /// The node whose state answered.
    pub served_by: NodeId,
}

/// Whether the log has decided what an answer shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// It has.
    #[default]
    Committed,
    /// Not all of it.
    Tentative,
}

impl State {
    /// Its name on every front.
    pub fn name(self) -> &'static str {
        match self {
            State::Committed => "committed",
            State::Tentative => "tentative",
        }
    }
}

/// What a request achieved beyond its reply, as its session and its client see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Achieved {
    /// The rung that was met.
    pub level: Level,
    /// Whether what it wrote or shows is decided.
    pub state: State,
    /// A tentative write's own operation; of a command over several keys the last one.
    pub dot: Option<Dot>,
    /// The operations that a read below sequential showed, or that a write depends on, without those that are known to be decided.
    pub dots: Dots,
    /// The state that answered was at most so old, in milliseconds, as far as the nodes' clocks can be trusted; 0 for what was decided or proven meanwhile.
    pub age_ms: u64,
    /// The session after it, in writing, if it was asked for.
    pub token: Option<String>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// From an applied entry or a proven read. The reply may be an error of the command's own.
    Done {
        /// What the command answers.
        reply: Reply,
        /// What was achieved.
        certificate: Certificate,
    },
    /// The system could not answer from the state.
    Failed(Failure),
}
