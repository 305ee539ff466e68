//! How N nodes that know only some addresses become one cluster, and never two.
//!
//! **The round.** Every 200 ms a founder tells each address it knows its whole view ([`FoundingMessage`]): who it is, what it wants, whom it hears,
//! and how far it has come. From others it learns further addresses. When it hears N founders (itself included) that hear it, too, and want the same, its *choice* is the N
//! with the lowest addresses. The lowest of them proposes once all N have said that very choice: it confirms the set, with the cluster id and key that it drew. The others
//! confirm what a member shows them. Confirming means: durable first, then said. Whoever knows that all N have confirmed knows that the cluster exists, stores
//! that, and tells whoever asks, for ever.
//!
//! **Safety.** A data folder confirms one set in its life, and a set becomes a cluster only when all of its members have confirmed it. So two
//! clusters share no data folder, and as any two sets of N out of fewer than 2N addresses share one, nodes at fewer than 2N addresses found one cluster (a
//! folder that was emptied counts as new). From 2N known addresses on, a founder waits until every one of them answers, so that it chooses like the others. What remains: 2N or more nodes,
//! started with N, half of which never heard of the other half, found two clusters, each whole in itself.
//!
//! **Liveness.** N nodes, all alive and hearing each other, found their cluster within a few rounds, whatever crashed before. A
//! founder that dies before all have confirmed founds nothing: the others wait and name it. What can stay stuck, and is said:
//! a confirmed set one of whose data folders was lost (nobody can know whether that node had learnt that the cluster exists); and, with more than N nodes,
//! two sets that overlap and were confirmed at the same moment over failing links. In both cases no node of these has served anyone yet, and the sentence names the folders to empty.
//!
//! It does not admit nodes to a running cluster, and it trusts its peers: links are authenticated by the body.

mod message;
mod round;
mod sentences;
mod set;
#[cfg(test)]
mod single_tests;
#[cfg(test)]
mod tests;

pub use message::{FOUNDING_VERSION, FoundingMessage, HEADER_BYTES, MessageError, Stage};
pub use round::{Drawn, Founding, Input, Output, Wanted};
pub use set::{Founder, FoundingSet, StoredFounding};
