//! The Rust client of Quartet.
//!
//! [`blocking::Client`] and [`nonblocking::Client`] are two thin bodies around one mind, [`core`], which decides without
//! touching a socket or a clock where a request goes, when it is tried again, and what its end means. So its rules are tested
//! step by step, in virtual time; a simulated body can drive it as well as the two real ones.
//!
//! What it does for a program:
//!
//! * learns every node of the cluster from one address and sends a key straight to the leader of its shard;
//! * leaves nodes alone that do not answer, for a while that doubles;
//! * makes each operation at the level that is asked for, in a session that may be handed from process to process;
//! * numbers every write, so that trying again applies it once, and tries again until the deadline;
//! * ends every operation by its deadline, with an error that says what to do ([`ErrorKind`]).
//!
//! Not here: levels of commands that have no key, transactions, pipelining of one caller's requests.

pub mod answer;
pub mod blocking;
pub mod core;
mod error;
mod name;
#[cfg(feature = "async")]
pub mod nonblocking;
pub mod operations;
mod options;
mod session;
mod terms;

pub use answer::{Achieved, Answer, Ttl};
pub use bytes::Bytes;
pub use error::{Error, ErrorKind};
pub use options::{Options, SetOptions};
pub use proto::level::{BadLadder, Ladder, Level};
pub use proto::outcome::State;
pub use proto::reply::Reply;
pub use session::Session;
pub use terms::Terms;
