//! What a founder tells people: what it waits for, and what to do about it.

use super::message::{FoundingMessage, Stage};
use super::round::Founding;
use super::set::{Founder, FoundingSet};
use crate::address::Address;
use std::fmt::Display;

/// What the founder is waiting for. Never empty.
pub(super) fn waiting(founding: &Founding) -> String {
    match &founding.stored {
        Some(stored) => unconfirmed(founding, &stored.set),
        None => seeking(founding),
    }
}

fn seeking(founding: &Founding) -> String {
    let expect = founding.wanted.expect;
    let here: Vec<&Address> = founding.candidates().map(|founder| &founder.peer).collect();
    let mut said = vec![if here.is_empty() {
        format!("Waiting to found a cluster of {expect} nodes; only this one, {}, is here.", founding.me.peer)
    } else {
        format!(
            "Waiting to found a cluster of {expect} nodes; {} and this one, {}, are here.",
            list(&here),
            founding.me.peer
        )
    }];
    let targets = founding.targets();
    let silent: Vec<&Address> = targets.iter().filter(|address| founding.fresh(address).is_none()).collect();
    if !silent.is_empty() {
        said.push(format!(
            "No answer from {}: start it, or check that the two nodes reach each other's peer address.",
            list(&silent)
        ));
    }
    if targets.len() + 1 < expect {
        said.push(format!(
            "Only {} of {expect} addresses are known: name more nodes with --join.",
            targets.len() + 1
        ));
    }
    said.extend(founding.here().flat_map(|view| differences(founding, view)));
    let mut doubles: Vec<u128> =
        founding.here().map(|view| view.founder.id).filter(|&id| founding.runs_twice(id)).collect();
    doubles.sort_unstable();
    doubles.dedup();
    for double in doubles {
        let places: Vec<&Address> =
            founding.here().filter(|view| view.founder.id == double).map(|view| &view.founder.peer).collect();
        said.push(format!(
            "{} run with copies of one data folder: stop one of them and start it with an empty folder.",
            list(&places)
        ));
    }
    if founding.has_rival() {
        said.push(format!(
            "Another node says that it, too, is at {}: give each node an address of its own (--advertise, --peer-port).",
            founding.me.peer
        ));
    }
    for view in founding.bound_elsewhere() {
        said.push(bound_elsewhere(&founding.me, view));
    }
    for view in founding.here() {
        if let Stage::Confirmed { set } = &view.stage
            && set.member(founding.me.id).is_some()
        {
            said.push(cannot_confirm(founding, view, set));
        }
    }
    if founding.is_crowded_and_unsure() {
        said.push(format!(
            "{} addresses are known where {expect} nodes are expected, so every one of them must answer first, lest two clusters be founded: start them, or take them out of --join.",
            targets.len() + 1
        ));
    }
    let choice = founding.choice();
    let ids: Vec<u128> = choice.iter().map(|founder| founder.id).collect();
    let undecided: Vec<&Address> = founding
        .here()
        .filter(|view| ids.contains(&view.founder.id))
        .filter(|view| matches!(&view.stage, Stage::Seeking { choice } if *choice != ids))
        .map(|view| &view.founder.peer)
        .collect();
    if !undecided.is_empty() {
        said.push(format!(
            "{} does not see the same nodes yet: check that all founders reach each other.",
            list(&undecided)
        ));
    } else if !choice.is_empty() && !ids.contains(&founding.me.id) {
        let founders: Vec<&Address> = choice.iter().map(|founder| &founder.peer).collect();
        said.push(format!(
            "More nodes are here than expected; {} will found the cluster without this one.",
            list(&founders)
        ));
    }
    said.join(" ")
}

fn differences(founding: &Founding, view: &FoundingMessage) -> Vec<String> {
    let mine = &founding.wanted;
    let peer = &view.founder.peer;
    let mut said = Vec::new();
    let mut compare = |option: &str, theirs: u64, ours: u64| {
        if theirs != ours {
            said.push(format!("{peer} was started with {option} {theirs}, this node with {ours}: start all founders with the same."));
        }
    };
    compare("--bootstrap-expect", u64::from(view.expect), mine.expect as u64);
    compare("--replicas", u64::from(view.replicas), u64::from(mine.replicas));
    compare("--shards", u64::from(view.shards), u64::from(mine.shards));
    said
}

fn bound_elsewhere(me: &Founder, view: &FoundingMessage) -> String {
    let peer = &view.founder.peer;
    let members = match &view.stage {
        Stage::Elsewhere { members, .. } => members,
        Stage::Confirmed { set } | Stage::Founded { set } => &set.members,
        Stage::Seeking { .. } => return String::new(),
    };
    let bound = format!("{peer} has confirmed to found a cluster of {}", peers(members));
    if members.iter().any(|member| member.peer == me.peer) {
        format!(
            "{bound}, and counts on another data folder at {}: start this node with that one. If it is lost, what {peer} says tells what to do.",
            me.peer
        )
    } else {
        format!(
            "{bound} without this node, and that is not settled yet: start all of those nodes; what they say then tells what to do."
        )
    }
}

