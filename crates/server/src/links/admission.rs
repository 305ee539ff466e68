//! Who may link with this node, by what it knows of the cluster: members, their newest starts, and itself.
//!
//! It is asked only about peers that know the secret (`handshake`), and its sentences are for both sides. Founding messages are let through whoever sends them: their own
//! machine decides what they are worth.

use super::Me;
use super::handshake::{Hello, Purpose, RefusalKind, Refused};
use super::proof::Role;
use proto::ids::{Incarnation, NodeId};
use std::collections::BTreeMap;

/// Whether this node wants a link with whoever says this hello; if not, the sentence for both sides.
pub(super) fn unwanted(
    me: &Me,
    known: &BTreeMap<NodeId, Incarnation>,
    role: Role,
    target: Option<NodeId>,
    hello: &Hello,
) -> Option<Refused> {
    if hello.purpose == Purpose::Founding {
        return None;
    }
    let retry = |sentence: String| Some(Refused { kind: RefusalKind::Retry, sentence });
    let early = || {
        let sentence = "one of the two nodes is not part of the cluster yet".to_owned();
        Some(Refused { kind: RefusalKind::Early, sentence })
    };
    let Some(cluster) = me.cluster else { return early() };
    match hello.cluster {
        Some(theirs) if theirs != cluster => {
            return retry(format!(
                "one of the two nodes belongs to cluster {cluster}, the other to cluster {theirs}; point each at nodes of its own cluster, or give the newcomer an empty data folder"
            ));
        }
        Some(_) => {}
        None => return early(),
    }
    let asked = if role == Role::Accepter { hello.wanted } else { me.node };
    if asked != me.node {
        return retry(format!("this is node {}, not node {asked}; the address has moved", me.node));
    }
    if let Some(target) = target.filter(|target| *target != hello.node) {
        return retry(format!("this is node {}, not node {target}; the address has moved", hello.node));
    }
    if hello.node == me.node {
        return retry(format!("both nodes are node {}; one of the two data folders is a copy", me.node));
    }
    match known.get(&hello.node) {
        None => retry(format!("the cluster has no node {}", hello.node)),
        Some(newest) if *newest > hello.incarnation => Some(Refused {
            kind: RefusalKind::OldIncarnation,
            sentence: format!(
                "node {} was seen in a newer start ({newest}, this is {}): this data folder is an old copy; start the node from its newest folder, or remove this one",
                hello.node, hello.incarnation
            ),
        }),
        Some(_) => None,
    }
}
