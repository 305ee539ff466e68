//! One line of text for each event of a node, and how loud to say it.

use node::event::Event;
use proto::ids::GroupId;
use tracing::Level;

/// The event as a sentence, and the level at which it belongs into the log.
pub fn describe(event: &Event) -> (Level, String) {
    match event {
        Event::LeaderElected { group, term } => {
            (Level::DEBUG, format!("leads {} in term {term}", name(*group)))
        }
        Event::LeaderLost { group, term } => {
            (Level::DEBUG, format!("leads {} no more (term {term})", name(*group)))
        }
        Event::TransferBegun { group, to } => {
            (Level::DEBUG, format!("hands {} over to node {to}", name(*group)))
        }
        Event::PeerHeard { node } => (Level::INFO, format!("hears node {node}")),
        Event::PeerSilent { node } => (Level::WARN, format!("hears node {node} no more")),
        Event::StateDiffers { group, index, node } => (
            Level::ERROR,
            format!(
                "the state of {} at index {index} is not the same here and on node {node}: one of them has damaged memory or computes wrongly; the replica that is alone with its state is rebuilt, if a majority agrees",
                name(*group)
            ),
        ),
        Event::Quarantined { group, index } => (
            Level::ERROR,
            format!(
                "the replica of {} is forgotten and filled from the others anew: at index {index} a majority agreed on another state. If this happens again, test this machine's memory",
                name(*group)
            ),
        ),
        Event::Rerouted { node, via } if node == via => {
            (Level::INFO, format!("reaches node {node} directly again"))
        }
        Event::Rerouted { node, via } => {
            (Level::WARN, format!("no direct link to node {node} works: frames for it go through node {via}"))
        }
        Event::Relayed { bytes } => (Level::TRACE, format!("passed on a frame of {bytes} bytes")),
        Event::PeerRefused { node, why } => (Level::WARN, format!("refused a message of node {node}: {why}")),
        Event::ClockAhead { node, ahead_ms } => (
            Level::WARN,
            format!(
                "refused a message of node {node}, whose clock is {ahead_ms} ms ahead of this one; set the clocks (NTP)"
            ),
        ),
        Event::SnapshotWritten { group, index } => {
            (Level::DEBUG, format!("wrote a snapshot of {} up to index {index}", name(*group)))
        }
        Event::SnapshotOffered { group, to, index } => {
            (Level::INFO, format!("offers node {to} a snapshot of {} at index {index}", name(*group)))
        }
        Event::SnapshotInstalled { group, index, fetched_slots, kept_slots } => (
            Level::INFO,
            format!(
                "installed a snapshot of {} at index {index}: {fetched_slots} slots fetched, {kept_slots} were at hand",
                name(*group)
            ),
        ),
        Event::GroupPoisoned { group, why } => (
            Level::ERROR,
            format!("{} broke an assertion and is rebuilt from what is durable: {why}", name(*group)),
        ),
        Event::RebuildBegun { groups, alone: 0 } => (
            Level::WARN,
            format!(
                "rebuilding: replicas of {groups} groups are filled from the other nodes; until then they take no part"
            ),
        ),
        Event::RebuildBegun { groups, alone } => (
            Level::ERROR,
            format!(
                "rebuilding: replicas of {groups} groups are to be filled from the other nodes; {alone} of these groups have no other replica, so what they held is lost: put back the files that were set aside if they can be read elsewhere, or found a new cluster"
            ),
        ),
        Event::RebuildWanted { group, node } => (
            Level::INFO,
            format!("node {node} has lost its replica of {}; it is taken in anew", name(*group)),
        ),
        Event::ReplicaReborn { group, index, fetched_slots, kept_slots } => (
            Level::INFO,
            format!(
                "rebuilt {} at index {index}: {fetched_slots} slots fetched, {kept_slots} were at hand",
                name(*group)
            ),
        ),
        Event::MemoryLimit { reached: true } => {
            (Level::WARN, "the memory limit is reached: writes that grow the state are refused".to_owned())
        }
        Event::MemoryLimit { reached: false } => (Level::INFO, "below the memory limit again".to_owned()),
        Event::DiskSpace { low: _, out: true, free_bytes } => (
            Level::ERROR,
            format!(
                "the disk is full ({free_bytes} bytes are free): nothing is written any more, reads go on; make space on the file system of the data folder, and it goes on by itself"
            ),
        ),
        Event::DiskSpace { low: true, out: false, free_bytes } => (
            Level::WARN,
            format!(
                "the disk is nearly full ({free_bytes} bytes are free): writes that grow the data are refused; make space on the file system of the data folder, and they are taken again"
            ),
        ),
        Event::DiskSpace { low: false, out: false, free_bytes } => {
            (Level::INFO, format!("there is space on the disk again ({free_bytes} bytes)"))
        }
        Event::SpaceRanOut { place } => {
            (Level::WARN, format!("there is no space on the disk for {place}; it is made later"))
        }
        Event::DiskStalled { stalled: true } => (
            Level::WARN,
            "the disk has not answered for a second: leadership is handed to other nodes".to_owned(),
        ),
        Event::DiskStalled { stalled: false } => (Level::INFO, "the disk answers again".to_owned()),
        Event::LogSynced { bytes } => (Level::TRACE, format!("{bytes} log bytes are durable")),
    }
}

/// Writes the event into the log.
pub fn log(event: &Event) {
    let (level, text) = describe(event);
    // `tracing`'s macros want a level that is known at compile time.
    match level {
        Level::ERROR => tracing::error!("{text}"),
        Level::WARN => tracing::warn!("{text}"),
        Level::INFO => tracing::info!("{text}"),
        Level::DEBUG => tracing::debug!("{text}"),
        Level::TRACE => tracing::trace!("{text}"),
    }
}

fn name(group: GroupId) -> String {
    match group.shard() {
        Some(shard) => format!("shard {shard}"),
        None => "the directory".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::ids::{NodeId, Term};

    #[test]
    fn groups_are_named_as_people_name_them() {
        let (level, text) = describe(&Event::LeaderElected { group: GroupId(4), term: Term(7) });
        assert_eq!((level, text.as_str()), (Level::DEBUG, "leads shard 3 in term 7"));
        let (_, text) = describe(&Event::TransferBegun { group: GroupId::DIRECTORY, to: NodeId(2) });
        assert_eq!(text, "hands the directory over to node 2");
    }
}