fn cannot_confirm(founding: &Founding, view: &FoundingMessage, set: &FoundingSet) -> String {
    let proposer = &view.founder.peer;
    if let Some(record) = set.member(founding.me.id)
        && *record != founding.me
    {
        return format!(
            "{proposer} counts on this node at {}, but it runs at {}: start it with the addresses that it had, or, if this data folder is a copy, with an empty one.",
            record.peer, founding.me.peer
        );
    }
    let replaced = set
        .members
        .iter()
        .find(|member| founding.fresh(&member.peer).is_some_and(|heard| heard.view.founder.id != member.id));
    match replaced {
        Some(member) => format!(
            "{proposer} has confirmed to found a cluster with a data folder at {} that is no longer there: put it back, or empty the folder of {proposer} too (it has served no one yet) and start it again.",
            member.peer
        ),
        None => format!(
            "{proposer} has confirmed to found a cluster of {} nodes with {} replicas and {} shards, which is not what this node was started with: start it with the same.",
            set.members.len(),
            set.replicas,
            set.shards
        ),
    }
}

fn unconfirmed(founding: &Founding, set: &FoundingSet) -> String {
    let mut said = vec![format!("This node has confirmed to found a cluster of {}.", peers(&set.members))];
    let others = || set.members.iter().filter(|member| member.id != founding.me.id);
    let (mut silent, mut replaced, mut bound_elsewhere) = (Vec::new(), Vec::new(), Vec::new());
    // Those whose folders may be emptied if it comes to that: they wait as this node does.
    let mut waiting = vec![&founding.me.peer];
    for member in others() {
        let peer = &member.peer;
        let confirmed = founding.confirmed_by.contains(&member.id);
        match founding.fresh(peer).map(|heard| &heard.view) {
            None => {
                silent.push(peer);
                let known = if confirmed {
                    "which has confirmed"
                } else {
                    "which has not confirmed yet as far as is known"
                };
                said.push(format!("No answer from {peer}, {known}: start it again with its data folder."));
            }
            Some(view) if view.founder.id != member.id => {
                replaced.push(peer);
                said.push(format!("At {peer} another data folder answers than the one that was counted on: put that one back."));
            }
            Some(_) if confirmed => waiting.push(peer),
            Some(view) => match &view.stage {
                Stage::Seeking { .. } => said.push(format!("{peer} has not confirmed yet.")),
                Stage::Confirmed { .. } | Stage::Founded { .. } | Stage::Elsewhere { .. } => {
                    bound_elsewhere.push(peer);
                    said.push(format!("{peer} has confirmed to found another cluster."));
                }
            },
        }
    }
    let way_out = format!(
        "empty the data folders of {}, which hold nothing yet, and start them again.",
        list(&waiting)
    );
    if !bound_elsewhere.is_empty() {
        said.push(format!("So this cluster can never be founded: {way_out}"));
    } else if !replaced.is_empty() && silent.is_empty() {
        said.push(format!("If that data folder is lost, this cluster can never be founded: {way_out}"));
    } else if !replaced.is_empty() {
        // Nothing may be emptied on a guess: whoever is silent may serve a cluster that exists.
        said.push(
            "If that data folder is lost, start the others first: they may know that the cluster exists."
                .to_owned(),
        );
    }
    said.join(" ")
}

/// The founding file in the data folder is another node's.
pub(super) fn foreign_founding_file() -> String {
    "The founding file in this data folder belongs to another node: folders were mixed up. Start this node with its own data folder, or with an empty one.".to_owned()
}

/// The same founder id answers elsewhere.
pub(super) fn copied_folder(other: &Address) -> String {
    format!(
        "Another node, at {other}, runs with a copy of this data folder. A folder belongs to one node: stop one of the two and start it with an empty folder."
    )
}

/// The cluster exists, and this node is not in it.
pub(super) fn founded_without(me: &Founder, members: &[Founder]) -> String {
    let cluster = format!("A cluster was already founded by {}", peers(members));
    if members.iter().any(|member| member.id == me.id) {
        return format!(
            "{cluster}, with this node, but this data folder does not know of it: it is an old copy, or is used at another address. Start the node with the folder that it had."
        );
    }
    if members.iter().any(|member| member.peer == me.peer) {
        return format!(
            "{cluster}, with another data folder at {}: start this node with that folder. If it is lost, the others go on without it; taking in a replacement is not supported yet.",
            me.peer
        );
    }
    format!(
        "{cluster} without this node; joining a running cluster is not supported yet. To make it one of another cluster, give it other addresses in --join; to found anew with it, empty the data folders of all."
    )
}

fn peers(members: &[Founder]) -> String {
    list(&members.iter().map(|member| &member.peer).collect::<Vec<_>>())
}

fn list<T: Display>(items: &[T]) -> String {
    match items {
        [] => String::new(),
        [one] => one.to_string(),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(ToString::to_string).collect();
            format!("{} and {last}", rest.join(", "))
        }
    }
}
